"""Key figures and charts of what spend bought, and of invoices, as people see them in the UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines import billing
from llmops_pipelines.adapters.charting import charts

Figures = Mapping[str, Any]


def of_unit_costs(units: pl.DataFrame) -> Figures:
    """What failures cost, and an accepted answer of every feature with its interval."""
    overall = units.filter(pl.col("feature") == "*")
    accepted = units.filter(pl.col("cost_per_accepted").is_not_null()).select(
        label="feature",
        # One answer costs parts of a cent: too little to be written as dollars.
        estimate=_of_thousand("cost_per_accepted"),
        low=_of_thousand("cost_per_accepted_low"),
        high=_of_thousand("cost_per_accepted_high"),
        n="rated_answers",
        missing=pl.col("answers") - pl.col("rated_answers"),
    )
    figure = charts.intervals(
        accepted.sort("label"),
        title="Cost of 1,000 accepted answers",
        subtitle="US dollars; line: 95 % interval; n: rated answers; 4 stars and more accept",
        scale="usd",
    )
    return {
        **{
            name: _known(overall, name)
            for name in ("cost_per_call", "cost_per_accepted", "wasted_cost")
        },
        "without_feedback": units.filter(pl.col("why_not") == "no_feedback").height,
        "chart": dg.MetadataValue.md(charts.png_markdown(figure)),
    }


def of_reconciliation(rows: pl.DataFrame) -> Figures:
    """What each invoice bills, what of it is unexplained, and the largest differences by reason."""
    if rows.is_empty():
        return {"invoices": "none: put exports of your providers into the invoice folder"}
    found = {
        str(file): billing.totals(own)
        for (file,), own in rows.group_by("source_file", maintain_order=True)
    }
    reasons = (
        # Of an export of tokens alone no dollars differ.
        rows.filter(pl.col("state").is_in(["differs", "missing", "surplus"]))
        .drop_nulls("difference")
        .group_by(label=pl.format("{}: {}", "state", "reason"))
        .agg(value=pl.col("difference").abs().sum().cast(pl.Float64))
    )
    figure = charts.bars(
        reasons, title="Differences from invoices", subtitle="US dollars, by reason", scale="usd"
    )
    return {
        "invoices": len(found),
        "invoiced_usd": float(sum(each.invoiced for each in found.values())),
        "unexplained": dg.MetadataValue.json(
            {file: each.unexplained_share for file, each in found.items()}
        ),
        "unreadable_lines": int(rows.filter(pl.col("state") == "unreadable")["lines"].sum()),
        "chart": dg.MetadataValue.md(charts.png_markdown(figure)),
    }


def _of_thousand(name: str) -> pl.Expr:
    return 1_000 * pl.col(name).cast(pl.Float64)


def _known(rows: pl.DataFrame, name: str) -> float | str:
    values = rows[name].drop_nulls()
    return float(values[0]) if values.len() else "unknown"
