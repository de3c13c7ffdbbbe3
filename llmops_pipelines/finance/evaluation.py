"""What judges cost in a month: beside the books, and on the invoice."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.finance.days import known_sum, on_business_day, owned
from llmops_pipelines.finance.rates import RATED, converted, rates_of
from llmops_pipelines.finance.settings import Finance
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import MONTHLY_COSTS

EVALUATION: Final = "evaluation"


def evaluation_lines(judged: pl.DataFrame, month: str, finance: Finance) -> pl.DataFrame:
    """What judges cost that were asked in ``month``, by team, feature, provider, model and rate.

    The team is the one that owned the judged feature on the day the judge was asked. They are no
    part of ``MONTHLY_COSTS``, so that a closed month stays what it is when a day is judged late.

    Args:
        judged: ``asked_at``, ``provider``, ``model``, ``cost`` (null where nobody knows it), and
            ``feature`` and ``team`` of the judged call (null where none was, as of canaries) of
            each attempt that reached a judge's endpoint.
        month: Month of the business, as 2026-10.
        finance: What ``finance.yaml`` says.

    Returns:
        Rows of ``MONTHLY_COSTS`` of kind ``evaluation``.
    """
    asked = judged.with_columns(
        business_day=on_business_day(pl.col("asked_at"), finance.report_timezone)
    ).filter(pl.col("business_day").dt.strftime("%Y-%m") == month)
    rates = rates_of(asked["business_day"].unique().sort().to_list(), finance)
    lines = converted(
        owned(asked, finance.ownership)
        .with_columns(pl.col("team").fill_null(UNATTRIBUTED))
        .join(rates, on="business_day", how="left")
        .group_by("team", "feature", "provider", "model", *RATED)
        .agg(
            calls=pl.len().cast(pl.Int64),
            unpriced_calls=pl.col("cost").is_null().sum().cast(pl.Int64),
            cost=known_sum("cost"),
        )
        .with_columns(
            month=pl.lit(month),
            kind=pl.lit(EVALUATION),
            currency=pl.lit(finance.report_currency),
            rule=pl.when(pl.col("feature").is_null())
            .then(pl.lit("judges asked in the month about no logged call: samples, canaries"))
            .otherwise(pl.lit("judges asked in the month about the feature")),
        )
    )
    return MONTHLY_COSTS.require(
        pl.concat([MONTHLY_COSTS.empty(), lines], how="diagonal").sort(
            "team", "feature", "provider", "model", "rate_date", nulls_last=True
        )
    )
