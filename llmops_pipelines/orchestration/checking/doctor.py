"""What leaves this machine, to whom, and what is wrong with the set-up; nothing is sent for it.

Keys are never part of it, only whether they are set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from platform import python_version
from typing import Any
from urllib.parse import urlsplit

from llmops_pipelines import judging
from llmops_pipelines.adapters.cross_encoder import EntailmentModelError, open_entailment_model
from llmops_pipelines.ingest import Sources
from llmops_pipelines.judging.judges.policy import LOCAL
from llmops_pipelines.orchestration.checking.price_notes import (
    about_budgets,
    about_names,
    about_prices,
)
from llmops_pipelines.orchestration.graph.all_resources import Resources
from llmops_pipelines.orchestration.graph.reference_files import check_reference, unread_files
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.judging.endpoints import Bench, Seat, read_setup
from llmops_pipelines.orchestration.judging.judge_notes import about_judging
from llmops_pipelines.orchestration.judging.judging import unready
from llmops_pipelines.orchestration.judging.preflights import kept_finding
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.reference import Feature, ReferenceFileError

_PACKAGES = ("llmops-pipelines", "dagster", "polars", "duckdb", "openai", "ragas",
             "sentence-transformers")  # fmt: skip


@dataclass
class Diagnosis:
    """What ``llmops doctor`` tells; ``problems`` keep something from working as it is set up."""

    versions: dict[str, str]
    telemetry: dict[str, str]
    features: list[dict[str, Any]] = field(default_factory=list)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    entailment: dict[str, str | None] | None = None
    """The entailment model of one's own, by name and weights, or what keeps it from being used."""
    others: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def diagnose(resources: Resources, *, silent: Mapping[str, bool]) -> Diagnosis:
    """Look at the reference files, the settings and what earlier preflights found.

    Args:
        resources: Those of the folder; no service is asked for anything.
        silent: Variables that keep libraries from calling home, and whether they do.
    """
    reference, lake, judge = resources.reference, resources.lake.open(), resources.judge
    now, roots = resources.clock.now(), {"logs": resources.logs.root, "lake": resources.lake.root}
    found = Diagnosis(
        versions={"python": python_version(), **{name: _version(name) for name in _PACKAGES}},
        telemetry={name: "off" if off else "on" for name, off in silent.items()},
    )
    found.problems += [
        f"{name} is set so that its library may call home; unset it"
        for name, off in silent.items()
        if not off
    ]
    found.others = _others(reference, resources.webhook.url, roots)
    found.entailment = _entailment(judge.entailment_model)
    if found.entailment and found.entailment["fault"]:
        found.problems.append(f"LLMOPS_ENTAILMENT_MODEL: {found.entailment['fault']}")
    if not reference.folder().is_dir():
        found.problems.append(
            f"{reference.folder()} is no folder: no reference file is read; `llmops init` makes it"
        )
        return found
    try:
        check_reference(reference.folder())
    except ReferenceFileError as error:
        found.problems += str(error).splitlines()
        return found
    found.notes += unread_files(reference.folder())
    found.notes += about_prices(lake, now.date(), resources.policy.price_catalogue_max_age_days)
    found.notes += about_budgets(lake, reference, now.date())
    found.notes += about_names(lake, reference, now.date())
    setup = read_setup(reference, judge)
    found.notes += about_judging(lake, setup, now.date())
    known, features = setup.benches, setup.features.features
    found.features = [
        _feature(name, feature, known, setup.rubrics) for name, feature in features.items()
    ]
    found.features.append(_feature("(any other)", Feature(), known, setup.rubrics))
    found.others += _on_demand(known)
    found.problems += unready(setup)
    used = {feature.judging for feature in features.values()}
    found.endpoints = [
        _endpoint(name, seat, bench, lake, now, in_use=name in used)
        for name, bench in known.items()
        for seat in bench.seats
        if bench.missing or seat.endpoint.configured
    ]
    found.problems += [
        f"preflight of {row['model']} at {row['host']}: {row['preflight']['fault']}"
        for row in found.endpoints
        if row["in_use"] and row["preflight"] and row["preflight"]["fault"]
    ]
    return found


def _entailment(model: str) -> dict[str, str | None] | None:
    """What is known of the entailment model without loading it; None where none is set."""
    if not model:
        return None
    try:
        opened = open_entailment_model(model)
    except EntailmentModelError as error:
        return {"model": model, "weights": None, "fault": str(error)}
    return {"model": opened.name, "weights": opened.weights, "fault": None}


def _feature(
    name: str, feature: Feature, known: Mapping[str, Bench], rubrics: judging.Rubrics
) -> dict[str, Any]:
    """What may leave of one feature's texts: nothing, or fields by judge, to hosts and models."""
    bench = known.get(feature.judging)
    seats = bench.seats if bench and bench.ready and feature.content != "none" else ()
    return {
        "feature": name,
        "content": feature.content,
        "judging": feature.judging,
        "leaves": bool(seats),
        "to": [
            {"host": _host(s.endpoint.base_url), "model": s.endpoint.model, "batch": s.batch}
            for s in seats
        ],
        "jury": bench.combine if bench and len(seats) > 1 else None,
        "sees": _seen(name, feature, rubrics) if seats else {},
    }


def _seen(name: str, feature: Feature, rubrics: judging.Rubrics) -> dict[str, list[str]]:
    """The fields that each judge of a feature is shown, by its metric."""
    from llmops_pipelines.adapters.ragas_metrics import ragas_specs

    return {
        **{
            metric: list(rubric.sees)
            for metric, rubric in rubrics.rubrics.items()
            if rubric.features is None or name in rubric.features
        },
        **{
            f"ragas {spec.metric}": list(spec.sees)
            for spec in ragas_specs(model="any", metrics=feature.ragas)
        },
    }


def _endpoint(
    name: str, seat: Seat, bench: Bench, lake: Lake, now: datetime, *, in_use: bool
) -> dict[str, Any]:
    endpoint = seat.endpoint
    finding = kept_finding(lake, endpoint, logprobs=seat.logprobs) if endpoint.configured else None
    age = None if finding is None else round((now - finding.checked_at).total_seconds() / 86_400, 2)
    return {
        "name": name,
        "host": _host(endpoint.base_url) or None,
        "model": endpoint.model or None,
        "key": "set" if endpoint.api_key else "not set",
        "missing": list(bench.missing),
        "in_use": in_use,
        "preflight": None
        if finding is None
        else {
            "checked_at": finding.checked_at.isoformat(),
            "age_days": age,
            "response_format": finding.response_format,
            "model_served": finding.model_served,
            "right": finding.right,
            "fault": finding.problem or finding.doubt,
        },
    }


def _others(
    reference: ReferenceFolder, webhook: str, roots: Mapping[str, str]
) -> list[dict[str, str]]:
    """Everything else that goes to another machine, or would if it were set."""
    rows = [
        {"what": f"{what}: all that is kept there", "to": _place(root)}
        for what, root in roots.items()
        if "://" in root and not root.startswith("file://")
    ]
    if webhook:
        rows.append({"what": "alerts: rule, feature, figures; no texts", "to": _host(webhook)})
    try:
        pulls = reference.read("sources.yaml", Sources).pull
    except ReferenceFileError:
        pulls = []
    rows += [
        {"what": f"requests for logs of {pull.name}, with its key", "to": _host(pull.url)}
        for pull in pulls
    ]
    return rows


def _on_demand(known: Mapping[str, Bench]) -> list[dict[str, str]]:
    """Where files go that somebody has judged by a command, whatever features say."""
    commands = {"judge": "llmops score FILE, llmops assert"}
    return [
        {
            "what": f"files given to {commands.get(name, f'llmops score FILE --judge {name}')}",
            "to": ", ".join(
                f"{seat.endpoint.model} at {_host(seat.endpoint.base_url)}" for seat in bench.seats
            ),
        }
        for name, bench in known.items()
        if bench.ready
    ]


def _place(root: str) -> str:
    parts = urlsplit(root)
    return f"{parts.scheme}://{_host(root)}{parts.path}"


def _host(url: str) -> str:
    """The host and port of an address, without whoever it names and what follows."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def stays(row: Mapping[str, Any]) -> str:
    """Why a feature's texts stay here."""
    if row["content"] == "none":
        return "no texts are kept"
    if row["judging"] == "none":
        return "not judged"
    return "embedded scorers on this machine" if row["judging"] == LOCAL else "judge not set up"
