"""The endpoints that ``judging:`` may name, with addresses and keys from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import dagster as dg

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.judging import Limits, Pace, Rubrics, judged_features
from llmops_pipelines.judging.endpoints import Judges
from llmops_pipelines.judging.juries import Combine
from llmops_pipelines.orchestration.graph.resources import Judge, ReferenceFolder
from llmops_pipelines.reference import Features


class Seat(NamedTuple):
    """One model at one endpoint that is asked under a name of features.yaml."""

    endpoint: Endpoint
    logprobs: bool
    limits: Limits
    pace: Pace
    batch: Literal["", "openai", "anthropic"] = ""
    """The API by which its batches are submitted; empty: it is asked at once."""

    @property
    def batch_api(self) -> Literal["openai", "anthropic"]:
        """The API by which batches are submitted if somebody asks for them."""
        host = urlsplit(self.endpoint.base_url).hostname or ""
        return self.batch or ("anthropic" if host.endswith("anthropic.com") else "openai")


class Bench(NamedTuple):
    """All seats under one name, how several of them become one verdict, and what is not set."""

    seats: tuple[Seat, ...]
    combine: Combine
    missing: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether every seat can be asked."""
        return not self.missing and bool(self.seats)


@dataclass(frozen=True)
class JudgeSetup:
    """Who may judge the texts of which feature, and by what rubrics.

    The settings of the environment, and what features.yaml, judges.yaml and rubrics.yaml say.
    """

    judge: Judge
    features: Features = field(default_factory=Features)
    judges: Judges = field(default_factory=Judges)
    rubrics: Rubrics = field(default_factory=Rubrics)

    @cached_property
    def benches(self) -> dict[str, Bench]:
        """Every name that features.yaml may use, with its seats."""
        return benches(self.judge, self.judges)

    def judged_by(self, name: str) -> list[str]:
        """The features that say ``judging: name``."""
        return judged_features(self.features, name)


def read_setup(reference: ReferenceFolder, judge: Judge) -> JudgeSetup:
    """``judge``, with what the reference files say of judging.

    Raises:
        ReferenceFileError: Naming file, line and field.
    """
    return JudgeSetup(
        judge,
        features=reference.read("features.yaml", Features),
        judges=read_judges(reference),
        rubrics=reference.read("rubrics.yaml", Rubrics),
    )


def read_judges(reference: ReferenceFolder) -> Judges:
    """``judges.yaml``; without one, only the endpoint of the environment has a name."""
    return reference.read("judges.yaml", Judges)


def somebody_judges(reference: ReferenceFolder, judge: Judge) -> bool:
    """Whether a feature names an endpoint, by whatever name, that can be asked."""
    features = reference.read("features.yaml", Features)
    return any(
        judged_features(features, name) and not bench.missing
        for name, bench in benches(judge, read_judges(reference)).items()
    )


def benches(judge: Judge, judges: Judges) -> dict[str, Bench]:
    """Every name that features.yaml may use, with its seats."""
    found = {judge.name: _of_environment(judge)}
    for name in judges.judges:
        found[name] = _of_name(judge, judges, name)
    for name, jury in judges.juries.items():
        parts = [found[member] for member in jury.members]
        seats = [seat for part in parts for seat in part.seats]
        found[name] = Bench(
            tuple(seat._replace(endpoint=_renamed(seat.endpoint, name)) for seat in seats),
            jury.combine,
            tuple(dict.fromkeys(variable for part in parts for variable in part.missing)),
        )
    return found


def _of_environment(judge: Judge) -> Bench:
    settings = {"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": judge.model}
    endpoint = Endpoint(judge.base_url, judge.model, judge.api_key, judge.name)
    return Bench(
        (
            Seat(
                endpoint,
                False,
                _limits(judge, judge.max_in_flight),
                Pace(
                    judge.max_in_flight,
                    judge.requests_per_minute or None,
                    judge.tokens_per_minute or None,
                ),
                judge.batch,
            ),
        ),
        "majority",
        tuple(name for name, value in settings.items() if not value),
    )


def _of_name(judge: Judge, judges: Judges, name: str) -> Bench:
    entry = judges.judges[name]
    values = {variable: _value(judge.named, variable) for variable in entry.variables}
    url = values[entry.base_url_env] if entry.base_url_env else entry.base_url
    key = values[entry.api_key_env] if entry.api_key_env else ""
    return Bench(
        tuple(
            Seat(
                Endpoint(url.rstrip("/"), model, key, name),
                entry.logprobs,
                _limits(judge, entry.concurrency),
                Pace(entry.concurrency, entry.requests_per_minute, entry.tokens_per_minute),
                entry.batch,
            )
            for model in entry.models
        ),
        entry.combine,
        tuple(variable for variable, value in values.items() if not value),
    )


def _limits(judge: Judge, concurrency: int) -> Limits:
    return Limits(
        concurrency=concurrency,
        item_deadline_s=judge.item_deadline_s,
        run_deadline_s=judge.run_deadline_s,
    )


def _renamed(endpoint: Endpoint, name: str) -> Endpoint:
    """The endpoint under the name that features.yaml gives leave by."""
    return Endpoint(endpoint.base_url, endpoint.model, endpoint.api_key, name)


def _value(named: dict[str, str], variable: str) -> str:
    """The value of a variable; outside of runs Dagster has not looked it up yet."""
    value = named.get(variable, "")
    return (value.get_value() or "") if isinstance(value, dg.EnvVar) else value
