"""The books: days and months of the business, and what came after a month was closed."""

from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.daily import table_metadata
from llmops_pipelines.orchestration.graph.io_manager import DayOutput
from llmops_pipelines.orchestration.graph.reference_assets import reference_key
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.money import finance
from llmops_pipelines.orchestration.reporting import finance_figures
from llmops_pipelines.tables import BUSINESS_DAYS, COST_ADJUSTMENTS, MONTHLY_COSTS

OWNER = "team:finops"


@dg.asset(
    group_name="finance",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=["call_costs", reference_key("finance")],
    metadata=table_metadata(BUSINESS_DAYS),
)
def business_days(lake: LakeResource, reference: ReferenceFolder) -> dg.Output[Any]:
    """Spend by day of the business, found from each call's own instant, in USD."""
    settings = finance.settings_of(reference)
    rows, read = finance.summed_days(lake.open(), settings.report_timezone)
    return dg.Output([DayOutput(None, rows, read, None)])


@dg.asset(
    group_name="finance",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=[business_days, reference_key("finance")],
    metadata=table_metadata(COST_ADJUSTMENTS),
)
def cost_adjustments(
    context: dg.AssetExecutionContext, lake: LakeResource, reference: ReferenceFolder, clock: Clock
) -> pl.DataFrame:
    """What closed months would be now and are not, booked in the month in which it was found."""
    books = finance.kept_books(lake.open(), reference, clock)
    context.add_output_metadata(finance_figures.of_adjustments(books.adjustments))
    return books.adjustments


@dg.asset(
    group_name="finance",
    owners=[OWNER],
    kinds={"polars", "parquet"},
    deps=[cost_adjustments, reference_key("finance")],
    metadata=table_metadata(MONTHLY_COSTS),
)
def monthly_costs(
    context: dg.AssetExecutionContext, lake: LakeResource, reference: ReferenceFolder, clock: Clock
) -> pl.DataFrame:
    """What each month cost by team, feature and model, with fees, credits and adjustments."""
    books = finance.kept_books(lake.open(), reference, clock)
    context.add_output_metadata(finance_figures.of_books(books))
    return books.lines


@dg.asset_check(asset=business_days, blocking=True)
def business_days_add_up_to_the_last_digit(lake: LakeResource) -> dg.AssetCheckResult:
    """Whatever the time zone: the days of the business hold exactly what the UTC days hold."""
    return checks.business_days_add_up(lake.open())
