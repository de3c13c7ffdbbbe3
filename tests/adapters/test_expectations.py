import socket
import subprocess
import sys
from datetime import date, datetime

import polars as pl
import pytest

from llmops_pipelines.adapters import expectations
from llmops_pipelines.adapters.expectations import ExpectationError, validate_calls
from llmops_pipelines.tables import LLM_CALLS, TOKEN_BUCKETS

DAY = date(2026, 11, 10)
NINE = datetime.fromisoformat("2026-11-10T09:15:00")


def call(call_id: str, **more) -> dict:
    """A call that meets everything, but for what is said."""
    return {
        "call_id": call_id,
        "trace_id": "t-1",
        "started_at": NINE,
        "feature": "chat",
        "status": "ok",
        "is_batch": False,
        "attempt": 1,
        "latency_ms": 812.4,
        "ttft_ms": 240.1,
        **dict.fromkeys(TOKEN_BUCKETS, 3),
        "context_count": 0,
        "redactions": 0,
        "content_digest": "0" * 32,
        "source_line": 1,
        **more,
    }


def calls(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=LLM_CALLS.schema)


def only_failure(*rows: dict) -> expectations.ExpectationFailure:
    (failure,) = validate_calls(calls(*rows), DAY)
    return failure


def test_an_ordinary_day_meets_everything():
    failed = call("c-2", status="error", error_class="timeout", latency_ms=None, ttft_ms=None)
    failed |= dict.fromkeys(TOKEN_BUCKETS) | {"content_digest": None}
    assert validate_calls(calls(call("c-1"), failed), DAY) == []


def test_a_day_without_calls_meets_everything():
    assert validate_calls(LLM_CALLS.empty(), DAY) == []


def test_a_failure_names_column_expectation_count_and_examples():
    failure = only_failure(call("c-1", latency_ms=-3.0, ttft_ms=None), call("c-2"))
    assert failure.column == "latency_ms"
    assert failure.expectation == "expect_column_values_to_be_between: is not negative"
    assert failure.unexpected_count == 1
    assert failure.examples == ("call c-1: latency_ms = -3.0",)


def test_a_call_counted_twice_is_unexpected():
    failure = only_failure(call("c-1"), call("c-1"))
    assert failure.expectation == "expect_column_values_to_be_unique: every call is counted once"
    assert failure.examples == ("call_id = c-1", "call_id = c-1")


@pytest.mark.parametrize("name", ["call_id", "trace_id", "started_at", "feature", "status"])
def test_what_must_be_known_may_not_be_null(name):
    failures = validate_calls(calls(call("c-1") | {name: None}), DAY)
    assert [(f.column, f.unexpected_count) for f in failures] == [(name, 1)]
    assert failures[0].examples[0].endswith(f"{name} = null")


@pytest.mark.parametrize("moment", ["2026-11-09 23:59:59", "2026-11-11 00:00:00"])
def test_a_call_of_another_day_is_in_the_wrong_partition(moment):
    moment = datetime.fromisoformat(moment)
    failure = only_failure(call("c-1", started_at=moment))
    assert failure.column == "started_at"
    assert failure.expectation.endswith("lies on 2026-11-10, UTC")
    assert failure.examples == (f"call c-1: started_at = {moment}",)


def test_the_first_microsecond_and_the_last_belong_to_the_day():
    moments = "2026-11-10T00:00:00", "2026-11-10T23:59:59.999999"
    rows = [call(moment, started_at=datetime.fromisoformat(moment)) for moment in moments]
    assert validate_calls(calls(*rows), DAY) == []


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"status": "maybe"}, "status"),
        ({"status": "error"}, "error_class"),
        ({"error_class": "timeout"}, "error_class"),
        ({"status": "error", "error_class": "gremlins"}, "error_class"),
        ({"feature": ""}, "feature"),
        ({"attempt": 0}, "attempt"),
        ({"source_line": 0}, "source_line"),
        ({"context_count": -1}, "context_count"),
        ({"ttft_ms": 900.0}, "latency_ms, ttft_ms"),
        ({"content_digest": "the whole prompt\n"}, "content_digest"),
    ],
)
def test_each_expectation_catches_its_own_fault(change, column):
    failure = only_failure(call("c-1", **change), call("c-2"))
    assert (failure.column, failure.unexpected_count) == (column, 1)


def test_no_token_bucket_may_be_negative():
    rows = [call(f"c-{bucket}", **{bucket: -1}) for bucket in TOKEN_BUCKETS]
    failures = validate_calls(calls(*rows), DAY)
    assert [failure.column for failure in failures] == sorted(TOKEN_BUCKETS)
    assert {failure.unexpected_count for failure in failures} == {1}


def test_many_faults_are_counted_and_five_are_shown():
    failure = only_failure(*(call(f"c-{i}", reasoning=-1) for i in range(40)))
    assert failure.unexpected_count == 40
    assert failure.examples[:2] == ("call c-0: reasoning = -1", "call c-1: reasoning = -1")
    assert len(failure.examples) == 5


def test_a_long_id_does_not_flood_the_result():
    (example,) = only_failure(call("c" * 5_000, audio_input=-1)).examples
    assert len(example) == 120


def test_columns_with_text_never_reach_the_suite():
    schema = LLM_CALLS.schema
    assert {"question", "answer", "messages", "contexts"}.isdisjoint(expectations._COLUMNS)
    assert set(expectations._COLUMNS) <= set(schema)


def test_a_missing_column_is_an_error_not_a_pass():
    with pytest.raises(
        ExpectationError, match="llm_calls of 2026-11-10: cannot be checked without"
    ):
        validate_calls(calls(call("c-1")).drop("latency_ms", "status"), DAY)


def test_an_expectation_that_cannot_be_evaluated_is_an_error_not_a_failure(monkeypatch):
    wrong = pl.DataFrame({"call_id": ["c-1"]}).to_pandas()
    monkeypatch.setattr(pl.DataFrame, "to_pandas", lambda self: wrong)
    with pytest.raises(ExpectationError) as raised:
        validate_calls(calls(call("c-1")), DAY)
    message = str(raised.value)
    assert 'expect_column_values_to_be_in_set of status: Error: The column "status"' in message
    assert "expect_column_pair_values_a_to_be_greater_than_b of latency_ms, ttft_ms" in message


def test_a_day_is_checked_in_silence_without_network_or_files(tmp_path, monkeypatch, capfd):
    def refuse(*_):
        raise AssertionError("a connection was attempted")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    expectations._day_of_calls.cache_clear()
    assert validate_calls(calls(call("c-1")), DAY) == []
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_importing_the_adapter_does_not_import_great_expectations():
    code = (
        "import sys, llmops_pipelines.adapters.expectations;"
        "sys.exit('great_expectations' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
