"""The composition root: settings from the environment, and the code location Dagster loads."""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

import dagster as dg
from pydantic import AliasChoices, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from llmops_pipelines.adapters.webhook import is_address
from llmops_pipelines.ingest import Sources
from llmops_pipelines.orchestration.graph import jobs, placing, schedules
from llmops_pipelines.orchestration.graph.all_resources import Resources
from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.partitions import DEFAULT_START
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    Judge,
    LakeResource,
    LogFolder,
    Policy,
    Privacy,
    Pulling,
    ReferenceFolder,
    Webhook,
)
from llmops_pipelines.orchestration.judging.endpoints import read_judges
from llmops_pipelines.orchestration.runs import sensors
from llmops_pipelines.reference import ReferenceFileError

SILENT = {
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "RAGAS_DO_NOT_TRACK": "true",
    "GX_ANALYTICS_ENABLED": "False",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
"""What keeps our dependencies from calling home, whoever starts the process."""

for _variable, _value in SILENT.items():
    os.environ.setdefault(_variable, _value)


def telemetry() -> dict[str, bool]:
    """Each variable of `SILENT`, and whether it keeps its library silent in this process."""
    return {name: os.environ.get(name) == value for name, value in SILENT.items()}


_FORMS: Final = {
    "tenant": (r"[A-Za-z0-9_.-]{0,63}", "is a tag: at most 63 letters, digits, _, . and -"),
    "schedule_name": (r"[A-Za-z0-9_]+", "is a name of letters, digits and _"),
    "key_prefix": (
        r"([A-Za-z0-9_]+(/[A-Za-z0-9_]+)*)?",
        "is names of letters, digits and _, separated by /",
    ),
}
"""How settings that become names in Dagster are spelled."""

_SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "azure", "adl", "abfs", "abfss", "file")


class Settings(BaseSettings):
    """Everything the environment may say; each variable is ``LLMOPS_<NAME>`` unless said."""

    model_config = SettingsConfigDict(env_prefix="LLMOPS_", frozen=True, populate_by_name=True)

    data: Path = Field(
        Path("data"), description="Data folder: reference/, logs/, lake/, .dagster/."
    )
    lake: str = Field("", description="Lake root if not DATA/lake; an s3:// URL in production.")
    logs: str = Field("", description="Log root if not DATA/logs; an s3:// URL in production.")
    reference: str = Field("", description="Reference folder if not DATA/reference.")
    invoices: str = Field(
        "", description="Root of invoices if not DATA/invoices; an s3:// URL in production."
    )
    storage_options: dict[str, str] = Field(
        default_factory=dict, description="JSON object of storage options for object stores."
    )
    start: date = Field(DEFAULT_START, description="First day; older records are rejected.")
    landing_seconds: int = Field(60, ge=5, description="How often the daemon looks for new logs.")
    tenant: str = Field("", description="Tenant, as tag on every asset and run.")
    key_prefix: str = Field("", description="Asset-key prefix, parts separated by /.")
    schedule_name: str = Field("nightly", description="Name of the nightly schedule.")
    user_hash_key: SecretStr = Field(SecretStr(""), description="Key that users are hashed with.")
    user_hash_old_keys: SecretStr = Field(
        SecretStr(""), description="Keys before it, by commas; `llmops forget` tries them all."
    )
    sample_per_day: int = Field(100, ge=0, description="Traces drawn for judging per day.")
    sample_seed: int = Field(7, description="Seed of the draw.")
    act_within_hours: float = Field(48, ge=0, description="Older days never notify or roll back.")
    rollback: bool = Field(False, description="Move prompt labels back; otherwise only say so.")
    webhook_url: SecretStr = Field(SecretStr(""), description="Webhook for alerts, Slack's fits.")
    price_catalogue_max_age_days: int = Field(
        45, ge=1, description="Days after which the newest price of the catalogue counts as old."
    )
    now: str = Field("", description="ISO instant to take for now, in tests and replays.")
    judge_base_url: str = Field(
        "",
        validation_alias=AliasChoices("JUDGE_BASE_URL", "judge_base_url"),
        description="Root of an OpenAI-compatible endpoint, ending in /v1.",
    )
    judge_api_key: SecretStr = Field(
        SecretStr(""),
        validation_alias=AliasChoices("JUDGE_API_KEY", "judge_api_key"),
        description="Its key. A key alone judges nothing.",
    )
    judge_model: str = Field(
        "",
        validation_alias=AliasChoices("JUDGE_MODEL", "judge_model"),
        description="Model asked for; pin a dated version.",
    )
    entailment_model: str = Field(
        "",
        description="Entailment model to run here: a folder, or a name in the Hugging Face cache.",
    )
    judge_max_usd_per_run: float = Field(5.0, ge=0, description="Cap of a run, US dollars.")
    judge_max_usd_per_day: float = Field(20.0, ge=0, description="Cap of a UTC day, US dollars.")
    judge_max_calls_per_run: int = Field(2000, ge=0, description="Cap without a price.")
    judge_max_in_flight: int = Field(64, ge=1, description="Requests to the judge at once.")
    judge_requests_per_minute: int = Field(0, ge=0, description="Most a minute; 0: no limit.")
    judge_tokens_per_minute: int = Field(0, ge=0, description="Most a minute; 0: no limit.")
    judge_item_deadline_s: float = Field(300.0, gt=0, description="Seconds an item may take.")
    judge_run_deadline_s: float = Field(21_600.0, gt=0, description="Seconds a run may judge.")
    judge_within_days: int = Field(7, ge=0, description="Older days are not judged unasked.")
    judge_preflight_days: float = Field(
        7.0, ge=0, description="How long a preflight of a judge holds, in days; 0: none is made."
    )
    judge_batch: Literal["", "openai", "anthropic"] = Field(
        "", description="`openai` or `anthropic`: judge by its batch API, at half the price."
    )

    @field_validator("now")
    @classmethod
    def _is_an_instant(cls, now: str) -> str:
        try:
            datetime.fromisoformat(now or "2026-01-01")
        except ValueError as error:
            raise ValueError("is no ISO instant, such as 2026-11-22T03:00:00Z") from error
        return now

    @field_validator("lake", "logs", "invoices")
    @classmethod
    def _can_be_opened(cls, root: str) -> str:
        scheme, is_url, _ = root.partition("://")
        if is_url and scheme not in _SCHEMES:
            raise ValueError(f"give a folder, or a URL of {', '.join(_SCHEMES)}")
        return root

    @field_validator("tenant", "schedule_name", "key_prefix")
    @classmethod
    def _is_well_formed(cls, text: str, info: ValidationInfo) -> str:
        form, told = _FORMS[str(info.field_name)]
        if not re.fullmatch(form, text):
            raise ValueError(told)
        return text

    @field_validator("webhook_url")
    @classmethod
    def _is_a_webhook(cls, url: SecretStr) -> SecretStr:
        # Accepted, it would tell nobody of any alert.
        if (address := url.get_secret_value()) and not is_address(address):
            raise ValueError("give http:// or https:// and a host, without user and password")
        return url

    @field_validator("judge_base_url")
    @classmethod
    def _is_a_url(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://, as in http://127.0.0.1:8000/v1")
        return url

    @property
    def home(self) -> Path:
        """Folder of the Dagster instance."""
        return self.data.absolute() / ".dagster"

    @property
    def lake_root(self) -> str:
        """Where the tables are."""
        return self.lake or str(self.data.absolute() / "lake")

    @property
    def log_root(self) -> str:
        """Where the logs are."""
        return self.logs or str(self.data.absolute() / "logs")

    @property
    def invoice_root(self) -> str:
        """Where providers' invoices and usage exports are."""
        return self.invoices or str(self.data.absolute() / "invoices")

    @property
    def reference_root(self) -> str:
        """Where the files people edit are."""
        return self.reference or str(self.data.absolute() / "reference")


def variables() -> dict[str, str]:
    """The environment variable of each setting, by the setting's name and by its own."""
    names = {
        name: name.upper() if field.validation_alias else f"LLMOPS_{name.upper()}"
        for name, field in Settings.model_fields.items()
    }
    return names | {variable: variable for variable in names.values()}


def unread_variables() -> list[str]:
    """Variables of the environment that look like settings and are none."""
    known = set(variables().values())
    unread = sorted(
        name for name in os.environ if name.startswith("LLMOPS_") and name.upper() not in known
    )
    close = {name: get_close_matches(name, known, n=1) for name in unread}
    return [
        f"{name} is no setting" + (f"; did you mean {close[name][0]}?" if close[name] else "")
        for name in unread
    ]


def pull_secrets(reference: ReferenceFolder) -> dict[str, str]:
    """The variables that ``pull:`` in sources.yaml names, as far as the environment has them.

    Dagster keeps their names and looks the values up when a run begins.
    """
    try:
        entries = reference.read("sources.yaml", Sources).pull
    except (ReferenceFileError, OSError):
        return {}  # every run tells of it; the code location loads all the same
    names = {name for entry in entries for name in entry.variables}
    return {name: dg.EnvVar(name) for name in sorted(names & set(os.environ))}


def judge_variables(reference: ReferenceFolder) -> dict[str, str]:
    """The variables that judges.yaml names, as far as the environment has them; see above."""
    try:
        names = read_judges(reference).variables
    except (ReferenceFileError, OSError):
        return {}
    return {name: dg.EnvVar(name) for name in names if name in os.environ}


def resources_of(settings: Settings, pull_only: str = "") -> Resources:
    """The resources for ``settings``; ``pull_only`` names the one source to download from."""
    reference = ReferenceFolder(path=settings.reference_root)
    lake = LakeResource(root=settings.lake_root, options=settings.storage_options)
    return Resources(
        golden_folder=str(settings.data.absolute() / "golden"),
        lake=lake,
        io_manager=LakeIOManager(lake=lake),
        logs=LogFolder(root=settings.log_root, options=settings.storage_options),
        invoices=LogFolder(root=settings.invoice_root, options=settings.storage_options),
        reference=reference,
        privacy=Privacy(
            hash_key=settings.user_hash_key.get_secret_value(),
            old_keys=settings.user_hash_old_keys.get_secret_value(),
            key_file=str(settings.home / "user_hash.key"),
        ),
        clock=Clock(fixed=settings.now),
        policy=Policy(
            sample_per_day=settings.sample_per_day,
            sample_seed=settings.sample_seed,
            act_within_hours=settings.act_within_hours,
            dry_run=not settings.rollback,
            start=settings.start.isoformat(),
            price_catalogue_max_age_days=settings.price_catalogue_max_age_days,
        ),
        judge=Judge(
            name="judge",
            base_url=settings.judge_base_url,
            api_key=settings.judge_api_key.get_secret_value(),
            model=settings.judge_model,
            max_usd_per_run=settings.judge_max_usd_per_run,
            max_usd_per_day=settings.judge_max_usd_per_day,
            max_calls_per_run=settings.judge_max_calls_per_run,
            state=str(settings.home / "judging"),
            max_in_flight=settings.judge_max_in_flight,
            requests_per_minute=settings.judge_requests_per_minute,
            tokens_per_minute=settings.judge_tokens_per_minute,
            item_deadline_s=settings.judge_item_deadline_s,
            run_deadline_s=settings.judge_run_deadline_s,
            judge_within_days=settings.judge_within_days,
            preflight_days=settings.judge_preflight_days,
            named=judge_variables(reference),
            entailment_model=settings.entailment_model,
            batch=settings.judge_batch,
        ),
        webhook=Webhook(url=settings.webhook_url.get_secret_value()),
        pulling=Pulling(
            staging=str(settings.home / "pulling"),
            secrets=pull_secrets(reference),
            only=pull_only,
        ),
    )


def build_definitions(settings: Settings, pull_only: str = "") -> dg.Definitions:
    """The code location for ``settings``: the graph with its jobs, schedules and sensors."""
    graph = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    placed = placing.place(
        graph, start=settings.start, prefix=settings.key_prefix, tenant=settings.tenant
    )
    return dg.Definitions.merge(
        placed,
        dg.Definitions(
            jobs=jobs.JOBS,
            schedules=[schedules.nightly_schedule(settings.schedule_name, settings.tenant)],
            sensors=[sensors.landing_sensor(settings.landing_seconds), *sensors.SENSORS],
            resources=vars(resources_of(settings, pull_only)),
            executor=dg.in_process_executor,
        ),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Everything ``dagster dev`` shows."""
    return build_definitions(Settings())
