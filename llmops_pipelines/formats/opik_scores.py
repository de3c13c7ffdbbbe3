"""Scores of people that Opik keeps in a trace or span, as feedback; what its judges gave is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_name, as_object, first, without_nulls
from llmops_pipelines.formats.scales import counts_stars, rated

_PEOPLE: Final = ("ui", "sdk")
_TRIED: Final = ("experiment", "playground", "optimization", "evaluator")
"""Where a trace comes from that no user ever saw: its scores are those of metrics."""


def judged(record: Mapping[str, Any], said: Mapping[str, Any]) -> Iterator[Record]:
    """The scores of ``record``, whose canonical fields are ``said``.

    A score that the application sends (``sdk``) is taken for its users', as Langfuse's are. Scores
    have no id: the name of what is judged tells those of one trace apart.
    """
    if record.get("source") in _TRIED:
        return
    subject = said.get("call_id")
    is_call = said.get("kind") == "call"
    for score in map(as_object, as_list(record.get("feedback_scores"))):
        name, value = as_name(score.get("name")), score.get("value")
        found = rated(value, first(score.get("category_name"), value), stars=counts_stars(name))
        if score.get("source") not in _PEOPLE or not found or not subject:
            continue
        times = ("created_at", "last_updated_at")
        yield without_nulls(
            {
                "kind": "feedback",
                "call_id": f"{subject}:{name}",
                "about_call": subject if is_call else None,
                "trace_id": said.get("trace_id"),
                "name": name,
                "started_at": first(*map(score.get, times), said.get("started_at")),
                "comment": as_name(score.get("reason")),
                **found,
            }
        )
