"""Fourteen nights, one after another: the shipped rules over a company's figures."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.incidents import (
    EvaluatedDay,
    Evidence,
    Rules,
    decide_rollbacks,
    evaluate,
    last_states,
    measurements,
    transitions,
    untold,
)
from llmops_pipelines.prompts import PromptFile, activate
from llmops_pipelines.reference import parse_document
from llmops_pipelines.statistics import wilson
from tests.incidents.factories import (
    alerts,
    budget_status,
    cost_anomalies,
    health,
    judged,
    quality,
    rollbacks,
    service_health,
)

REFERENCE = Path(__file__).parents[2] / "data/reference"
RULES = parse_document((REFERENCE / "alert_rules.yaml").read_text(), Rules, file="alert_rules.yaml")
PROMPT = parse_document(
    (REFERENCE / "prompts/support_answer.yaml").read_text(), PromptFile, file="support_answer.yaml"
)
FIRST = date(2026, 11, 1)
FEATURES = ("support_assistant", "call_summary", "sales_email")
CALLS = 300


@dataclass
class World:
    """What happened: shares by (metric, feature, night), nights from 1; the rest is healthy."""

    bad: dict[tuple[str, str, int], float] = field(default_factory=dict)
    seed: int = 7
    follows: bool = True
    """Whether the application uses the version that the registry says."""

    def rate(self, metric: str, feature: str, night: int, healthy: float) -> float:
        return self.bad.get((metric, feature, night), healthy)

    def tables(self, night: int, served: str) -> tuple[pl.DataFrame, ...]:
        chance = random.Random(f"{self.seed}:{night}")
        day = FIRST + timedelta(days=night - 1)
        rows = [row for feature in FEATURES for row in self._health(feature, night, day, chance)]
        verdicts = list(self._verdicts(night, day, served, chance))
        budget = {"day": day, "scope": "total", "share": self.rate("budget_share", "", night, 0.8)}
        return service_health(*rows), quality(*verdicts), budget_status(budget), cost_anomalies()

    def _health(
        self, feature: str, night: int, day: date, chance: random.Random
    ) -> Iterator[dict[str, Any]]:
        at = {"feature": feature, "day": day}
        yield health("calls", CALLS, CALLS, **at)
        for metric, healthy in (
            ("error_rate", 0.004),
            ("retry_rate", 0.004),
            ("refusal_rate", 0.002),
            ("unpriced_call_rate", 0.0),
        ):
            x = drawn(chance, CALLS, self.rate(metric, feature, night, healthy))
            low, high = wilson(x, CALLS)[1:3]
            yield health(metric, x / CALLS, CALLS, low=low, high=high, **at)
        slow = self.rate("latency_p99", feature, night, 3000 + 500 * chance.random())
        yield health("latency_p99", slow, CALLS, low=0.9 * slow, high=1.2 * slow, **at)

    def _verdicts(
        self, night: int, day: date, served: str, chance: random.Random
    ) -> Iterator[dict[str, Any]]:
        broken = served == "4"
        silent = {"estimate": None, "low": None, "high": None, "n": 0, "unscored": 40}
        support = 0.42 if broken else 0.70
        support += chance.gauss(0, 0.008)
        ends = {"estimate": support, "low": support - 0.02, "high": support + 0.02, "n": 230}
        x = drawn(chance, 40, 0.3 if broken else 0.02)
        for version in ("*", served):
            dead = silent if ("judge", "", night) in self.bad else {}
            yield judged(version, x, 40, day) | dead
            yield judged(version, 0, 230, day, metric="support", judge="embedded") | ends


def drawn(chance: random.Random, n: int, share: float) -> int:
    return sum(chance.random() < share for _ in range(n))


@dataclass
class Diary:
    """What the nights left behind."""

    changes: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    decisions: list[tuple[int, str, str]] = field(default_factory=list)
    prompt: PromptFile = PROMPT


def live(
    world: World,
    nights: int = 14,
    *,
    dry_run: bool = False,
    clock: datetime | None = None,
) -> Diary:
    """Run every night in turn; ``clock`` stops the time, as in a backfill."""
    diary, prompt = Diary(), activate(PROMPT, "3", "as it was", datetime(2026, 10, 1))  # noqa: DTZ001
    seen, history, earlier = [], alerts(), rollbacks()
    window = timedelta(hours=48)
    for night in range(1, nights + 1):
        if night == 9:
            prompt = activate(prompt, "4", "shorter answers", datetime(2026, 11, 9))  # noqa: DTZ001
        day = FIRST + timedelta(days=night - 1)
        now = clock or datetime.combine(day, datetime.min.time()) + timedelta(hours=26)
        served = prompt.active if world.follows or night < 9 else "4"
        tables = world.tables(night, served)
        seen.append(tables)
        figures = measurements(*(pl.concat(parts) for parts in zip(*seen, strict=True)))
        evaluations = evaluate(RULES, figures, day)
        before, on = last_states(history, day), EvaluatedDay(day, now, window)
        changed = transitions(evaluations, before, on, rules=RULES)
        late = untold(evaluations, before, on, rules=RULES)
        qualities = pl.concat([quality_of_night for _, quality_of_night, *_ in seen])
        evidence = Evidence(qualities, [prompt], earlier, on, dry_run=dry_run)
        decisions = decide_rollbacks(RULES, evaluations, evidence)
        for row in decisions.iter_rows(named=True):
            diary.decisions.append((night, row["outcome"], row["reason"]))
            if row["outcome"] == "rolled_back":
                prompt = activate(prompt, row["to_version"], row["reason"], now)
        stamp = pl.lit(day).alias("day")
        history = pl.concat([history, changed.with_columns(stamp).select(history.columns)])
        earlier = pl.concat([earlier, decisions.with_columns(stamp).select(earlier.columns)])
        diary.changes += [
            (night, *row)
            for row in changed.select("rule", "scope", "from_state", "to_state").iter_rows()
        ]
        sent = pl.concat([changed, late]).filter(~pl.col("backfilled"))["alert_key"]
        diary.told += [key for key in sent if key not in diary.told]
    diary.prompt = prompt
    return diary


@pytest.mark.parametrize("seed", range(10))
def test_a_bad_prompt_is_critical_once_and_rolled_back_once(seed):
    diary = live(World(seed=seed))
    of_it = [change for change in diary.changes if change[1] == "hallucination_rate"]
    assert of_it[0] == (9, "hallucination_rate", "support_assistant", "ok", "critical")
    assert [change[4] for change in of_it].count("critical") == 1
    assert of_it[-1][4] == "ok"  # by way of a warning where chance leaves two bad answers of 40
    assert [(night, outcome) for night, outcome, _ in diary.decisions] == [(9, "rolled_back")]
    assert diary.prompt.active == "3"
    assert [(move.from_version, move.to_version) for move in diary.prompt.history[-2:]] == [
        ("3", "4"),
        ("4", "3"),
    ]


def test_support_falls_with_it_and_comes_back_with_the_old_prompt():
    diary = live(World())
    assert [change for change in diary.changes if change[1] == "support_drop"] == [
        (9, "support_drop", "support_assistant", "ok", "critical"),
        (10, "support_drop", "support_assistant", "critical", "ok"),
    ]


def test_an_application_that_ignores_the_registry_is_not_rolled_back_again():
    diary = live(World(follows=False))
    assert [night for night, outcome, _ in diary.decisions if outcome == "rolled_back"] == [9]
    later = [reason for night, _, reason in diary.decisions if night > 9]
    assert len(later) == 5
    assert all(reason.startswith("already rolled back: version 3 replaced 4") for reason in later)
    assert [c for c in diary.changes if c[1] == "hallucination_rate"] == [
        (9, "hallucination_rate", "support_assistant", "ok", "critical")
    ]


def test_a_lasting_drop_stays_open_beyond_the_week_it_is_held_against():
    diary = live(World(follows=False), nights=24)
    assert [change[0] for change in diary.changes if change[1] == "support_drop"] == [9]


def test_dry_run_reports_once_and_moves_nothing():
    diary = live(World(), dry_run=True)
    assert [(night, outcome) for night, outcome, _ in diary.decisions] == [
        (9, "dry_run"),
        *((night, "refused") for night in range(10, 15)),
    ]
    assert all("cool-down" in reason for night, _, reason in diary.decisions if night > 9)
    assert diary.prompt.active == "4"


def test_each_change_is_told_once_with_a_key_of_its_own():
    diary = live(World())
    assert sorted(diary.told) == sorted(
        f"{rule}:{scope}:{FIRST + timedelta(days=night - 1)}:{old}:{new}"
        for night, rule, scope, old, new in diary.changes
    )


def test_an_outage_a_spend_surge_and_a_new_model_each_raise_their_own_alert():
    diary = live(
        World(
            {
                ("error_rate", "call_summary", 4): 0.15,
                ("retry_rate", "call_summary", 4): 0.12,
                ("budget_share", "", 6): 1.9,
                ("unpriced_call_rate", "sales_email", 11): 0.3,
                ("refusal_rate", "sales_email", 12): 0.08,
                ("latency_p99", "sales_email", 13): 30_000.0,
            }
        ),
        nights=14,
    )
    expected = {"hallucination_rate", "support_drop"}
    assert [change for change in diary.changes if change[1] not in expected] == [
        (4, "error_rate", "call_summary", "ok", "critical"),
        (4, "retry_rate", "call_summary", "ok", "warning"),
        (5, "error_rate", "call_summary", "critical", "ok"),
        (5, "retry_rate", "call_summary", "warning", "ok"),
        (6, "spend_vs_budget", "total", "ok", "critical"),
        (7, "spend_vs_budget", "total", "critical", "ok"),
        (11, "unpriced_calls", "sales_email", "ok", "warning"),
        (12, "refusal_rate", "sales_email", "ok", "warning"),
        (12, "unpriced_calls", "sales_email", "warning", "ok"),
        (13, "latency_p99", "sales_email", "ok", "critical"),
        (13, "refusal_rate", "sales_email", "warning", "ok"),
        (14, "latency_p99", "sales_email", "critical", "ok"),
    ]


@pytest.mark.parametrize("seed", range(10))
def test_a_healthy_week_is_silent(seed):
    diary = live(World(seed=seed), nights=8)
    assert diary.changes == []
    assert diary.decisions == []


def test_a_judge_that_falls_silent_closes_nothing():
    diary = live(World({("judge", "", night): 1 for night in (10, 11, 12)}, follows=False))
    assert [change[0] for change in diary.changes if change[1] == "hallucination_rate"] == [9]


def test_a_fortnight_backfilled_long_after_tells_nobody_and_moves_nothing():
    diary = live(World(), clock=datetime(2027, 3, 1))  # noqa: DTZ001
    assert diary.told == []
    assert [change[0] for change in diary.changes if change[1] == "hallucination_rate"] == [9]
    assert {outcome for _, outcome, _ in diary.decisions} == {"refused"}
    assert diary.prompt.active == "4"


def test_a_first_run_over_a_fortnight_tells_once_what_is_still_open():
    diary = live(World(follows=False), clock=datetime(2026, 11, 15, 2))  # noqa: DTZ001
    assert sorted(diary.told) == [
        "hallucination_rate:support_assistant:2026-11-09:ok:critical",
        "support_drop:support_assistant:2026-11-09:ok:critical",
    ]
