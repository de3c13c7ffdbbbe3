"""What calls cost: prices, cost per call, per feature, against budgets."""

from datetime import date
from typing import Annotated

import dagster as dg
import polars as pl

from llmops_pipelines import cost, health, pricing
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.conditions import Inputs, on_finished_day, when_missing
from llmops_pipelines.orchestration.graph.daily import LastDays, daily, table_metadata
from llmops_pipelines.orchestration.graph.daily_checks import daily_check
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    LakeResource,
    Policy,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.money import budgets, business_weeks
from llmops_pipelines.orchestration.reporting import figures
from llmops_pipelines.orchestration.reporting.bill_figures import of_unit_costs
from llmops_pipelines.orchestration.reporting.spend_charts import figures_of_latest_day
from llmops_pipelines.orchestration.runs.repricing import priced_day
from llmops_pipelines.tables import (
    BUDGET_STATUS,
    CALL_COSTS,
    COST_ANOMALIES,
    COST_CUBE,
    COST_DRIVERS,
    COST_FORECAST,
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
def call_costs(
    llm_calls: pl.DataFrame,
    price_book: pl.DataFrame,
    lake: LakeResource,
    clock: Clock,
    day: date,
    run_id: str,
) -> pl.DataFrame:
    """Every call of the day with its cost in USD, null where no price or usage is known."""
    return priced_day(lake.open(), llm_calls, price_book, day, run_id=run_id, clock=clock)


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
    deps=[reference_key("finance")],
    figures=figures.of_cost_drivers,
    told=figures.why_spend_changed,
)
def cost_drivers(
    cost_cube: Annotated[pl.DataFrame, LastDays(business_weeks.UTC_DAYS)],
    lake: LakeResource,
    reference: ReferenceFolder,
    day: date,
) -> pl.DataFrame:
    """Why the business's last seven days cost more or less than the seven before, in USD."""
    return business_weeks.drivers_of(cost_cube, lake.open(), reference, day)


@daily(
    COST_FORECAST,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    deps=[reference_key("finance")],
    figures=figures.of_cost_forecast,
)
def cost_forecast(
    feature_costs: Annotated[pl.DataFrame, LastDays(budgets.UTC_DAYS)],
    lake: LakeResource,
    reference: ReferenceFolder,
    clock: Clock,
    day: date,
) -> pl.DataFrame:
    """Spend of the business's days to come and its month, per scope, with intervals, in USD."""
    return budgets.forecast_of(feature_costs, lake.open(), reference, day, clock)


@daily(
    COST_ANOMALIES,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    condition=on_finished_day,
    deps=[reference_key("finance")],
    figures=figures.of_cost_anomalies,
)
def cost_anomalies(
    feature_costs: Annotated[pl.DataFrame, LastDays(budgets.UTC_DAYS)],
    lake: LakeResource,
    reference: ReferenceFolder,
    day: date,
) -> pl.DataFrame:
    """Whether a day of the business was unusual for its weekday, per scope, and what drove it."""
    return business_weeks.anomalies_of(feature_costs, lake.open(), reference, day)


@daily(
    BUDGET_STATUS,
    group="costs",
    owner=OWNER,
    kinds={"polars", "parquet"},
    deps=[reference_key("budgets"), reference_key("finance")],
)
def budget_status(
    feature_costs: Annotated[pl.DataFrame, LastDays(budgets.UTC_DAYS)],
    cost_forecast: pl.DataFrame,
    lake: LakeResource,
    reference: ReferenceFolder,
    day: date,
) -> pl.DataFrame:
    """Spend against each budget of a day, a month or rolling days; without one, how to set it."""
    return budgets.status_of(feature_costs, cost_forecast, lake.open(), reference, day)


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


@dg.asset(
    group_name="costs",
    owners=[OWNER],
    kinds={"matplotlib"},
    deps=[cost_forecast, budget_status],
)
def cost_charts(lake: LakeResource, reference: ReferenceFolder) -> dg.MaterializeResult[None]:
    """Spend by day, model mix, forecast and what is left of the budget, as of the latest day."""
    return dg.MaterializeResult(metadata=figures_of_latest_day(lake.open(), reference))


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


@daily_check(budget_status)
def every_budget_is_of_something(
    lake: LakeResource, reference: ReferenceFolder, day: date
) -> dg.AssetCheckResult:
    """A budget of a feature or team that nobody ever named is mistyped; tell names like it."""
    return checks.budgets_known(lake.open(), reference, day)
