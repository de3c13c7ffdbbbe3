"""What calls take from their trace: people, feature, contexts, and attempts."""

from typing import Any

import pytest

from llmops_pipelines.ingest import llm_calls, texts_of, trace_steps
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import CALL_TEXTS, LANDED_STEPS, STEP_TEXTS
from tests.ingest.worlds import Lake, call, landed_lines, lines, log


def step(step_id: str, kind: str = "chain", **changes: Any) -> dict[str, Any]:
    return {
        "kind": "step", "id": step_id, "trace_id": "t", "step": kind,
        "timestamp": "2026-11-10T09:00:00Z", **changes,
    }  # fmt: skip


def of_trace(number: int, **changes: Any) -> dict[str, Any]:
    return call(number, trace_id="t", **changes)


def calls_of(lake: Lake, features: Features | None = None) -> dict[str, dict[str, Any]]:
    steps = trace_steps(lake.rows(LANDED_STEPS))
    return {row["call_id"]: row for row in llm_calls(lake.rows(), steps, features).to_dicts()}


ROOT = step("root", feature="search", user_id="u-1", session_id="s-1", environment="prod")


def test_the_root_lends_user_session_and_feature():
    lake = landed_lines(ROOT, of_trace(1, feature=None, parent_id="root"))
    row = calls_of(lake)["c-1"]
    assert (row["feature"], row["session_id"], row["environment"]) == ("search", "s-1", "prod")
    assert row["user_hash"] == lake.rows(LANDED_STEPS)["user_hash"][0]


def test_it_lends_across_files_and_whichever_came_first():
    lake = Lake()
    lake.land(log("a.jsonl", lines(of_trace(1, feature=None, parent_id="root"))))
    lake.land(log("b.jsonl", lines(ROOT)))
    features = Features.model_validate({"features": {"search": {"team": "web"}}})
    row = calls_of(lake, features)["c-1"]
    assert (row["feature"], row["session_id"], row["team"]) == ("search", "s-1", "web")


def test_what_a_call_says_itself_stays():
    lake = landed_lines(ROOT, of_trace(1, feature="own", session_id="mine", parent_id="root"))
    row = calls_of(lake)["c-1"]
    assert (row["feature"], row["session_id"], row["environment"]) == ("own", "mine", "prod")


def test_a_siblings_prompt_is_its_own():
    lake = landed_lines(
        of_trace(1, parent_id="root", prompt_name="rewrite", user_id="u-9"),
        of_trace(2, parent_id="root"),
    )
    row = calls_of(lake)["c-2"]
    assert row["prompt_name"] is None
    assert row["user_hash"] is not None


def test_a_feature_whose_texts_are_not_kept_is_known_before_anything_is_written():
    features = Features.model_validate({"features": {"search": {"content": "none"}}})
    lake = landed_lines(ROOT, of_trace(1, feature=None, parent_id="root"), features=features)
    assert lake.rows(CALL_TEXTS).is_empty()


def retriever(step_id: str, *contents: str, at: str = "08:59", **changes: Any) -> dict[str, Any]:
    documents = [{"id": text, "content": text, "score": 0.5} for text in contents]
    return step(
        step_id,
        "retriever",
        timestamp=f"2026-11-10T{at}:00Z",
        latency_ms=100,
        contexts=documents,
        **changes,
    )


def contexts_of(lake: Lake) -> dict[str, list[str]]:
    steps = trace_steps(lake.rows(LANDED_STEPS))
    calls = llm_calls(lake.rows(), steps)
    texts = texts_of(
        lake.rows(CALL_TEXTS).lazy(), calls.lazy(), lake.rows(STEP_TEXTS).lazy()
    ).collect()
    return {
        row["call_id"]: [context["content"] for context in row["contexts"]]
        for row in texts.to_dicts()
    }


def test_retrieved_documents_are_the_contexts_of_later_calls_of_the_trace():
    lake = landed_lines(
        of_trace(0),
        retriever("r-1", "one", "two", at="09:01"),
        retriever("r-2", "three", at="09:02"),
        of_trace(3),
        call(4),
    )
    assert contexts_of(lake) == {"c-0": [], "c-3": ["one", "two", "three"], "c-4": []}
    row = calls_of(lake)["c-3"]
    assert (row["context_count"], row["context_steps"]) == (3, ["r-1", "r-2"])


def test_a_reranker_has_the_last_word():
    lake = landed_lines(
        retriever("r-1", "one", "two"),
        {**retriever("r-2", "two"), "step": "reranker", "timestamp": "2026-11-10T08:59:30Z"},
        of_trace(1),
    )
    assert contexts_of(lake) == {"c-1": ["two"]}


def test_a_call_that_logs_contexts_keeps_its_own():
    lake = landed_lines(retriever("r-1", "one"), of_trace(1, contexts=["own"]))
    assert contexts_of(lake) == {"c-1": ["own"]}
    assert calls_of(lake)["c-1"]["context_steps"] == []


def test_retrieved_documents_are_redacted_before_they_are_written():
    lake = landed_lines(retriever("r-1", "write to anna@example.com"), of_trace(1))
    assert contexts_of(lake) == {"c-1": ["write to [EMAIL]"]}


FAILED = {"response": None, "error": {"type": "rate_limit", "message": "slow down"}}


def attempts(*records: Any) -> dict[str, tuple[int, str | None]]:
    rows = calls_of(landed_lines(*records))
    return {key: (row["attempt"], row["retry_of"]) for key, row in rows.items()}


def same_request(number: int, **changes: Any) -> dict[str, Any]:
    request = {"model": "m", "messages": [{"role": "user", "content": "the same"}]}
    return of_trace(number, **{"request": request} | changes)


def test_attempts_of_one_request_are_linked_and_counted():
    found = attempts(
        same_request(1, **FAILED), same_request(2, **FAILED), same_request(3), same_request(4)
    )
    assert found == {"c-1": (1, None), "c-2": (2, "c-1"), "c-3": (3, "c-1"), "c-4": (1, None)}


def test_a_source_that_counts_is_believed():
    found = attempts(same_request(1, attempt=1, **FAILED), same_request(2, attempt=2))
    assert found == {"c-1": (1, None), "c-2": (2, "c-1")}


def test_other_messages_another_trace_or_a_long_pause_are_another_request():
    other = attempts(of_trace(1, **FAILED), of_trace(2))
    assert other == {"c-1": (1, None), "c-2": (1, None)}
    late = attempts(same_request(1, **FAILED), same_request(20))
    assert late == {"c-1": (1, None), "c-20": (1, None)}


def untraced(number: int, second: int = 0, **changes: Any) -> dict[str, Any]:
    """A call as a client logs it that knows of no trace."""
    at = f"2026-11-10T09:{number:02d}:{second:02d}Z"
    record = same_request(number, **{"timestamp": at, "user_id": "u-1"} | changes)
    return {key: value for key, value in record.items() if key != "trace_id"}


def test_without_a_trace_what_one_user_sends_again_at_once_is_an_attempt():
    found = attempts(untraced(1, **FAILED), untraced(2, 30, **FAILED), untraced(3), untraced(4))
    assert found == {"c-1": (1, None), "c-2": (2, "c-1"), "c-3": (3, "c-1"), "c-4": (1, None)}
    session = {"user_id": None, "session_id": "s-1"}
    found = attempts(untraced(1, **FAILED | session), untraced(2, **session))
    assert found == {"c-1": (1, None), "c-2": (2, "c-1")}


@pytest.mark.parametrize(
    "again",
    [
        untraced(2, user_id="u-2"),
        untraced(4),
        untraced(4, attempt=2),
        untraced(2, session_id="another"),
        untraced(2, request={"model": "m", "messages": [{"role": "user", "content": "other"}]}),
        of_trace(2, user_id="u-1"),
    ],
)
def test_without_a_trace_others_later_and_other_messages_are_another_request(
    again: dict[str, Any],
):
    told = again.get("attempt", 1)
    assert attempts(untraced(1, **FAILED), again)[again["id"]] == (told, None)


def retraced(number: int, second: int = 0, **changes: Any) -> dict[str, Any]:
    """A call of a trace of its own, of a user who is known."""
    return untraced(number, second, **changes) | {"trace_id": f"t-{number}"}


def test_what_failed_in_one_trace_and_is_sent_again_in_another_is_an_attempt():
    found = attempts(
        retraced(1, **FAILED),
        retraced(2, 30, **FAILED),
        call(2, trace_id="t-2", user_id="u-1", id="other-work"),
        retraced(2, 40, id="c-2b", **FAILED),
        retraced(3),
        retraced(4),
    )
    assert found == {
        "c-1": (1, None), "c-2": (2, "c-1"), "c-2b": (3, "c-1"), "c-3": (4, "c-1"),
        "c-4": (1, None), "other-work": (1, None),
    }  # fmt: skip


def test_a_source_that_counts_attempts_over_traces_is_believed():
    found = attempts(retraced(1, attempt=1, **FAILED), retraced(2, attempt=4))
    assert found == {"c-1": (1, None), "c-2": (4, "c-1")}


@pytest.mark.parametrize(
    "again",
    [
        retraced(2, user_id="u-2"),
        retraced(2, user_id=None),
        retraced(2, session_id="another"),
        retraced(4),
        retraced(1, 10),
        retraced(2, feature="other"),
        retraced(2, request={"model": "m", "messages": [{"role": "user", "content": "other"}]}),
    ],
)
def test_over_traces_others_later_sooner_and_other_messages_are_another_request(
    again: dict[str, Any],
):
    again = again | {"id": "again"}
    failed = retraced(1, latency_ms=20_000, **FAILED)
    assert attempts(failed, again)["again"] == (1, None)


def test_who_asks_again_after_an_answer_asks_anew():
    assert attempts(retraced(1), retraced(2)) == {"c-1": (1, None), "c-2": (1, None)}
    found = attempts(retraced(1, **FAILED), retraced(1, 30, id="answered"), retraced(2))
    assert found["c-2"] == (1, None)


def test_samples_side_by_side_that_failed_are_no_attempts_of_each_other():
    def sample(n: int) -> dict[str, Any]:
        at = f"2026-11-10T09:01:00.{n}Z"
        return same_request(n, timestamp=at, latency_ms=900, user_id="u", **FAILED)

    for trace in ({"trace_id": "t"}, {"trace_id": None}):
        assert set(attempts(*(sample(n) | trace for n in range(3))).values()) == {(1, None)}


def test_without_a_trace_nobody_knows_whether_a_stranger_asked_again():
    nobody = [untraced(n, user_id=None, **changes) for n, changes in ((1, FAILED), (2, {}))]
    assert attempts(*nobody) == {"c-1": (1, None), "c-2": (1, None)}
