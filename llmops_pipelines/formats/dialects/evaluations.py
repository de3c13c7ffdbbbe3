"""What people said of a span, in OpenTelemetry's and OpenInference's words for evaluations.

``gen_ai.evaluation.result`` is an event on the span that it speaks of, a log record in its context,
or (where a library has no events) a span below it. OpenInference flattens lists ``annotations`` and
``evaluations`` into attributes of the span itself, or of a later one that links to it.

As everywhere only people's judgements are feedback: a judge's score has a direction of its own (1
is the worst ``hallucination``). OpenInference says who judged (``annotator_kind``). The event does
not: it is a person's where its name or label speaks of one (``user_feedback``, ``thumbs_up``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.dialects.common import flat, indexed, under
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Log, Span
from llmops_pipelines.formats.records import (
    as_name,
    as_object,
    as_text,
    first,
    from_json,
    without_nulls,
)
from llmops_pipelines.formats.scales import counts_stars, rated

RESULT: Final = "gen_ai.evaluation.result"
_OF_RESULT: Final = "gen_ai.evaluation"
_FORMS: Final = ("annotation", "evaluation")
_OF_OPERATIONS: Final = (
    "gen_ai.usage.", "gen_ai.request.", "llm.", "openinference.", "ai.", "langfuse.", "mlflow.",
    "traceloop.",
)  # fmt: skip
"""What spans of calls and steps say, whatever their dialect."""

_OF_PEOPLE: Final = re.compile(
    r"feedback|thumb|csat|👍|👎|(user|customer|human)[\W_]*(rating|score|vote|review|label)",
    re.IGNORECASE,
)


def is_result(span: Span) -> bool:
    """Whether a span is a result that stands for an event, and no operation of its own."""
    return span.name == RESULT or (
        f"{_OF_RESULT}.name" in span.attributes
        and not any(key.startswith(_OF_OPERATIONS) for key in span.attributes)
        and not first(span.attributes.get("gen_ai.operation.name"))
    )


def judged(span: Span) -> Iterator[Record]:
    """What is said of ``span``, or by it of the span that it links to: feedback, or ignored."""
    about = span.links[0] if len(span.links) == 1 else (span.trace_id, span.span_id)
    for event in span.events:
        if event.name == RESULT:
            yield _result(event.attributes, about, event.time)
    said = {key: value for key, value in span.attributes.items() if key.startswith(_FORMS)}
    if not said:
        return
    said = flat({key: from_json(value) for key, value in said.items()})
    for form in _FORMS:
        for told in (
            *(under(item, form) or item for item in indexed(said, f"{form}s")),
            under(said, form),
        ):
            if any(key in told for key in ("score", "label", "explanation")):
                yield _annotation(told, about, span.ended_at)


def result_span(span: Span) -> Record:
    """A result that was logged as a span: of the span above it."""
    about = span.links[0] if len(span.links) == 1 else (span.trace_id, span.parent_id)
    return _result(span.attributes, about, span.started_at)


def result_log(log: Log) -> Record:
    """A result that was logged as a record of its own."""
    says = {**as_object(log.body), **log.attributes}
    return _result(says, (log.trace_id, log.span_id), log.time)


def _result(says: Mapping[str, Any], about: tuple[str | None, str | None], time: Any) -> Record:
    score = under(says, f"{_OF_RESULT}.score")
    told = under(says, _OF_RESULT) | {"score": score.get("value"), "label": score.get("label")}
    named = " ".join(str(told.get(key) or "") for key in ("name", "label"))
    kinds = [value for key, value in says.items() if key.endswith("annotator_kind")]
    kind = first(*kinds, "HUMAN" if _OF_PEOPLE.search(named) else None)
    if says.get("error.type"):
        return {"kind": "ignored"}
    # Of a span that is over the context is that of whoever asked for the judgement.
    response = as_name(says.get("gen_ai.response.id"))
    return _annotation(told | {"annotator_kind": kind}, (about[0], response or about[1]), time)


def _annotation(told: Mapping[str, Any], about: tuple[str | None, str | None], time: Any) -> Record:
    trace, subject = about
    name, score = as_name(told.get("name")), told.get("score")
    said = rated(score, first(told.get("label"), score), stars=counts_stars(name)) or {}
    comment = as_text(first(told.get("explanation")))
    if told.get("annotator_kind") != "HUMAN" or not (said or comment) or not (subject or trace):
        return {"kind": "ignored"}
    return without_nulls(
        {
            "kind": "feedback",
            "call_id": f"{subject or trace}:{name}:{first(told.get('identifier'), time)}",
            "about_call": subject,
            "trace_id": trace,
            "name": name,
            "started_at": time,
            "comment": comment,
            **said,
        }
    )
