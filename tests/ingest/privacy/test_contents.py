"""Nothing private leaves landing, and policy decides what is kept of texts."""

import hashlib
import hmac
import json

import polars as pl

from llmops_pipelines.ingest import Redaction
from llmops_pipelines.ingest.privacy.labels import hidden_ids, spellings
from llmops_pipelines.reference import Features, IdPattern
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_REJECTIONS,
    LANDED_STEPS,
)
from tests.ingest.worlds import call, landed_lines

MAIL = "write to jo@example.com"


def features(**content):
    return Features.model_validate(
        {"features": {name: {"content": policy} for name, policy in content.items()}}
    )


def private(number=1, feature="support", **changes):
    """A call with an address in every text."""
    record = call(number, feature=feature, contexts=[{"id": "kb-jo@example.com", "content": MAIL}])
    record["request"]["messages"] = [
        {"role": "system", "content": MAIL},
        {"role": "user", "content": f"{MAIL}, call 415-555-0132"},
    ]
    record["response"]["choices"][0]["message"]["content"] = MAIL
    return record | changes


def everything(lake):
    """All that landed, as one text."""
    return "".join(str(frame.to_dicts()) for frame in lake.parts.values())


def test_every_text_is_redacted_and_counted():
    lake = landed_lines(private())
    (texts,) = lake.rows(CALL_TEXTS).to_dicts()
    clean = "write to [EMAIL]"
    assert texts["messages"] == [
        {"role": "system", "content": clean},
        {"role": "user", "content": f"{clean}, call [PHONE]"},
    ]
    assert (texts["question"], texts["answer"]) == (f"{clean}, call [PHONE]", clean)
    assert texts["contexts"] == [{"id": "[EMAIL]", "content": clean, "score": None}]
    assert lake.rows()["redactions"].to_list() == [6]
    assert "example.com" not in everything(lake)


def test_redactions_add_up_from_their_kinds():
    rows = landed_lines(private(1), call(2)).rows()
    kinds = [list(found.values()) for found in rows["redactions_by_kind"].to_list()]
    assert kinds == [[0, 5, 0, 1, 0, 0, 0, 0], [0] * 8]
    assert rows["redactions"].to_list() == [6, 0]


def test_patterns_of_privacy_yaml_hold_in_every_text():
    ssn = IdPattern(name="us_ssn", pattern="[0-9]{3}-[0-9]{2}-[0-9]{4}")
    record = call(1, contexts=[{"id": "k", "content": "SSN 123-45-6789"}])
    lake = landed_lines(record, redaction=Redaction((ssn,)))
    assert lake.rows(CALL_TEXTS)["contexts"][0][0]["content"] == "SSN [NATIONAL_ID]"
    assert lake.rows()["redactions_by_kind"][0]["national_id"] == 1


def test_clean_calls_beside_private_ones_stay_as_they_are():
    lake = landed_lines(call(1), private(2), call(3))
    assert lake.rows()["redactions"].to_list() == [0, 6, 0]
    questions = lake.rows(CALL_TEXTS)["question"].to_list()
    assert questions == ["Question 1?", "write to [EMAIL], call [PHONE]", "Question 3?"]


def test_comments_and_reasons_are_redacted():
    feedback = {
        "kind": "feedback", "id": "f", "call_id": "c", "timestamp": "2026-11-10T09:00:00Z",
        "comment": MAIL,
    }  # fmt: skip
    lake = landed_lines(call(1), feedback, call(2, latency_ms="jo@example.com"))
    (remark,) = lake.rows(LANDED_FEEDBACK).to_dicts()
    assert (remark["comment"], remark["redactions_by_kind"]["email"]) == ("write to [EMAIL]", 1)
    assert "'[EMAIL]' is not a finite number" in lake.rows(LANDED_REJECTIONS)["reason"][0]


def test_a_broken_line_never_appears():
    lake = landed_lines(call(1), '{"comment": "my secret plan", "id": ')
    assert "secret plan" not in everything(lake)


def test_content_full_keeps_texts_as_they_are():
    lake = landed_lines(private(), features=features(support="full"))
    assert lake.rows(CALL_TEXTS)["answer"].to_list() == [MAIL]
    assert lake.rows()["redactions"].to_list() == [0]


def test_content_none_writes_no_text_but_keeps_lengths():
    lake = landed_lines(private(), features=features(support="none"))
    assert CALL_TEXTS.name not in {table for table, _, _ in lake.parts}
    (row,) = lake.rows().to_dicts()
    assert (row["content_digest"], row["redactions"]) == (None, 0)
    assert (row["question_chars"], row["answer_chars"]) == (len(MAIL) + 19, len(MAIL))
    assert row["context_count"] == 1
    assert "example.com" not in everything(lake)


def test_content_none_drops_the_comments_of_its_feature():
    feedback = {
        "kind": "feedback", "id": "f", "call_id": "c", "timestamp": "2026-11-10T09:00:00Z",
        "comment": MAIL, "feature": "support", "rating": 2,
    }  # fmt: skip
    lake = landed_lines(feedback, features=features(support="none"))
    assert lake.rows(LANDED_FEEDBACK).select("comment", "rating").rows() == [(None, 2.0)]
    kept = landed_lines(feedback, features=features(support="full"))
    assert kept.rows(LANDED_FEEDBACK)["comment"].to_list() == [MAIL]


def test_policies_hold_per_feature():
    records = [private(n, feature=name) for n, name in enumerate(("a", "b", "c"))]
    lake = landed_lines(*records, features=features(a="full", b="redacted", c="none"))
    assert lake.rows(CALL_TEXTS)["answer"].to_list() == [MAIL, "write to [EMAIL]"]


def test_lengths_are_those_of_the_logged_texts():
    (row,) = landed_lines(private()).rows().to_dicts()
    assert row["answer_chars"] == len(MAIL)


def test_a_call_without_texts_has_no_digest_and_no_text_row():
    lake = landed_lines(call(1, kind="call", request=None, response=None))
    assert lake.rows()["content_digest"].to_list() == [None]
    assert lake.rows(CALL_TEXTS).is_empty()


def called(number, city):
    """A call that was answered with the call of a tool, and nothing else was logged."""
    function = {"name": "weather", "arguments": json.dumps({"city": city})}
    record = call(number, request={"model": "gpt-4.1-mini"})
    message = {"role": "assistant", "tool_calls": [{"type": "function", "function": function}]}
    record["response"]["choices"][0]["message"] = message
    return record


def test_what_a_tool_was_called_with_is_kept_where_nothing_else_was_said():
    lake = landed_lines(called(1, "Bergen"), called(2, "Oslo"))
    (one, other) = lake.rows(CALL_TEXTS).sort("source_line")["tool_calls"].to_list()
    assert (one[0]["arguments"], other[0]["arguments"]) == (
        '{"city": "Bergen"}',
        '{"city": "Oslo"}',
    )
    first, second = lake.rows()["content_digest"]
    assert first != second
    assert None not in (first, second)


def test_equal_texts_have_equal_digests_whoever_logged_them():
    records = [call(1), call(1, id="other", user_id="u"), call(2)]
    one, same, different = landed_lines(*records).rows()["content_digest"]
    assert one == same != different


def test_the_question_is_the_last_user_message():
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "reply"},
        {"role": "user", "content": "second"},
        {"role": "tool", "content": "found"},
    ]
    lake = landed_lines(call(1, request={"messages": messages}))
    assert lake.rows(CALL_TEXTS)["question"].to_list() == ["second"]
    assert len(lake.rows(CALL_TEXTS)["messages"][0]) == 4


def test_users_become_keyed_hashes():
    lake = landed_lines(call(1, user_id="u-42"), call(2, user_id=42), call(3))
    expected = [
        hmac.new(b"key", user, hashlib.sha256).hexdigest()[:16] for user in (b"u-42", b"42")
    ]
    assert lake.rows()["user_hash"].to_list() == [*expected, None]
    assert "u-42" not in everything(lake)


def test_another_key_gives_other_hashes():
    one, other = (landed_lines(call(1, user_id="u"), hash_key=key) for key in (b"a", b"b"))
    assert one.rows()["user_hash"][0] != other.rows()["user_hash"][0]


def test_an_owner_comes_from_the_record_else_from_the_features():
    settings = Features.model_validate({"features": {"support": {"team": "care"}}})
    lake = landed_lines(
        call(1), call(2, team="own"), call(3, feature="new"), call(4, feature=None),
        features=settings,
    )  # fmt: skip
    assert lake.rows().select("feature", "team").rows() == [
        ("support", "care"),
        ("support", "own"),
        ("new", None),
        ("unattributed", None),
    ]


def test_a_call_without_an_id_is_named_by_its_record_and_is_its_own_trace():
    (row,) = landed_lines(call(1, id=None)).rows().to_dicts()
    assert row["call_id"] == row["trace_id"] == row["record_digest"]


def test_a_table_of_landed_rows_has_no_plain_user():
    assert "user_id" not in landed_lines(call(1, user_id="u")).rows().columns
    assert isinstance(landed_lines(call(1)).rows(), pl.DataFrame)


def test_names_tags_and_ids_hold_no_address_either():
    person = {"session_id": "jo@example.com", "trace_id": "chat-jo@example.com"}
    labels = {"name": MAIL, "tags": [f"user:{MAIL}", "plain"], "project": MAIL}
    step = {"kind": "step", "step": "tool", "id": "s-1", "timestamp": "2026-11-10T09:00:00Z"}
    remark = {"kind": "feedback", "id": "f-1", "rating": 1, "timestamp": "2026-11-10T09:00:00Z"}
    trace = {"trace_id": person["trace_id"]}
    lake = landed_lines(call(1, **person, **labels), step | person | labels, remark | trace)
    (row,), (beside,) = lake.rows().to_dicts(), lake.rows(LANDED_STEPS).to_dicts()
    assert (row["name"], row["tags"]) == ("write to [EMAIL]", ["user:write to [EMAIL]", "plain"])
    assert row["session_id"].startswith("hidden:")
    assert row["session_id"] == beside["session_id"]
    traces = {row["trace_id"], beside["trace_id"], *lake.rows(LANDED_FEEDBACK)["trace_id"]}
    assert len(traces) == 1
    assert "example.com" not in everything(lake)


def test_words_that_say_what_a_call_was_hold_no_address_either():
    request = {
        "model": f"model of {MAIL}",
        "messages": [{"role": f"user {MAIL}", "content": "Hello?"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"schema": {"type": "object", "description": f"Ask {MAIL}."}},
        },
    }
    message = {"tool_calls": [{"function": {"name": f"write {MAIL}", "arguments": "{}"}}]}
    response = {
        "id": MAIL, "model": f"m@{MAIL}", "service_tier": MAIL,
        "choices": [{"finish_reason": MAIL, "message": message}],
    }  # fmt: skip
    labels = {"feature": f"help {MAIL}", "provider": MAIL, "prompt": {"version": MAIL}}
    lake = landed_lines(
        call(1, request=request, response=response, **labels),
        call(2, feature=f"help {MAIL}", timestamp="soon"),
    )
    rows = [lake.rows(table).to_dicts() for table in (LANDED_CALLS, CALL_TEXTS)]
    assert "example.com" not in str([*rows, lake.rows(LANDED_REJECTIONS).to_dicts()])
    ((row,), (texts,)) = rows
    assert row["feature"] == "help write to [EMAIL]"
    assert row["model_requested"] == "model of write to [EMAIL]"
    assert json.loads(texts["response_schema"])["description"] == "Ask write to [EMAIL]."


def test_versions_in_the_name_of_a_model_stay():
    names = ["claude-sonnet-4-5@20250929", "us.anthropic.claude-v1:0", "kimi-k2-0905", "m 10.2.3.4"]
    lake = landed_lines(*(call(n, response={"model": name}) for n, name in enumerate(names)))
    assert lake.rows(LANDED_CALLS).sort("call_id")["model"].to_list() == names


def test_ids_that_tell_nobody_stay_and_hidden_ones_are_found_again():
    ids = pl.Series(["s-7", "0b1c2d3e4f5a6b7c", "a+b/c==", None, "+4917012345678"])
    hidden = hidden_ids(ids, b"key")
    assert hidden[:4].to_list() == ids[:4].to_list()
    assert hidden[4] in spellings("+4917012345678", [b"old", b"key"])
    assert spellings("s-7", [b"key"]) == {"s-7"}
