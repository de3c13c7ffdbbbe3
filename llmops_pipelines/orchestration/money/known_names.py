"""Which features and teams there are, and what reference files say of others: mistyped names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import polars as pl

from llmops_pipelines import cost, finance, incidents, pricing, prompts
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.money.finance import settings_of
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.reference import UNATTRIBUTED, Features, Mention, unknown_mentions
from llmops_pipelines.tables import CALL_COSTS, FEATURE_COSTS


class Known(NamedTuple):
    """Names that features.yaml or the last weeks' logs have, and owners that finance.yaml names."""

    features: set[str]
    teams: set[str]


def known_names(lake: Lake, reference: ReferenceFolder, day: date) -> Known:
    """Features and teams as of ``day``."""
    declared = reference.read("features.yaml", Features)
    seen = (
        lake.scan(FEATURE_COSTS, last_days(day, cost.HISTORY_DAYS))
        .select("feature", "team")
        .unique()
        .collect()
    )
    teams = {feature.team for feature in declared.features.values()}
    teams |= {rule.team for rule in declared.rules}
    teams |= {rule.team for rule in settings_of(reference).ownership} | {UNATTRIBUTED}
    features = {*declared.features, *(rule.feature for rule in declared.rules)}
    return Known(
        features | set(seen["feature"]), {name for name in teams if name} | set(seen["team"])
    )


def unknown_names(lake: Lake, reference: ReferenceFolder, day: date) -> pl.DataFrame:
    """Names in rules, prompts, owners and prices that nothing has; budgets have a check apart.

    Returns:
        ``reference.spelling.UNKNOWN``.
    """
    known = known_names(lake, reference, day)
    rules = settings_of(reference)
    every = known.features | known.teams | {incidents.EACH, incidents.TOTAL}
    return pl.concat(
        [
            unknown_mentions(_of_rules(reference), every),
            unknown_mentions(_of_prompts(reference), known.features),
            unknown_mentions(_of_owners(rules), known.features),
            unknown_mentions(_of_shares(rules), known.teams | known.features),
            _unknown_providers(lake, reference, day),
        ]
    )


def _unknown_providers(lake: Lake, reference: ReferenceFolder, day: date) -> pl.DataFrame:
    """Price lists of providers that neither the catalogue nor a call has."""
    own = reference.read("prices.yaml", pricing.PriceOverrides).own_providers()
    seen = (
        lake.scan(CALL_COSTS, last_days(day, cost.HISTORY_DAYS) if own else [])
        .select(pl.col("provider").str.to_lowercase())
        .unique()
        .drop_nulls()
        .collect()
    )
    mentions = [Mention(f"prices.yaml: {place}.provider", name) for place, name in own]
    return unknown_mentions(mentions, {*seen["provider"], *pricing.catalogue_providers()})


def _of_rules(reference: ReferenceFolder) -> Iterator[Mention]:
    for name, rule in reference.read("alert_rules.yaml", incidents.Rules).rules.items():
        for field in ("scopes", "exclude"):
            for scope in getattr(rule, field):
                yield Mention(f"alert_rules.yaml: rules.{name}.{field}", scope)


def _of_prompts(reference: ReferenceFolder) -> Iterator[Mention]:
    for path in sorted((reference.folder() / "prompts").glob("*.yaml")):
        file = reference.read(f"prompts/{path.name}", prompts.PromptFile)
        yield Mention(f"prompts/{path.name}: feature", file.feature)


def _of_owners(rules: finance.Finance) -> Iterator[Mention]:
    for number, rule in enumerate(rules.ownership):
        yield Mention(f"finance.yaml: ownership.{number}.feature", rule.feature)


def _of_shares(rules: finance.Finance) -> Iterator[Mention]:
    for kind, charge in rules.charges():
        for name in charge.shares:
            yield Mention(f"finance.yaml: {kind}, {charge.name}, shares", name)
