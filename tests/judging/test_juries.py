"""Several judges on the same items, and what they say together."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from llmops_pipelines.judging import rubric_spec
from llmops_pipelines.judging.juries import jury_agreement, jury_scores, jury_spec
from llmops_pipelines.tables import JUDGE_SCORES
from tests.judging.worlds import NOON, rubric

MEMBERS = [rubric_spec("politeness", rubric(), model=f"judge-{n}") for n in (1, 2, 3)]


def votes(*given: float | str | None) -> pl.DataFrame:
    """One call under each member: a score, an outcome, or None where it was not asked."""
    rows = [
        {
            "spec_id": spec.spec_id, "item_digest": "d", "repetition": 0, "metric": "politeness",
            "call_id": "c-1", "outcome": "scored" if isinstance(vote, float) else vote,
            "score": vote if isinstance(vote, float) else None, "reason": "r", "evidence": None,
            "attempts": 1, "cost": 0.01, "model_served": "m", "library_versions": "{}",
            "scored_at": NOON + timedelta(seconds=n),
        }
        for n, (spec, vote) in enumerate(zip(MEMBERS, given, strict=True))
        if vote is not None
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=JUDGE_SCORES.schema)


@pytest.mark.parametrize(
    ("combine", "given", "expected"),
    [
        ("majority", (1.0, 1.0, 0.0), ("scored", 1.0)),
        ("majority", (1.0, 1.0, "failed"), ("scored", 1.0)),
        ("majority", (1.0, "failed", "failed"), ("failed", None)),
        ("majority", (1.0, 0.0, None), ("failed", None)),
        ("majority", (1.0, 0.5, 0.0), ("undecided", None)),
        ("majority", (1.0, 0.0, "refused"), ("undecided", None)),
        ("majority", (1.0, 0.0, "pending"), ("pending", None)),
        ("majority", (1.0, 0.0, "over_budget"), ("over_budget", None)),
        ("majority", ("not_applicable", "not_applicable", 1.0), ("not_applicable", None)),
        ("mean", (1.0, 0.5, 0.0), ("scored", 0.5)),
        ("mean", (1.0, 0.5, "refused"), ("scored", 0.75)),
        ("mean", (1.0, "refused", "unreadable"), ("undecided", None)),
        ("mean", (1.0, "refused", "over_budget"), ("over_budget", None)),
        ("mean", ("not_applicable", "not_applicable", "not_applicable"), ("not_applicable", None)),
    ],
)
def test_a_verdict_takes_more_than_half_of_all_members(combine, given, expected):
    found = jury_scores(votes(*given), MEMBERS, combine).row(0, named=True)
    assert (found["outcome"], found["score"]) == expected


def test_the_row_tells_who_said_what_and_costs_nothing_beyond_its_members():
    found = jury_scores(votes(1.0, 1.0, 0.0), MEMBERS, "majority").row(0, named=True)
    assert found["reason"].count("judge-") == 3
    assert found["reason"].endswith("mean disagreement 0.67")
    assert (found["attempts"], float(found["cost"])) == (0, 0.0)
    assert found["spec_id"] == jury_spec(MEMBERS, "majority").spec_id


def test_how_far_the_members_agree_is_told_apart_from_what_they_say():
    days = [
        votes(*given).with_columns(call_id=pl.lit(f"c-{n}"))
        for n, given in enumerate(
            [(1.0, 1.0, 1.0), (0.0, 0.0, 1.0), (1.0, 0.5, 0.0), (0.0, 0.0, "refused")]
        )
    ]
    members = pl.concat(days)
    told = jury_agreement(pl.concat([members, jury_scores(members, MEMBERS, "majority")]))
    (row,) = told.to_dicts()
    assert (row["metric"], row["items"], row["undecided"]) == ("politeness", 4, 1)
    assert row["agreement"] == (3 + 1 + 0 + 1) / (3 + 3 + 3 + 1)
    assert row["alpha"] == pytest.approx(1 - (3.5 / 11) / 0.5)
    assert jury_agreement(members).is_empty()


def test_a_jury_has_said_again_what_all_its_members_were_asked_again():
    again = [votes(*given).with_columns(repetition=pl.lit(1, pl.Int32))
             for given in ((0.0, None, None), (0.0, 0.0, 1.0))]  # fmt: skip
    once = votes(1.0, 1.0, 0.0)
    alone = jury_scores(pl.concat([once, again[0]]), MEMBERS, "majority")
    assert alone.select("repetition", "score").rows() == [(0, 1.0)]
    together = jury_scores(pl.concat([once, again[1]]), MEMBERS, "majority").sort("repetition")
    assert together.select("repetition", "score").rows() == [(0, 1.0), (1, 0.0)]


def test_items_that_nobody_was_asked_about_have_no_row():
    assert jury_scores(votes(None, None, None), MEMBERS, "mean").is_empty()


def test_a_jury_is_known_by_its_members_and_its_rule_alone():
    spec = jury_spec(MEMBERS, "majority")
    assert spec.spec_id == jury_spec(MEMBERS[::-1], "majority").spec_id
    assert spec.spec_id not in {
        jury_spec(MEMBERS, "mean").spec_id, jury_spec(MEMBERS[:2], "majority").spec_id
    }  # fmt: skip
    assert (spec.kind, spec.metric) == ("jury", "politeness")


@pytest.mark.parametrize(
    "members",
    [MEMBERS[:1], [MEMBERS[0], MEMBERS[0]],
     [MEMBERS[0], rubric_spec("rudeness", rubric(), model="judge-2")]],
)  # fmt: skip
def test_what_is_no_jury_is_refused(members):
    with pytest.raises(ValueError, match="a jury"):
        jury_spec(members, "mean")
