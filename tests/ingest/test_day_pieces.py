"""A day dealt out in pieces gives the same calls as the day at once."""

import polars as pl

from llmops_pipelines.ingest import dealt, llm_calls, trace_steps
from llmops_pipelines.tables import LANDED_STEPS
from tests.ingest.worlds import call, landed, landed_lines, lines, log

RETRY = {"response": None, "error": {"type": "timeout"}}


def in_pieces(lake, piece_rows):
    """Calls of every piece, and how many pieces there were."""
    rows, steps = lake.rows().lazy(), trace_steps(lake.rows(LANDED_STEPS))
    pieces, piece = dealt(rows, piece_rows, piece_rows)
    return [
        llm_calls(rows.filter(piece == number), steps.filter(piece == number))
        for number in range(pieces)
    ]


def assert_same(lake, piece_rows=2):
    found = in_pieces(lake, piece_rows)
    assert sum(not piece.is_empty() for piece in found) > 1
    steps = trace_steps(lake.rows(LANDED_STEPS))
    assert pl.concat(found).sort("call_id").equals(llm_calls(lake.rows(), steps))
    return found


def test_a_day_that_fits_is_one_piece():
    assert dealt(landed_lines(call(1), call(2)).rows().lazy(), 2) is None


def test_copies_of_a_call_in_two_traces_are_one_call():
    copies = [call(n, trace_id=f"t-{n}-{copy}") for n in range(8) for copy in "ab"]
    found = assert_same(landed_lines(*copies))
    assert sum(piece.height for piece in found) == 8


def test_records_of_one_response_are_one_call_across_traces_and_ids():
    def logged(n, copy, **changes):
        response = call(n)["response"] | {"id": f"chatcmpl-{n}"}
        return call(n, id=f"{n}-{copy}", trace_id=f"t-{n}-{copy}", response=response, **changes)

    outer = [logged(n, "outer") for n in range(8)]
    inner = [logged(n, "inner", parent_id=f"{n}-outer") for n in range(8)]
    found = assert_same(landed_lines(*outer, *inner))
    assert sum(piece.height for piece in found) == 8


def test_a_trace_with_its_steps_stays_together():
    at = {"timestamp": "2026-11-10T09:00:00Z"}
    records = []
    for n in range(8):
        step = {"kind": "step", "id": f"s-{n}", "trace_id": f"t-{n}", "step": "retriever"}
        records += [
            step | at | {"latency_ms": 1, "contexts": [{"id": "d", "content": "Text."}]},
            call(n, trace_id=f"t-{n}", id=f"a-{n}", user_id=f"u-{n}", **RETRY),
            call(n, trace_id=f"t-{n}", id=f"b-{n}"),
        ]
    calls = pl.concat(assert_same(landed_lines(*records), 6))
    assert calls["retry_of"].drop_nulls().len() == 8
    assert calls.filter(pl.col("context_steps").list.len() > 0).height == 16


def test_a_day_of_two_formats_is_one_piece():
    span = {
        "id": "run", "run_type": "llm", "start_time": "2026-11-10T09:00:00", "trace_id": "t",
        "inputs": {"messages": []}, "outputs": {}, "session_id": "p", "dotted_order": "x",
    }  # fmt: skip
    lake = landed(log("a.jsonl", lines(*map(call, range(4)))), log("b.jsonl", lines(span)))
    assert lake.rows()["source_format"].n_unique() == 2
    assert dealt(lake.rows().lazy(), 1) is None
