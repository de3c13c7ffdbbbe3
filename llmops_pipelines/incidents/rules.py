"""``alert_rules.yaml``: which figure of which scope must not cross which line."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from llmops_pipelines.incidents.metrics import Metric, metric_named

EACH = "*"
"""Each feature seen that day."""

TOTAL = "total"
"""All features together."""


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Rule(BaseModel):
    """One line that must not be crossed, and what happens when it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field("", description="Taken from the key the rule stands under.")
    metric: str = Field(description="What it watches; one of METRICS, or error_rate/<class>.")
    kind: Literal["threshold", "relative_drop"] = Field(
        "threshold",
        description="relative_drop compares with the days before: 0.05 is a loss of 5 %.",
    )
    direction: Literal["above", "below"] = Field(
        description="Which side of the line is bad; for relative_drop `below`."
    )
    warning: float = Field(
        allow_inf_nan=False, description="Line of a warning, in the metric's unit; 2 % is 0.02."
    )
    critical: float | None = Field(
        None, allow_inf_nan=False, description="Line of a critical alert, further out."
    )
    scopes: Names = Field(
        (EACH,), min_length=1, description="`*` each feature, `total`, or features by name."
    )
    exclude: Names = Field((), description="Features that `*` leaves out.")
    minimum_n: int = Field(30, ge=1, description="With fewer observations the day is no_data.")
    baseline_days: int = Field(7, ge=1, description="relative_drop: calm days compared with.")
    minimum_baseline_days: int = Field(3, ge=1, description="relative_drop: fewer is no_data.")
    minimum_baseline_n: int = Field(100, ge=1, description="relative_drop: fewer is no_data.")
    hold_days: int = Field(
        21,
        ge=0,
        description="relative_drop: days of a drop stay out of the baseline; how many days further "
        "back to look for calm ones before the new level counts as normal.",
    )
    action: Literal["notify", "rollback"] = Field(
        "notify", description="rollback also asks for the previous prompt version."
    )
    cool_down_days: int = Field(7, ge=1, description="No second rollback of a prompt so soon.")
    description: str = Field("", description="What a breach means.")
    runbook: str = Field("", description="What to look at first; sent with the alert.")

    @field_validator("metric")
    @classmethod
    def _known(cls, value: str) -> str:
        return metric_named(value).name

    @property
    def of(self) -> Metric:
        """What the rule watches."""
        return metric_named(self.metric)

    @property
    def bad_side(self) -> Literal["above", "below"]:
        """Which side of its lines the figure in an evaluation must not be on: a drop grows."""
        return "above" if self.kind == "relative_drop" else self.direction

    @property
    def history_days(self) -> int:
        """How many days before the evaluated one the rule looks at."""
        return self.baseline_days + self.hold_days if self.kind == "relative_drop" else 0

    def covers(self, scope: str) -> bool:
        """Whether the rule speaks of ``scope``."""
        if scope in self.scopes:
            return True
        return EACH in self.scopes and scope != TOTAL and scope not in self.exclude

    def beyond(self, figure: float, line: float | None) -> bool:
        """Whether ``figure`` is on the bad side of ``line``; no line is never crossed."""
        if line is None:
            return False
        return figure > line if self.bad_side == "above" else figure < line

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.kind == "relative_drop" and (self.direction == "above" or self.of.census):
            raise ValueError(
                "a relative_drop is a fall of an estimated metric: set direction to below"
            )
        for line in (self.warning, self.critical):
            if line is not None and (fault := self._fault_of(line)):
                raise ValueError(fault)
        if self.critical is not None and not self.beyond(self.critical, self.warning):
            raise ValueError(
                f"critical is {self.critical:g} and warning {self.warning:g}, but a critical line "
                f"lies {self.bad_side} the warning line"
            )
        if self.action == "rollback" and (
            self.metric != "hallucination_rate" or self.critical is None or TOTAL in self.scopes
        ):
            raise ValueError(
                "action rollback needs the metric hallucination_rate, a critical line and features "
                "as scopes: only a judge's verdict compares two versions of a feature's prompt"
            )
        return self

    def _fault_of(self, line: float) -> str | None:
        if self.kind == "relative_drop":
            return None if 0 < line < 1 else _off(line, "a drop is", "0 and 1; 5 % is 0.05")
        if self.of.census:
            return None if line > 0 else f"the line is {line:g}, expected above 0; 120 % is 1.2"
        match self.of.measure:
            case "fraction" | "score":
                fits, unit = 0 <= line <= 1, "0 and 1; 2 % is 0.02"
            case "stars":
                fits, unit = 1 <= line <= 5, "1 and 5 stars"
            case _:
                fits, unit = line > 0, "0 and infinity"
        return None if fits else _off(line, f"{self.metric} is", unit)


def _off(line: float, what: str, accepted: str) -> str:
    return f"the line is {line:g}, but {what} between {accepted}"


class Rules(BaseModel):
    """All of ``alert_rules.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")], Rule] = Field(
        default_factory=dict, description="Rules by name."
    )

    @field_validator("rules", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for name, body in value.items():
            if isinstance(body, dict) and "name" in body:
                raise ValueError(f"rule {name!r} is named by its key; remove the line `name`")
        return {
            name: {**body, "name": name} if isinstance(body, dict) else body
            for name, body in value.items()
        }

    @property
    def history_days(self) -> int:
        """How many days before the evaluated one the measurements must reach back."""
        return max((rule.history_days for rule in self.rules.values()), default=0)

