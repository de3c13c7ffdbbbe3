"""``llmops assert``: outputs of an application against the assertions of a promptfoo file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from llmops_pipelines.adapters import minilm
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.cli.telling import progress
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.judging import promptfoo
from llmops_pipelines.orchestration.scoring.asserting import rule_by_ledger
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.reference import ReferenceFileError

FAILED, CANNOT_TELL = 1, 3
"""Exit codes; 0 says that every output passes, 2 that nothing could be done."""


def assert_outputs(
    settings: Settings, config: Path, outputs: Path, *, skip_unsupported: bool, as_json: bool
) -> int:
    """Hold ``outputs`` against ``config`` and print what came of it.

    Raises:
        UnusableError: A file, a setting or the lake cannot be used.
    """
    try:
        suite = promptfoo.read_suite(
            _text(config),
            file=config.name,
            read=lambda name: (config.parent / name).read_text(encoding="utf-8"),
        )
        lines = promptfoo.read_outputs(_text(outputs).splitlines(), file=outputs.name)
        pairs = promptfoo.paired(suite, lines, file=outputs.name)
        with progress(Console(stderr=True)):
            results = promptfoo.grade(
                pairs,
                rule=_rule(settings),
                embed=minilm.embed,
                skip_unsupported=skip_unsupported,
            )
    except (promptfoo.ConfigError, ReferenceFileError, LakeError) as error:
        raise UnusableError(str(error)) from error
    without = [t for t in suite.tests if all(r.test.number != t.number for r in results)]
    document = _document(suite, results, without)
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _tell(document)
    states: Mapping[str, int] = document["outputs"]
    if states["failed"]:
        return FAILED
    return CANNOT_TELL if states["unknown"] or without else 0


def _rule(settings: Settings) -> promptfoo.Rule | None:
    if not (settings.judge_base_url and settings.judge_model):
        return None
    resources = resources_of(settings)
    return rule_by_ledger(
        lake=resources.lake,
        reference=resources.reference,
        judge=resources.judge,
        clock=resources.clock,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UnusableError(f"cannot read {path}: {(error.strerror or '').lower()}") from error
    except UnicodeDecodeError as error:
        raise UnusableError(f"cannot read {path}: byte {error.start} is not UTF-8") from error


def _document(
    suite: promptfoo.Suite,
    results: Sequence[promptfoo.Result],
    without: Sequence[promptfoo.Test],
) -> dict[str, Any]:
    """All that is printed, as ``--json`` prints it."""
    every = [found for result in results for found in _each(result.found)]
    unsupported = Counter(
        (f.assertion.name, f.assertion.place, f.finding.reason)
        for f in every
        if f.finding.state == "unsupported"
    )
    return {
        "outputs": _counted([result.finding.state for result in results]),
        "assertions": _counted([f.finding.state for f in every]) | {
            "unsupported": sum(unsupported.values())
        },
        "tests_without_output": [test.title for test in without],
        "metrics": _metrics(every),
        "unsupported": [
            {"type": name, "place": place, "reason": reason, "outputs": count}
            for (name, place, reason), count in sorted(unsupported.items())
        ],
        "notes": list(suite.notes),
        "results": [_row(result) for result in results],
    }  # fmt: skip


def _row(result: promptfoo.Result) -> dict[str, Any]:
    return {
        "line": result.output.line,
        "test": result.test.number,
        "description": result.test.description,
        "place": result.test.place,
        "provider": result.output.provider,
        **_finding(result.finding),
        "assertions": [
            {
                "type": found.assertion.name,
                "place": found.assertion.place,
                "metric": found.assertion.metric,
                **_finding(found.finding),
            }
            for found in _each(result.found)
        ],
    }


def _finding(finding: promptfoo.Finding) -> dict[str, Any]:
    return {"state": finding.state, "score": finding.score, "reason": finding.reason}


def _metrics(every: Sequence[promptfoo.Found]) -> dict[str, dict[str, Any]]:
    """The named metrics: mean of the scores that are known, and how many are not."""
    named: dict[str, list[promptfoo.Found]] = {}
    for found in every:
        if found.assertion.metric:
            named.setdefault(found.assertion.metric, []).append(found)
    result = {}
    for name, all_of_it in named.items():
        scores = [f.finding.score for f in all_of_it if f.finding.score is not None]
        result[name] = {
            "n": len(scores),
            "unscored": len(all_of_it) - len(scores),
            "mean": sum(scores) / len(scores) if scores else None,
        }
    return result


def _each(found: Sequence[promptfoo.Found]) -> Iterator[promptfoo.Found]:
    """Every assertion; a set is followed by its parts."""
    for one in found:
        yield one
        yield from one.parts


def _counted(states: Sequence[str]) -> dict[str, int]:
    counts = Counter(states)
    return {state: counts[state] for state in ("passed", "failed", "unknown")}


def _tell(document: Mapping[str, Any]) -> None:
    console = Console(highlight=False)

    def say(line: str, style: str = "") -> None:
        console.print(Text(line, style=style), soft_wrap=True)

    styles = {"failed": "red", "unknown": "yellow"}
    for row in document["results"]:
        if row["state"] != "passed":
            title = f"line {row['line']}, test {row['test']}"
            title += f" ({row['description']})" if row["description"] else ""
            told = {"failed": "failed", "unknown": "cannot tell"}[row["state"]]
            say(f"{title}: {told}: {row['reason']}", styles[row["state"]])
    for name in document["tests_without_output"]:
        say(f"{name}: no output", "yellow")
    for entry in document["unsupported"]:
        told = f"{entry['place']}: {entry['type']}, {entry['outputs']} x: {entry['reason']}"
        say(f"unsupported: {told}", "yellow")
    for note in document["notes"]:
        say(note, "yellow")
    for name, metric in document["metrics"].items():
        mean = "no score" if metric["mean"] is None else f"{metric['mean']:.3f}"
        say(f"{name}: {mean} over {metric['n']}, {metric['unscored']} without a score")
    outputs, assertions = document["outputs"], document["assertions"]
    say(
        f"outputs: {_of_states(outputs)}; assertions: {_of_states(assertions)}, "
        f"{assertions['unsupported']} unsupported"
    )


def _of_states(counts: Mapping[str, int]) -> str:
    return (
        f"{counts['passed']} passed, {counts['failed']} failed, {counts['unknown']} cannot be told"
    )
