"""What runs are given: lake, logs, the files people edit, the clock, the judge, the webhook."""

import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import dagster as dg
from pydantic import BaseModel, Field

from llmops_pipelines.ingest import LogFile
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import Store, open_store
from llmops_pipelines.reference import document_text, parse_document

Document = TypeVar("Document", bound=BaseModel)

JUDGE = "judge"
"""What features.yaml calls the endpoint at JUDGE_BASE_URL."""


class LakeResource(dg.ConfigurableResource[Any]):
    """Where the tables are."""

    root: str = Field(description="Folder, or URL such as s3://bucket/prefix.")
    options: dict[str, str] = Field(
        default_factory=dict, description="Storage options, as Polars and obstore spell them."
    )

    def open(self) -> Lake:
        """The lake at ``root``."""
        return _open_lake(self.root, tuple(sorted(self.options.items())))


@lru_cache(maxsize=16)
def _open_lake(root: str, options: tuple[tuple[str, str], ...]) -> Lake:
    return Lake(open_store(root, dict(options)))


class ReferenceFolder(dg.ConfigurableResource[Any]):
    """The files people edit and review."""

    path: str = Field(description="Folder that holds features.yaml, prices.yaml, ...")

    def read(self, name: str, model: type[Document]) -> Document:
        """``name`` as ``model``; a file that is not there is an empty one.

        Raises:
            ReferenceFileError: Naming file, line and field.
        """
        file = Path(self.path) / name
        content = file.read_bytes() if file.exists() else b""
        return parse_document(document_text(content, file=str(file)), model, file=str(file))

    def folder(self) -> Path:
        """The folder itself, for the prompt registry, which is written too."""
        return Path(self.path)


class Clock(dg.ConfigurableResource[Any]):
    """The time of day; fixed in tests and replays."""

    fixed: str = Field("", description="ISO instant to take for now; empty for the real time.")

    def now(self) -> datetime:
        """Now, in UTC, without a zone."""
        moment = datetime.fromisoformat(self.fixed) if self.fixed else datetime.now(UTC)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)

    def today(self) -> date:
        """The UTC day that is still filling."""
        return self.now().date()


class LogFolder(dg.ConfigurableResource[Any]):
    """The landing zone: a folder, or a prefix in an object store, in any layout."""

    root: str = Field(description="Folder, or URL such as s3://bucket/logs.")
    options: dict[str, str] = Field(default_factory=dict, description="Storage options.")

    def store(self) -> Store:
        """Where the files lie, for what writes them."""
        return open_store(self.root, self.options, confined=True)

    def files(self) -> Iterator[LogFile]:
        """Every file below the root, folder by folder; none if there is no such folder."""
        store = self.store()
        opener, named = store.open, store.open_named
        return (LogFile(*entry, opener, named) for entry in store.walk(""))


class Pulling(dg.ConfigurableResource[Any]):
    """What downloading logs from other services needs besides ``pull:`` in sources.yaml."""

    staging: str = Field(description="Folder on this machine for days that are not complete yet.")
    secrets: dict[str, str] = Field(
        default_factory=dict, description="Secret; by the variables that sources.yaml names."
    )
    only: str = Field("", description="Name of the one source to ask; empty for all.")


class Privacy(dg.ConfigurableResource[Any]):
    """The keys that users are hashed with: the newest for new rows, all to find old ones."""

    hash_key: str = Field("", description="Secret; from LLMOPS_USER_HASH_KEY.")
    old_keys: str = Field("", description="Secrets; from LLMOPS_USER_HASH_OLD_KEYS, by commas.")
    key_file: str = Field("", description="Where keys are kept, one a line, newest last.")

    def key(self) -> bytes:
        """The key given, else the newest of the file, made there if there is none."""
        if self.hash_key:
            return self.hash_key.encode()
        if not self._kept():
            self.rotate()
        return self._kept()[-1]

    def ring(self) -> list[bytes]:
        """Every key that ever hashed a user, as far as it is known; the newest first."""
        given = [self.hash_key, *(key.strip() for key in self.old_keys.split(","))]
        known = [*(key.encode() for key in given if key), *reversed(self._kept())]
        return list(dict.fromkeys(known))

    def rotate(self) -> None:
        """Add a new key to the file; rows that land from now on are hashed with it.

        Raises:
            ValueError: The key comes from the environment, where it has to be changed.
        """
        if self.hash_key:
            raise ValueError("the key comes from LLMOPS_USER_HASH_KEY")
        file = Path(self.key_file)
        keys = [*(key.decode() for key in self._kept()), secrets.token_hex(32)]
        file.parent.mkdir(parents=True, exist_ok=True)
        # Written beside and renamed: a key that is lost cannot be made again.
        staged = file.with_name(f".{file.name}.new")
        staged.touch(mode=0o600)
        staged.write_text("\n".join(keys))
        staged.replace(file)

    def _kept(self) -> list[bytes]:
        file = Path(self.key_file)
        return file.read_bytes().split() if self.key_file and file.exists() else []


class Policy(dg.ConfigurableResource[Any]):
    """How much is judged, and when the pipeline acts by itself."""

    sample_per_day: int = Field(100, ge=0, description="Traces drawn for judging per day.")
    sample_seed: int = Field(7, description="Seed of the draw; the same seed, the same traces.")
    act_within_hours: float = Field(
        48, ge=0, description="Days that ended longer ago never notify and never roll back."
    )
    dry_run: bool = Field(True, description="Say what would be rolled back, and leave it.")
    start: str = Field("2023-01-01", description="First day; older records are rejected.")
    price_catalogue_max_age_days: int = Field(
        45, ge=1, description="Days after which the newest price of the catalogue counts as old."
    )

    @property
    def act_within(self) -> timedelta:
        """``act_within_hours`` as a duration."""
        return timedelta(hours=self.act_within_hours)


class Judge(dg.ConfigurableResource[Any]):
    """The endpoint of the environment, what judges.yaml needs of it, and the caps of all judges."""

    name: str = Field(JUDGE, description="What features.yaml calls it.")
    base_url: str = Field("", description="Endpoint root, ending in /v1; empty: no judge.")
    api_key: str = Field("", description="Secret; from JUDGE_API_KEY.")
    model: str = Field("", description="Model name as the endpoint spells it; pin a version.")
    max_usd_per_run: float = Field(5.0, ge=0, description="Cap in US dollars per run.")
    max_usd_per_day: float = Field(20.0, ge=0, description="Cap in US dollars per UTC day.")
    max_calls_per_run: int = Field(2000, ge=0, description="Cap where the judge has no price.")
    state: str = Field(
        "", description="Folder where processes share caps and pace; empty: each has its own."
    )
    max_in_flight: int = Field(64, ge=1, description="Requests at once, of all processes.")
    requests_per_minute: int = Field(0, ge=0, description="Of all processes; 0: no limit.")
    tokens_per_minute: int = Field(0, ge=0, description="Of all processes; 0: no limit.")
    item_deadline_s: float = Field(300.0, gt=0, description="Seconds one item may take.")
    run_deadline_s: float = Field(21_600.0, gt=0, description="Seconds after which none is begun.")
    judge_within_days: int = Field(
        7, ge=0, description="Older days are judged for money only when asked."
    )
    preflight_days: float = Field(
        7, ge=0, description="How long what is known of an endpoint holds; 0: none is checked."
    )
    named: dict[str, str] = Field(
        default_factory=dict, description="Secret; by the variables that judges.yaml names."
    )
    entailment_model: str = Field(
        "", description="Cross-encoder that judges on this machine, of all features but `none`."
    )
    batch: Literal["", "openai", "anthropic"] = Field(
        "", description="Batch API to judge by, at half the price; empty: at once."
    )


class Webhook(dg.ConfigurableResource[Any]):
    """Where changes of alert states are told; Slack's incoming webhooks fit."""

    url: str = Field("", description="Secret; from LLMOPS_WEBHOOK_URL; empty: nobody is told.")
