"""Format langfuse: rows of its SDK's models (payloads/langfuse.jsonl), and documented exports.

Blob-storage and ClickHouse rows follow the documented field reference of the export.
"""

import json
from functools import cache
from pathlib import Path

import pytest

from llmops_pipelines.formats import FORMATS, sniff
from tests.formats.worlds import one_as, read_as, utc

ROWS = (Path(__file__).parent / "payloads" / "langfuse.jsonl").read_text().splitlines()
STORED = {
    "id": "obs-1",
    "trace_id": "trace-1",
    "project_id": "project-1",
    "environment": "production",
    "type": "GENERATION",
    "parent_observation_id": "obs-0",
    "start_time": "2026-11-10 09:15:02.123000",
    "end_time": "2026-11-10 09:15:03.123000",
    "name": "draft",
    "metadata": {"team": "care", "ls_provider": "openai"},
    "level": "DEFAULT",
    "status_message": "",
    "input": '{"messages": [{"role": "user", "content": "Hello"}]}',
    "output": '{"role": "assistant", "content": "Hi."}',
    "provided_model_name": "gpt-4.1-mini",
    "model_parameters": '{"temperature": 0, "service_tier": "flex", "stream": true}',
    "usage_details": {"input": 56, "input_cached_tokens": 64, "output": 30, "total": 150},
    "cost_details": {"input": 0.01, "output": 0.02, "total": 0.03},
    "completion_start_time": "2026-11-10 09:15:02.373000",
    "prompt_name": "answer",
    "prompt_version": 3,
    "total_cost": 0.03,
    "latency": 1.0,
    "time_to_first_token": 0.25,
    "user_id": "u-42",
    "session_id": "s-7",
    "trace_name": "support",
    "tags": ["feature:support"],
}
EXPECTED = {
    "call_id": "obs-1",
    "trace_id": "trace-1",
    "parent_id": "obs-0",
    "project": "project-1",
    "name": "draft",
    "started_at": utc("2026-11-10T09:15:02.123000"),
    "latency_ms": 1000.0,
    "ttft_ms": 250.0,
    "feature": "support",
    "team": "care",
    "environment": "production",
    "user_id": "u-42",
    "session_id": "s-7",
    "tags": ["feature:support"],
    "provider": "openai",
    "model": "gpt-4.1-mini",
    "service_tier": "flex",
    "is_stream": True,
    "prompt_name": "answer",
    "prompt_version": "3",
    "status": "ok",
    "uncached_input": 56,
    "cache_read": 64,
    "output_text": 30,
    "answer": "Hi.",
    "messages": [{"role": "user", "content": "Hello"}],
}
OLD = {
    "id": "obs-1",
    "traceId": "trace-1",
    "type": "GENERATION",
    "startTime": "2026-11-10T09:15:02.123Z",
    "model": "gpt-4.1-mini",
    "level": "DEFAULT",
    "input": [{"role": "user", "content": "Hello"}],
    "output": "Hi.",
    "latency": 1.5,
    "timeToFirstToken": 0.25,
    "promptTokens": 120,
    "completionTokens": 30,
    "totalTokens": 150,
    "calculatedTotalCost": 0.5,
}
TRACE = {
    "id": "trace-1",
    "timestamp": "2026-11-10T09:15:02.000Z",
    "name": "support",
    "userId": "u-42",
    "sessionId": "s-7",
    "projectId": "project-1",
    "environment": "default",
    "metadata": {"feature": "search"},
    "tags": ["beta"],
    "public": False,
    "bookmarked": False,
    "input": "Hello",
    "output": "Hi.",
    "latency": 2.5,
}


@cache
def rows():
    return read_as("langfuse", *ROWS)


def one(record):
    return one_as("langfuse", record)


def says(record, expected):
    found = one(record)
    assert {name: found[name] for name in expected} == expected


def test_a_row_of_blob_storage_becomes_a_call():
    says(STORED, EXPECTED)
    assert str(one(STORED)["cost_reported"]).startswith("0.03")


def test_a_row_of_csv_holds_json_in_its_cells():
    cells = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in STORED.items()
        if value != ""
    }
    assert FORMATS["langfuse"].recognises(cells)
    says(cells, EXPECTED)


def test_a_row_of_parquet_holds_maps_as_entries():
    entries = [["input", 56], ["input_cached_tokens", 64], ["output", 30], ["total", 150]]
    changed = {"usage_details": entries, "metadata": [["team", "care"], ["ls_provider", "openai"]]}
    says(STORED | changed, EXPECTED)


def test_both_token_conventions_of_one_file_give_the_same_counts():
    calls = {call["name"]: call for call in rows().calls.to_dicts()}
    for name in ("wrapper", "chain"):
        found = calls[name]
        assert (found["uncached_input"], found["cache_read"]) == (56, 64)
        assert (found["output_text"], found["reasoning"]) == (20, 10)


def test_the_sdk_s_rows_are_recognised_by_no_other_format():
    for line in ROWS:
        record = json.loads(line)
        assert [name for name, known in FORMATS.items() if known.recognises(record)] == ["langfuse"]
    assert sniff([json.dumps({"data": [json.loads(line) for line in ROWS]})]) == "langfuse"


def test_a_failed_generation_is_an_error_with_unknown_tokens():
    (found,) = (call for call in rows().calls.to_dicts() if call["status"] == "error")
    assert (found["error_class"], found["answer"]) == ("rate_limit", None)
    assert (found["uncached_input"], found["output_text"]) == (None, None)


def test_other_observations_are_steps_and_the_retriever_keeps_its_documents():
    steps = {step["name"]: step for step in rows().steps.to_dicts()}
    assert (steps["answer"]["kind"], steps["answer"]["parent_id"]) == ("chain", None)
    assert (steps["search"]["kind"], steps["search"]["document_count"]) == ("retriever", 1)
    assert steps["search"]["contexts"][0] == {
        "id": "kb-7", "content": "Orders ship on Mondays.", "score": 0.9,
    }  # fmt: skip


def test_old_field_names_and_seconds_are_read():
    says(
        OLD,
        {
            "parent_id": "trace-1",
            "uncached_input": 120,
            "output_text": 30,
            "latency_ms": 1500.0,
            "ttft_ms": 250.0,
            "answer": "Hi.",
            "messages": [{"role": "user", "content": "Hello"}],
        },
    )
    assert str(one(OLD)["cost_reported"]).startswith("0.5")


def test_two_times_beat_a_latency_that_old_exports_give_in_milliseconds():
    assert one(STORED | {"latency": 1000, "time_to_first_token": 250})["latency_ms"] == 1000.0
    assert one(STORED | {"latency": 1000, "time_to_first_token": 250})["ttft_ms"] == 250.0


def test_zeros_of_old_fields_are_unknown_tokens_and_an_unknown_cost():
    zeros = {"promptTokens": 0, "completionTokens": 0, "totalTokens": 0, "calculatedTotalCost": 0}
    says(OLD | zeros, {"uncached_input": None, "output_text": None, "cost_reported": None})


def test_usage_in_characters_is_no_tokens():
    counted = {"input": 900, "output": 90, "unit": "CHARACTERS"}
    plain = {key: value for key, value in OLD.items() if not key.endswith("Tokens")}
    says(plain | {"usage": counted}, {"uncached_input": None})
    says(plain | {"usage": counted | {"unit": "TOKENS"}}, {"uncached_input": 900})


def test_a_generation_exported_from_its_own_table_has_no_type():
    shown = {
        "id": "obs-1", "traceId": "trace-1", "startTime": OLD["startTime"], "model": "gpt-4.1-mini",
        "inputUsage": "120", "outputUsage": "30", "totalUsage": "150", "traceTags": '["beta"]',
    }  # fmt: skip
    assert FORMATS["langfuse"].recognises(shown)
    says(shown, {"uncached_input": 120, "output_text": 30, "tags": ["beta"]})


def test_stored_metadata_holds_json_as_text():
    stored = {"feature": '"search"', "tenant": '{"id": 7}', "scope": '{"name": "langfuse-sdk"}'}
    says(
        OLD | {"metadata": stored},
        {"feature": "search", "instrumentation": "langfuse-sdk"},
    )
    (record,) = FORMATS["langfuse"].unpack(OLD | {"metadata": stored})
    assert record["metadata"]["tenant"] == {"id": 7}


def test_an_embedding_is_a_call():
    says(OLD | {"type": "EMBEDDING", "output": None}, {"call_id": "obs-1", "answer": None})


def test_a_trace_is_the_root_step_of_its_observations():
    page = {"data": [TRACE | {"observations": [OLD], "scores": []}], "meta": {"page": 1}}
    assert FORMATS["langfuse"].recognises(page)
    found = read_as("langfuse", page)
    (root,) = found.steps.to_dicts()
    assert (root["call_id"], root["trace_id"], root["parent_id"]) == ("trace-1", "trace-1", None)
    assert (root["user_id"], root["session_id"], root["feature"]) == ("u-42", "s-7", "search")
    assert (root["environment"], root["tags"], root["name"]) == (None, ["beta"], "support")
    assert root["latency_ms"] == 2500.0
    assert found.calls["parent_id"].to_list() == ["trace-1"]


def test_observations_that_a_trace_only_names_come_by_themselves():
    found = read_as("langfuse", TRACE | {"observations": ["obs-1"], "scores": ["score-1"]})
    assert (found.steps.height, found.calls.height, found.rejected.height) == (1, 0, 0)


def test_an_update_joins_what_was_created_in_the_same_batch():
    def event(kind, **body):
        return {"id": "e", "type": kind, "timestamp": "2026-11-10T09:15:09Z", "body": body}

    batch = {
        "batch": [
            event("trace-create", id="trace-1", userId="u-42", name="support"),
            event("generation-create", id="obs-1", traceId="trace-1", model="gpt-4.1-mini",
                  startTime="2026-11-10T09:15:02Z"),
            event("generation-update", id="obs-1", endTime="2026-11-10T09:15:03Z", output="Hi.",
                  usage={"promptTokens": 120, "completionTokens": 30}),
            event("score-create", id="score-1", traceId="trace-1", name="helpful", value=1,
                  dataType="BOOLEAN"),
        ]
    }  # fmt: skip
    assert FORMATS["langfuse"].recognises(batch)
    says(
        batch,
        {"latency_ms": 1000.0, "answer": "Hi.", "uncached_input": 120, "output_text": 30,
         "started_at": utc("2026-11-10T09:15:02")},
    )  # fmt: skip
    found = read_as("langfuse", batch)
    assert found.steps["user_id"].to_list() == ["u-42"]
    assert found.feedback["rating"].to_list() == [5.0]


def score(**changes):
    record = {
        "id": "score-1",
        "trace_id": "trace-1",
        "observation_id": "obs-1",
        "name": "user-feedback",
        "value": 1,
        "data_type": "NUMERIC",
        "source": "ANNOTATION",
        "timestamp": "2026-11-10 10:00:00.000000",
        "string_value": None,
    }
    return record | changes


@pytest.mark.parametrize(
    ("said", "rating"),
    [
        ({"value": 1}, 5.0),
        ({"value": 0.5}, 3.0),
        ({"value": 0}, 1.0),
        ({"value": 4}, 4.0),
        ({"value": 1, "name": "star rating"}, 1.0),
        ({"value": 0, "data_type": "BOOLEAN", "string_value": "False"}, 1.0),
        ({"value": "1", "data_type": "BOOLEAN", "source": "API"}, 5.0),
        ({"value": 0, "data_type": "CATEGORICAL", "string_value": "👎"}, 1.0),
        ({"value": 7, "data_type": "CATEGORICAL", "string_value": "Thumbs up"}, 5.0),
    ],
)
def test_scores_of_people_are_ratings(said, rating):
    assert FORMATS["langfuse"].recognises(score(**said))
    found = read_as("langfuse", score(**said)).feedback
    assert found["rating"].to_list() == [rating]
    assert found["about_call"].to_list() == ["obs-1"]


@pytest.mark.parametrize(
    "said",
    [
        {"source": "EVAL"},
        {"value": 73},
        {"value": -1},
        {"data_type": "CATEGORICAL", "string_value": "billing"},
        {"data_type": "TEXT", "string_value": "fine", "value": 0},
        {"trace_id": None, "observation_id": None},
    ],
)
def test_scores_of_judges_and_of_no_scale_are_ignored(said):
    found = read_as("langfuse", score(**said))
    assert (found.feedback.height, found.rejected.height) == (0, 0)


def test_scores_of_the_sdk_name_their_subject():
    assert rows().feedback["about_call"].to_list() == ["obs-wrapper"]
    assert rows().feedback["rating"].to_list() == [5.0]


def test_a_row_without_texts_still_has_cost_and_health():
    bare = {key: value for key, value in STORED.items() if key not in ("input", "output")}
    says(bare, {"uncached_input": 56, "latency_ms": 1000.0, "answer": None, "messages": []})


def test_a_generation_of_nothing_is_rejected_by_name():
    found = read_as("langfuse", {"type": "GENERATION", "id": "obs-1"})
    (why,) = found.rejected["reason"].to_list()
    assert why.startswith("started_at: is missing")


@pytest.mark.parametrize(
    "record",
    [
        {}, {"type": "message", "id": "msg_1"}, {"data": []}, {"data": [3]}, {"batch": []},
        {"id": "x", "timestamp": "2026-11-10T09:15:02Z", "kind": "step"},
        {"type": "GENERATION"},
    ],
)  # fmt: skip
def test_records_of_others_are_not_recognised(record):
    assert not FORMATS["langfuse"].recognises(record)


def test_odd_values_are_rows_or_rejections():
    records = []
    for line in [STORED, OLD, TRACE, score(), *map(json.loads, ROWS)]:
        for odd in (None, 3, "x", [], {}, [3], True):
            records += [line | {key: odd} for key in line]
    for odd in (None, 3, "x", [], {}, [3], [[]], True):
        records += [{"data": odd}, {"batch": odd}, {"data": [odd]}, {"batch": [odd]}]
        records += [STORED | {"usage_details": {"input": odd, "output": odd, "total": odd}}]
        records += [{"type": "trace-create", "body": {"id": odd}}]
        records += [TRACE | {"observations": [odd], "scores": [odd]}]
    found = read_as("langfuse", *records)
    assert found.calls.height > len(records) / 3
    assert not found.rejected.is_empty()


def test_a_cost_without_a_total_is_the_sum_of_its_parts():
    parts = {"input": 0.1, "output": "0.2"}
    (found,) = read_as("langfuse", STORED | {"total_cost": None, "cost_details": parts}).calls[
        "cost_reported"
    ]
    assert str(found).startswith("0.3000")


def test_types_are_read_in_either_case():
    record = STORED | {"type": "generation"}
    assert FORMATS["langfuse"].recognises(record)
    assert read_as("langfuse", record).calls["call_id"].to_list() == ["obs-1"]


def test_a_score_that_names_no_type_is_a_score():
    score = {"id": "s-1", "traceId": "trace-1", "name": "helpful", "value": 1, "source": "API"}
    score |= {"timestamp": "2026-11-10T09:16:00Z"}
    assert sniff([json.dumps(score)]) == "langfuse"
    assert read_as("langfuse", score).feedback["rating"].to_list() == [5.0]


def test_a_score_keeps_its_name():
    found = read_as("langfuse", score(), score(id="score-2", name="tone"), score(id="s", name=None))
    assert found.feedback["name"].to_list() == [score()["name"], "tone", None]


def test_an_embedding_has_no_output_and_no_answer():
    record = STORED | {"type": "EMBEDDING", "usage_details": {"input": 8}, "output": '{"count": 1}'}
    rows = read_as("langfuse", record)
    names = ("uncached_input", "output_text", "answer")
    assert rows.calls.select(names).rows() == [(8, 0, None)]
