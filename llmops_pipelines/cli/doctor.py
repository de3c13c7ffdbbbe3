"""``llmops doctor``: what leaves this machine, to whom, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import typer

from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.definitions import Settings, resources_of, telemetry
from llmops_pipelines.orchestration.checking.doctor import Diagnosis, diagnose, stays
from llmops_pipelines.orchestration.storage.lake import LakeError


def examine(settings: Settings, *, as_json: bool) -> int:
    """Print the diagnosis; exit code 0 without problems, 1 with any.

    Raises:
        UnusableError: The folder cannot be looked at.
    """
    try:
        found = diagnose(resources_of(settings), silent=telemetry())
    except LakeError as error:
        raise UnusableError(str(error)) from error
    except OSError as error:
        raise of_file_system(error, remedy="change who may read it") from error
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        for line in _lines(found):
            typer.echo(line)
    return 1 if found.problems else 0


def _lines(found: Diagnosis) -> Iterator[str]:
    yield "What leaves this machine"
    for row in found.features:
        yield f"  {row['feature']}: {_leaving(row)}"
    for other in found.others:
        yield f"  {other['what']} -> {other['to']}"
    yield "Judge endpoints"
    for row in found.endpoints:
        yield f"  {row['name']}: {_state(row)}"
    if not found.endpoints:
        yield "  none is set up"
    if found.entailment:
        state = found.entailment["fault"] or f"weights {found.entailment['weights']}"
        yield "Entailment model, on this machine"
        yield f"  {found.entailment['model']}: {state}"
    loud = [name for name, state in found.telemetry.items() if state == "on"]
    yield f"Telemetry of libraries: {'ON by ' + ', '.join(loud) if loud else 'off'}"
    yield "Versions: " + ", ".join(f"{name} {version}" for name, version in found.versions.items())
    for note in found.notes:
        yield f"note: {note}"
    for problem in found.problems:
        yield f"PROBLEM: {problem}"
    yield f"{len(found.problems)} problem(s)" if found.problems else "no problems"


def _leaving(row: dict[str, Any]) -> str:
    policy = f"content {row['content']}, judging {row['judging']}"
    if not row["leaves"]:
        return f"nothing ({policy}: {stays(row)})"
    to = ", ".join(f"{seat['model']} at {seat['host']}{_in_batches(seat)}" for seat in row["to"])
    to = f"a jury by {row['jury']}: {to}" if row["jury"] else to
    sees = "; ".join(f"{metric} sees {', '.join(seen)}" for metric, seen in row["sees"].items())
    texts = "texts as logged" if row["content"] == "full" else "redacted texts"
    return f"{texts} of its sample -> {to} ({policy}); {sees}"


def _in_batches(seat: dict[str, Any]) -> str:
    return " (rubrics as files of its batch API)" if seat["batch"] else ""


def _state(row: dict[str, Any]) -> str:
    place = f"{row['model'] or 'no model'} at {row['host'] or 'no address'}, key {row['key']}"
    use = "" if row["in_use"] else ", no feature names it"
    missing = f", not set: {', '.join(row['missing'])}" if row["missing"] else ""
    return f"{place}{use}{missing}; {_preflight(row['preflight'])}"


def _preflight(finding: dict[str, Any] | None) -> str:
    if finding is None:
        return "no preflight yet"
    age = f"preflight {finding['age_days']:.1f} days ago"
    if finding["fault"]:
        return f"{age}: {finding['fault']}"
    return f"{age}: by {finding['response_format']}, {finding['right']} of 5 right"
