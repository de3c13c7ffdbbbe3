"""``features.yaml``: who owns a product feature, what may be kept of it, and who may judge it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

UNATTRIBUTED = "unattributed"
"""The feature of a record that names none; counted, never dropped."""

RagasMetric = Literal["faithfulness", "answer_relevancy", "context_utilization"]
"""RAGAS metrics of logged calls; the others need a reference answer, which no log holds."""

NIGHTLY_RAGAS: tuple[RagasMetric, ...] = ("faithfulness", "answer_relevancy")
"""What RAGAS is asked of a judged feature that does not say."""


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
    ragas: tuple[RagasMetric, ...] = Field(
        NIGHTLY_RAGAS, description="RAGAS metrics its judge endpoint is asked for; [] for none."
    )
    output_schema: dict[str, Any] | None = Field(
        None, description="JSON schema its answers must meet."
    )
    cacheable: bool = Field(
        True, description="false: its answers must not be given again (creative or personal ones)."
    )
    has_contexts: bool | None = Field(
        None, description="Answers are meant to rest on retrieved contexts; null: as logged."
    )
    interactive: bool | None = Field(
        None, description="Somebody waits for its answers; false: they may come a day later."
    )


Attribute = Literal[
    "source_file", "source_format", "project", "name", "instrumentation", "environment", "tag",
    "experiment_arm", "provider", "model", "model_requested", "prompt_name", "team",
]  # fmt: skip
"""What a rule may look at: a column of the record, or any one of its tags."""


class AttributionRule(BaseModel):
    """The feature of records that name none and fit ``when``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: dict[Attribute, str] = Field(
        min_length=1, description="Attribute: glob (* and ?); all of them must fit."
    )
    feature: str = Field(min_length=1, description="The feature of such records.")
    team: str | None = Field(None, description="Its team, unless the record names one.")


class Features(BaseModel):
    """All of ``features.yaml``. A feature it does not list gets the defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: dict[str, Feature] = Field(default_factory=dict)
    rules: list[AttributionRule] = Field(
        default_factory=list, description="For records that name no feature; the first fit decides."
    )

    def of(self, name: str) -> Feature:
        """The settings of ``name``, defaults where the file is silent."""
        return self.features.get(name, Feature())
