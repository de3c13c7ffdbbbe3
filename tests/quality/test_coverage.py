"""The grid of judges and days."""

from datetime import date, datetime

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.quality import coverage, judge_coverage
from llmops_pipelines.tables import JUDGE_RESCORES, JUDGE_SPECS

ONE, TWO, THREE = (date(2026, 11, day) for day in (1, 2, 3))
SPECS = pl.DataFrame(
    [
        ("g1", "groundedness", "rubric", "gpt-4.1", "{}"),
        ("g2", "groundedness", "rubric", "gpt-5", "{}"),
        ("s", "support", "embedded", "lexical", "{}"),
    ],
    schema=JUDGE_SPECS.schema,
    orient="row",
)
SAMPLED = pl.DataFrame(
    [
        (day, f"{feature}{n}", feature, n < 4)
        for day in (ONE, TWO, THREE) for feature in ("chat", "mail") for n in range(5)
    ],
    schema={"day": pl.Date, "call_id": pl.String, "feature": pl.String, "has_text": pl.Boolean},
    orient="row",
)  # fmt: skip


def said(*rows: tuple[date, str, str, str], repetition: int = 0) -> pl.DataFrame:
    """Day, judge, outcome, and the numbers of the chat calls that have it."""
    return pl.DataFrame(
        [
            (day, f"chat{n}", spec, repetition, outcome)
            for day, spec, outcome, ns in rows for n in ns
        ],
        schema={
            "day": pl.Date, "call_id": pl.String, "spec_id": pl.String, "repetition": pl.Int32,
            "outcome": pl.String,
        },
        orient="row",
    )  # fmt: skip


def rescored(day: date, spec: str, **counts: int) -> pl.DataFrame:
    row = dict.fromkeys(JUDGE_RESCORES.schema, 0)
    row |= {"spec_id": spec, "metric": "groundedness", "run_id": "r", **counts}
    row["rescored_at"] = datetime(2026, 11, 9)  # noqa: DTZ001 - instants are naive UTC
    return pl.DataFrame([row], schema=JUDGE_RESCORES.schema).with_columns(day=pl.lit(day))


NEVER = rescored(ONE, "g1").clear()


def cells(verdicts: pl.DataFrame, rescores: pl.DataFrame = NEVER) -> dict[tuple[date, str], tuple]:
    grid = judge_coverage(SAMPLED, verdicts, rescores, SPECS)
    counts = ("state", "expected", "judged", "failed", "over_budget", "missing")
    return {(row["day"], row["spec_id"]): tuple(row[c] for c in counts) for row in grid.to_dicts()}


def test_a_day_is_done_partial_missing_or_failed():
    found = cells(
        said(
            (ONE, "g1", "scored", "012"),
            (ONE, "g1", "not_applicable", "3"),
            (TWO, "g1", "scored", "0"),
            (TWO, "g1", "failed", "1"),
            (ONE, "g2", "over_budget", "01"),
        )
    )
    assert found == {
        (ONE, "g1"): ("done", 4, 4, 0, 0, 0),
        (TWO, "g1"): ("partial", 4, 1, 1, 0, 2),
        (THREE, "g1"): ("missing", 4, 0, 0, 0, 4),
        (ONE, "g2"): ("failed", 4, 0, 0, 2, 2),
        (TWO, "g2"): ("missing", 4, 0, 0, 0, 4),
        (THREE, "g2"): ("missing", 4, 0, 0, 0, 4),
    }


def test_what_policy_forbids_and_what_nobody_pays_for_is_not_expected():
    found = cells(
        said(
            (ONE, "g1", "scored", "01"), (ONE, "g1", "over_policy", "23"), (ONE, "s", "scored", "0")
        )
    )
    assert found[ONE, "g1"] == ("done", 2, 2, 0, 0, 0)
    assert {spec for _, spec in found} == {"g1"}


def test_what_a_rescoring_left_stands_until_it_is_judged():
    left = rescored(ONE, "g2", items=4, judged=1, failed=2, over_budget=1)
    assert cells(said(), left) == {(ONE, "g2"): ("failed", 4, 0, 2, 1, 1)}
    half = said((ONE, "g2", "scored", "012"))
    assert cells(half, left)[ONE, "g2"] == ("partial", 4, 3, 1, 0, 0)
    whole = said((ONE, "g2", "scored", "0123"))
    assert cells(whole, left)[ONE, "g2"] == ("done", 4, 4, 0, 0, 0)


def test_what_is_final_to_the_ledger_is_final_here():
    """Rooms that do not know each other say it twice."""
    assert set(coverage.FINAL) == set(judging.FINAL)


def test_nobody_asked_is_an_empty_grid():
    assert cells(said()) == {}


def test_a_further_draw_has_cells_of_its_own_where_it_was_asked_for():
    first = said((ONE, "g1", "scored", "0123"), (TWO, "g1", "scored", "0123"))
    again = said((ONE, "g1", "scored", "01"), repetition=1)
    asked = rescored(ONE, "g1", repetition=1, items=4, judged=2, over_budget=2)
    grid = judge_coverage(SAMPLED, pl.concat([first, again]), asked, SPECS)
    found = grid.select("day", "repetition", "state", "expected", "judged", "over_budget")
    assert sorted(found.filter(pl.col("day") < THREE).rows()) == [
        (ONE, 0, "done", 4, 4, 0), (ONE, 1, "partial", 4, 2, 2), (TWO, 0, "done", 4, 4, 0),
    ]  # fmt: skip


def test_what_waits_in_batches_is_pending_until_its_verdicts_are_there():
    asked = rescored(ONE, "g2", items=4, pending=4)
    nightly = said((ONE, "g1", "scored", "012"), (ONE, "g1", "pending", "3"))
    grid = judge_coverage(SAMPLED.filter(day=ONE), nightly, asked, SPECS)
    found = grid.sort("spec_id").select("state", "judged", "pending", "missing")
    assert found.rows() == [("partial", 3, 1, 0), ("pending", 0, 4, 0)]
    come = pl.concat([nightly, said((ONE, "g2", "scored", "0123"))])
    done = judge_coverage(SAMPLED.filter(day=ONE), come, asked, SPECS).filter(spec_id="g2")
    assert done.select("state", "judged", "pending").rows() == [("done", 4, 0)]
