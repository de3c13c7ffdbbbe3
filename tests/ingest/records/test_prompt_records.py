"""Records of prompts in no format of any tool."""

import json

from llmops_pipelines.formats import connect
from llmops_pipelines.ingest.records.prompt_records import read_prompts


def record(**fields):
    return json.dumps(
        {
            "model": "gpt-4o",
            "timestamp": "2026-11-20T09:00:00Z",
            "messages": [{"role": "user", "content": "hello"}],
            "usage": {"prompt_tokens": 30, "completion_tokens": 2,
                      "prompt_tokens_details": {"cached_tokens": 20}},
        }
        | fields
    )  # fmt: skip


def read(*lines):
    return read_prompts(connect(), enumerate(lines, 1))


def test_a_record_is_a_call_with_its_messages_and_disjoint_tokens():
    (call,) = read(record(session_id="s", prompt_version=3)).calls.to_dicts()
    assert (call["uncached_input"], call["cache_read"], call["output_text"]) == (10, 20, 2)
    assert call["messages"] == [{"role": "user", "content": "hello"}]
    assert (call["feature"], call["session_id"]) == ("unattributed", "s")
    assert call["prompt_version"] == "3"
    assert call["call_id"] == "line 1"


def test_system_and_contents_of_other_vendors_are_messages_too():
    usage = {"input_tokens": 30, "cache_read_input_tokens": 20, "output_tokens": 2}
    (call,) = read(record(system="Be kind.", usage=usage)).calls.to_dicts()
    assert [message["role"] for message in call["messages"]] == ["system", "user"]
    assert (call["uncached_input"], call["cache_read"]) == (30, 20)


def test_what_is_no_record_is_refused_with_its_reason():
    found = read("{", "[1]", record(usage=None), record(timestamp=None), record(timestamp="soon"))
    assert found.calls.is_empty()
    reasons = dict(found.refused.iter_rows())
    assert reasons.keys() == {1, 2, 3, 4, 5}
    assert reasons[1].startswith("is no JSON")
    assert "a prompt: usage: is missing; give what" in reasons[3]
    assert reasons[4].startswith("timestamp: is missing")
    assert reasons[5].startswith("timestamp:")


def test_cells_of_a_table_hold_objects_and_lists_as_text():
    whole = json.loads(record())
    cells = whole | {name: json.dumps(whole[name]) for name in ("messages", "usage")}
    one, other = (read(json.dumps(each)).calls for each in (whole, cells))
    assert other.equals(one)


def test_counts_and_the_prompt_may_be_fields_of_the_record():
    flat = json.loads(record()) | {"prompt": "[1, 2] are?", "prompt_tokens": 30}
    flat |= {"completion_tokens": "2", "cached_tokens": 20, "feature": "f"}
    del flat["usage"], flat["messages"]
    (call,) = read(json.dumps(flat)).calls.to_dicts()
    assert (call["uncached_input"], call["cache_read"], call["output_text"]) == (10, 20, 2)
    assert call["messages"] == [{"role": "user", "content": "[1, 2] are?"}]


def test_a_call_that_failed_is_none_that_succeeded():
    statuses = [call["status"] for call in read(record(status="error"), record()).calls.to_dicts()]
    assert statuses == ["error", "ok"]
