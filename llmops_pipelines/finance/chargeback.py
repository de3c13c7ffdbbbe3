"""A month's costs against the invoices, as lines for people and as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

import polars as pl

from llmops_pipelines.finance.days import known_sum
from llmops_pipelines.finance.rates import RATED, converted, rates_of
from llmops_pipelines.finance.settings import Finance
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import MONEY, MONTHLY_COSTS

RESIDUE: Final = "residue"

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet run a cell (OWASP, CSV injection)."""


def residue_lines(
    lines: pl.DataFrame,
    month: str,
    invoices: Mapping[str | None, Decimal],
    finance: Finance,
) -> pl.DataFrame:
    """What the invoices have that the lines do not, or the other way, one row per invoice.

    Args:
        lines: ``MONTHLY_COSTS`` of the month.
        month: The month, as 2026-10.
        invoices: US dollars by provider, in any case of letters; under None one for everything.
        finance: What ``finance.yaml`` says.

    Returns:
        Rows of ``MONTHLY_COSTS`` of kind ``residue``; none where an invoice is met to the last
        digit. With them the lines of a provider add up to its invoice.
    """
    blank = dict.fromkeys(MONTHLY_COSTS.schema.names())
    rows = []
    for provider, invoice in invoices.items():
        own = lines if provider is None else lines.filter(_is(provider))
        spent = Decimal(own["cost"].sum() or 0)
        if invoice != spent:
            rows.append(
                blank
                | {
                    "month": month,
                    "kind": RESIDUE,
                    "team": UNATTRIBUTED,
                    "provider": provider,
                    "cost": invoice - spent,
                    "currency": finance.report_currency,
                    "rule": f"invoice {invoice:f} less the lines {spent:f}",
                }
            )
    residue = pl.DataFrame(rows, schema=MONTHLY_COSTS.schema).drop(*RATED)
    rate = rates_of([date.fromisoformat(f"{month}-01")], finance).select(*RATED)
    return MONTHLY_COSTS.require(converted(residue.join(rate, how="cross")))


def uninvoiced(lines: pl.DataFrame, invoices: Mapping[str | None, Decimal]) -> pl.DataFrame:
    """The providers of the lines that no invoice is about: ``provider`` and ``cost``.

    A provider of null stands for lines without one, such as shared costs; a cost of null is that of
    calls of which none has a price.
    """
    if None in invoices:
        return lines.select("provider", "cost").clear()
    met = [_is(provider) for provider in invoices if provider is not None]
    return (
        lines.filter(~pl.any_horizontal(*met).fill_null(value=False) if met else True)
        .group_by("provider")
        .agg(cost=known_sum("cost"))
        .sort("provider")
    )


def by_team(lines: pl.DataFrame) -> pl.DataFrame:
    """Each team's calls and costs, the most expensive first; ``unattributed`` is always there.

    Args:
        lines: ``MONTHLY_COSTS``.

    Returns:
        ``team``, ``calls``, ``unpriced_calls``, ``cost`` (``known_cost``), ``cost_report``
        (``in_currency``) and ``unrated`` (rows with a cost and no rate).
    """
    none = pl.DataFrame(
        [dict.fromkeys(MONTHLY_COSTS.schema.names()) | {"team": UNATTRIBUTED}],
        schema=MONTHLY_COSTS.schema,
    )
    return (
        pl.concat([lines, none])
        .group_by("team")
        .agg(
            pl.col("calls", "unpriced_calls").sum(),
            cost=known_cost(),
            cost_report=in_currency(),
            unrated=unrated(),
        )
        .sort("cost", "team", descending=[True, False], nulls_last=True)
    )


def known_cost() -> pl.Expr:
    """The exact sum of what is known in US dollars; null of calls of which none has a price."""
    return pl.when(_is_known()).then(pl.col("cost").sum()).cast(MONEY)


def unrated() -> pl.Expr:
    """How many rows have a cost in dollars and, for want of a rate, none in the other currency."""
    return (pl.col("cost").is_not_null() & pl.col("cost_report").is_null()).sum()


def in_currency() -> pl.Expr:
    """``known_cost`` in the report currency; null if one has no rate: a part would pass for all."""
    return pl.when(_is_known() & (unrated() == 0)).then(pl.col("cost_report").sum())


def _is_known() -> pl.Expr:
    return (pl.col("cost").count() > 0) | (pl.col("unpriced_calls").sum() == 0)


def as_csv(lines: pl.DataFrame) -> str:
    """``lines`` as CSV (RFC 4180); an apostrophe keeps spreadsheets from running a text."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(lines.columns)
    writer.writerows([_cell(value) for value in row] for row in lines.iter_rows())
    return file.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return f"{value:f}" if isinstance(value, Decimal) else value


def _is(provider: str) -> pl.Expr:
    return pl.col("provider").str.to_lowercase() == provider.lower()
