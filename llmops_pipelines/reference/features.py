"""``features.yaml``: who owns a product feature, what may be kept of it, and who may judge it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

UNATTRIBUTED = "unattributed"
"""The feature of a record that names none; counted, never dropped."""


class Feature(BaseModel):
    """One product feature."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    team: str | None = Field(None, description="Team that pays and is woken up.")
    criticality: Literal["low", "normal", "high"] = Field(
        "normal", description="high draws three times the judged sample of normal, low a third."
    )
    content: Literal["full", "redacted", "none"] = Field(
        "redacted", description="What of its texts is kept; `full` skips redaction, on purpose."
    )
    judging: str = Field(
        "local", description="none, local (embedded scorers only) or the name of a judge endpoint."
    )
    output_schema: dict[str, Any] | None = Field(
        None, description="JSON schema its answers must meet."
    )
    has_contexts: bool | None = Field(
        None, description="Answers are meant to rest on retrieved contexts; null: as logged."
    )


class Features(BaseModel):
    """All of ``features.yaml``. A feature it does not list gets the defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: dict[str, Feature] = Field(default_factory=dict)

    def of(self, name: str) -> Feature:
        """The settings of ``name``, defaults where the file is silent."""
        return self.features.get(name, Feature())
