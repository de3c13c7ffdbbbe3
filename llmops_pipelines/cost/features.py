"""What each product feature spent, by team and model."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import FEATURE_COSTS, MONEY, TOKEN_BUCKETS

UNKNOWN_MODEL = "unknown"


def feature_costs(call_costs: pl.DataFrame) -> pl.DataFrame:
    """Sum the calls of a day per feature, team and model, exactly.

    ``cost`` is null where no call had a price: a day of unpriced calls is not a free day. A failed
    call without usage is counted in ``calls`` and ``errors`` and in no cost; it is not unpriced.

    Args:
        call_costs: ``CALL_COSTS`` of one day.

    Returns:
        ``FEATURE_COSTS``. The token columns sum what was recorded.
    """
    priced = pl.col("cost").is_not_null()
    retried = pl.col("attempt") > 1
    return FEATURE_COSTS.require(
        call_costs.group_by(
            "feature",
            pl.col("team").fill_null(UNATTRIBUTED),
            pl.col("model").fill_null(UNKNOWN_MODEL),
        ).agg(
            calls=pl.len().cast(pl.Int64),
            errors=(pl.col("status") == "error").sum().cast(pl.Int64),
            unpriced_calls=(_succeeded() & ~priced).sum().cast(pl.Int64),
            cost=pl.when(priced.any()).then(pl.col("cost").sum()).cast(MONEY),
            retry_cost=pl.when(priced.any()).then(pl.col("cost").filter(retried).sum()).cast(MONEY),
            **{bucket: pl.col(bucket).sum() for bucket in TOKEN_BUCKETS},
        )
    )


def _succeeded() -> pl.Expr:
    return pl.col("status") == "ok"
