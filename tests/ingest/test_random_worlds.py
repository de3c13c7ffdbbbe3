"""Random days of several systems, in any order, twice and late: totals are those of the truth."""

import json
import random
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.ingest import (
    LogFile,
    feedback,
    llm_calls,
    trace_steps,
    unaccounted_files,
)
from llmops_pipelines.tables import LANDED_FEEDBACK, LANDED_STEPS
from tests.formats.spans import attributes, batch
from tests.formats.test_gen_ai_events import record, sent
from tests.ingest.worlds import Lake, lines, log, options, reasons, utc_moment

NOON = utc_moment("2026-11-10T12:00:00")
LANGCHAIN, OPENAI = (f"openinference.instrumentation.{name}" for name in ("langchain", "openai"))
ERROR = {"type": "rate_limit", "message": "Slow down.", "status": 429}
THUMB = {"gen_ai.evaluation.name": "user_feedback", "gen_ai.evaluation.score.value": 1.0}
JUDGED = {"gen_ai.evaluation.name": "hallucination", "gen_ai.evaluation.score.value": 1.0}
HELPFUL = {
    "openinference.span.kind": "EVALUATOR",
    "evaluations.0.evaluation.name": "helpful",
    "evaluations.0.evaluation.score": 1,
    "evaluations.0.evaluation.annotator_kind": "HUMAN",
}


def nanoseconds(at: datetime) -> str:
    return str((at - utc_moment("1970-01-01")) // timedelta(microseconds=1) * 1000)


class World:
    """Requests of users: what was logged of them by each system, and what they came to."""

    def __init__(self, seed: int, requests: int = 25) -> None:
        self.random = random.Random(seed)
        self.logged: dict[str, list[Any]] = defaultdict(list)
        self.truth: Counter[str] = Counter()
        for number in range(requests):
            self._request(number)

    def files(self) -> list[LogFile]:
        """The logs in a random order, their lines shuffled over files, some of them twice."""
        found = []
        for system, records in self.logged.items():
            if system == "archive":
                whole = {"log": {"entries": records}}
                found.append(log("archive.har", json.dumps(whole, indent=1).encode()))
                continue
            self.random.shuffle(records)
            parts = self.random.choice([1, 2, 3])
            for part in filter(None, (records[n::parts] for n in range(parts))):
                copies = self.random.choice([1, 1, 2])
                for _ in range(copies):
                    again = lines(*self.random.sample(part, len(part)))
                    found.append(log(f"{system}/{len(found)}.jsonl", again))
        self.random.shuffle(found)
        return found

    def _request(self, number: int) -> None:
        at = NOON + timedelta(seconds=self.random.uniform(0, 3000))
        user, question = f"u{self.random.randrange(8)}", f"Question {number}?"
        log_of = self.random.choice([self._traced, self._traced, self._client, self._archive])
        libraries = self.random.choice([1, 2, 2])
        attempts = self.random.choice([1, 1, 2, 3])
        for attempt in range(attempts):
            ok = attempt == attempts - 1 and self.random.random() < 0.9
            counts = (self.random.randrange(10**6), self.random.randrange(1, 10**5)) if ok else None
            self.truth["retries"] += attempt > 0 and log_of != self._archive  # of nobody known
            log_of(at, user, question, counts, libraries)
            at += timedelta(seconds=self.random.choice([4, 30, 90]))
        if attempts == 1 and log_of != self._archive:
            log_of(
                at, user, question, (7, number), libraries
            )  # asked again after the answer, or later
            self.truth["retries"] += not ok

    def _made(self, counts: tuple[int, int] | None) -> dict[str, Any]:
        """Counts a call; its response where it has one."""
        self.truth["calls"] += 1
        if counts is None:
            self.truth["failed"] += 1
            return {"error": ERROR}
        self.truth["sent"] += counts[0]
        self.truth["received"] += counts[1]
        message = {"role": "assistant", "content": f"Answer {self.truth['calls']}."}
        return {
            "id": f"chatcmpl-{self.truth['calls']}", "object": "chat.completion", "model": "m-1",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": counts[0], "completion_tokens": counts[1]},
        }  # fmt: skip

    def _client(
        self, at: datetime, user: str, question: str, counts: tuple[int, int] | None, _: int
    ) -> None:
        """As an application logs its calls, among whatever else it logs."""
        asked = {"model": "m", "messages": [{"role": "user", "content": question}]}
        told = {"timestamp": f"{at}Z", "feature": "f", "user_id": user, "request": asked}
        body = self._made(counts)
        self.logged["client"].append(told | (body if counts is None else {"response": body}))
        own = {"level": "error", "msg": "lost", "ts": f"{at}Z", "error": "x", "of": len(told)}
        self.logged["client"] += self.random.choice([[], [own]])

    def _archive(
        self, at: datetime, _: str, question: str, counts: tuple[int, int] | None, __: int
    ) -> None:
        asked = {"model": "m", "messages": [{"role": "user", "content": question}]}
        body, status = json.dumps(self._made(counts)), 429 if counts is None else 200
        entry = {"startedDateTime": f"{at}Z", "time": 400}
        entry["request"] = {"postData": {"text": json.dumps(asked)}}
        entry["response"] = {"status": status, "content": {"text": body}}
        page = {"startedDateTime": f"{at}Z", "request": {}, "response": {"status": 404}}
        self.logged["archive"] += [entry, page]

    def _traced(
        self, at: datetime, user: str, question: str, counts: tuple[int, int] | None, libraries: int
    ) -> None:
        """As LangChain's instrumentation and one below it do, and a gateway; then people speak."""
        body = self._made(counts)
        trace, root, call = self._id(32), self._id(16), self._id(16)
        said = {
            "openinference.span.kind": "LLM", "llm.model_name": "m",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": question,
        }  # fmt: skip
        thrown = attributes({"exception.type": "RateLimitError"})
        failed = {"status": {"code": 2}, "events": [{"name": "exception", "attributes": thrown}]}
        outcome = failed if counts is None else {}
        counted = said | {"llm.output_messages.0.message.content": "A"}
        if counts is not None:
            counted |= dict(
                zip(("llm.token_count.prompt", "llm.token_count.completion"), counts, strict=True)
            )
        chain = {"openinference.span.kind": "CHAIN", "user.id": user, "metadata": '{"feature":"f"}'}
        self._span(chain, at, trace, root, None, "app")
        self._span(counted, at, trace, call, root, LANGCHAIN, **outcome)
        blind = self.random.random() < 0.5
        if libraries == 2:
            reads = said if blind else counted | {"output.value": json.dumps(body)}
            soon = at + timedelta(milliseconds=20)
            self._span(reads, soon, self._id(32), self._id(16), None, OPENAI, **outcome)
        if counts is None or self.random.random() < 0.5:
            return
        self.truth["said"] += 1
        later = at + timedelta(minutes=5)
        self._span(JUDGED | {"gen_ai.response.id": body["id"]}, later, trace, self._id(16), call)
        of_call = {"timeUnixNano": nanoseconds(later), "traceId": trace, "spanId": call}
        elsewhere = of_call | {"traceId": self._id(32), "spanId": self._id(16)}
        match self.random.choice(["event", "link", "response"]):
            case "response" if libraries == 2 and not blind:
                named = THUMB | {"gen_ai.response.id": body["id"]}
                told = sent(record("gen_ai.evaluation.result", plain=named, **elsewhere))
                self.logged["events"].append(told)
            case "link":
                links = [{"traceId": trace, "spanId": call}]
                self._span(HELPFUL, later, self._id(32), self._id(16), None, links=links)
            case _:
                told = sent(record("gen_ai.evaluation.result", plain=THUMB, **of_call))
                self.logged["events"].append(told)

    def _span(
        self, plain: dict[str, Any], at: datetime, trace: str, span: str, parent: str | None,
        scope: str = "app", **more: Any,
    ) -> None:  # fmt: skip
        took = timedelta(milliseconds=960 if scope == OPENAI else 1000)
        whole = {
            "traceId": trace, "spanId": span, "parentSpanId": parent, "name": "x",
            "startTimeUnixNano": nanoseconds(at), "endTimeUnixNano": nanoseconds(at + took),
            "attributes": attributes(plain), "status": {"code": 1}, **more,
        }  # fmt: skip
        kept = {name: value for name, value in whole.items() if value is not None}
        self.logged["spans"].append(batch(kept, resource={"service.name": "shop"}, scope=scope))

    def _id(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"


@pytest.mark.parametrize("seed", range(6))
def test_calls_tokens_retries_and_feedback_are_those_of_the_truth(seed: int) -> None:
    world, lake = World(seed), Lake(options())
    files = world.files()
    while files:
        count = world.random.randrange(1, 4)
        lake.land(*files[:count])
        files = files[count:]
    landed = lake.rows().drop("day")
    calls = llm_calls(landed, trace_steps(lake.rows(LANDED_STEPS).drop("day")))
    said = feedback(lake.rows(LANDED_FEEDBACK).drop("day"), landed.lazy())
    assert unaccounted_files(lake.index).is_empty()
    assert {reason[:20] for _, reason in reasons(lake)} <= {"file: no known forma"}, "no calls"
    known = calls["copies"].explode().struct.field("call_id")
    assert said["call_id"].is_in(known.implode()).all()
    assert {
        "calls": calls.height,
        "failed": calls.filter(status="error").height,
        "sent": calls["uncached_input"].sum(),
        "received": calls["output_text"].sum(),
        "retries": calls["retry_of"].drop_nulls().len(),
        "said": said.height,
    } == dict(world.truth)
    of_somebody = calls.filter(pl.col("feature") == "f")
    assert of_somebody["user_hash"].null_count() == 0
    assert of_somebody.height == calls.filter(pl.col("source_file") != "archive.har").height
