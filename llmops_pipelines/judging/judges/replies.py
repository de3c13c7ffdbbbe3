"""Reading a judge's reply: exactly one JSON object that fits the schema, or a named fault."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from llmops_pipelines.judging.heuristics.response_format import (
    SchemaError,
    format_error,
    refuse_constant,
    unfenced,
)
from llmops_pipelines.judging.judges.exchange import whole_characters
from llmops_pipelines.judging.judges.rubrics import Rubric

if TYPE_CHECKING:
    from jsonschema_rs import Validator

REASON_CHARS = 2_000


class UnreadableReplyError(ValueError):
    """A judge's reply is not what it was asked for. The message says why, without quoting it."""


@dataclass(frozen=True)
class Ruling:
    """What a judge made of an item: a score, or why there is none.

    ``evidence`` is what the score alone does not tell: a category, or the verdicts of both orders.
    """

    outcome: str
    score: float | None
    reason: str | None
    evidence: str | None = None


def read_object(text: str, schema: str) -> dict[str, Any]:
    """The JSON object that is the whole of ``text``, valid against ``schema``, a schema as JSON.

    A code fence around the whole is taken off. A name given twice is refused: which one counts
    would be the parser's choice.

    Raises:
        UnreadableReplyError: Naming the first fault.
    """
    body = whole_characters(unfenced(text))
    if (accepted := _accepted(body, schema)) is not None:
        return accepted
    try:
        fault = format_error(body, schema=schema)
    except SchemaError as error:  # a reply too large to check; the schema is our own and sound
        raise UnreadableReplyError(str(error)) from error
    if fault:
        raise UnreadableReplyError(fault)
    document: dict[str, Any] = json.loads(body, object_pairs_hook=_without_repeats)
    return document


def _accepted(body: str, schema: str) -> dict[str, Any] | None:
    """The object in ``body`` where it fits at first sight; None where a closer look is due.

    Nearly every reply fits, and a compiled validator sees so two hundred times faster than the one
    that can name a fault.
    """
    if (validator := _compiled(schema)) is None:
        return None
    try:
        document = json.loads(
            body, object_pairs_hook=_without_repeats, parse_constant=refuse_constant
        )
        return document if isinstance(document, dict) and validator.is_valid(document) else None
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=256)
def _compiled(schema: str) -> Validator | None:
    """None for a schema that refers to elsewhere, or whose patterns may take without end."""
    from jsonschema_rs import RegexOptions, validator_for

    try:
        return validator_for(
            json.loads(schema), retriever=_refuse_reference, pattern_options=RegexOptions()
        )
    except ValueError:
        return None


def _refuse_reference(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is not inside the schema")


def read_ruling(text: str, rubric: Rubric, schema: str) -> Ruling:
    """The verdict in a reply to ``rubric``: ``scored``, or ``not_applicable`` where it is null.

    ``schema`` is the rubric's output schema as it was sent.

    Raises:
        UnreadableReplyError: Naming the first fault.
    """
    reply = read_object(text, schema)
    if absent := [name for name in (rubric.verdict, rubric.reason) if name not in reply]:
        # A schema without `type: object` at its root demands no property.
        raise UnreadableReplyError(f"$ lacks {', '.join(absent)}")
    verdict = reply[rubric.verdict]
    reason = str(reply[rubric.reason] or "")[:REASON_CHARS] or None
    score = score_of(verdict, rubric)
    label = verdict if rubric.scale == "categorical" else None
    return Ruling("not_applicable" if score is None else "scored", score, reason, label)


def score_of(verdict: Any, rubric: Rubric) -> float | None:
    """``verdict`` on the scale from 0 to 1; None where it says that the rubric does not apply.

    Raises:
        UnreadableReplyError: It is not on the rubric's scale.
    """
    if verdict is None:
        return None
    match rubric.scale:
        case "binary":
            # A schema may allow other types beside it: the word "false" is no yes.
            if not isinstance(verdict, bool):
                raise UnreadableReplyError(f"$.{rubric.verdict} is neither true nor false")
            return 1.0 if verdict else 0.0
        case "one_to_five":
            if isinstance(verdict, bool) or verdict not in range(1, 6):
                raise UnreadableReplyError(f"$.{rubric.verdict} is no whole number from 1 to 5")
            return (int(verdict) - 1) / 4
        case "categorical":
            return rubric.categories[verdict]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableReplyError("a name is given twice in one object")
    return found
