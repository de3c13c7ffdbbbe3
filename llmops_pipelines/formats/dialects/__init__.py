"""Dialects of spans: each says in its own words what a span is; one reader per dialect.

One file may mix them span by span, so the reader is chosen per span, whatever the file is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from llmops_pipelines.formats.dialects import (
    evaluations,
    gen_ai,
    langfuse_spans,
    logfire_spans,
    mlflow_spans,
    openinference_spans,
    openlit,
    other_spans,
    traceloop,
    vercel,
)
from llmops_pipelines.formats.dialects.gen_ai_events import read_events
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span, spans_of

_DIALECTS: Final[tuple[tuple[Callable[[Span], bool], Callable[[Span], Record]], ...]] = (
    (evaluations.is_result, evaluations.result_span),
    (vercel.speaks, vercel.read),  # what Phoenix adds to its spans says less, here and below
    (vercel.speaks_gen_ai, gen_ai.read),
    (openinference_spans.speaks, openinference_spans.read),
    (langfuse_spans.speaks, langfuse_spans.read),
    (mlflow_spans.speaks, mlflow_spans.read),
    (logfire_spans.speaks, logfire_spans.read),
    (openlit.speaks, openlit.read),
    (traceloop.speaks, traceloop.read),
    (gen_ai.speaks, gen_ai.read),
)
OF_SDKS: Final = "com.anthropic.sdk"
"""How the libraries are called by which a provider's SDK records its own calls, without texts."""
_USAGE: Final = ("input_tokens", "uncached_input", "output_tokens", "total_tokens")


def read_span(span: Span) -> Record:
    """One span as a canonical record, read as the dialect it is in."""
    for speaks, read in _DIALECTS:
        if speaks(span):
            return read(span)
    return other_spans.read(span)


def unpack_spans(record: Record) -> list[Record]:
    """The canonical records of everything that ``record`` carries.

    Metrics, log records that tell of no call, and what judges said, are ignored ones.
    """
    spans = list(spans_of(record))
    said = [judgement for span in spans for judgement in evaluations.judged(span)]
    found = without_wrappers([read_span(span) for span in spans])
    return found + said + read_events(record)


def without_wrappers(records: Iterable[Record]) -> list[Record]:
    """``records``, where a call without usage that encloses another call is a step, not a call.

    The outer one is the framework's view of the same call. Where it knows the response id, or the
    inner one is the SDK's own span without texts, both stay calls: which of them is kept is decided
    later, for all records together.
    """
    records = list(records)
    around = _around_calls(records)
    return [
        as_step(record, "chain")
        if record.get("kind") == "call"
        and record.get("call_id") in around
        and not any(record.get(name) is not None for name in (*_USAGE, "response_id"))
        else record
        for record in records
    ]


def _around_calls(records: list[Record]) -> set[str]:
    """The ids of everything that encloses a call, however far out."""
    parents = {record.get("call_id"): record.get("parent_id") for record in records}
    around: set[str] = set()
    for record in records:
        if record.get("kind") != "call" or _of_sdk(record):
            continue
        outer = record.get("parent_id")
        while outer is not None and outer not in around:
            around.add(outer)
            outer = parents.get(outer)
    return around


def _of_sdk(record: Record) -> bool:
    return str(record.get("instrumentation")).startswith(OF_SDKS)


_STEP: Final = (
    "call_id", "trace_id", "parent_id", "project", "started_at", "ended_at", "feature", "team",
    "environment", "tags", "experiment_arm", "user_id", "session_id", "prompt_name",
    "prompt_version", "status", "name", "metadata",
)  # fmt: skip


def as_step(call: Record, kind: str) -> Record:
    """A call's record as that of a step of ``kind``."""
    kept: Record = {name: call[name] for name in _STEP if name in call}
    return {"kind": "step", "step_kind": kind, **kept}
