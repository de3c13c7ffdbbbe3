"""Outputs against their tests: every assertion found out, weighed, and summed up.

Three-valued throughout: what cannot be told of an output neither passes nor fails its test, unless
the rest decides it whatever the answer would have been.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from llmops_pipelines.judging.embedded import Embed
from llmops_pipelines.judging.judges.item import ITEM_SCHEMA
from llmops_pipelines.judging.judges.replies import Ruling
from llmops_pipelines.judging.promptfoo.checks import decided, finding
from llmops_pipelines.judging.promptfoo.graded import KINDS, Kind, item_row, ruled
from llmops_pipelines.judging.promptfoo.kinds import EMBEDDED, JUDGED
from llmops_pipelines.judging.promptfoo.outputs import Output
from llmops_pipelines.judging.promptfoo.suite import (
    Assertion,
    AssertionSet,
    Finding,
    Test,
    UndecidedError,
)
from llmops_pipelines.judging.promptfoo.templating import TemplateFaultError, filled

Rule = Callable[[Kind, pl.DataFrame], Mapping[str, Ruling]]
"""Rulings by ``call_id`` on items of one kind; every item gets one."""

SIMILAR = 0.75
"""Least cosine where the configuration names none; promptfoo's."""

FEATURE = "promptfoo"
"""The feature of outputs that name none: their owner sends them to the judge by the command."""


@dataclass(frozen=True)
class Found:
    """One assertion with its finding; of a set, the findings of its parts as well."""

    assertion: Assertion | AssertionSet
    finding: Finding
    parts: tuple[Found, ...] = ()


@dataclass(frozen=True)
class Result:
    """What one output comes to."""

    test: Test
    output: Output
    finding: Finding
    found: tuple[Found, ...]


@dataclass
class _Questions:
    """What is still to be asked, and of which assertion on which output."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    texts: list[tuple[str, str, list[str]]] = field(default_factory=list)


def grade(
    pairs: Sequence[tuple[Test, Output]],
    *,
    rule: Rule | None,
    embed: Embed,
    skip_unsupported: bool = False,
) -> list[Result]:
    """The result of every output, in order.

    Args:
        pairs: Outputs with their tests.
        rule: Asks the judge; None where none is set.
        embed: Unit vectors of texts, for ``similar``.
        skip_unsupported: Assertions that are not known here, or that are code, decide nothing
            instead of leaving their test undecided.
    """
    findings: dict[tuple[int, int], Finding] = {}
    questions = _Questions()
    for number, (test, output) in enumerate(pairs):
        for place, assertion in enumerate(_flat(test.asserts)):
            known = _settled(assertion, test, output, f"{number}:{place}", questions)
            if known is not None:
                findings[number, place] = known
    rulings: dict[str, Ruling] = {}
    for metric, rows in questions.rows.items():
        if rule is not None:
            frame = pl.DataFrame(rows, schema=ITEM_SCHEMA)
            rulings.update(rule(questions.kinds[metric], frame))
    cosines = _cosines(questions.texts, embed)
    results = []
    for number, (test, output) in enumerate(pairs):
        flat: dict[int, Finding] = {}
        for place, assertion in enumerate(_flat(test.asserts)):
            key = f"{number}:{place}"
            if (number, place) in findings:
                flat[place] = findings[number, place]
            elif assertion.kind in EMBEDDED:
                flat[place] = _alike(assertion, cosines[key])
            else:
                flat[place] = ruled(assertion, rulings.get(key))
        results.append(_result(test, output, flat, skip_unsupported=skip_unsupported))
    return results


def _settled(
    assertion: Assertion, test: Test, output: Output, key: str, questions: _Questions
) -> Finding | None:
    """The finding, or None where it is among ``questions`` now."""
    if assertion.refusal:
        return Finding("unsupported", None, assertion.refusal)
    if output.text is None:
        return Finding("unknown", None, f"there is no output: {output.error}")
    try:
        value = filled(assertion.value, test.vars)
        if assertion.kind in JUDGED:
            kind = KINDS[assertion.kind]
            row = item_row(assertion, value, test.vars, output, output.text)
            ids = {"call_id": key, "trace_id": key, "feature": output.feature or FEATURE}
            questions.kinds[kind.metric] = kind
            questions.rows.setdefault(kind.metric, []).append(ids | row)
        elif assertion.kind in EMBEDDED:
            questions.texts.append((key, output.text, _wanted(value)))
        else:
            return decided(assertion, value, output, output.text)
    except TemplateFaultError as error:
        return Finding("unsupported", None, str(error))
    except UndecidedError as error:
        return Finding("unknown" if error.supported else "unsupported", None, str(error))
    return None


def _wanted(value: Any) -> list[str]:
    wanted = [str(part) for part in (value if isinstance(value, list) else [value]) if part]
    if not wanted:
        raise UndecidedError("needs a text, or several, as its value", supported=False)
    return wanted


def _cosines(texts: list[tuple[str, str, list[str]]], embed: Embed) -> dict[str, float]:
    """The highest cosine between each output and its wanted texts."""
    if not texts:
        return {}
    distinct = list(dict.fromkeys(t for _, text, wanted in texts for t in (text, *wanted)))
    vectors = dict(zip(distinct, embed(distinct), strict=True))
    return {
        key: max(float(vectors[text] @ vectors[one]) for one in wanted)
        for key, text, wanted in texts
    }


def _alike(assertion: Assertion, cosine: float) -> Finding:
    least = SIMILAR if assertion.threshold is None else assertion.threshold
    score = min(max(cosine, 0.0), 1.0)
    told = f"cosine is {cosine:.2f}, at least {least:g} is wanted"
    return finding(assertion, cosine >= least, score, told)


def _flat(asserts: Iterable[Assertion | AssertionSet]) -> list[Assertion]:
    return [
        part
        for given in asserts
        for part in (given.assertions if isinstance(given, AssertionSet) else (given,))
    ]


def _result(
    test: Test, output: Output, flat: Mapping[int, Finding], *, skip_unsupported: bool
) -> Result:
    place = iter(range(len(flat)))
    found = []
    for given in test.asserts:
        if isinstance(given, Assertion):
            found.append(Found(given, flat[next(place)]))
            continue
        parts = tuple(Found(part, flat[next(place)]) for part in given.assertions)
        whole = summed(parts, given.threshold, skip_unsupported=skip_unsupported)
        found.append(Found(given, whole, parts))
    whole = summed(found, test.threshold, skip_unsupported=skip_unsupported)
    return Result(test, output, whole, tuple(found))


def summed(
    found: Sequence[Found], threshold: float | None, *, skip_unsupported: bool = False
) -> Finding:
    """What findings come to together, as promptfoo weighs them.

    Without a threshold each of them must pass, but for those of weight 0; with one, their weighted
    mean must reach it. Where some are not known, the mean lies between what it would be if all of
    them scored 0 and if all scored 1.
    """
    counted = [
        one
        for one in found
        if one.assertion.weight > 0
        and not (skip_unsupported and one.finding.state == "unsupported")
    ]
    if not counted:
        return Finding("unknown", None, "no assertion decides it")
    weights = [one.assertion.weight for one in counted]
    scores = [one.finding.score for one in counted]
    total = sum(weights)
    low = sum(w * (s or 0.0) for w, s in zip(weights, scores, strict=True)) / total
    open_share = sum(w for w, s in zip(weights, scores, strict=True) if s is None) / total
    score = low if None not in scores else None
    if threshold is not None:
        return _against(threshold, low, low + open_share, score, counted)
    failed = [one for one in counted if one.finding.state == "failed"]
    if failed:
        return Finding("failed", score, _told(failed[0]))
    undecided = [one for one in counted if one.finding.state != "passed"]
    if undecided:
        return Finding("unknown", None, _told(undecided[0]))
    return Finding("passed", score, "")


def _against(
    threshold: float, low: float, high: float, score: float | None, counted: list[Found]
) -> Finding:
    # A mean of thirds may miss two thirds by a rounding error.
    if low >= threshold - 1e-12:
        return Finding("passed", score, "")
    if high < threshold - 1e-12:
        worst = next(one for one in counted if one.finding.state != "passed")
        return Finding(
            "failed", score, f"scores {high:.2f}, {threshold:g} is wanted; {_told(worst)}"
        )
    undecided = next(one for one in counted if one.finding.score is None)
    return Finding(
        "unknown",
        None,
        f"scores {low:.2f} to {high:.2f}, {threshold:g} is wanted; {_told(undecided)}",
    )


def _told(one: Found) -> str:
    return f"{one.assertion.name} ({one.assertion.place}): {one.finding.reason}"
