"""Judges a day's sample by the entailment model that the settings name, on this machine."""

from uuid import uuid4

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters.cross_encoder import (
    EntailmentModelError,
    library_versions,
    open_entailment_model,
)
from llmops_pipelines.orchestration.asking import Asked, Occasion, keep_specs, ledger_on
from llmops_pipelines.orchestration.purses import QUOTES
from llmops_pipelines.tables import JUDGE_LEDGER


def judge_by_entailment(items: judging.Items, occasion: Occasion) -> Asked:
    """Have the entailment model of the settings judge ``items``, but for what the ledger has.

    Items of features with ``judging: none`` are left out. A model that cannot be used is a warning,
    as a judge that does not answer is: the night goes on.
    """
    lake, day, model = occasion.lake, occasion.day, occasion.judge.entailment_model
    present = {name for part in judging.slices(items) for name in part["feature"].unique()}
    names = sorted(name for name in present if occasion.features.of(name).judging != "none")
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
