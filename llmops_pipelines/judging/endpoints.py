"""``judges.yaml``: named endpoints that features may send their texts to, and juries of them."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from llmops_pipelines.judging.juries import Combine

RESERVED = ("none", "local", "judge")
"""What ``judging:`` may say without this file; ``judge`` is the endpoint at JUDGE_BASE_URL."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_NEVER_EQUAL = (
    "scores weighed by log probabilities are hardly ever equal, so that no majority gives one; "
    "write `combine: mean`"
)
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class NamedJudge(BaseModel):
    """One endpoint. Keys stand in the environment, under the variable it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field("", description="Root, ending in /v1; or base_url_env.")
    base_url_env: Variable | None = Field(None, description="Variable that holds the root.")
    api_key_env: Variable | None = Field(None, description="Variable that holds the key.")
    models: tuple[str, ...] = Field(
        min_length=1, description="Models asked for; several are a jury."
    )
    combine: Combine = Field("majority", description="How several models become one verdict.")
    logprobs: bool = Field(False, description="Weigh rubric scores by token probabilities.")
    batch: Literal["", "openai", "anthropic"] = Field(
        "", description="Batch API to judge by, at half the price; empty: at once."
    )
    concurrency: int = Field(64, ge=1, le=1024, description="Most requests at once.")
    requests_per_minute: float | None = Field(None, gt=0, description="Most a minute.")
    tokens_per_minute: float | None = Field(None, gt=0, description="Most a minute, in and out.")

    @field_validator("base_url")
    @classmethod
    def _is_a_root(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise ValueError("must begin with http:// or https://, as in https://host/v1")
        if "@" in parts.netloc or parts.query:
            raise ValueError("must hold no user, password or query; name a variable in api_key_env")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _has_one_root(self) -> Self:
        if bool(self.base_url) == bool(self.base_url_env):
            raise ValueError("give one of base_url and base_url_env")
        if len(set(self.models)) < len(self.models):
            raise ValueError("models: one is given twice")
        if self.logprobs and self.batch == "anthropic":
            raise ValueError("logprobs: Anthropic's batches tell none; leave out `batch`")
        if len(self.models) > 1 and self.logprobs and self.combine == "majority":
            raise ValueError(f"combine: {_NEVER_EQUAL}")
        return self

    @property
    def variables(self) -> list[str]:
        """Environment variables that it needs."""
        return [name for name in (self.base_url_env, self.api_key_env) if name]


class Jury(BaseModel):
    """Several endpoints that judge the same items; its members' models all have a seat."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: tuple[str, ...] = Field(min_length=2, description="Names under judges:, or judge.")
    combine: Combine = Field("majority", description="How their verdicts become one.")


class Judges(BaseModel):
    """All of ``judges.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    judges: dict[str, NamedJudge] = Field(default_factory=dict)
    juries: dict[str, Jury] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        names = [*self.judges, *self.juries]
        for name in names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name: a to z first, then also 0 to 9, _ and -")
            if name in RESERVED:
                raise ValueError(f"{name!r} has a meaning already; choose another name")
            if names.count(name) > 1:
                raise ValueError(f"{name!r} is a judge and a jury; choose another name for one")
        known = ("judge", *self.judges)
        for name, jury in self.juries.items():
            if unknown := [member for member in jury.members if member not in known]:
                raise ValueError(
                    f"juries.{name}.members: no judge is called {unknown[0]!r}; known: "
                    + ", ".join(known)
                )
            weighed = [m for m in jury.members if m in self.judges and self.judges[m].logprobs]
            if weighed and jury.combine == "majority":
                raise ValueError(f"juries.{name}.combine: of {weighed[0]}, {_NEVER_EQUAL}")
        return self

    @property
    def accepted(self) -> tuple[str, ...]:
        """All that ``judging:`` in features.yaml may say."""
        return (*RESERVED, *self.judges, *self.juries)

    @property
    def variables(self) -> list[str]:
        """Environment variables that any of them needs, each once."""
        return sorted({name for judge in self.judges.values() for name in judge.variables})
