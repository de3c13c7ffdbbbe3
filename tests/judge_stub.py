"""An OpenAI-compatible judge on loopback that knows the truth and errs at stated rates.

It answers the groundedness rubric, RAGAS faithfulness (statements, then verdicts) and RAGAS answer
relevancy, and misbehaves on request. Used as a context manager in tests, or as a process:
``python -m tests.judge_stub --port 8123 --latency-ms 100``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from html import unescape
from math import log
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from llmops_pipelines.judging.execution.metric_canaries import METRIC_CANARIES
from llmops_pipelines.judging.execution.preflight import CANNED
from tests.loopback import LoopbackServer


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request."""

    status: int | None = None
    retry_after: str | None = None
    message: str = "injected"
    text: str | None = None
    truncated: bool = False
    refuse: bool = False
    hang: bool = False
    drop: bool = False


MALFORMED = Fault(text='{"grounded": tru')
TRUNCATED = Fault(truncated=True)
REFUSED = Fault(refuse=True)
HANG = Fault(hang=True)
DROP = Fault(drop=True)

FaultPlan = Mapping[int, Fault] | Callable[[int], Fault | None]


def share_of_requests(shares: Mapping[Fault, float], *, seed: int = 0) -> FaultPlan:
    """Each fault on its share of requests, chosen by the request's number."""

    def fault(number: int) -> Fault | None:
        draw = _fraction(f"{seed}:{number}")
        for planned, share in shares.items():
            if draw < share:
                return planned
            draw -= share
        return None

    return fault


@dataclass
class JudgeStub(LoopbackServer):
    """A judge; ``truth`` maps an answer's text to whether it is grounded.

    ``sensitivity`` is the share of ungrounded answers it calls so, ``specificity`` the share of
    grounded answers it leaves alone; which ones it gets wrong depends on the answer's text alone.
    Answers it does not know it takes for ``default``; those of preflights it knows, unless it is
    ``stubborn``. It refuses the ways of asking for JSON in ``refuses_formats`` with status 400. One
    that ``ignores_formats`` writes names of its own unless its instructions hold the schema, as
    Anthropic's compatible endpoint does. ``doubt`` is the probability of the opposite verdict it
    tells when asked for log probabilities; None tells none. One that is ``forced`` tells what the
    model would have liked to write, as llama.cpp does, which does not hold what its schema made it.
    """

    truth: Mapping[str, bool] = field(default_factory=dict)
    sensitivity: float = 1.0
    specificity: float = 1.0
    default: bool = True
    latency_ms: float = 0.0
    faults: FaultPlan = field(default_factory=dict)
    model: str = "stub-judge-2026-01-01"
    usage: bool = True
    stubborn: bool = False
    refuses_formats: frozenset[str] = frozenset()
    ignores_formats: bool = False
    doubt: float | None = None
    forced: bool = False
    port: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def calls(self) -> int:
        """Requests that arrived."""
        return len(self.requests)

    def says_grounded(self, answer: str) -> bool:
        """Its verdict on ``answer``, right or wrong."""
        canned = {} if self.stubborn else {known: truth for _, known, truth in CANNED}
        grounded = self.truth.get(answer, canned.get(answer, self.default))
        right = _fraction(answer) < (self.specificity if grounded else self.sensitivity)
        return grounded if right else not grounded

    def application(self) -> web.Application:
        """Chat completions."""
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_post("/v1/chat/completions", self._complete)
        return app

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        number = len(self.requests)
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._reply(request, body, self._fault(number))
        finally:
            self.in_flight -= 1

    def _fault(self, number: int) -> Fault:
        plan = self.faults
        return (plan(number) if callable(plan) else plan.get(number)) or Fault()

    async def _reply(
        self, request: web.Request, body: dict[str, Any], fault: Fault
    ) -> web.StreamResponse:
        if fault.hang:
            await asyncio.sleep(3600)
        if self.latency_ms:
            await asyncio.sleep(self.latency_ms / 1_000)
        if fault.drop:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if fault.status is not None:
            headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            error = {"error": {"message": fault.message, "type": "injected", "code": None}}
            return web.json_response(error, status=fault.status, headers=headers)
        way = body.get("response_format", {}).get("type", "text")
        if way in self.refuses_formats:
            message = f"response_format {way} is not supported"
            return web.json_response({"error": {"message": message}}, status=400)
        return web.json_response(self._completion(body, fault))

    def _completion(self, body: dict[str, Any], fault: Fault) -> dict[str, Any]:
        text = fault.text if fault.text is not None else json.dumps(self._written(body))
        message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
        finish = "stop"
        if fault.refuse:
            message, finish = (
                {**message, "content": None, "refusal": "I will not judge this."},
                "stop",
            )
        if fault.truncated:
            message, finish = {**message, "content": text[: len(text) // 2]}, "length"
        digest = sha256(json.dumps(body["messages"]).encode()).hexdigest()
        usage = {
            "prompt_tokens": sum(len(m["content"]) for m in body["messages"]) // 4,
            "completion_tokens": max(1, len(text) // 4),
        }
        return {
            "id": f"chatcmpl-{digest[:12]}",
            "object": "chat.completion",
            "created": 1767225600,
            "model": self.model,
            "choices": [
                {
                    "index": 0,
                    "message": message,
                    "finish_reason": finish,
                    "logprobs": self._logprobs(body, text),
                }
            ],
            **({"usage": {**usage, "total_tokens": sum(usage.values())}} if self.usage else {}),
        }

    def _written(self, body: dict[str, Any]) -> dict[str, Any]:
        """The answer, under names of its own where nobody told the right ones."""
        answer = self.answer(body)
        told = any(
            m["role"] == "system" and "JSON schema" in m["content"] for m in body["messages"]
        )
        if not self.ignores_formats or told:
            return answer
        return {"verdict": answer["grounded"], "explanation": answer["reason"]}

    def _logprobs(self, body: dict[str, Any], text: str) -> dict[str, Any] | None:
        """Tokens as a server tells them: words with the space before them, signs alone."""
        if not body.get("logprobs") or self.doubt is None:
            return None
        told = []
        for token in re.findall(r"\s*\w+|\s*\W", text):
            options = {token: 1.0}
            if token.strip() in ("true", "false"):
                other = " false" if token.strip() == "true" else " true"
                options = {token: 1 - self.doubt, other: self.doubt}
            top = [{"token": t, "logprob": log(max(p, 1e-9))} for t, p in options.items()]
            liked = top[1:] or [{"token": "I", "logprob": -0.7}] if self.forced else top
            told.append({**top[0], "top_logprobs": liked[: body["top_logprobs"]]})
        return {"content": told}

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """What the judge makes of a prompt, whichever of the four it is."""
        prompt = next(m["content"] for m in body["messages"] if m["role"] == "user")
        if "Break down each sentence" in prompt:
            answer = _ragas_input(prompt)["answer"]
            return {"statements": _sentences(answer)}
        if "judge the faithfulness of a series of statements" in prompt:
            return {"statements": [self._nli(s) for s in _ragas_input(prompt)["statements"]]}
        if "identify if the answer is noncommittal" in prompt:
            answer = _ragas_input(prompt)["response"]
            evasive = any(t in answer.lower() for t in ("don't know", "not sure", "it depends"))
            return {"question": f"What is said of {answer[:60]}?", "noncommittal": int(evasive)}
        answer = slot(prompt, "answer")
        grounded = canary_answers().get(answer, self.says_grounded(answer))
        claims = [{"claim": s, "supported": grounded} for s in _sentences(answer)[:12]]
        reason = (
            "every claim is in the documents" if grounded else "a claim is not in the documents"
        )
        return {"claims": claims, "grounded": grounded, "reason": reason}

    def _nli(self, statement: str) -> dict[str, Any]:
        """A statement is judged as the known answer that holds it."""
        holder = next((answer for answer in self.truth if statement in answer), statement)
        grounded = canary_answers().get(statement, self.says_grounded(holder))
        return {"statement": statement, "reason": "as known", "verdict": int(grounded)}


@lru_cache(maxsize=1)
def canary_answers() -> dict[str, bool]:
    """The answers in the canaries of groundedness and faithfulness, and whether they are grounded.

    A judge that works sees through the bad ones; only faults make this one miss any.
    """
    file = Path(__file__).parents[1] / "data" / "reference" / "rubrics.yaml"
    canaries = yaml.safe_load(file.read_text())["rubrics"]["groundedness"]["canaries"]
    known = {str(canary["answer"]): canary["expects"] == [True] for canary in canaries}
    return known | {c.answer: c.at_least > 0 for c in METRIC_CANARIES["faithfulness"]}


def slot(prompt: str, tag: str) -> str:
    """The text between the first ``<tag>`` of a prompt and its closing, as it was logged."""
    found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", prompt, re.DOTALL)
    assert found, f"the prompt has no <{tag}>"
    return unescape(found[1])


def _ragas_input(prompt: str) -> dict[str, Any]:
    """The JSON after the last ``input:`` of a RAGAS prompt."""
    text = prompt.rsplit("\ninput: ", 1)[1]
    parsed: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
    return parsed


def _sentences(text: str) -> list[str]:
    return [s.strip() for s in re.split(r"(?<=[.!?])\s+|\n+", text) if s.strip()]


def _fraction(text: str) -> float:
    return int.from_bytes(sha256(text.encode()).digest()[:6], "big") / 2**48


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    options = parser.parse_args()
    with JudgeStub(port=options.port, latency_ms=options.latency_ms) as stub:
        print(stub.base_url, flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    _main()
