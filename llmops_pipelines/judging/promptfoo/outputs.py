"""Outputs of the application under test, one a line, and the tests they belong to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from llmops_pipelines.judging.heuristics.response_format import read_json
from llmops_pipelines.judging.promptfoo.suite import ConfigError, Suite, Test


@dataclass(frozen=True)
class Output:
    """One line: what was answered to one test.

    ``text`` is null where there was no answer, and ``error`` says why. ``cost`` is US dollars,
    ``latency_ms`` milliseconds, ``finish_reason`` why the model stopped; null where the line does
    not tell.
    """

    line: int
    text: str | None
    test: int | None = None
    description: str | None = None
    vars: Mapping[str, Any] | None = None
    provider: str | None = None
    question: str = ""
    contexts: tuple[str, ...] = ()
    feature: str | None = None
    cost: float | None = None
    latency_ms: float | None = None
    finish_reason: str | None = None
    error: str | None = None


def read_outputs(lines: Iterable[str], *, file: str) -> list[Output]:
    """The outputs in ``lines``: JSON objects with ``output``, or lines of promptfoo's own results.

    Raises:
        ConfigError: Naming the line that is none.
    """
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = read_json(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{file}:{number}: not JSON: {error}") from error
        if not isinstance(record, dict):
            raise ConfigError(f"{file}:{number}: is no JSON object")
        found.append(_output(record, number, f"{file}:{number}"))
    return found


def paired(suite: Suite, outputs: list[Output], *, file: str) -> list[tuple[Test, Output]]:
    """Every output with its test.

    An output names its test by ``test`` or ``testIdx`` (from 0), by ``description``, or by equal
    ``vars``; where none of them names any, outputs and tests go together in order.

    Raises:
        ConfigError: An output belongs to no test, or to several.
    """
    if all(o.test is None and o.description is None and o.vars is None for o in outputs):
        if len(outputs) != len(suite.tests):
            raise ConfigError(
                f"{file}: {len(outputs)} outputs for {len(suite.tests)} tests, and no output says "
                "to which it belongs: give each a `test` (from 0), a `description` or `vars`"
            )
        return list(zip(suite.tests, outputs, strict=True))
    return [(_test_of(suite, output, file), output) for output in outputs]


def _test_of(suite: Suite, output: Output, file: str) -> Test:
    place = f"{file}:{output.line}"
    if output.test is not None:
        if not 0 <= output.test < len(suite.tests):
            raise ConfigError(f"{place}: test {output.test}: there are {len(suite.tests)}, from 0")
        return suite.tests[output.test]
    found = [
        test
        for test in suite.tests
        if (output.description is None or test.description == output.description)
        and (output.vars is None or dict(test.vars) == dict(output.vars))
        and (output.description, output.vars) != (None, None)
    ]
    if len(found) != 1:
        raise ConfigError(
            f"{place}: belongs to {len(found)} tests by its description and vars; "
            "name its test by number: `test`, from 0"
        )
    return found[0]


def _output(record: Mapping[str, Any], line: int, place: str) -> Output:
    response = record.get("response")
    nested = response if isinstance(response, Mapping) else {}
    answer = record.get("output", nested.get("output") if nested else response)
    prompt = record.get("prompt", record.get("user_input"))
    provider = record.get("provider")
    number = record.get("test", record.get("testIdx"))
    if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
        raise ConfigError(f"{place}: test: {number!r} is no whole number")
    error = record.get("error") or nested.get("error")
    if answer is None and error is None:
        error = "the line holds no `output`"
    variables = record.get("vars")
    return Output(
        line=line,
        text=answer if isinstance(answer, str | None) else json.dumps(answer, ensure_ascii=False),
        test=number,
        description=_text(record.get("description")),
        vars=variables if isinstance(variables, Mapping) else None,
        provider=_text(provider.get("id") if isinstance(provider, Mapping) else provider),
        question=_text(prompt.get("raw") if isinstance(prompt, Mapping) else prompt) or "",
        contexts=_texts(record.get("retrieved_contexts", record.get("contexts"))),
        feature=_text(record.get("feature")),
        cost=_amount(record, ("cost_usd", "cost"), place),
        latency_ms=_amount(record, ("latency_ms", "latencyMs"), place),
        finish_reason=_text(
            record.get("finish_reason", record.get("finishReason", nested.get("finishReason")))
        ),
        error=None if answer is not None else str(error)[:300],
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(part) for part in value) if isinstance(value, list) else ()


def _amount(record: Mapping[str, Any], names: tuple[str, ...], place: str) -> float | None:
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ConfigError(f"{place}: {name}: {value!r} is no amount")
        return float(value)
    return None
