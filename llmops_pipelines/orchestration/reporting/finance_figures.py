"""Key figures of the books, as people see them in the Dagster UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines import finance
from llmops_pipelines.adapters.charting import charts
from llmops_pipelines.orchestration.money.finance import Books

MONTHS = 12
"""How many of the last months are shown."""


def of_books(books: Books) -> Mapping[str, Any]:
    """The last months in dollars and the report currency, and who spent the last of them."""
    months = (
        books.lines.group_by("month")
        .agg(
            pl.col("unpriced_calls").sum(),
            cost=finance.known_cost(),
            cost_report=finance.in_currency(),
            currency=pl.col("currency").first(),
            unrated=finance.unrated(),
        )
        .sort("month", descending=True)
        .head(MONTHS)
    )
    if months.is_empty():
        return {"months": "none: no call has landed yet"}
    last = str(months["month"][0])
    teams = finance.by_team(books.lines.filter(pl.col("month") == last))
    shown = teams.select(label="team", value=pl.col("cost").cast(pl.Float64))
    chart = charts.bars(shown, title=f"{last} by team", scale="usd")
    closed = set(books.closed["month"])
    return {
        "months": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        name: "unknown" if value is None else str(value)
                        for name, value in row.items()
                    }
                    | {"state": "closed" if row["month"] in closed else "open"}
                )
                for row in months.to_dicts()
            ]
        ),
        "chart": dg.MetadataValue.md(charts.png_markdown(chart)),
    }


def of_adjustments(adjustments: pl.DataFrame) -> Mapping[str, Any]:
    """What was booked of closed months, by the month that it is booked in, and why."""
    booked = (
        adjustments.group_by("booked", "month", "reason")
        .agg(rows=pl.len(), difference=pl.col("difference").sum())
        .sort("booked", "month", "reason", descending=[True, False, False])
    )
    return {
        "adjustments": dg.MetadataValue.table(
            [
                dg.TableRecord({name: str(value) for name, value in row.items()})
                for row in booked.head(4 * MONTHS).to_dicts()
            ]
        )
        if booked.height
        else "none: no closed month has changed since"
    }
