"""A day dealt out in pieces gives the same calls as the day at once."""

import polars as pl

from llmops_pipelines.ingest import dealt, llm_calls, trace_steps
from llmops_pipelines.tables import LANDED_STEPS, TRACE_STEPS
from tests.ingest.worlds import call, landed, landed_lines, lines, log

RETRY = {"response": None, "error": {"type": "timeout"}}


def in_pieces(lake, piece_rows):
    """Calls of the rows that are alone, and of every piece."""
    rows, steps = lake.rows().lazy(), trace_steps(lake.rows(LANDED_STEPS))
    alone, pieces, piece = dealt(rows, steps, piece_rows, piece_rows)
    return [
        llm_calls(rows.filter(alone)),
        *(
            llm_calls(rows.filter(~alone, piece == number), steps.filter(piece == number))
            for number in range(pieces)
        ),
    ]


def assert_same(lake, piece_rows=2):
    alone, *found = in_pieces(lake, piece_rows)
    assert sum(not piece.is_empty() for piece in found) > 1
    steps = trace_steps(lake.rows(LANDED_STEPS))
    whole = llm_calls(lake.rows(), steps)
    assert pl.concat([alone, *found]).sort("call_id").equals(whole)
    return alone, found


def test_a_day_that_fits_is_one_piece():
    lake = landed_lines(call(1), call(2))
    assert dealt(lake.rows().lazy(), TRACE_STEPS.empty(), 2) is None


def test_calls_that_share_nothing_are_alone():
    copies = [call(n, trace_id=f"t-{n}-{copy}") for n in range(4) for copy in "ab"]
    lone = [call(n, trace_id=f"t-{n}") for n in range(10, 13)]
    step = {"kind": "step", "id": "s", "trace_id": "t-20", "step": "retriever", "latency_ms": 1}
    retrieved = [step | {"timestamp": call(20)["timestamp"]}, call(20, trace_id="t-20")]
    alone, _ = assert_same(landed_lines(*copies, *lone, *retrieved))
    assert alone["call_id"].to_list() == [record["id"] for record in lone]


def test_copies_of_a_call_in_two_traces_are_one_call():
    copies = [call(n, trace_id=f"t-{n}-{copy}") for n in range(8) for copy in "ab"]
    alone, found = assert_same(landed_lines(*copies))
    assert (alone.height, sum(piece.height for piece in found)) == (0, 8)


def test_records_of_one_response_are_one_call_across_traces_and_ids():
    def logged(n, copy, **changes):
        response = call(n)["response"] | {"id": f"chatcmpl-{n}"}
        return call(n, id=f"{n}-{copy}", trace_id=f"t-{n}-{copy}", response=response, **changes)

    outer = [logged(n, "outer") for n in range(8)]
    inner = [logged(n, "inner", parent_id=f"{n}-outer") for n in range(8)]
    alone, found = assert_same(landed_lines(*outer, *inner))
    assert (alone.height, sum(piece.height for piece in found)) == (0, 8)


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
    alone, found = assert_same(landed_lines(*records), 6)
    assert alone.is_empty()
    calls = pl.concat(found)
    assert calls["retry_of"].drop_nulls().len() == 8
    assert calls.filter(pl.col("context_steps").list.len() > 0).height == 16


def test_a_day_of_two_formats_is_one_piece():
    span = {
        "id": "run", "run_type": "llm", "start_time": "2026-11-10T09:00:00", "trace_id": "t",
        "inputs": {"messages": []}, "outputs": {}, "session_id": "p", "dotted_order": "x",
    }  # fmt: skip
    lake = landed(log("a.jsonl", lines(*map(call, range(4)))), log("b.jsonl", lines(span)))
    assert lake.rows()["source_format"].n_unique() == 2
    assert dealt(lake.rows().lazy(), TRACE_STEPS.empty(), 1) is None
