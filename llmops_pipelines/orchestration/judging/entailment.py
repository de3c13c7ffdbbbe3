"""Judges a day's sample by the entailment model that the settings name, on this machine."""

from collections.abc import Sequence
from datetime import date
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters.cross_encoder import (
    EntailmentModelError,
    library_versions,
    open_entailment_model,
)
from llmops_pipelines.orchestration.judging.asking import Asked, Occasion, keep_specs, ledger_on
from llmops_pipelines.orchestration.judging.purses import QUOTES
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import JUDGE_LEDGER, JUDGE_SCORES, SAMPLED_TRACES


def judge_by_entailment(items: judging.Items, occasion: Occasion) -> Asked:
    """Have the entailment model of the settings judge ``items``, but for what the ledger has.

    Items of features with ``judging: none`` are left out. A model that cannot be used is a warning,
    as a judge that does not answer is: the night goes on.
    """
    lake, day, model = occasion.lake, occasion.day, occasion.setup.judge.entailment_model
    names = judged_here(items, occasion.setup.features)
    if not model or not names:
        return Asked((), names, occasion)
    asked = Asked((), names, occasion)
    try:
        opened = open_entailment_model(model)
        specs = judging.entailment_specs(model=opened.name, weights=opened.weights)
        asked = Asked(specs, names, occasion)
        keep_specs(lake, judging.judge_specs(specs))
        # The ledger is looked through once, for all slices; what one adds, the next one knows.
        with ledger_on(items, [asked], lake) as ledger:
            known = ledger.select(judging.LEDGER_KEY)
            added = JUDGE_LEDGER.empty().select(judging.LEDGER_KEY)
            for part in judging.slices(items.filter(pl.col("feature").is_in(names))):
                for verdicts in judging.entailment_verdicts(
                    part,
                    specs,
                    opened.entails,
                    pl.concat([known, added.lazy()]),
                    now=occasion.clock.now,
                    library_versions=library_versions(),
                ):
                    lake.append(JUDGE_LEDGER, verdicts, name=uuid4().hex, day=day)
                    added = added.vstack(verdicts.select(judging.LEDGER_KEY))
    except EntailmentModelError as error:
        QUOTES.warning("not judged %s: entailment: %s", day, error)
    return asked


def judged_here(items: judging.Items, features: Features) -> list[str]:
    """The features of ``items`` that a model on this machine judges: all but ``judging: none``."""
    present = {name for part in judging.slices(items) for name in part["feature"].unique()}
    return sorted(name for name in present if _is_judged_here(features, name))


def _is_judged_here(features: Features, name: str) -> bool:
    return features.of(name).judging != "none"


def days_without_entailment(
    lake: Lake, features: Features, model: str, days: Sequence[date]
) -> set[date]:
    """Those of ``days`` whose sample ``model`` has not judged, though it can: it was set later.

    Nothing is paid for it, so a night takes them up by itself, unlike those of an endpoint.
    """
    if not (model and days):
        return set()
    try:
        opened = open_entailment_model(model)
    except EntailmentModelError:  # which a day that is computed tells
        return set()
    specs = judging.entailment_specs(model=opened.name, weights=opened.weights)
    ids = [spec.spec_id for spec in specs]
    sampled = lake.scan(SAMPLED_TRACES, days).filter("has_text").select("day", "feature").unique()
    wanted = {day for day, name in sampled.collect().rows() if _is_judged_here(features, name)}
    told = lake.scan(JUDGE_SCORES, days).filter(pl.col("spec_id").is_in(ids))
    return wanted - set(told.select(pl.col("day").unique()).collect()["day"])
