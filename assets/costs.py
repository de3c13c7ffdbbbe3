"""What calls cost: prices, cost per call, per feature, against budgets."""

from datetime import date
from typing import Annotated

import dagster as dg
import polars as pl

from llmops_pipelines import cost, health, pricing
from llmops_pipelines.orchestration import checks, figures
from llmops_pipelines.orchestration.bill_figures import of_unit_costs
from llmops_pipelines.orchestration.conditions import Inputs, when_missing
from llmops_pipelines.orchestration.daily import LastDays, daily, table_metadata
from llmops_pipelines.orchestration.daily_checks import daily_check
from llmops_pipelines.orchestration.reference_assets import reference_key
from llmops_pipelines.orchestration.resources import Clock, LakeResource, Policy, ReferenceFolder
from llmops_pipelines.tables import (
    BUDGET_STATUS,
    CALL_COSTS,
    COST_CUBE,
    COST_DRIVERS,
    FEATURE_COSTS,
    PRICE_BOOK,
    UNIT_COSTS,
)

OWNER = "team:finops"


@dg.asset(
    group_name="reference",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=[reference_key("prices")],
    automation_condition=when_missing(Inputs()),
    metadata=table_metadata(PRICE_BOOK),
)
def price_book(reference: ReferenceFolder, clock: Clock, lake: LakeResource) -> pl.DataFrame:
    """Dated prices of every known model, from genai-prices and `prices.yaml`, and past beliefs."""
    return pricing.price_book(
        reference.read("prices.yaml", pricing.PriceOverrides),
        fetched_at=clock.now(),
        before=lake.open().read(PRICE_BOOK),
    )


@daily(
    CALL_COSTS,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_call_costs,
)
def call_costs(llm_calls: pl.DataFrame, price_book: pl.DataFrame) -> pl.DataFrame:
    """Every call of the day with its cost in USD, null where no price or usage is known."""
    return pricing.price_calls(llm_calls, price_book)


@daily(
    FEATURE_COSTS,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_feature_costs,
)
def feature_costs(call_costs: pl.DataFrame) -> pl.DataFrame:
    """The day's spend per feature, team and model, in USD."""
    return cost.feature_costs(call_costs)


@daily(
    COST_CUBE,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_cost_cube,
)
def cost_cube(llm_calls: pl.LazyFrame, call_costs: pl.LazyFrame) -> pl.DataFrame:
    """The day's spend by hour and by everything a bill is divided by, in USD."""
    return cost.cost_cube(
        llm_calls.select(cost.CUBE_COLUMNS).collect(),
        call_costs.select(cost.BOOKED_COLUMNS).collect(),
    )


@daily(
    COST_DRIVERS,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=figures.of_cost_drivers,
    told=figures.why_spend_changed,
)
def cost_drivers(
    cost_cube: Annotated[pl.DataFrame, LastDays(2 * cost.WEEK)], day: date
) -> pl.DataFrame:
    """Why the seven days up to this one cost more or less than the seven before, in USD."""
    return cost.week_drivers(cost_cube, day)


@daily(
    BUDGET_STATUS,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    deps=[reference_key("budgets")],
)
def budget_status(feature_costs: pl.DataFrame, reference: ReferenceFolder) -> pl.DataFrame:
    """Spend against each daily budget; without one, how to set it."""
    return cost.budget_status(feature_costs, reference.read("budgets.yaml", cost.Budgets))


@daily(
    UNIT_COSTS,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    figures=of_unit_costs,
)
def unit_costs(
    llm_calls: pl.LazyFrame, call_costs: pl.LazyFrame, feedback: pl.DataFrame
) -> pl.DataFrame:
    """What the day's spend comes to per call, session, user and accepted answer, in USD."""
    calls = llm_calls.select({*cost.UNIT_COLUMNS, *health.RATED_COLUMNS}).collect()
    return cost.unit_costs(
        calls,
        call_costs.select(cost.UNIT_COST_COLUMNS).collect(),
        health.rated_answers(calls, feedback),
    )


@dg.asset_check(asset=price_book)
def price_catalogue_is_recent(policy: Policy, clock: Clock) -> dg.AssetCheckResult:
    """Old prices make wrong costs: the age of the catalogue's newest price, not of its download."""
    return checks.catalogue_recent(policy.price_catalogue_max_age_days, clock.today())


@daily_check(call_costs)
def every_call_has_a_price(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """Unpriced calls make spend look smaller than it is: by how much at most, and the remedy."""
    return checks.all_priced(lake.open(), day)


@daily_check(call_costs)
def reported_costs_agree_with_ours(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """Where a source reports other costs than ours: calls, both sums, and the likely reason."""
    return checks.reported_agree(lake.open(), day)


@daily_check(feature_costs, blocking=True)
def spend_adds_up_to_the_last_digit(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """The features' spend is exactly the sum over the calls."""
    return checks.spend_adds_up(lake.open(), day, FEATURE_COSTS)


@daily_check(cost_cube, blocking=True)
def cube_adds_up_to_the_last_digit(lake: LakeResource, day: date) -> dg.AssetCheckResult:
    """The cube's spend is exactly the sum over the calls."""
    return checks.spend_adds_up(lake.open(), day, COST_CUBE)
