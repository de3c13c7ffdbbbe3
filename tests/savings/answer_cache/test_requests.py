"""Which requests a cache may answer, and what they are compared by."""

import pytest

from llmops_pipelines.savings import cacheable, logged_requests
from llmops_pipelines.tables import CALL_COSTS, CALL_TEXTS, LLM_CALLS
from tests.golden.worlds import frame
from tests.savings.cache_worlds import NOON, asked


def said(*turns):
    return [{"role": role, "content": content} for role, content in turns]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"status": "error"}, "failed"),
        ({"messages": []}, "no text"),
        ({"question": " \n"}, "no text"),
        ({"answer": None}, "no answer"),
        ({"answer": " "}, "no answer"),
        ({"calls_tools": True}, "tools called"),
        ({"messages": said(("user", "a"), ("tool", "b"))}, "tools called"),
        ({"feature": "poems"}, "feature not cacheable"),
        ({"question": "the order of [EMAIL]?"}, "redacted: cannot be compared"),
        (
            {"messages": said(("system", "for [NAME]"), ("user", "a"))},
            "redacted: cannot be compared",
        ),
    ],
)
def test_what_may_not_be_answered_is_counted_with_its_reason(row, reason):
    kept, out = cacheable(asked(row, "fine"), frozenset({"poems"}))
    assert kept["key"].to_list() == ["fine"]
    assert out.select("reason", "requests").rows() == [(reason, 1)]


def test_the_same_id_again_counts_once():
    kept, out = cacheable(asked({"id": "a"}, {"id": "a"}))
    assert kept.height == 1
    assert out["reason"].to_list() == ["the same id again"]


def test_keys_are_normalised():
    kept, _ = cacheable(asked("What  IS\n\tit?", " what is it?", "\ufb01ne"))
    assert kept["key"].to_list() == ["what is it?", "what is it?", "fine"]


def test_a_conversation_is_its_own_key_and_compared_by_equality_alone():
    history = said(("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"))
    kept, _ = cacheable(asked({"messages": history}, {"question": "x" * 501}, "c"))
    assert kept["only_exact"].to_list() == ["history", "long", None]
    assert kept["key"][0] == "user: a assistant: b user: c"
    assert kept["key"][2] == "c"


def test_feature_scope_and_system_text_part_namespaces():
    spoken = [
        {"scope": "t1"}, {"scope": "t2"}, {"scope": "t1", "feature": "search"},
        {"scope": "t1", "messages": said(("system", "be brief"), ("user", "hello"))},
        {"scope": "t1", "messages": said(("user", "hello"))},
    ]  # fmt: skip
    spaces = cacheable(asked(*spoken))[0]["namespace"].to_list()
    assert len(set(spaces)) == 4
    assert spaces[0] == spaces[4]


def test_requests_are_in_the_order_of_time_and_id():
    kept, _ = cacheable(asked({"id": "b", "at": NOON}, {"id": "a", "at": NOON}))
    assert kept["id"].to_list() == ["a", "b"]


def test_nothing_is_nothing():
    kept, out = cacheable(asked())
    assert kept.is_empty()
    assert out.is_empty()


def logged(**changes):
    call = {"call_id": "c", "started_at": NOON, "status": "ok", "session_id": None, "tags": [],
            "copies": [], "context_steps": [], "user_hash": "u"} | changes  # fmt: skip
    documents = [{"id": "d", "content": changes.pop("document", "one"), "score": None}]
    text = {"call_id": "c", "messages": said(("user", "q")), "contexts": documents,
            "tool_calls": [], "answer": "a"}  # fmt: skip
    return logged_requests(
        frame(LLM_CALLS, [call]), frame(CALL_TEXTS, [text]), frame(CALL_COSTS, [{"call_id": "c"}])
    )


def test_documents_that_were_sent_part_requests_and_documents_that_were_found_do_not():
    one, other = logged(document="one"), logged(document="other")
    assert one["scope"][0] != other["scope"][0]
    found = {"context_steps": ["s"]}
    assert (
        logged(document="one", **found)["scope"][0] == logged(document="other", **found)["scope"][0]
    )
    assert one["group"].to_list() == ["u"]


def test_a_call_without_texts_is_left_out_and_counted():
    calls = frame(
        LLM_CALLS,
        [
            {
                "call_id": "c",
                "started_at": NOON,
                "tags": [],
                "copies": [],
                "context_steps": [],
                "status": "ok",
            }
        ],
    )
    kept, out = cacheable(logged_requests(calls, CALL_TEXTS.empty(), CALL_COSTS.empty()))
    assert kept.is_empty()
    assert out["reason"].to_list() == ["no text"]
    assert out["requests"].to_list() == [1]
