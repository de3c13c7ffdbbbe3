"""Key figures beside a materialization."""

from llmops_pipelines.judging import Ruling
from llmops_pipelines.judging.ledger import verdict_frame, verdict_row
from llmops_pipelines.judging.pairs import settle
from llmops_pipelines.orchestration import figures
from llmops_pipelines.tables import JUDGE_CALLS
from tests.judging.worlds import NOON, item, spec


def verdicts(*rulings):
    attempts = [dict.fromkeys(JUDGE_CALLS.schema.names())] * 2
    return verdict_frame(
        verdict_row(
            spec(), item(digest=f"{n:032}"), ruling, attempts=attempts, scored_at=NOON,
            library_versions={},
        )
        for n, ruling in enumerate(rulings)
    )  # fmt: skip


def test_judges_of_pairs_tell_how_often_the_order_decided():
    scores = {"first": 1.0, "second": 0.0}
    first, second = (Ruling("scored", score, "r", label) for label, score in scores.items())
    told = figures.of_verdicts(
        verdicts(settle(first, second, scores), settle(first, first, scores))
    )
    (row,) = told["flip_rates"].value
    assert (row["metric"], row["pairs"], row["flips"], row["flip_rate"]) == (
        "politeness",
        2,
        1,
        0.5,
    )
    assert told["outcomes"].value == {"scored": 1, "undecided": 1}


def test_other_judges_have_nothing_to_flip():
    assert "flip_rates" not in figures.of_verdicts(verdicts(Ruling("scored", 1.0, "r")))


def test_what_waits_in_batches_is_counted_apart():
    told = figures.of_verdicts(
        verdicts(Ruling("scored", 1.0, "r"), Ruling("pending", None, "waits in batch b"))
    )
    assert told["waiting_in_batches"] == 1
    assert told["outcomes"].value == {"pending": 1, "scored": 1}
    assert "waiting_in_batches" not in figures.of_verdicts(verdicts(Ruling("scored", 1.0, "r")))
