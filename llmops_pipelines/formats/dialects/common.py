"""What all dialects of spans share: the frame of a record, errors, flattened attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.messages import is_call, text_of
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import (
    as_name,
    as_text,
    context_of,
    first,
    tags_of,
    tokens,
    without_nulls,
)

_DEEPEST: Final = 32
_LONGEST: Final = 200
_SAID_STATUS: Final = re.compile(r"(?:Error code|HTTP|status(?: code)?):? (\d{3})\b")
_NAMESPACES: Final = frozenset({
    "ai", "anthropic", "aws", "az", "client", "cloud", "code", "container", "db", "embedding",
    "enduser", "error", "exception", "faas", "gen_ai", "host", "http", "input", "k8s", "langfuse",
    "llm", "message", "messaging", "metadata", "mlflow", "net", "network", "openai",
    "openinference", "os", "otel", "output", "peer", "process", "prompt", "reranker", "retrieval",
    "rpc", "server", "session", "tag", "telemetry", "thread", "tool", "traceloop", "url", "user",
    "user_agent",
})  # fmt: skip
"""First words of attributes that conventions and instrumentations define."""

_CARRIED: Final = "langfuse.trace"
"""What Langfuse's SDK writes on every span of a trace, whoever recorded it."""


def record_of(
    span: Span, kind: str, *, metadata: Mapping[str, Any] | None = None, tags: Any = None,
    **fields: Any,
) -> Record:  # fmt: skip
    """A canonical record of ``span`` with ``fields``; None in ``fields`` leaves the common value.

    Args:
        span: Where ids, times, outcome and instrumentation come from.
        kind: call or step.
        metadata: What the application added, after which features, teams and users are looked for.
        tags: Tags, as a list or text.
        fields: What the dialect knows.
    """
    own = {**under(span.attributes, f"{_CARRIED}.metadata"), **(metadata or {})}
    extra = {**span.resource, **custom(span.attributes), **own}
    said = {**span.resource, **span.attributes, **own}
    labels = tags_of(first(tags, span.attributes.get(f"{_CARRIED}.tags")))
    failed = span.failed or (span.failed is None and "error.type" in span.attributes)
    return without_nulls(
        {
            "kind": kind,
            "call_id": span.span_id,
            "trace_id": span.trace_id,
            "parent_id": span.parent_id,
            "name": span.name,
            "started_at": span.started_at,
            "ended_at": span.ended_at,
            "project": as_name(
                first(
                    span.resource.get("openinference.project.name"),
                    span.resource.get("service.name"),
                )
            ),
            "instrumentation": span.scope,
            "status": "error" if failed else "ok",
            "tags": labels or None,
            "metadata": nested(extra) or None,
            **context_of(said, labels),
            **(errors_of(span) if failed and kind == "call" else {}),
            **without_nulls(fields),
        }
    )


def step(span: Span, kind: str, *, given: Any = None, returned: Any = None, **more: Any) -> Record:
    """A step of ``kind``; of what it was given and returned only the lengths are kept."""
    return record_of(
        span,
        "step",
        step_kind=kind,
        input_chars=_length(given),
        output_chars=_length(returned),
        **more,
    )


def errors_of(span: Span) -> Record:
    """What a failed span says of its error: class, HTTP status and message."""
    event = span.event("exception")
    thrown = event.attributes if event else {}
    message = as_text(first(span.message, thrown.get("exception.message")))
    status = first(
        *(span.attributes.get(key) for key in ("http.response.status_code", "http.status_code"))
    )
    if status is None and message and (said := _SAID_STATUS.search(message[:200])):
        status = said[1]
    return {
        "error_class": as_name(
            first(span.attributes.get("error.type"), thrown.get("exception.type"))
        ),
        "error_status": as_name(status),
        "error_message": message,
    }


def counts(attributes: Mapping[str, Any], **places: tuple[str, ...]) -> Record:
    """Token counts by name, each from the first of its attributes that holds a number."""
    found: Record = {}
    for name, keys in places.items():
        for key in keys:
            if key in attributes and (count := tokens(attributes[key])) is not None:
                found[name] = count
                break
    return found


def custom(attributes: Mapping[str, Any]) -> Record:
    """The attributes that an application set itself: short values outside the known namespaces."""
    return {
        key: value
        for key, value in attributes.items()
        if not ("." in key and key.partition(".")[0] in _NAMESPACES)
        and isinstance(value, (str, int, float))
        and len(value if isinstance(value, str) else str(value)) <= _LONGEST
    }


def answer_of(content: Any) -> str | None:
    """What a reader sees of an answer: its text, without the tools it calls."""
    if isinstance(content, list):
        content = [part for part in content if not is_call(part)] or None
    return text_of(content)


def under(attributes: Mapping[str, Any], prefix: str) -> Record:
    """The attributes whose key begins with ``prefix`` and a dot, without it."""
    start = f"{prefix}."
    cut = len(start)
    return {key[cut:]: value for key, value in attributes.items() if key.startswith(start)}


def indexed(attributes: Mapping[str, Any], prefix: str) -> list[Record]:
    """A list that was flattened to ``prefix.0.key``, ``prefix.1.key``, ..., in order."""
    return listed(under(attributes, prefix))


def listed(places: Mapping[str, Any]) -> list[Record]:
    """A list that was flattened to ``0.key``, ``1.key``, ..., in order."""
    found: dict[int, Record] = {}
    for key, value in places.items():
        place, _, rest = key.partition(".")
        if place.isdecimal() and len(place) < 7:
            found.setdefault(int(place), {})[rest] = value
    return [found[place] for place in sorted(found)]


def flat(value: Mapping[str, Any]) -> Record:
    """Nested objects, and lists of objects, as one object with dotted keys and positions."""
    found: Record = {}
    for key, item in value.items():
        if isinstance(item, (dict, list)):
            _flatten(key, item, found, 0)
        else:
            found[key] = item
    return found


def _flatten(prefix: str, value: Any, found: Record, depth: int) -> None:
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict) and depth < _DEEPEST:
        items = value.items()
    elif isinstance(value, list) and depth < _DEEPEST:
        items = enumerate(value) if any(isinstance(item, dict) for item in value) else ()
    if not items:
        found[prefix] = value
        return
    for key, item in items:
        _flatten(f"{prefix}.{key}", item, found, depth + 1)


def nested(attributes: Mapping[str, Any]) -> Record:
    """Dotted keys as nested objects; a key that is also the beginning of another stays flat."""
    found: Record = {}
    for key, value in attributes.items():
        if value is None or key.startswith(("telemetry.", "process.", "host.", "os.")):
            continue
        *way, last = key.split(".")[:_DEEPEST]
        inner = found
        for name in way:
            inner = inner.setdefault(name, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner.setdefault(last, value)
        else:
            found.setdefault(key, value)
    return found


def _length(value: Any) -> int | None:
    text = as_text(value)
    return None if text is None else len(text)
