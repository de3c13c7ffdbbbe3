"""Snapshots behind one model name, and where series of figures break."""

from datetime import date, timedelta

import polars as pl
import pytest

from llmops_pipelines.quality import series_breaks
from llmops_pipelines.tables import QUALITY
from tests.quality.test_quality import World
from tests.reporting.worlds import rows

FIRST = date(2026, 11, 1)


def served(world: World, *snapshots: str | None) -> World:
    """Each verdict with the snapshot it came from."""
    for verdict, snapshot in zip(world.verdicts, snapshots, strict=True):
        verdict["model_served"] = snapshot
    return world


def by_snapshot(world: World) -> dict[str, tuple]:
    found = world.quality().filter(metric="groundedness", prompt_version="*")
    return {r["snapshot"]: (r["estimate"], r["n"], r["unscored"]) for r in found.to_dicts()}


def test_one_snapshot_is_named_and_two_are_never_pooled():
    one = served(World().judged([1.0, 1.0, 0.0, 0.0]), *["a"] * 4)
    assert by_snapshot(one) == {"a": (0.5, 4, 0)}
    two = served(World().judged([1.0, 1.0, 0.0, 0.0]), "a", "a", "b", "b")
    assert by_snapshot(two) == {"a": (1.0, 2, 2), "b": (0.0, 2, 2)}
    method = two.quality().filter(prompt_version="*", snapshot="b")["method"][0]
    assert "2 unscored (2 by another snapshot)" in method


def test_a_silent_reply_goes_with_the_only_snapshot_told_of_and_stays_apart_from_two():
    silent = served(World().judged([1.0, 0.0, 1.0]), "a", None, "a")
    assert by_snapshot(silent) == {"a": (pytest.approx(2 / 3), 3, 0)}
    lost = served(World().judged([1.0, 0.0, 1.0]), "a", None, "b")
    assert set(by_snapshot(lost)) == {"", "a", "b"}
    assert by_snapshot(served(World().judged([1.0]), None)) == {"": (1.0, 1, 0)}


def test_a_trace_that_two_snapshots_scored_counts_for_each_and_is_not_averaged():
    world = World().judged([1.0, 1.0])
    world.verdict("chat-1-0", 0.0, repetition=1).verdict("chat-1-1", None, "failed", repetition=1)
    again = served(world, "a", "a", "b", None)
    assert by_snapshot(again) == {"a": (1.0, 2, 0), "b": (0.0, 1, 1)}


def history(*days: tuple[tuple[str, str], ...]) -> pl.DataFrame:
    """A day each: the judges and snapshots that measured groundedness of chat."""
    return rows(
        QUALITY,
        *(
            {
                "day": FIRST + timedelta(days=n), "feature": "chat", "prompt_version": "*",
                "metric": "groundedness", "judge_spec": spec, "judge": f"rubric {spec}",
                "snapshot": snapshot, "n": 9, "estimate": 0.5,
            }
            for n, day in enumerate(days) for spec, snapshot in day
        ),
        dated=True,
    )  # fmt: skip


def breaks(*days: tuple[tuple[str, str], ...]) -> list[tuple]:
    found = series_breaks(history(*days), FIRST + timedelta(days=20))
    return [
        ((r["day"] - FIRST).days, r["kind"], r["from_judge"], r["to_judge"])
        for r in found.to_dicts()
    ]


def test_a_series_breaks_where_another_snapshot_answers_to_the_same_name():
    assert breaks((("g", "a"),), (("g", "a"),), (("g", "b"),)) == [(2, "snapshot", "a", "b")]
    assert breaks((("g", "a"),), (("g", "a"), ("g", "b"))) == [(1, "snapshot", "a", "a and b")]


def test_a_past_that_the_new_snapshot_judged_too_breaks_nothing_where_the_old_one_ends():
    assert breaks((("g", "a"), ("g", "b")), (("g", "a"), ("g", "b")), (("g", "b"),)) == []
    found = series_breaks(history((("g", "a"),), (("g", "b"),)), FIRST + timedelta(days=20))
    assert found.select("from_snapshot", "to_snapshot").rows() == [("a", "b")]


def test_a_snapshot_nobody_told_of_breaks_nothing_and_hides_nothing():
    assert breaks((("g", ""),), (("g", "a"),)) == []
    assert breaks((("g", "a"),), (("g", ""),), (("g", "b"),)) == [(2, "snapshot", "a", "b")]


def test_a_series_breaks_where_no_judge_goes_on_and_a_rescored_past_mends_it():
    assert breaks((("g", "a"),), (), (("h", "b"),)) == [(2, "judge", "rubric g", "rubric h")]
    assert breaks((("g", "a"), ("h", "b")), (("h", "b"),)) == []


def test_the_snapshots_of_a_break_are_those_that_scored_most():
    days = history((("g", "a"), ("g", "b")), (("g", "c"), ("g", "d")))
    scored = pl.col("snapshot").replace_strict({"a": 1, "b": 8, "c": 2, "d": 7})
    found = series_breaks(days.with_columns(n=scored.cast(pl.Int64)), FIRST + timedelta(days=20))
    assert found.select("from_snapshot", "to_snapshot").rows() == [("b", "d")]
    assert found.select("from_judge", "to_judge").rows() == [("a and b", "c and d")]
