"""Spans in no dialect: the application's own are steps of a chain, plumbing is ignored."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.dialects.common import record_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span

_PLUMBING: Final = ("http.", "db.", "rpc.", "messaging.", "url.", "faas.", "net.", "dns.")
_PEOPLE: Final = ("user_id", "session_id", "feature")


def read(span: Span) -> Record:
    """A step of a chain; an HTTP, database or messaging span only where it says who asked."""
    found = record_of(span, "step", step_kind="chain")
    plumbing = any(key.startswith(_PLUMBING) for key in span.attributes)
    if plumbing and not any(name in found for name in _PEOPLE):
        return {"kind": "ignored"}
    return found
