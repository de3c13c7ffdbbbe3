"""The lines of one trace: rewrite, retrieval or tools, the root call and its failed attempts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from llmops_pipelines.sample_company.catalogue import GPT_41_MINI, REWRITE_PROMPT, Feature, Model
from llmops_pipelines.sample_company.exchange import Exchange
from llmops_pipelines.sample_company.planning import Turn
from llmops_pipelines.sample_company.records import (
    BASE_ERROR_KINDS,
    OUTAGE_ERRORS,
    TIMEOUT_MS,
    Line,
    request_of,
    response_of,
    stamp,
    step_record,
    timing,
    usage_of,
)
from llmops_pipelines.sample_company.support import query_rewrite


class TraceWriter:
    """Writes the traces of one feature on one day; ids count upwards from 1."""

    def __init__(self, feature: Feature, number: int, day: datetime, rng: Random) -> None:
        self._feature = feature
        self._version = feature.version_on(number)
        self._key = f"{day:%Y%m%d}-{feature.code}"
        self._ids = {prefix: count(1) for prefix in ("c", "t", "st")}
        self._rng = rng

    def lines_of(self, turn: Turn, exchange: Exchange) -> list[Line]:
        """All lines of the trace that ``turn`` is, its root call's last attempt at the end."""
        trace_id = self._id("t")
        attempts = turn.failures + turn.succeeds
        call_ids = [self._id("c") for _ in range(attempts)]
        root = call_ids[-1]
        before = self._steps_before(turn, exchange, trace_id, root)
        return [*before, *self._attempts(turn, exchange, trace_id, call_ids)]

    def _attempts(
        self, turn: Turn, exchange: Exchange, trace_id: str, call_ids: list[str]
    ) -> list[Line]:
        lines, at = [], turn.at
        prompt = (self._feature.prompt, self._version)
        for attempt, call_id in enumerate(call_ids, 1):
            ids = {"id": call_id, "trace_id": trace_id, "parent_id": None}
            envelope = self._envelope(turn, ids, attempt, prompt)
            if attempt <= turn.failures:
                line, latency = self._failed(turn, envelope, exchange, at)
                lines.append(line)
                at += timedelta(milliseconds=latency + self._rng.uniform(200, 900))
            else:
                streams = self._feature.streams
                lines.append(self._answered(turn.model, envelope, exchange, at, streams=streams))
        return lines

    def _steps_before(self, turn: Turn, exchange: Exchange, trace_id: str, root: str) -> list[Line]:
        """Rewrite and steps, laid out backwards from the root call."""
        steps: list[tuple[str, str, int | None]] = []
        if self._feature.name == "support_assistant":
            steps = [("retriever", "kb_search", len(exchange.contexts))]
            if self._rng.random() < 0.6:
                steps.insert(0, ("reranker", "cross_encoder", len(exchange.contexts)))
        elif self._feature.name == "code_helper":
            steps = [("tool", "repo_search", None)]
            if self._rng.random() < 0.4:
                steps.insert(0, ("tool", "run_tests", None))
        lines, at = [], turn.at
        for step, name, documents in steps:
            latency = round(self._rng.lognormvariate(3.6, 0.4), 1)
            at -= timedelta(milliseconds=latency)
            ids = {"id": self._id("st"), "trace_id": trace_id, "parent_id": root}
            record = step_record(ids, step, name, at, latency) | {"feature": self._feature.name}
            if documents is not None:
                record["document_count"] = documents
            lines.append(self._line(at, "step", record))
        if turn.has_rewrite:
            lines.append(self._rewrite(turn, exchange, trace_id, root, at))
        return lines[::-1]

    def _rewrite(
        self, turn: Turn, exchange: Exchange, trace_id: str, root: str, until: datetime
    ) -> Line:
        small = query_rewrite(self._rng, exchange)
        ids = {"id": self._id("c"), "trace_id": trace_id, "parent_id": root}
        envelope = self._envelope(turn, ids, 1, REWRITE_PROMPT)
        return self._answered(GPT_41_MINI, envelope, small, until, streams=False, ends=True)

    def _answered(
        self, model: Model, envelope: dict[str, Any], exchange: Exchange, at: datetime, *,
        streams: bool, ends: bool = False,
    ) -> Line:  # fmt: skip
        """A successful call that starts at ``at``, or with ``ends`` is over by then."""
        usage = usage_of(exchange, model, self._rng)
        latency, ttft = timing(usage, model, self._rng)
        if ends:
            at -= timedelta(milliseconds=latency)
        record = envelope | {
            "timestamp": stamp(at),
            "latency_ms": latency,
            "ttft_ms": ttft if streams else None,
            "provider": model.provider,
            "contexts": list(exchange.contexts),
            "request": request_of(exchange, model, streams=streams),
            "response": response_of(exchange, model, usage, at, self._rng),
            "error": None,
        }
        cost = model.cost(usage.prompt, usage.cached, usage.completion)
        return self._line(at, "call", record, cost)

    def _failed(
        self, turn: Turn, envelope: dict[str, Any], exchange: Exchange, at: datetime
    ) -> tuple[Line, float]:
        error = self._rng.choice(OUTAGE_ERRORS if turn.in_outage else BASE_ERROR_KINDS)
        quick = round(self._rng.lognormvariate(6.0, 0.5), 1)
        latency = TIMEOUT_MS if error["type"] == "timeout" else min(quick, TIMEOUT_MS)
        streams = self._feature.streams
        record = envelope | {
            "timestamp": stamp(at),
            "latency_ms": latency,
            "ttft_ms": None,
            "provider": turn.model.provider,
            "contexts": list(exchange.contexts),
            "request": request_of(exchange, turn.model, streams=streams),
            "response": None,
            "error": dict(error),
        }
        return self._line(at, "call", record), latency

    def _envelope(
        self, turn: Turn, ids: Mapping[str, str | None], attempt: int, prompt: tuple[str, str]
    ) -> dict[str, Any]:
        """The head of a call's record; the keys that are None are filled in later, in place."""
        return {
            "kind": "call", **ids, "timestamp": None, "feature": self._feature.name,
            "team": self._feature.team, "environment": "production", "user_id": turn.user_id,
            "session_id": turn.session_id, "attempt": attempt, "latency_ms": None, "ttft_ms": None,
            "provider": None, "is_batch": False, "prompt_name": prompt[0],
            "prompt_version": prompt[1],
        }  # fmt: skip

    def _line(
        self, at: datetime, kind: str, record: dict[str, Any], cost: float | None = 0.0
    ) -> Line:
        return Line(at, self._feature.service, kind, self._feature.name, record, cost)

    def _id(self, prefix: str) -> str:
        return f"{prefix}-{self._key}-{next(self._ids[prefix]):05d}"
