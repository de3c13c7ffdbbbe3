"""``alert_rules.yaml``: which figure of which scope must not cross which line."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
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

    name: str = Field(
        "", pattern=r"^([a-z][a-z0-9_]*)?$", description="Taken from the key the rule stands under."
    )
    metric: str = Field(description="What it watches; one of METRICS.")
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

    @field_validator("direction")
    @classmethod
    def _falls(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("kind") == "relative_drop":
            if value == "above":
                raise ValueError("a relative_drop is a fall: give below")
            if "metric" in info.data and metric_named(info.data["metric"]).census:
                raise ValueError("a relative_drop needs a figure with an interval, not a count")
        return value

    @field_validator("warning", "critical")
    @classmethod
    def _on_the_scale(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and {"metric", "kind"} <= info.data.keys():
            drop = info.data["kind"] == "relative_drop"
            accepted = DROP if drop else _scale(metric_named(info.data["metric"]))
            if not accepted.least <= value <= accepted.most:
                raise ValueError(f"{info.data['metric']} {accepted.words}")
        return value

    @field_validator("critical")
    @classmethod
    def _further_out(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is None or not {"warning", "direction", "kind"} <= info.data.keys():
            return value
        drop = info.data["kind"] == "relative_drop"
        side = "above" if drop else info.data["direction"]
        warning = info.data["warning"]
        if not (value > warning if side == "above" else value < warning):
            raise ValueError(f"a critical line lies {side} the warning line, which is {warning:g}")
        return value

    @field_validator("action")
    @classmethod
    def _comparable(cls, value: str, info: ValidationInfo) -> str:
        given = info.data
        if value == "rollback" and (
            given.get("metric") != "hallucination_rate"
            or given.get("critical") is None
            or TOTAL in given.get("scopes", ())
        ):
            raise ValueError(
                "a rollback needs the metric hallucination_rate, a critical line and features as "
                "scopes: only a judge's verdicts compare two versions of a feature's prompt"
            )
        return value

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


class _Scale(NamedTuple):
    """Where a line can lie, in numbers and in words."""

    least: float
    most: float
    words: str


DROP = _Scale(1e-9, 1 - 1e-9, "drops by a fraction between 0 and 1; 5 % is 0.05")


def _scale(metric: Metric) -> _Scale:
    if metric.name.endswith(("budget_share", "forecast_share")):
        return _Scale(1e-9, float("inf"), "is a multiple of the budget above 0; 120 % is 1.2")
    match metric.measure:
        case "fraction" | "score":
            return _Scale(0, 1, "is a fraction between 0 and 1; 2 % is 0.02")
        case "deviations":
            return _Scale(-float("inf"), float("inf"), "is a number")
        case "stars":
            return _Scale(1, 5, "is between 1 and 5 stars")
        case _:
            return _Scale(1e-9, float("inf"), "is above 0")


class Rules(BaseModel):
    """All of ``alert_rules.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: dict[str, Rule] = Field(default_factory=dict, description="Rules by name.")

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
