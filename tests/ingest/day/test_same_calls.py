"""Copies of one call under several ids, from landed rows to one row."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.ingest import llm_calls, unaccounted_rows
from llmops_pipelines.ingest.day.same_calls import merged
from llmops_pipelines.tables import LANDED_CALLS, TOKEN_BUCKETS
from tests.ingest.worlds import call, landed_lines, utc_moment

NOON = utc_moment("2026-11-10T12:00:00")


def record(call_id: str, **changes: Any) -> dict[str, Any]:
    """A landed call; ``after`` is in seconds from noon."""
    after = changes.pop("after", 0.0)
    base = landed_lines(call(1)).rows().drop("day").row(0, named=True)
    return {
        **base,
        "call_id": call_id,
        "trace_id": "t",
        "started_at": NOON + timedelta(seconds=after),
        "latency_ms": 1000.0,
        "source_format": "otel_genai",
        "record_digest": call_id,
        **changes,
    }


def one_by_one(*records: dict[str, Any]) -> pl.DataFrame:
    return llm_calls(pl.DataFrame(records, schema=LANDED_CALLS.schema))


def ids(*records: dict[str, Any]) -> list[list[str]]:
    """The call ids behind each call that is left, kept one first."""
    rows = one_by_one(*records)["copies"].to_list()
    return sorted([copy["call_id"] for copy in copies] for copies in rows)


def test_two_records_of_one_response_are_one_call_and_fill_each_other():
    wrapper = record("a", response_id="msg_1", user_hash="u", latency_ms=None, content_digest=None)
    inner = record("b", response_id="msg_1", latency_ms=990.0, after=0.01, instrumentation="sdk")
    (row,) = one_by_one(wrapper, inner).to_dicts()
    assert row["call_id"] == "b", "the one with texts is kept"
    assert (row["user_hash"], row["latency_ms"]) == ("u", 990.0)
    assert [copy["call_id"] for copy in row["copies"]] == ["b", "a"]


def test_spend_is_not_doubled_and_the_finer_counts_win():
    coarse = record("a", response_id="r", uncached_input=100, cache_read=0)
    fine = record("b", response_id="r", uncached_input=20, cache_read=80)
    (row,) = one_by_one(coarse, fine).to_dicts()
    assert (row["uncached_input"], row["cache_read"]) == (20, 80)


def test_the_snapshot_that_one_system_knows_is_the_model_that_served():
    def served(kept: str | None, other: str | None) -> str | None:
        gateway = record("b", response_id="r", source_format="litellm", content_digest=None)
        both = record("a", response_id="r", model=kept), {**gateway, "model": other}
        (row,) = one_by_one(*both).to_dicts()
        assert row["call_id"] == "a"
        return row["model"]

    assert served("gpt-4o-mini", "gpt-4o-mini-2024-07-18") == "gpt-4o-mini-2024-07-18"
    assert served("claude-sonnet-4-5", "claude-sonnet-4-5@20250929").endswith("@20250929")
    assert served("gpt-4o-mini-2024-07-18", "gpt-4o-mini") == "gpt-4o-mini-2024-07-18"
    assert served(None, "gpt-4o") == "gpt-4o"
    for other in ("gpt-4-32k", "gpt-4o", "o1-2024-12-17", None):
        assert served("gpt-4", other) == "gpt-4"


def test_a_server_that_repeats_its_response_ids_has_not_answered_once():
    later = record("b", response_id="r", source_format="litellm", after=3600)
    assert ids(record("a", response_id="r"), later) == [["a"], ["b"]]
    side_by_side = [record(name, response_id="r", after=2 * at) for at, name in enumerate("abc")]
    assert ids(*side_by_side) == [["a"], ["b"], ["c"]]
    untimed = [record(name, response_id="r", latency_ms=None) for name in "ab"]
    assert ids(*untimed) == [["a"], ["b"]]
    gateway = record("g", response_id="r", source_format="litellm", trace_id="x", output_text=99)
    assert ids(*side_by_side, gateway) == [["a"], ["b"], ["c"], ["g"]]
    assert ids(
        record("a", response_id="r", output_text=5, source_format="litellm"),
        record("b", response_id="r", output_text=6),
    ) == [["a"], ["b"]]


def test_the_token_that_traceloop_adds_to_a_stream_does_not_double_its_spend():
    inner = record("a", response_id="r", trace_id="u", output_text=300, instrumentation="sdk")
    outer = record("b", response_id="r", output_text=301, instrumentation="traceloop")
    assert len(ids(outer, inner)) == 1
    assert ids(outer, inner | {"output_text": 303}) == [["a"], ["b"]]
    assert ids(outer, inner | {"uncached_input": 1}) == [["a"], ["b"]]
    assert ids(outer, inner | {"instrumentation": "traceloop"}) == [["a"], ["b"]]
    assert ids(outer, inner | {"started_at": NOON + timedelta(seconds=30)}) == [["a"], ["b"]]


def test_an_id_that_litellm_made_up_does_not_keep_a_tracing_tools_record_apart():
    own = "chatcmpl-0d9ff2a6-c253-4601-928d-a704feee9360"
    gateway = record("g", response_id=own, source_format="litellm", trace_id="x")
    traced = record("a", response_id="msg_1", after=0.3)
    assert len(ids(gateway, traced)) == 1
    assert ids(gateway | {"response_id": "chatcmpl-1"}, traced) == [["a"], ["g"]]
    another = traced | {"response_id": own.replace("0d9f", "1d9f")}
    assert ids(gateway, another) == [["a"], ["g"]]


def test_a_failure_that_an_sdk_and_its_instrumentation_logged_is_one_failed_call():
    nothing = dict.fromkeys(TOKEN_BUCKETS) | {"status": "error", "error_class": "server"}
    outer = record("a", **nothing, instrumentation="openinference")
    sdk = "com.anthropic.sdk.python"
    inner = record("b", **nothing, instrumentation=sdk, parent_id="a", after=0.01)
    inner |= {"latency_ms": 900.0}
    assert len(ids(outer, inner)) == 1
    for apart in ({"model": "m-2", "model_requested": "m-2"}, {"status": "ok"}):
        assert ids(outer, inner | apart) == [["a"], ["b"]]
    assert ids(outer | {"instrumentation": sdk}, inner) == [["a"], ["b"]]


def test_two_libraries_of_a_process_that_wrote_one_call_in_traces_of_their_own_are_found():
    outer = record("a", instrumentation="openinference.instrumentation.langchain")
    of_sdk = {"trace_id": "u", "instrumentation": "openinference.instrumentation.openai"}
    inner = record("b", **of_sdk, after=0.2, latency_ms=700.0, response_id="r")
    assert len(ids(outer, inner)) == 1
    for apart in (
        {"project": "another process"},
        {"uncached_input": 11},
        {"latency_ms": 1700.0},
        {"latency_ms": None},
        {"model": "m-2", "model_requested": "m-2"},
    ):
        assert ids(outer, inner | apart) == [["a"], ["b"]]
    sample = inner | {"call_id": "c", "trace_id": "v", "response_id": "s"}
    assert ids(outer, inner, sample) == [["a"], ["b"], ["c"]]


def test_a_failure_that_two_libraries_of_a_process_wrote_is_one():
    nothing = dict.fromkeys(TOKEN_BUCKETS) | {"status": "error", "error_class": "rate_limit"}
    outer = record("a", **nothing, instrumentation="langchain", request_digest="q")
    own = {"trace_id": "u", "instrumentation": "com.anthropic.sdk.python", "after": 0.01}
    inner = record("b", **nothing, **own, request_digest=None) | {"latency_ms": 900.0}
    assert len(ids(outer, inner)) == 1
    for apart in ({"error_class": "server"}, {"request_digest": "p"}, {"project": "another"}):
        assert ids(outer, inner | apart) == [["a"], ["b"]]
    again = inner | {"call_id": "c", "trace_id": "v"}
    assert ids(outer, inner, again) == [["a"], ["b"], ["c"]]
    unclassed = {"error_class": "other"}
    assert len(ids(outer, inner | unclassed)) == 1
    assert [len(call) for call in ids(outer, inner, again | unclassed)] == [2, 1]


def test_a_failure_that_two_systems_logged_is_one_by_its_messages():
    nothing = dict.fromkeys(TOKEN_BUCKETS) | {"status": "error", "error_class": "rate_limit"}
    one = record("a", **nothing, source_format="langsmith", request_digest="q")
    other = record("b", **nothing, trace_id="u", after=1.5, request_digest="q")
    assert len(ids(one, other)) == 1
    for apart in (
        {"request_digest": "p"},
        {"request_digest": None},
        {"error_class": "timeout"},
        {"started_at": NOON + timedelta(seconds=3)},
        {"source_format": "langsmith"},
    ):
        assert ids(one, other | apart) == [["a"], ["b"]]
    again = other | {"call_id": "c", "trace_id": "v", "started_at": NOON}
    assert ids(one, other, again) == [["a"], ["b"], ["c"]]


def test_a_span_and_an_event_of_one_response_by_one_library_are_one_call():
    span = record("a", response_id="r", instrumentation="openlit.instrumentation.openai")
    event = span | {"call_id": "b", "trace_id": "b", "latency_ms": None}
    assert len(ids(span, event)) == 1
    assert ids(span, event | {"uncached_input": 11}) == [["a"], ["b"]]


def test_a_record_whose_total_doubts_its_counts_is_a_copy_and_gives_way_to_certain_ones():
    doubted = record("a", response_id="r", output_text=5, reasoning=7, tokens_doubted=60)
    certain = record("b", response_id="r", source_format="litellm", output_text=65)
    (row,) = one_by_one(doubted, certain).to_dicts()
    assert (row["output_text"], row["reasoning"], row["tokens_doubted"]) == (65, 0, None)
    (alone,) = one_by_one(doubted).to_dicts()
    assert (alone["output_text"], alone["tokens_doubted"]) == (5, 60)


def test_a_span_inside_another_with_the_same_tokens_is_the_same_call():
    outer = record("a", latency_ms=1000.0, instrumentation="openinference")
    child = record("b", parent_id="a", after=0.1, latency_ms=800.0, instrumentation="openinference")
    sibling = record("b", after=0.1, latency_ms=800.0, instrumentation="anthropic")
    assert ids(outer, child) == [["b", "a"]]
    assert ids(outer, sibling) == [["b", "a"]]


def test_parallel_samples_of_one_prompt_stay_apart():
    twins = [record(name, instrumentation="openai") for name in "ab"]
    assert ids(*twins) == [["a"], ["b"]]
    answered = [record(name, instrumentation=name, response_id=f"r-{name}") for name in "ab"]
    assert ids(*answered) == [["a"], ["b"]]


def test_calls_one_after_the_other_stay_apart():
    assert ids(record("a", instrumentation="x"), record("b", instrumentation="y", after=5)) == [
        ["a"], ["b"],
    ]  # fmt: skip


def test_two_systems_that_log_one_call_are_told_by_time_model_and_tokens():
    gateway = record(
        "g",
        trace_id="t-1",
        source_format="litellm",
        model="m-1",
        cost_reported=Decimal("0.5"),
        after=0.4,
    )
    tracer = record("l", trace_id="t-2", source_format="langfuse", model="m-1-2026-01-01")
    (row,) = one_by_one(gateway, tracer).to_dicts()
    assert str(row["cost_reported"]) == "0.500000000000"
    assert {copy["source_format"] for copy in row["copies"]} == {"litellm", "langfuse"}


def test_where_two_candidates_fit_nothing_is_joined():
    gateway = record("g", trace_id="t-1", source_format="litellm")
    tracers = [record(name, trace_id=name, source_format="langfuse") for name in "ab"]
    assert ids(gateway, *tracers) == [["a"], ["b"], ["g"]]


@pytest.mark.parametrize("gateway", ["a", "b", "c"])
def test_two_candidates_are_two_wherever_they_stand_in_the_order_of_ids(gateway: str):
    systems = {name: "litellm" if name == gateway else "langfuse" for name in "abc"}
    records = [
        record(name, trace_id=name, source_format=system, request_digest=None)
        for name, system in systems.items()
    ]
    assert ids(*records) == [["a"], ["b"], ["c"]], "at least two calls were made, and paid for"


def logged_twice(count: int, **changes: Any) -> list[dict[str, Any]]:
    """``count`` calls of the same tokens within a second, each by a gateway and a tracing tool."""
    return [
        record(f"{source}-{number}", trace_id=f"{source}-{number}", source_format=source,
               after=number * 0.1 + late, request_digest=f"q-{number}", **changes)
        for source, late in (("litellm", 0.0), ("langfuse", 0.05))
        for number in range(count)
    ]  # fmt: skip


def test_calls_of_one_moment_and_equal_tokens_are_told_apart_by_their_messages():
    calls = logged_twice(5)
    joined = [[f"langfuse-{number}", f"litellm-{number}"] for number in range(5)]
    assert [sorted(copies) for copies in ids(*calls)] == joined
    assert len(ids(*calls[:-1])) == 5, "what one system did not log joins nothing"
    assert len(ids(*(call | {"request_digest": None} for call in calls))) == 10


def test_equal_questions_of_one_moment_are_joined_where_both_systems_have_as_many():
    calls = [call | {"request_digest": "q"} for call in logged_twice(5)]
    assert [len(copies) for copies in ids(*calls)] == [2] * 5
    assert len(ids(*calls[1:])) == 9, "four and five: nobody knows which is missing"
    answered = [call | {"response_id": call["call_id"]} for call in calls]
    assert len(ids(*answered)) == 10
    nothing = dict.fromkeys(TOKEN_BUCKETS) | {"status": "error", "error_class": "rate_limit"}
    assert len(ids(*(call | nothing for call in calls))) == 5
    later = [call | {"started_at": call["started_at"] + timedelta(seconds=9)} for call in calls]
    again = [call | {name: f"{call[name]}x" for name in ("call_id", "trace_id")} for call in later]
    assert len(ids(*calls, *again[1:])) == 5 + 9, "a pause parts them"


def test_other_tokens_another_model_or_another_time_are_another_call():
    tracer = record("l", trace_id="t-2", source_format="langfuse")
    for changes in ({"output_text": 7}, {"model": "x", "model_requested": "x"}, {"after": 2.5}):
        other = record("g", trace_id="t-1", source_format="litellm", **changes)
        assert ids(tracer, other) == [["g"], ["l"]]


NOTHING_BOUGHT = dict.fromkeys(TOKEN_BUCKETS, 0)


def hit(call_id: str, **changes: Any) -> dict[str, Any]:
    """An answer out of LiteLLM's cache."""
    own = {"trace_id": "g", "source_format": "litellm", "tags": ["cache_hit"], "latency_ms": 20.0}
    return record(call_id, **{"request_digest": "d", **own, **NOTHING_BOUGHT, **changes})


def traced(call_id: str, **changes: Any) -> dict[str, Any]:
    """A call as an application's tracer sees it, whoever answered."""
    told = {"request_digest": "d", "response_id": "r", "uncached_input": 20, "output_text": 5}
    return record(call_id, **told | changes)


def test_an_answer_out_of_a_cache_is_not_charged_because_a_tracer_logged_it_too():
    (row,) = one_by_one(traced("a"), hit("g", after=0.1)).to_dicts()
    assert [copy["call_id"] for copy in row["copies"]] == ["a", "g"]
    assert (row["uncached_input"], row["output_text"], row["tags"]) == (0, 0, ["cache_hit"])
    assert row["response_id"] == "r"


def test_the_call_whose_answer_was_kept_in_the_cache_is_charged():
    bought = {"trace_id": "h", "source_format": "litellm", "latency_ms": 950.0}
    kept = [traced("a"), traced("b", response_id="r", after=0.05, **bought)]
    again = [traced("c", after=60.0, latency_ms=30.0), hit("g", after=60.01)]
    assert ids(*kept, *again) == [["b", "a"], ["c", "g"]]
    both = one_by_one(*kept, *again)
    assert both["uncached_input"].sum() == 20


def test_answers_out_of_a_cache_are_told_one_to_one():
    pairs = [(traced(f"a{n}", response_id=f"r{n}"), hit(f"g{n}", after=0.1)) for n in range(3)]
    assert len(ids(*(each for pair in pairs for each in pair))) == 3
    assert len(ids(*(each for pair in pairs for each in pair), traced("more"))) == 7


@pytest.mark.parametrize(
    "changes",
    [{"request_digest": "other"}, {"request_digest": None}, {"after": 9.0}, {"model": "gpt-4o"},
     {"source_format": "litellm"}],
)  # fmt: skip
def test_what_no_cache_answered_stays_a_call(changes: dict[str, Any]):
    asked = {"model": "gpt-4.1-mini", "model_requested": "gpt-4.1-mini"}
    other = {"model_requested": changes["model"]} if "model" in changes else {}
    assert ids(traced("a", **asked | changes | other), hit("g", **asked)) == [["a"], ["g"]]


def test_two_libraries_and_a_gateways_cache_are_one_call():
    upper = traced("a", instrumentation="langchain")
    lower = traced("b", instrumentation="openai", after=0.01, latency_ms=980.0)
    assert ids(upper, lower, hit("g", after=0.05)) == [["b", "a", "g"]]


def test_unknown_tokens_join_nothing():
    unknown = {"uncached_input": None, "output_text": None}
    assert ids(
        record("a", trace_id="1", source_format="litellm", **unknown),
        record("b", trace_id="2", source_format="langfuse", **unknown),
    ) == [["a"], ["b"]]


NOTHING: dict[str, Any] = dict.fromkeys((*TOKEN_BUCKETS, "response_id"))
"""What is known of a stream when it begins."""


def begun(call_id: str, **changes: Any) -> dict[str, Any]:
    said = {"instrumentation": "logfire.openai", "latency_ms": 100.0, "request_digest": "d"}
    return record(call_id, **NOTHING | said | changes)


def streamed(call_id: str, after: float = 0.2, **changes: Any) -> dict[str, Any]:
    said = {"latency_ms": 800.0, "is_stream": True, "response_id": call_id}
    return begun(call_id, **said | {"uncached_input": 5, "after": after} | changes)


def test_a_stream_that_was_logged_as_it_began_and_when_it_was_over_is_one_call():
    (row,) = one_by_one(begun("a"), streamed("b")).to_dicts()
    assert (row["call_id"], row["uncached_input"], row["is_stream"]) == ("b", 5, True)
    failed = {"status": "error", "error_class": "server", **NOTHING}
    (row,) = one_by_one(begun("a"), streamed("b", **failed)).to_dicts()
    assert (row["call_id"], row["status"], row["error_class"]) == ("b", "error", "server")


def test_a_stream_that_an_upper_library_handed_on_is_one_call_though_of_another_trace():
    lower = streamed("b", trace_id="other", instrumentation="openai", uncached_input=None)
    assert ids(begun("a", instrumentation="llama_index"), lower) == [["b", "a"]]
    of_one = [begun("a", instrumentation="traceloop"), streamed("b", instrumentation="traceloop")]
    assert ids(*of_one) == [["a"], ["b"]]


def test_equal_streams_at_one_time_are_told_one_to_one():
    records = [begun("a"), begun("b", after=0.01), streamed("x"), streamed("y", after=0.21)]
    assert ids(*records) == [["x", "a"], ["y", "b"]]
    assert ids(*records[:3]) == [["b"], ["x", "a"]], "one was never read"


@pytest.mark.parametrize(
    "changes",
    [
        {"request_digest": "other"},
        {"request_digest": None},
        {"model": "other", "model_requested": "other"},
        {"after": 0.05},
        {"after": 2.2},
        {"is_stream": None},
        {"project": "other"},
    ],
)
def test_what_no_stream_follows_at_once_stays_a_call(changes: dict[str, Any]):
    assert ids(begun("a"), streamed("b", **changes)) == [["a"], ["b"]]


LANGCHAIN = "@arizeai/openinference-instrumentation-langchain"


def blind(call_id: str, **changes: Any) -> dict[str, Any]:
    """A whole stream, of which an instrumentation below another reads neither id nor counts."""
    below = {"instrumentation": "openai", "trace_id": call_id, "is_stream": True, "after": 0.01}
    return begun(call_id, **below | {"latency_ms": 950.0} | changes)


def handed_on(call_id: str, **changes: Any) -> dict[str, Any]:
    return record(call_id, **{"instrumentation": LANGCHAIN, "request_digest": "d"} | changes)


def test_a_stream_whose_counts_only_the_upper_library_reads_is_one_call_with_them():
    (row,) = one_by_one(handed_on("a"), blind("b")).to_dicts()
    assert (row["call_id"], row["uncached_input"], row["is_stream"]) == ("a", 10, True)
    assert ids(handed_on("a"), blind("b", instrumentation=None)) == [["a", "b"]]
    assert ids(handed_on("a", **NOTHING), blind("b", response_id="r")) == [["b", "a"]]
    upper = [handed_on("a", trace_id="1"), handed_on("c", trace_id="2", after=0.02)]
    lower = [blind("b"), blind("d", after=0.03)]
    assert ids(*upper, *lower) == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    "changes",
    [
        {"request_digest": "other"},
        {"request_digest": None},
        {"model": "other", "model_requested": "other"},
        {"latency_ms": 2000.0, "after": 0.5},
        {"project": "other"},
        {"instrumentation": LANGCHAIN},
        {"status": "error"},
    ],
)
def test_what_knows_no_counts_and_is_not_seen_by_another_library_stays_a_call(
    changes: dict[str, Any],
):
    assert ids(handed_on("a"), blind("b", **changes)) == [["a"], ["b"]]


def test_a_stream_without_counts_beside_two_of_another_library_joins_neither():
    others = [handed_on("a", trace_id="1"), handed_on("c", trace_id="2")]
    assert ids(*others, blind("b")) == [["a"], ["b"], ["c"]]


def test_calls_side_by_side_with_equal_counts_are_told_apart_by_their_messages():
    def both(name: str) -> list[dict[str, Any]]:
        said = {"request_digest": name, "project": None}
        upper = handed_on(f"{name}-upper", trace_id=f"{name}-1", **said | {"latency_ms": 1000.0})
        lower = {"instrumentation": "openai", "trace_id": f"{name}-2", "after": 0.01}
        return [upper, record(f"{name}-lower", **said, **lower, latency_ms=950.0, response_id=name)]

    assert len(ids(*both("x"), *both("y"))) == 2


@pytest.mark.parametrize("lower_says_more", [True, False])
def test_a_call_that_a_library_below_gave_a_trace_of_its_own_stays_in_that_of_its_request(
    lower_says_more: bool,
):
    upper = handed_on("a", trace_id="request", parent_id="step")
    lower = record("b", instrumentation="openai", trace_id="own", after=0.01, latency_ms=950.0)
    less = {"content_digest": None}
    upper, lower = (upper | less, lower) if lower_says_more else (upper, lower | less)
    (row,) = one_by_one(upper, lower | {"response_id": "r"}).to_dicts()
    assert row["call_id"] == ("b" if lower_says_more else "a")
    assert (row["trace_id"], row["parent_id"]) == ("request", "step")


def test_failures_side_by_side_are_told_apart_by_their_messages():
    nothing = {**NOTHING, "status": "error", "error_class": "rate_limit"}

    def both(name: str, digest: str) -> list[dict[str, Any]]:
        upper = handed_on(f"{name}-upper", trace_id=f"{name}-1", **nothing)
        below = {"instrumentation": "openai", "trace_id": f"{name}-2", "after": 0.01}
        lower = record(f"{name}-lower", **nothing, **below, latency_ms=950.0)
        return [each | {"request_digest": digest} for each in (upper, lower)]

    storm = [*both("w", "one"), *both("x", "same"), *both("y", "same"), *both("z", "other")]
    assert sorted(sorted(copies) for copies in ids(*storm)) == [
        [f"{name}-lower", f"{name}-upper"] for name in "wxyz"
    ]


def test_every_record_is_accounted_for_by_the_call_it_became():
    rows = pl.DataFrame(
        [record("a", response_id="r"), record("b", response_id="r"), record("c", after=9)],
        schema=LANDED_CALLS.schema,
    )
    calls = llm_calls(rows)
    assert calls.height == 2
    assert unaccounted_rows(rows, calls).is_empty()


def test_the_order_of_records_changes_nothing():
    rows = pl.DataFrame(
        [
            record("a", response_id="r", user_hash="u"),
            record("b", response_id="r", session_id="s"),
            record("c", trace_id="x", source_format="langfuse", after=20),
            record("d", trace_id="y", source_format="litellm", after=20.5),
        ],
        schema=LANDED_CALLS.schema,
    )
    expected = llm_calls(rows)
    assert expected.height == 2
    for seed in range(5):
        assert llm_calls(rows.sample(fraction=1, shuffle=True, seed=seed)).equals(expected)


def test_a_day_without_calls_has_none():
    assert merged(LANDED_CALLS.empty()).height == 0


def two_systems(one: str, other: str) -> int:
    """How many calls a gateway's record and a tracing tool's of the same moment and tokens are."""
    records = [
        record("a", model=one, model_requested=None, trace_id="t", source_format="litellm"),
        record("b", model=other, model_requested=None, trace_id="u", source_format="langfuse"),
    ]
    counts = {"uncached_input": 100, "output_text": 10}
    return one_by_one(*(row | counts for row in records)).height


@pytest.mark.parametrize(
    ("alias", "snapshot"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4", "gpt-4-0613"),
        ("claude-3-5-sonnet", "claude-3-5-sonnet-20241022"),
        ("anthropic.claude-3-5-sonnet", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("claude-3-haiku", "claude-3-haiku@20240307"),
        ("gemini-1.5-pro", "gemini-1.5-pro-002"),
        ("mistral-large", "mistral-large-latest"),
    ],
)
def test_the_alias_of_a_snapshot_is_the_same_model(alias: str, snapshot: str) -> None:
    assert two_systems(alias, snapshot) == two_systems(snapshot, alias) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        ("gpt-4", "gpt-4o"),
        ("gpt-4", "gpt-4-32k"),
        ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
        ("llama-3", "llama-3-405b"),
        ("gpt-4.1", "gpt-4.1-nano"),
    ],
)
def test_a_model_whose_name_goes_on_is_another(one: str, other: str) -> None:
    assert two_systems(one, other) == two_systems(other, one) == 2
