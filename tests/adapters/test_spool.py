"""Lines and verdicts on disk while a file is judged."""

from __future__ import annotations

from llmops_pipelines.adapters.spool import Line, Row, Spool, Verdict

SCORED = Verdict("d1", "scored", 0.5, "because", 2, "0.03")


def filled() -> Spool:
    """Three contents on four lines, one line that is no sample; the ledger knows the first."""
    spool = Spool()
    spool.add_lines(
        [Line(1, "a", "d1"), Line(2, "b", "d2"), Line(3, "b", "d1"),
         Line(4, "x", None, "rejected", "is not JSON"), Line(6, "c", "d3")]
    )  # fmt: skip
    spool.add_contents([(1, "d1"), (2, "d2"), (3, "d1"), (6, "d3")])
    spool.add_verdicts([SCORED], bought=False)
    return spool


def test_each_content_waits_on_the_first_line_that_brings_it():
    with filled() as spool:
        assert spool.unjudged(1, 9) == {2: "d2", 6: "d3"}
        assert spool.unjudged(3, 5) == {}
        assert (spool.count("known"), spool.count("unjudged")) == (1, 2)


def test_every_line_has_a_row_in_order_and_equal_lines_share_a_verdict():
    with filled() as spool:
        spool.add_verdicts([Verdict("d2", "unreadable", None, "odd", 2, None)], bought=True)
        spool.close_rest("over_budget", "the cap")
        assert list(spool.rows()) == [
            Row("a", "scored", 0.5, "because", 2, "0.03"),
            Row("b", "unreadable", None, "odd", 2, None),
            Row("b", "scored", 0.5, "because", 2, "0.03"),
            Row("x", "rejected", None, "is not JSON", 0, "0"),
            Row("c", "over_budget", None, "the cap", 0, "0"),
        ]
        assert spool.outcomes() == {"over_budget": 1, "rejected": 1, "scored": 2, "unreadable": 1}
        assert spool.scores() == ([0.5, 0.5], ["d1", "d1"])
        assert spool.reasons("rejected", 5) == [(4, "x", "is not JSON")]


def test_the_first_verdict_on_a_content_counts_and_only_known_ones_save_calls():
    with filled() as spool:
        spool.add_verdicts([Verdict("d1", "scored", 1.0, None, 1, "0")], bought=True)
        assert spool.scores() == ([0.5, 0.5], ["d1", "d1"])
        assert spool.saved_calls() == 2


def test_repeated_ids_are_found():
    with filled() as spool:
        assert spool.repeated_ids(3) == (1, [("b", 2, 2)])
