"""Assertions that the output alone decides."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from llmops_pipelines.judging.heuristics.refusals import declines
from llmops_pipelines.judging.heuristics.response_format import SchemaError, format_error, read_json
from llmops_pipelines.judging.promptfoo.likeness import edit_distance, rouge_n
from llmops_pipelines.judging.promptfoo.outputs import Output
from llmops_pipelines.judging.promptfoo.patterns import compiled
from llmops_pipelines.judging.promptfoo.suite import Assertion, Finding, UndecidedError
from llmops_pipelines.judging.promptfoo.tool_calls import function_call, tools_call

EDITS, ROUGE = 5.0, 0.75
"""Thresholds where the configuration names none; promptfoo's."""

_SHOWN = 80

Outcome = tuple[bool, float | None, str]
"""Whether it holds, a score where it has one besides 0 and 1, and what is told if not."""


def decided(assertion: Assertion, value: Any, output: Output, text: str) -> Finding:
    """What ``assertion``, its value filled in, says of the output ``text``.

    Raises:
        UndecidedError: Nothing, and why.
    """
    holds, score, told = _CHECKS[assertion.kind](value, assertion.threshold, output, text)
    return finding(assertion, holds, score, told)


def finding(assertion: Assertion, holds: bool, score: float | None, told: str) -> Finding:
    """The finding of ``assertion``, turned round where it is negated."""
    passed = holds != assertion.negated
    if score is None:
        score = float(holds)
    score = 1 - score if assertion.negated else score
    if assertion.negated and holds:
        of_what = "" if assertion.value is None else f" with {_brief(assertion.value)}"
        told = f"{assertion.kind}{of_what} holds, and must not"
    return Finding("passed" if passed else "failed", score, "" if passed else told)


def _equals(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    if isinstance(value, dict | list):
        try:
            return read_json(text) == value, None, f"is not equal to {_brief(value)}"
        except (ValueError, RecursionError):
            return False, None, "is no JSON, and an object is wanted"
    return text == _plain(value), None, f"is not equal to {_brief(_plain(value))}"


def _contains(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    wanted = _needed(value)
    return wanted in text, None, f"lacks {_brief(wanted)}"


def _icontains(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    wanted = _needed(value)
    return wanted.lower() in text.lower(), None, f"lacks {_brief(wanted)} in any case"


def _several(*, every: bool, any_case: bool) -> Callable[..., Outcome]:
    def check(value: Any, _: float | None, __: Output, text: str) -> Outcome:
        parts = value if isinstance(value, list) else comma_separated(_needed(value))
        wanted = [_plain(part).strip() for part in parts]
        if not wanted:
            raise UndecidedError("has no value", supported=False)
        hay = text.lower() if any_case else text
        absent = [part for part in wanted if (part.lower() if any_case else part) not in hay]
        if every:
            return not absent, None, f"lacks {', '.join(map(_brief, absent))}"
        return len(absent) < len(wanted), None, f"has none of {', '.join(map(_brief, wanted))}"

    return check


def _starts_with(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    return text.startswith(_needed(value)), None, f"does not start with {_brief(value)}"


def _ends_with(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    return text.endswith(_needed(value)), None, f"does not end with {_brief(value)}"


def _regex(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    try:
        pattern = compiled(_needed(value))
    except re.error as error:
        raise UndecidedError(f"{value!r} cannot be read: {error}", supported=False) from error
    return pattern.search(text) is not None, None, f"does not match {_brief(value)}"


def _is_json(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    fault = _json_fault(text, _schema(value))
    return fault is None, None, fault or "is JSON"


def _contains_json(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    schema = _schema(value)
    first = "holds no JSON object"
    for number, part in enumerate(_json_objects(text)):
        fault = _json_fault(part, schema)
        if fault is None:
            return True, None, "holds JSON"
        first = fault if number == 0 else first
    return False, None, first


def _levenshtein(value: Any, threshold: float | None, _: Output, text: str) -> Outcome:
    most = EDITS if threshold is None else threshold
    distance = edit_distance(text, _needed(value))
    return distance <= most, None, f"is {distance} edits away, at most {most:g} are allowed"


def _rouge(value: Any, threshold: float | None, _: Output, text: str) -> Outcome:
    least = ROUGE if threshold is None else threshold
    score = rouge_n(text, _needed(value))
    return score >= least, score, f"ROUGE-1 is {score:.2f}, at least {least:g} is wanted"


def _word_count(value: Any, _: float | None, __: Output, text: str) -> Outcome:
    count = len(text.split())
    if isinstance(value, dict):
        low, high = value.get("min"), value.get("max")
        if low is None and high is None:
            raise UndecidedError("has neither min nor max", supported=False)
        low, high = _bound(low, 0.0), _bound(high, float("inf"))
        return low <= count <= high, None, f"has {count} words, {low:g} to {high:g} are wanted"
    wanted = _bound(value, None)
    return count == wanted, None, f"has {count} words, {wanted:g} are wanted"


def _is_refusal(_: Any, __: float | None, ___: Output, text: str) -> Outcome:
    return not text.strip() or declines(text), None, "is no refusal"


def _cost(_: Any, threshold: float | None, output: Output, __: str) -> Outcome:
    return _at_most(output.cost, threshold, "cost", "${:.6g}")


def _latency(_: Any, threshold: float | None, output: Output, __: str) -> Outcome:
    return _at_most(output.latency_ms, threshold, "latency", "{:g} ms")


def _finish_reason(value: Any, _: float | None, output: Output, __: str) -> Outcome:
    wanted = _needed(value)
    if output.finish_reason is None:
        raise UndecidedError("the line does not tell its finish_reason")
    told = f"ended by {_brief(output.finish_reason)}, not by {_brief(wanted)}"
    return output.finish_reason.lower() == wanted.lower(), None, told


def _at_most(amount: float | None, threshold: float | None, name: str, form: str) -> Outcome:
    if threshold is None:
        raise UndecidedError(f"{name} has no threshold", supported=False)
    if amount is None:
        raise UndecidedError(f"the line does not tell its {name}")
    told = f"{name} is {form.format(amount)}, at most {form.format(threshold)} is allowed"
    return amount <= threshold, None, told


_CHECKS: dict[str, Callable[[Any, float | None, Output, str], Outcome]] = {
    "equals": _equals,
    "contains": _contains,
    "icontains": _icontains,
    "contains-any": _several(every=False, any_case=False),
    "contains-all": _several(every=True, any_case=False),
    "icontains-any": _several(every=False, any_case=True),
    "icontains-all": _several(every=True, any_case=True),
    "starts-with": _starts_with,
    "ends-with": _ends_with,
    "regex": _regex,
    "is-json": _is_json,
    "contains-json": _contains_json,
    "levenshtein": _levenshtein,
    "rouge-n": _rouge,
    "word-count": _word_count,
    "is-refusal": _is_refusal,
    "cost": _cost,
    "latency": _latency,
    "finish-reason": _finish_reason,
    "is-valid-openai-tools-call": tools_call,
    "is-valid-openai-function-call": function_call,
}


def comma_separated(text: str) -> list[str]:
    """The parts of ``text``; one in double quotes may hold commas."""
    try:
        return next(csv.reader([text], skipinitialspace=True), [])
    except csv.Error:  # several lines, or a part of more than 131,072 characters
        return text.split(",")


def _needed(value: Any) -> str:
    """The value as text; an assertion about nothing is not decided."""
    if value is None or value == "" or isinstance(value, dict | list):
        raise UndecidedError("needs a text as its value", supported=False)
    return _plain(value)


def _plain(value: Any) -> str:
    """A value as JavaScript writes it."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _bound(value: Any, default: float | None) -> float:
    if value is None and default is not None:
        return default
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise UndecidedError(f"{value!r} is no number of words", supported=False) from error


def _schema(value: Any) -> str | None:
    """A schema as JSON; a text may hold it as YAML."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        import yaml

        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UndecidedError("its schema is not YAML", supported=False) from error
    return json.dumps(value)


def _json_fault(text: str, schema: str | None) -> str | None:
    """The first thing wrong with ``text`` as JSON of any kind."""
    try:
        return format_error(text, schema="true" if schema is None else schema)
    except SchemaError as error:
        raise UndecidedError(str(error), supported=False) from error


def _json_objects(text: str) -> Iterator[str]:
    """The JSON objects in ``text`` that are not inside another one."""
    decoder = json.JSONDecoder()
    place = 0
    while (opening := text.find("{", place)) >= 0:
        try:
            _, place = decoder.raw_decode(text, opening)
            yield text[opening:place]
        except (ValueError, RecursionError):
            place = opening + 1


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
