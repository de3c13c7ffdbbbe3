"""What is wrong with prices, budgets and names, as `llmops doctor` tells it of the last days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from llmops_pipelines import cost
from llmops_pipelines.orchestration.checking.checks import reported_of, unknown_budgets, unpriced_of
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.catalogue import installed_catalogue
from llmops_pipelines.orchestration.money.known_names import unknown_names
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import CALL_COSTS

DAYS: Final = 7
"""Days with costs that are looked at, the last ones."""

_MOST: Final = 10


def about_prices(lake: Lake, today: date, max_age_days: int) -> Iterator[str]:
    """An old catalogue, models without a price, and costs that their source tells otherwise."""
    if old := installed_catalogue(today).told_if_older(max_age_days, today):
        yield old
    days = lake.days(CALL_COSTS)[-DAYS:]
    if not days:
        return
    period = f"from {days[0]} to {days[-1]}"
    unpriced = unpriced_of(lake, days)
    if unpriced.height:
        yield f"{period} {cost.told_unpriced(unpriced)}"
    for row in unpriced.head(_MOST).iter_rows(named=True):
        yield (
            f"no price: {row['calls']:,} call(s) of {_model(row)} "
            f"({row['reason']}), {cost.told_estimate(row)}; {row['remedy']}"
        )
    for row in reported_of(lake, days).head(_MOST).iter_rows(named=True):
        yield (
            f"{period} {row['differ']:,} of {row['compared']:,} call(s) of {_model(row)} "
            f"cost ${row['reported']:,.4f} by their source's account and "
            f"${row['ours']:,.4f} by ours: {row['reason']}"
        )


def about_budgets(lake: Lake, reference: ReferenceFolder, today: date) -> Iterator[str]:
    """Budgets that watch nothing, since no feature or team has their name."""
    for row in unknown_budgets(lake, reference, today).iter_rows(named=True):
        yield (
            f"budgets.yaml: {row['section']}.{row['name']} is the budget of nothing that "
            f"features.yaml or the logs know; did you mean: {row['did_you_mean']}"
        )


def about_names(lake: Lake, reference: ReferenceFolder, today: date) -> Iterator[str]:
    """Rules, prompts, owners and price lists of names that nobody has."""
    for row in unknown_names(lake, reference, today).iter_rows(named=True):
        yield (
            f"{row['place']}: {row['name']} is nothing that features.yaml, the price catalogue or "
            f"the logs know; did you mean: {row['did_you_mean']}"
        )


def _model(row: Mapping[str, Any]) -> str:
    return f"{row['provider'] or 'no provider'}/{row['model'] or 'no model'}"
