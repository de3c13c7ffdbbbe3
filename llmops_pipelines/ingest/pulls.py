"""The list ``pull:`` of ``sources.yaml``: services whose logs are downloaded day by day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Kind = Literal[
    "phoenix",
    "langfuse",
    "langfuse_scores",
    "langsmith",
    "langsmith_feedback",
    "mlflow",
    "litellm_postgres",
]

PULLED: Final = "pulled"
"""Folder below the log root; nothing but the pull writes there."""

PULLED_FORMATS: Final[dict[str, str]] = {
    "phoenix": "openinference",
    "langfuse": "langfuse",
    "langfuse_scores": "langfuse",
    "langsmith": "langsmith",
    "langsmith_feedback": "langsmith",
    "mlflow": "mlflow",
    "litellm_postgres": "litellm",
}
"""The log format of what each kind of service returns."""

_PAGE_SIZES: Final = {
    "phoenix": 500,
    "langfuse": 500,
    "langfuse_scores": 100,
    "langsmith": 100,
    "langsmith_feedback": 100,
    "mlflow": 100,
    "litellm_postgres": 2000,
}
_LARGEST_PAGES: Final = {
    "phoenix": 1000,
    "langfuse": 1000,
    "langfuse_scores": 100,
    "langsmith": 100,
    "langsmith_feedback": 100,
    "mlflow": 500,
}
_BY_PROJECT: Final = ("phoenix", "langsmith", "langsmith_feedback")
_FIRST_DAYS: Final = timedelta(days=7)
_VARIABLE: Final = r"^[A-Z][A-Z0-9_]*$"


class Pull(BaseModel):
    """One service whose logs are downloaded by UTC day."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # It names a folder: neither dots nor slashes, so it cannot leave the log root.
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="Folder of its files.")
    kind: Kind = Field(description="Which service it is.")
    url: str = Field(description="Root of the service, or the database's postgresql:// URL.")
    project: str = Field("", description="Phoenix or LangSmith: the project.")
    experiment: str = Field("", description="MLflow: the experiment's name.")
    page_size: int | None = Field(None, ge=1, le=10_000, description="Records asked for at once.")
    requests_per_minute: int | None = Field(None, ge=1, description="Ask no more often than this.")
    timeout_s: float = Field(60, gt=0, le=3600, description="Seconds to wait for an answer.")
    api_key_env: str = Field(
        "", pattern=f"({_VARIABLE})|^$", description="Variable with the secret key or password."
    )
    public_key_env: str = Field(
        "", pattern=f"({_VARIABLE})|^$", description="Langfuse: variable with the public key."
    )
    since: date | None = Field(None, description="First day; default: seven days ago.")
    look_back_days: int = Field(
        3, ge=1, le=366, description="So many past days are asked about again every night."
    )

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            usable = bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise ValueError("is no URL") from error
        if not usable or not url.isprintable() or " " in url:
            raise ValueError("is no URL with a host")
        if parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no password and no query; name variables in api_key_env")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        scheme = urlsplit(self.url).scheme
        if self.kind == "litellm_postgres":
            if scheme not in ("postgresql", "postgres"):
                raise ValueError("url: must begin with postgresql://, as in postgresql://me@db/llm")
        elif scheme not in ("http", "https") or "@" in urlsplit(self.url).netloc:
            raise ValueError("url: must begin with http:// or https://, and name no user")
        if self.kind in _BY_PROJECT and not self.project:
            raise ValueError(f"project: is missing; {self.kind} keeps logs by project")
        if self.kind == "mlflow" and not self.experiment:
            raise ValueError("experiment: is missing; mlflow keeps traces by experiment")
        if self.kind.startswith("langfuse") and bool(self.api_key_env) != bool(self.public_key_env):
            raise ValueError("api_key_env, public_key_env: langfuse has two keys; name both")
        largest = _LARGEST_PAGES.get(self.kind)
        if largest and (self.page_size or 0) > largest:
            raise ValueError(f"page_size: {self.kind} gives at most {largest} records at once")
        return self

    @property
    def size(self) -> int:
        """Records asked for at once."""
        return self.page_size or _PAGE_SIZES[self.kind]

    @property
    def variables(self) -> list[str]:
        """Environment variables that hold its secrets."""
        return [name for name in (self.api_key_env, self.public_key_env) if name]

    def file(self, day: date) -> str:
        """Where the records of ``day`` lie below the log root."""
        return f"{PULLED}/{self.name}/{day.isoformat()}.ndjson.zst"

    def days(self, today: date) -> list[date]:
        """Every day that may be pulled: from ``since`` to yesterday, for today is not over."""
        first = self.since or today - _FIRST_DAYS
        return [first + timedelta(days=n) for n in range((today - first).days)]

    def looks_back_to(self, today: date) -> date:
        """Days from this one on are asked about again."""
        return today - timedelta(days=self.look_back_days)
