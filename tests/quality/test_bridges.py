"""The same items under two judges."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from llmops_pipelines.quality import judge_bridges
from llmops_pipelines.statistics import paired_difference
from tests.quality.test_coverage import SPECS

DAY = date(2026, 11, 1)
NINE = datetime(2026, 11, 2, 9)  # noqa: DTZ001 - instants are naive UTC


def sampled(calls: int, feature: str = "chat", probability: float = 0.5) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "day": [DAY] * calls,
            "call_id": [f"{feature}{n}" for n in range(calls)],
            "feature": [feature] * calls,
            "session_id": [f"s{n // 2}" for n in range(calls)],
            "probability": [probability] * calls,
        }
    )


def verdicts(
    spec: str,
    *scores: float | None,
    feature: str = "chat",
    hours: int = 0,
    served: str | None = None,
) -> pl.DataFrame:
    """One verdict a call; None is one without a score."""
    at = NINE + timedelta(hours=hours)
    return pl.DataFrame(
        [
            (DAY, f"{feature}{n}", spec, "failed" if s is None else "scored", s, served, at)
            for n, s in enumerate(scores)
        ],
        schema={
            "day": pl.Date, "call_id": pl.String, "spec_id": pl.String, "outcome": pl.String,
            "score": pl.Float64, "model_served": pl.String, "scored_at": pl.Datetime("us"),
        },
        orient="row",
    )  # fmt: skip


def test_a_bridge_goes_from_the_older_judge_to_the_newer_over_the_items_of_both():
    both = pl.concat([verdicts("g2", 1, 1, 0, None, hours=0), verdicts("g1", 0, 1, 0, 1, hours=5)])
    every, chat = judge_bridges(sampled(4), both, SPECS).to_dicts()
    assert (every["feature"], chat["feature"]) == ("*", "chat")
    assert (every["from_spec"], every["to_spec"]) == ("g2", "g1")
    assert (every["from_judge"], every["to_judge"]) == ("rubric gpt-5", "rubric gpt-4.1")
    assert (every["n"], every["changed"], every["unpaired"]) == (3, 1, 1)
    assert every["from_mean"] == pytest.approx(2 / 3)
    assert every["estimate"] == pytest.approx(-1 / 3)
    assert every["estimate"] == pytest.approx(every["to_mean"] - every["from_mean"])


def test_items_of_one_session_and_rare_draws_count_as_what_they_are():
    often, seldom = sampled(8, "chat", 0.5), sampled(8, "mail", 0.1)
    said = pl.concat(
        verdicts(spec, *scores, feature=feature, hours=hours)
        for spec, hours, chat, mail in (
            ("g1", 0, [1] * 8, [1] * 8), ("g2", 1, [1] * 8, [0] * 4 + [1] * 4),
        )
        for feature, scores in (("chat", chat), ("mail", mail))
    )  # fmt: skip
    found = judge_bridges(pl.concat([often, seldom]), said, SPECS)
    every = found.filter(feature="*").to_dicts()[0]
    assert every["estimate"] == pytest.approx(-(4 * 10) / (8 * 2 + 8 * 10))
    mail = found.filter(feature="mail").to_dicts()[0]
    free = paired_difference([0.0] * 4 + [1.0] * 4, [1.0] * 8)
    assert mail["estimate"] == free.estimate == -0.5
    assert mail["high"] - mail["low"] > free.high - free.low, "two of a session tell less"


def test_judges_without_an_item_in_common_have_no_bridge():
    other = verdicts("g2", 1, 1).with_columns(call_id=pl.format("mail{}", pl.int_range(pl.len())))
    assert judge_bridges(sampled(2), pl.concat([verdicts("g1", 1, 0), other]), SPECS).is_empty()
    assert judge_bridges(sampled(2), verdicts("g1").clear(), SPECS).is_empty()


def test_a_judge_asked_again_is_bridged_from_one_served_snapshot_to_the_next():
    said = [
        verdicts("g1", 1, 1, 1, 0, served="june"),
        verdicts("g1", 1, 0, 1, hours=9, served="july"),
    ]
    every = judge_bridges(sampled(4), pl.concat(said), SPECS).row(0, named=True)
    assert (every["from_spec"], every["to_spec"]) == ("g1", "g1")
    assert (every["from_snapshot"], every["to_snapshot"]) == ("june", "july")
    assert (every["n"], every["unpaired"]) == (3, 1)
    assert every["estimate"] == pytest.approx(-1 / 3)


def test_a_reply_that_tells_no_snapshot_is_of_the_only_one_told_of():
    silent = verdicts("g1", 1, 1).with_columns(call_id=pl.format("chat{}", pl.int_range(2, 4)))
    told = verdicts("g1", 1, 1, served="june")
    other = verdicts("g2", 0, 0, 1, 1, hours=1)
    (every, _) = judge_bridges(sampled(4), pl.concat([silent, told, other]), SPECS).to_dicts()
    assert (every["from_snapshot"], every["to_snapshot"], every["n"]) == ("june", "", 4)
