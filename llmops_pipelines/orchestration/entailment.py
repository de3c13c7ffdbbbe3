"""Judges a day's sample by the entailment model that the settings name, on this machine."""

from collections.abc import Callable
from datetime import date, datetime
from uuid import uuid4

import polars as pl

from llmops_pipelines import judging
from llmops_pipelines.adapters.cross_encoder import (
    EntailmentModelError,
    library_versions,
    open_entailment_model,
)
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.orchestration.purses import QUOTES
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import JUDGE_LEDGER, JUDGE_SCORES, JUDGE_SPECS


def judge_by_entailment(
    items: pl.DataFrame,
    features: Features,
    lake: Lake,
    model: str,
    now: Callable[[], datetime],
    day: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the entailment model says of ``items``, computing only what the ledger lacks.

    A model that cannot be used is a warning, as a judge that does not answer is: the night goes on.

    Args:
        items: ``judging.items`` of the day; those of features with ``judging: none`` are left out.
        features: ``features.yaml``.
        lake: Where the ledger is.
        model: Folder or name of the model; empty for none.
        now: The UTC time, without a zone.
        day: Whose ledger part it is.

    Returns:
        ``JUDGE_SPECS`` and ``JUDGE_SCORES``, both empty without a model.
    """
    nothing = JUDGE_SPECS.empty(), JUDGE_SCORES.empty()
    judged = [name for name in items["feature"].unique() if features.of(name).judging != "none"]
    items = items.filter(pl.col("feature").is_in(judged))
    if not model or items.is_empty():
        return nothing
    try:
        opened = open_entailment_model(model)
    except EntailmentModelError as error:
        QUOTES.warning("not judged %s: entailment: %s", day, error)
        return nothing
    specs = judging.entailment_specs(model=opened.name, weights=opened.weights)
    try:
        for verdicts in judging.entailment_verdicts(
            items,
            specs,
            opened.entails,
            lake.scan(JUDGE_LEDGER),
            now=now,
            library_versions=library_versions(),
        ):
            lake.append(JUDGE_LEDGER, verdicts, name=uuid4().hex, day=day)
    except EntailmentModelError as error:
        QUOTES.warning("not judged %s: entailment: %s", day, error)
    ledger = lake.scan(JUDGE_LEDGER).drop("day")
    return judging.judge_specs(specs), judging.verdicts_of(items, ledger, specs)
