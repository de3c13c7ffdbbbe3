"""A day dealt out in pieces gives the same calls as the day at once."""

import random
from datetime import timedelta

import polars as pl
import pytest

from llmops_pipelines.ingest import dealt, llm_calls, trace_steps
from llmops_pipelines.tables import LANDED_CALLS, LANDED_STEPS, TOKEN_BUCKETS, TRACE_STEPS
from tests.ingest.worlds import call, landed_lines, utc_moment

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


def test_messages_that_were_logged_apart_go_with_their_call():
    base = landed_lines(*(call(n, trace_id=f"t-{n}") for n in range(8))).rows().drop("day")
    said = base.with_columns(request_digest=pl.lit(None, pl.String))
    asked = base.with_columns(only_asked=pl.lit(value=True), source_file=pl.lit("b.jsonl"))
    rows = pl.concat([said, asked]).lazy()
    alone, pieces, piece = dealt(rows, TRACE_STEPS.empty(), 2, 2)
    found = [llm_calls(rows.filter(~alone, piece == number)) for number in range(pieces)]
    whole = llm_calls(rows)
    assert pl.concat(found).sort("call_id").equals(whole)
    assert whole["text_records"].list.len().to_list() == [2] * 8


def two_systems(seed: int, calls: int = 60) -> pl.DataFrame:
    """Landed calls of a gateway and two tracers, many of them of one call, few counts, one hour.

    Some records of the tracers are told in two halves under one id: counts in the one, the time in
    the other.
    """
    rng = random.Random(seed)
    base = landed_lines(call(1)).rows().drop("day").row(0, named=True)
    rows = []
    for number in range(calls):
        began = utc_moment("2026-11-10T12:00:00") + timedelta(seconds=rng.uniform(0, 3600))
        counts = {"uncached_input": rng.choice([5, 5, 7]), "output_text": rng.choice([1, 2])}
        for system in rng.sample(["litellm", "langfuse", "otel_genai"], rng.choice([1, 2, 2, 3])):
            began += timedelta(seconds=rng.uniform(0, 1.5))
            row = {
                **base, **counts, "source_format": system, "started_at": began, "latency_ms": 900.0,
                "call_id": f"{system}-{number}", "trace_id": f"{system}-t-{number}",
                "record_digest": f"{system}-{number}", "response_id": None,
            }  # fmt: skip
            rows.append(row)
            if system != "litellm" and rng.random() < 0.3:
                other = {"uncached_input": None, "output_text": None, "latency_ms": None}
                at = began + timedelta(seconds=rng.uniform(-30, 30))
                digest = f"{system}-{number}-b"
                rows.append(row | other | {"started_at": at, "record_digest": digest})
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=LANDED_CALLS.schema)


def dealt_small(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The calls of ``rows`` dealt out to small pieces, and the pieces."""
    alone, pieces, piece = dealt(rows.lazy(), TRACE_STEPS.empty(), 10, 10)
    company = rows.filter(~alone).with_columns(piece=piece)
    parts = [company.filter(piece=number).drop("piece") for number in range(pieces)]
    found = pl.concat([llm_calls(part) for part in (rows.filter(alone), *parts)])
    return found.sort("call_id"), parts


@pytest.mark.parametrize("seed", range(6))
def test_a_call_that_two_systems_logged_at_one_time_stays_together(seed):
    rows = two_systems(seed)
    found, parts = dealt_small(rows)
    whole = llm_calls(rows)
    assert found.equals(whole)
    assert whole.height < rows["call_id"].n_unique()
    assert sum(part.height > 0 for part in parts) > 2


def untraced(seed: int, calls: int = 60) -> pl.DataFrame:
    """Calls of traces of their own, of few users and few questions, many of which fail and come
    again; half of them were logged without a trace.
    """
    rng = random.Random(seed)
    base = landed_lines(call(1)).rows().drop("day").row(0, named=True)
    rows = []
    for number in range(calls):
        asked = {
            "user_hash": rng.choice([None, "u", "v"]), "session_id": rng.choice([None, "s"]),
            "request_digest": rng.choice(["d", "e", f"d-{number}", None]),
        }  # fmt: skip
        began = utc_moment("2026-11-10T12:00:00") + timedelta(seconds=rng.uniform(0, 3600))
        trace = rng.choice(["", "t-"])
        for attempt in range(rng.choice([1, 1, 2, 3])):
            name = f"{number}-{attempt}"
            row = {
                **base, **asked, "call_id": name, "trace_id": trace + name, "record_digest": name,
                "started_at": began, "status": rng.choice(["ok", "error", "error"]),
                "response_id": None,
            }  # fmt: skip
            began += timedelta(seconds=rng.choice([1.0, 30.0, 119.0, 125.0]))
            rows.append(row)
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=LANDED_CALLS.schema)


@pytest.mark.parametrize("seed", range(4))
def test_what_was_tried_again_in_traces_of_their_own_stays_together(seed):
    rows = untraced(seed)
    found, parts = dealt_small(rows)
    whole = llm_calls(rows)
    assert found.equals(whole)
    assert whole["retry_of"].drop_nulls().len() > 5
    assert sum(part.height > 0 for part in parts) > 1


def two_libraries(seed: int, calls: int = 60) -> pl.DataFrame:
    """Calls that LangChain and the SDK below it logged in traces of their own; some failed."""
    rng = random.Random(seed)
    base = landed_lines(call(1)).rows().drop("day").row(0, named=True)
    nothing = dict.fromkeys(TOKEN_BUCKETS) | {"status": "error"}
    rows = []
    for number in range(calls):
        began = utc_moment("2026-11-10T12:00:00") + timedelta(seconds=rng.uniform(0, 3600))
        outcome = {"uncached_input": rng.choice([5, 5, 7]), "output_text": rng.choice([1, 2])}
        if rng.random() < 0.4:
            outcome = nothing | {"error_class": rng.choice(["rate_limit", "server"])}
        for inward, library in enumerate(rng.sample(["langchain", "openai"], rng.choice([1, 2]))):
            name = f"{library}-{number}"
            row = {
                **base, **outcome, "source_format": "otel_genai", "instrumentation": library,
                "started_at": began + timedelta(milliseconds=100 * inward),
                "latency_ms": 900.0 - 200 * inward, "call_id": name, "trace_id": f"t-{name}",
                "record_digest": name, "response_id": None,
            }  # fmt: skip
            rows.append(row)
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=LANDED_CALLS.schema)


@pytest.mark.parametrize("seed", range(3))
def test_a_call_that_two_libraries_of_a_process_logged_stays_together(seed):
    rows = two_libraries(seed)
    found, _ = dealt_small(rows)
    whole = llm_calls(rows)
    assert found.equals(whole)
    assert whole.filter(pl.col("copies").list.len() > 1)["status"].n_unique() == 2


def cached_answers(seed: int, calls: int = 60) -> pl.DataFrame:
    """Calls that a tracer and a gateway logged, in traces of their own, some out of its cache."""
    rng = random.Random(seed)
    base = landed_lines(call(1)).rows().drop("day").row(0, named=True)
    rows = []
    for number in range(calls):
        began = utc_moment("2026-11-10T12:00:00") + timedelta(seconds=rng.uniform(0, 3600))
        told = {"request_digest": rng.choice(["d", f"d-{number}"]), "response_id": None}
        bought = dict.fromkeys(TOKEN_BUCKETS, 0) | {"uncached_input": 5, "output_text": number}
        answer = bought
        if rng.random() < 0.5:
            answer = dict.fromkeys(TOKEN_BUCKETS, 0) | {"tags": ["cache_hit"]}
        for system, outcome in (("otel_genai", bought), ("litellm", answer)):
            name = f"{system}-{number}"
            row = {
                **base, **told, **outcome, "source_format": system, "started_at": began,
                "latency_ms": 900.0, "call_id": name, "trace_id": f"t-{name}",
                "record_digest": name,
            }  # fmt: skip
            rows.append(row)
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=LANDED_CALLS.schema)


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_out_of_a_cache_stays_with_what_a_tracer_logged_of_it(seed):
    rows = cached_answers(seed)
    found, _ = dealt_small(rows)
    whole = llm_calls(rows)
    assert found.equals(whole)
    assert whole.filter(pl.col("copies").list.len() > 1, uncached_input=0).height > 10


def streams(seed: int, calls: int = 60) -> pl.DataFrame:
    """Streams that Logfire logged as they began and when they were over, in traces of their own."""
    rng = random.Random(seed)
    base = landed_lines(call(1)).rows().drop("day").row(0, named=True)
    nothing = dict.fromkeys(TOKEN_BUCKETS)
    rows = []
    for number in range(calls):
        began = utc_moment("2026-11-10T12:00:00") + timedelta(seconds=rng.uniform(0, 3600))
        waited = rng.choice([0.2, 1.7, 30.0])
        told = {"uncached_input": 5, "is_stream": True, "response_id": f"r-{number}"}
        over = (began + timedelta(seconds=waited + 0.1), 500.0, told)
        for half, (at, latency, outcome) in enumerate([(began, waited * 1000, {}), over]):
            name = f"{half}-{number}"
            row = {
                **base, **nothing, "response_id": None, **outcome, "started_at": at,
                "latency_ms": latency, "source_format": "otel_genai", "call_id": name,
                "instrumentation": "logfire.openai", "trace_id": f"t-{name}",
                "request_digest": rng.choice(["d", f"d-{number}"]), "record_digest": name,
            }  # fmt: skip
            rows.append(row | ({"request_digest": rows[-1]["request_digest"]} if half else {}))
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=LANDED_CALLS.schema)


def blind_streams(seed: int, calls: int = 60) -> pl.DataFrame:
    """Streams that LangChain and a library below it logged, of which one or both read no counts."""
    rng = random.Random(seed)
    base = landed_lines(call(1)).rows().drop("day").row(0, named=True)
    nothing = dict.fromkeys((*TOKEN_BUCKETS, "response_id"))
    rows = []
    for number in range(calls):
        began = utc_moment("2026-11-10T12:00:00") + timedelta(seconds=rng.uniform(0, 3600))
        asked = {"request_digest": rng.choice(["d", f"d-{number}"])}
        counts = rng.choice([nothing, {"uncached_input": 5, "response_id": None}])
        took = rng.choice([300.0, 40_000.0])
        for inward, (library, told) in enumerate([("langchain", counts), ("openai", nothing)]):
            name = f"{library}-{number}"
            row = {
                **base, **asked, **told, "source_format": "openinference", "call_id": name,
                "instrumentation": library, "trace_id": f"t-{name}", "record_digest": name,
                "started_at": began + timedelta(milliseconds=100 * inward),
                "latency_ms": took - 150 * inward,
            }  # fmt: skip
            rows.append(row)
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=LANDED_CALLS.schema)


@pytest.mark.parametrize("logged", [streams, blind_streams])
@pytest.mark.parametrize("seed", range(3))
def test_a_stream_stays_together_with_the_record_that_saw_it_begin_or_read_no_counts(logged, seed):
    rows = logged(seed)
    found, parts = dealt_small(rows)
    assert found.equals(llm_calls(rows))
    assert found.height == 60
    assert sum(part.height > 0 for part in parts) > 2


def test_records_of_two_systems_that_lie_apart_are_alone():
    rows = two_systems(1, 8)
    far = rows.unique("call_id").with_row_index("n")
    far = far.with_columns(
        started_at=pl.col("started_at") + pl.duration(seconds=3_700 * pl.col("n"))
    )
    alone, pieces, _ = dealt(far.drop("n").lazy(), TRACE_STEPS.empty(), 2)
    assert pieces == 0
    assert far.filter(alone).height == far.height
