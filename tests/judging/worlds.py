"""Small worlds for judging: calls, texts, items, rubrics, and endpoints that are functions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from llmops_pipelines.judging import (
    ITEM_SCHEMA,
    Caps,
    Circuit,
    Conduct,
    Gate,
    Item,
    JudgeSpec,
    Limits,
    Purse,
    Reply,
    Request,
    Rubric,
    RubricJudge,
    Rubrics,
    Tally,
    distinct_items,
    execute,
    read_item,
    rubric_spec,
)
from llmops_pipelines.reference import Feature, Features, parse_document
from llmops_pipelines.tables import CALL_TEXTS, LLM_CALLS

NOON = datetime(2026, 11, 10, 12)  # noqa: DTZ001 - instants are naive UTC
DEFAULT_FILE = Path(__file__).parents[2] / "data" / "reference" / "rubrics.yaml"
JUDGED = Features(features={"assistant": Feature(judging="judge"), "triage": Feature()})


def default_rubrics() -> Rubrics:
    """The rubrics that ship."""
    return parse_document(DEFAULT_FILE.read_text(), Rubrics, file="rubrics.yaml")


def rubric(**changes: Any) -> Rubric:
    """A short rubric: is the answer polite?"""
    return Rubric(
        **{
            "asks": "Is it polite?",
            "sees": ["answer"],
            "requires": ["answer"],
            "system": "You judge politeness.",
            "prompt": "<answer>\n{{ answer }}\n</answer>",
            "output": {
                "type": "object",
                "properties": {
                    "polite": {"type": ["boolean", "null"]},
                    "reason": {"type": "string"},
                },
            },
            "verdict": "polite",
            **changes,
        }
    )


def spec(**changes: Any) -> JudgeSpec:
    """The judge of `rubric`."""
    return rubric_spec("politeness", rubric(**changes), model="judge-1")


def call(call_id: str = "c-1", **columns: Any) -> pl.DataFrame:
    """One row of ``LLM_CALLS``."""
    row: dict[str, Any] = dict.fromkeys(LLM_CALLS.schema.names())
    row |= {
        "call_id": call_id, "trace_id": f"t-{call_id}", "started_at": NOON, "feature": "assistant",
        "is_batch": False, "attempt": 1, "status": "ok", "context_count": 0, "redactions": 0,
        "source_format": "openai", "source_file": "a.jsonl", "source_line": 1,
        "record_digest": "0" * 32,
    }  # fmt: skip
    return pl.DataFrame([row | columns], schema=LLM_CALLS.schema)


def text(
    call_id: str = "c-1",
    answer: str | None = "Refunds take five days.",
    contexts: Sequence[str] = (),
    question: str | None = "How long do refunds take?",
    response_schema: Mapping[str, Any] | str | None = None,
) -> pl.DataFrame:
    """One row of ``CALL_TEXTS``."""
    schema = (
        response_schema if isinstance(response_schema, str | None) else json.dumps(response_schema)
    )
    row = {
        "batch": "b", "call_id": call_id, "record_digest": "0" * 32, "source_file": "a.jsonl",
        "source_line": 1, "content_digest": "1" * 32, "messages": [], "question": question,
        "answer": answer,
        "contexts": [{"id": None, "content": c, "score": None} for c in contexts],
        "response_schema": schema,
    }  # fmt: skip
    return pl.DataFrame([row], schema=CALL_TEXTS.schema)


def item_frame(*answers: str, **columns: Any) -> pl.DataFrame:
    """Items with these answers, all of one feature."""
    rows = [
        {
            "call_id": f"c-{n:03}", "trace_id": f"t-{n:03}", "feature": "assistant",
            "question": "How long do refunds take?", "answer": answer,
            "contexts": ["Refunds take five days."], **columns,
        }
        for n, answer in enumerate(answers)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=ITEM_SCHEMA)


def item(answer: str = "Five days, please.", **fields: Any) -> Item:
    """One item."""
    return Item(**{"call_id": "c-1", "digest": "d" * 32, "question": "", "contexts": (), **fields,
                   "answer": answer})  # fmt: skip


def ok(polite: object = True, **fields: Any) -> Reply:
    """A readable reply with a verdict."""
    tokens = {"uncached_input": 100, "cache_read": 0, "output_text": 10, "reasoning": 0}
    return Reply(
        **{
            "outcome": "ok",
            "text": json.dumps({"polite": polite, "reason": "because"}),
            "model_served": "judge-1-2026-01-01",
            "tokens": tokens,
            **fields,
        }
    )


def failure(outcome: str, **fields: Any) -> Reply:
    """A reply that never came; retryable unless said."""
    return Reply(**{"outcome": outcome, "retryable": True, "billable": False, **fields})


def no_price(_model: str, _tokens: Mapping[str, int]) -> None:
    """The price of a model that nobody knows."""
    return


def cent_a_call(_model: str, tokens: Mapping[str, int]) -> Decimal:
    """A cent per reply, three as the most a request may cost."""
    return Decimal("0.01") if tokens.get("output_text", 0) <= 100 else Decimal("0.03")


@dataclass
class Ledger:
    """A ledger in memory; ``fails_after`` windows it raises."""

    fails_after: int | None = None
    parts: list[tuple[pl.DataFrame, pl.DataFrame]] = field(default_factory=list)

    def append(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        """Take a window."""
        if self.fails_after is not None and len(self.parts) >= self.fails_after:
            raise OSError("no space left")
        self.parts.append((verdicts, attempts))

    @property
    def verdicts(self) -> pl.DataFrame:
        """``JUDGE_LEDGER``."""
        return pl.concat([verdicts for verdicts, _ in self.parts])

    @property
    def attempts(self) -> pl.DataFrame:
        """``JUDGE_CALLS``."""
        return pl.concat([attempts for _, attempts in self.parts])


QUICK = Limits(concurrency=8, attempts=5, backoff_s=0.001, backoff_most_s=0.002, window_s=60.0)


@dataclass
class Run:
    """One run of the executor against ``replies``, a function of the request and its number."""

    replies: Callable[[Request, int], Reply]
    limits: Limits = QUICK
    caps: Caps = field(default_factory=Caps)
    price: Any = no_price
    ledger: Ledger = field(default_factory=Ledger)
    asked: list[Request] = field(default_factory=list)
    seconds: float = 0.0
    gate: Gate = field(default_factory=Gate)
    moments: list[float] = field(default_factory=list)
    halves: dict[Any, Any] = field(default_factory=dict)

    def of(self, frame: pl.DataFrame, judge_spec: JudgeSpec | None = None) -> Tally:
        """Judge all of ``frame``."""
        judge = RubricJudge(judge_spec or spec())
        rows = distinct_items(frame, judge.spec).iter_rows(named=True)
        jobs = [(judge, read_item(row)) for row in rows]

        async def ask(request: Request, _seconds: float) -> Reply:
            number = len(self.asked)
            self.asked.append(request)
            self.moments.append(time.monotonic())
            await asyncio.sleep(self.seconds)
            return self.replies(request, number)

        async def all_of_it() -> Tally:
            clock = iter(NOON + timedelta(microseconds=n) for n in range(1_000_000))
            conduct = Conduct(
                ask=ask,
                purse=Purse(self.caps),
                price=self.price,
                limits=self.limits,
                circuit=Circuit(self.limits.dead_after, 3 * self.limits.concurrency, 99),
                now=lambda: next(clock),
                seed=7,
                run_id="run-1",
                gate=self.gate,
                halves=self.halves,
            )
            return await execute(jobs, conduct, self.ledger.append, library_versions={"x": "1"})

        return asyncio.run(all_of_it())
