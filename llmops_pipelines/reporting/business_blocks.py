"""What a run of the pipeline spent, in days of the business, its currency, by who is charged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.reporting.blocks import TOP, SummaryTable, span
from llmops_pipelines.reporting.business import BusinessMoney
from llmops_pipelines.reporting.wording import NOT_KNOWN, count, money, visible

_USD = "USD"


def business_tables(
    days: pl.DataFrame, spend: pl.DataFrame, told: BusinessMoney
) -> tuple[SummaryTable, ...]:
    """Totals, dearest features, and everyone who is charged, as blocks to print.

    Args:
        days: ``NightlySummary.days``: of it are the rejected lines, by UTC day.
        spend: ``SPEND``.
        told: Whose days, which currency, and which hours are not there.
    """
    if spend.is_empty():
        return (SummaryTable("No calls", (), (), remark=f"no day up to {told.name} holds a call"),)
    whole = _sums(spend, "all").row(0, named=True)
    known = [amount for amount in _amounts(whole, told) if amount != NOT_KNOWN]
    spent = " = ".join(known) or "unknown"
    if whole["unpriced_calls"]:
        spent += f" ({count(whole['unpriced_calls'])} calls without a price not included)"
    of_utc = "" if told.zone == "UTC" else ", of UTC days"
    totals = SummaryTable(
        told.placed(span(spend["day"].unique().sort().to_list())),
        ("", ""),
        (
            ("calls", count(whole["calls"])),
            (f"rejected lines{of_utc}", count(int(days["rejected"].sum()))),
            ("spend", spent),
        ),
        remark=" ".join(_remarks(spend, told)),
    )
    features = _sums(spend, "feature")
    more = features.height - TOP
    return (
        totals,
        _ranked("Features by cost", "feature", features.head(TOP), told, more),
        _ranked("Owners by cost", "owner", _owners(spend), told),
    )


def _sums(spend: pl.DataFrame, by: str) -> pl.DataFrame:
    """Sums of what is known, the dearest first; no other currency where a dollar has no rate."""
    priced, rated = pl.col("cost").is_not_null(), pl.col("cost_report").is_not_null()
    name = pl.lit("all") if by == "all" else pl.col(by)
    return (
        spend.group_by(name=name)
        .agg(
            pl.col("calls", "unpriced_calls").sum(),
            cost=pl.when(priced.any()).then(pl.col("cost").sum()),
            cost_report=pl.when(rated.any() & (rated | ~priced).all()).then(
                pl.col("cost_report").sum()
            ),
        )
        .sort(["cost", "name"], descending=[True, False], nulls_last=True)
    )


def _owners(spend: pl.DataFrame) -> pl.DataFrame:
    """Everyone who is charged, and ``unattributed``, if only with nothing."""
    owners = _sums(spend, "team")
    if UNATTRIBUTED in owners["name"]:
        return owners
    zero = pl.DataFrame([(UNATTRIBUTED, 0, 0, 0, 0)], schema=owners.schema, orient="row")
    return pl.concat([owners, zero])


def _ranked(
    title: str, heading: str, sums: pl.DataFrame, told: BusinessMoney, more: int = 0
) -> SummaryTable:
    amounts = ("spend",) if told.currency == _USD else (told.currency, "dollars")
    return SummaryTable(
        title,
        (heading, *amounts, "calls", "unpriced"),
        tuple(
            (
                visible(row["name"], 40),
                *_amounts(row, told),
                count(row["calls"]),
                count(row["unpriced_calls"]),
            )
            for row in sums.iter_rows(named=True)
        ),
        figures=tuple(range(1, 3 + len(amounts))),
        remark=f"and {count(more)} more" if more > 0 else "",
    )


def _amounts(row: Mapping[str, Any], told: BusinessMoney) -> tuple[str, ...]:
    """In the report's currency, unless that is dollars, and in dollars."""
    dollars = money(row["cost"], _USD)
    if told.currency == _USD:
        return (dollars,)
    return money(row["cost_report"], told.currency), dollars


def _remarks(spend: pl.DataFrame, told: BusinessMoney) -> Iterator[str]:
    shown = spend["day"].unique()
    if partial := [day for day in told.partial_days if day in shown]:
        yield f"Not whole days: {told.named(partial)}."
    if begun := told.begun():
        yield f"{begun}, and it is in no figure."
    if told.currency == _USD:
        return
    yield f"Each day is converted at its own rate; that of {told.day} {told.rate_in_words()}."
    unrated = spend.filter(pl.col("cost").is_not_null() & pl.col("cost_report").is_null())
    if days := unrated["day"].n_unique():
        yield f"{count(days)} of the days have no rate, so that what they are in has only dollars."
