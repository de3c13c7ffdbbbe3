"""A prompt file of the registry: its versions, the active one, and every move of that label."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _quoted(value: Any) -> Any:
    """Refuse a bare number or date: YAML would read version 1.10 as 1.1."""
    if isinstance(value, int | float | date):
        raise ValueError('a version is text, write it in quotes, as in "3"')
    return value


def _utc(value: datetime) -> datetime:
    """Naive UTC, the only clock of this project; a time without a zone is UTC already."""
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


Version = Annotated[str, BeforeValidator(_quoted), Field(min_length=1)]
Instant = Annotated[datetime, AfterValidator(_utc)]


class PromptVersion(BaseModel):
    """One wording of a prompt. It never changes once it has served traffic: add a version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Version = Field(description="As the application logs it in `prompt_version`.")
    created: date = Field(description="Day it was written.")
    notes: str = Field("", description="What changed and why, for people.")
    template: str = Field(min_length=1, description="The wording.")


class Activation(BaseModel):
    """One move of the active label."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    at: Instant = Field(description="When, UTC.")
    from_version: Version | None = Field(None, alias="from", description="Active before.")
    to_version: Version = Field(alias="to", description="Active since.")
    why: str = Field(min_length=1, description="Who or what moved it, and for which reason.")


class PromptFile(BaseModel):
    """All of ``prompts/<name>.yaml``: one prompt of one feature."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, description="As the application logs it in `prompt_name`.")
    feature: str = Field(min_length=1, description="Feature that it serves.")
    active: Version = Field(description="Version the application is meant to use.")
    versions: tuple[PromptVersion, ...] = Field(min_length=1)
    history: tuple[Activation, ...] = Field((), description="Moves of the label, oldest first.")

    @property
    def known(self) -> tuple[str, ...]:
        """The versions on file, in the file's order."""
        return tuple(version.version for version in self.versions)

    @property
    def previous(self) -> str | None:
        """The version that was active before the active one; None if there never was another.

        Where someone edited ``active`` by hand, the last recorded one is the previous.
        """
        if not self.history:
            return None
        last = self.history[-1]
        return last.from_version if last.to_version == self.active else last.to_version

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if twice := sorted({name for name in self.known if self.known.count(name) > 1}):
            raise ValueError(
                f"version {twice[0]!r} is given {self.known.count(twice[0])} times; "
                "give each wording a version of its own"
            )
        listed = ", ".join(self.known)
        if self.active not in self.known:
            raise ValueError(f"active is {self.active!r}, but the versions are {listed}")
        for move in self.history:
            for version in (move.from_version, move.to_version):
                if version is not None and version not in self.known:
                    raise ValueError(
                        f"history of {move.at} names version {version!r}, but the versions are "
                        f"{listed}; keep versions that once were active"
                    )
        moments = [move.at for move in self.history]
        if moments != sorted(moments):
            raise ValueError("history is not in the order of time; put the oldest move first")
        return self


def previous_active(file: PromptFile) -> str | None:
    """The version that was active before the active one; None if there never was another."""
    return file.previous
