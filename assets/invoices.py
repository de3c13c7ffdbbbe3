"""What providers bill, held against what was logged."""

import dagster as dg
import polars as pl

from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.daily import table_metadata
from llmops_pipelines.orchestration.graph.resources import LakeResource, LogFolder
from llmops_pipelines.orchestration.money.invoices import reconcile_folder
from llmops_pipelines.orchestration.reporting.bill_figures import of_reconciliation
from llmops_pipelines.tables import INVOICE_RECONCILIATION


@dg.asset(
    group_name="costs",
    owners=["team:finops"],
    kinds={"polars", "parquet"},
    deps=["cost_cube", "evaluation_costs", "price_book"],
    metadata=table_metadata(INVOICE_RECONCILIATION),
)
def invoice_reconciliation(
    context: dg.AssetExecutionContext, lake: LakeResource, invoices: LogFolder
) -> pl.DataFrame:
    """Every invoice in the invoice folder by day and model: matched, missing, surplus, and why."""
    rows = reconcile_folder(lake.open(), invoices.files())
    context.add_output_metadata(of_reconciliation(rows))
    return rows


@dg.asset_check(asset=invoice_reconciliation)
def invoices_are_explained(lake: LakeResource) -> dg.AssetCheckResult:
    """What we cannot explain of a bill is spend that nobody saw."""
    return checks.invoices_explained(lake.open())
