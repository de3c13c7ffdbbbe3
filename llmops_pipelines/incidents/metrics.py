"""The figures a rule can watch: where each comes from, its unit, and when it must exist."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Measure = Literal["fraction", "ms", "stars", "score", "tokens/s", "count", "deviations"]


@dataclass(frozen=True)
class Metric:
    """One figure of a scope and a day.

    ``rate`` says that it is a share of ``of``, counted one by one. ``census`` figures are known and
    not estimated: they need no interval and no minimum of observations. ``expected`` figures are
    owed for every feature that made calls, so that their absence is reported each day; the others
    are absent where they do not apply: no stream, no format asked for, no contexts.
    """

    name: str
    measure: Measure
    of: str
    rate: bool = False
    census: bool = False
    expected: bool = False
    absent: str = "nothing was measured that day"
    """What to say, and to do, where there is no figure."""


_LATENCIES = tuple(
    Metric(f"latency_p{q}", "ms", "calls", absent="no call carries a latency") for q in (50, 95, 99)
)
_TTFTS = tuple(
    Metric(f"ttft_p{q}", "ms", "streamed calls", absent="no call carries a time to first token")
    for q in (50, 95, 99)
)


_NO_BUDGET = (
    "no budget is set, nothing was logged, or no call has a price; add a budget to budgets.yaml"
)


def _of_spend(who: str) -> tuple[Metric, ...]:
    """What of spend is not owed each day: of features and the total, or of teams."""
    return (
        *(
            Metric(f"{who}{period}_budget_share", "fraction", of, census=True, absent=_NO_BUDGET)
            for period, of in (
                ("month", "its budget of the month"),
                ("rolling", "its budget of the last days"),
            )
        ),
        Metric(
            f"{who}month_forecast_share",
            "fraction",
            "days of history",
            absent="no budget of the month is set, or fewer than 3 days of spend are known",
        ),
        Metric(
            f"{who}spend_deviation",
            "deviations",
            "from what is usual",
            census=True,
            absent="too few days before it are known",
        ),
    )


METRICS = {
    metric.name: metric
    for metric in (
        Metric("calls", "count", "calls", census=True),
        Metric("error_rate", "fraction", "calls", rate=True),
        Metric("retry_rate", "fraction", "calls", rate=True),
        *_LATENCIES,
        *_TTFTS,
        Metric("output_tokens_per_s_p50", "tokens/s", "calls"),
        Metric(
            "refusal_rate",
            "fraction",
            "answers",
            rate=True,
            absent="no answer could be read; `content: none` in features.yaml keeps none",
        ),
        Metric("format_error_rate", "fraction", "answers asked for a format", rate=True),
        Metric("context_utilisation", "fraction", "answers with contexts"),
        Metric("csat", "stars", "ratings", absent="nobody gave feedback"),
        Metric("rejected_line_rate", "fraction", "lines", rate=True),
        Metric("unpriced_call_rate", "fraction", "calls", rate=True),
        Metric(
            "budget_share",
            "fraction",
            "its budget",
            census=True,
            expected=True,
            absent=_NO_BUDGET,
        ),
        Metric("team_budget_share", "fraction", "its budget", census=True, absent=_NO_BUDGET),
        *_of_spend(""),
        *_of_spend("team_"),
        Metric("support", "score", "answers"),
        Metric("relevance", "score", "sampled answers"),
        Metric("groundedness", "score", "judged answers"),
        Metric("faithfulness", "score", "judged answers"),
        Metric("answer_relevancy", "score", "judged answers"),
        Metric(
            "hallucination_rate",
            "fraction",
            "judged answers",
            rate=True,
            expected=True,
            absent="no judge scored groundedness; switch judging on in features.yaml",
        ),
    )
}
"""Every metric by its name in ``alert_rules.yaml``."""


def metric_named(name: str) -> Metric:
    """The metric called ``name``.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    if name in METRICS:
        return METRICS[name]
    close = get_close_matches(name, METRICS, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    raise ValueError(f"there is no such metric; {hint}known: {', '.join(METRICS)}")
