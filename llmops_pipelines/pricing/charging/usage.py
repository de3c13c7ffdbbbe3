"""The cost of one usage: for bills written one at a time, such as a judge's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext

import polars as pl

from llmops_pipelines.pricing.book.belief import as_believed
from llmops_pipelines.pricing.book.buckets import PRICED, REQUEST, WEB_SEARCHES
from llmops_pipelines.pricing.book.tiers import STANDARD, Service
from llmops_pipelines.pricing.charging.entries import REQUEST_COLUMNS, find_entries
from llmops_pipelines.pricing.charging.tariffs import (
    PROMPT_BUCKETS,
    UNITS_PER_PICO,
    tariffs,
)
from llmops_pipelines.tables import METERED


@dataclass(frozen=True)
class Tariff:
    """What one model costs at one moment.

    ``bands`` holds, per prompt length from which they apply, the prices per bucket in 10^-18 USD.
    """

    source: str
    bands: tuple[tuple[int, Mapping[str, int]], ...]

    def cost(self, tokens: Mapping[str, int]) -> Decimal | None:
        """Dollars for ``tokens`` per bucket, as ``price_calls`` would find them.

        None where tokens are in a bucket that has no price.

        Raises:
            ValueError: A bucket is unknown or its count negative.
        """
        for bucket, count in tokens.items():
            if bucket not in METERED or count < 0:
                raise ValueError(
                    f"{bucket}={count}: expected counts of at least 0 in the buckets "
                    + ", ".join(METERED)
                )
        prompt = sum(tokens.get(bucket, 0) for bucket in PROMPT_BUCKETS)
        prices = [prices for length, prices in self.bands if prompt >= length][-1]
        units = prices.get(REQUEST, 0)
        for bucket, count in tokens.items():
            if count and bucket not in prices and not _in_the_fee(bucket, prices):
                return None
            units += count * prices.get(bucket, 0)
        whole, rest = divmod(units, UNITS_PER_PICO)
        half = UNITS_PER_PICO // 2
        whole += rest > half or (rest == half and whole % 2 == 1)
        with localcontext(prec=60):
            return Decimal(whole).scaleb(-12)


def _in_the_fee(bucket: str, prices: Mapping[str, int]) -> bool:
    """Whether searches have no price since the fee of the call pays for them."""
    return bucket == WEB_SEARCHES and REQUEST in prices


def find_tariff(
    provider: str | None,
    model: str,
    at: datetime,
    book: pl.DataFrame,
    *,
    service: Service = STANDARD,
    team: str | None = None,
) -> Tariff | None:
    """The tariff of a model at a moment; None where its price is not known.

    Finding it takes milliseconds, pricing by it microseconds: who writes many bills keeps it.

    Args:
        provider: As in ``LLM_CALLS``; None lets the model's name decide.
        model: As in ``LLM_CALLS``.
        at: When the call began, UTC if it has no zone.
        book: ``PRICE_BOOK``.
        service: Service tier of the call.
        team: Who pays for it, where the book has prices of teams.
    """
    moment = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
    believed = as_believed(book)
    asked = pl.DataFrame(
        [(provider, model, service, team)],
        schema=dict.fromkeys(REQUEST_COLUMNS, pl.String),
        orient="row",
    )
    models = find_entries(asked, believed)
    entry = models.asked.select(models.entry_at(pl.lit(moment))).item()
    if entry is None:
        return None
    bands = tariffs(believed, models.listed).filter(
        (pl.col("entry") == entry)
        & (pl.col("valid_from") <= moment)
        & (pl.col("valid_to").is_null() | (pl.col("valid_to") > moment))
    )
    if bands.is_empty():
        return None
    return Tariff(
        source=bands["price_source"][0],
        bands=tuple(
            (row["context_from"], {name: row[name] for name in PRICED if row[name] is not None})
            for row in bands.sort("context_from").iter_rows(named=True)
        ),
    )


def price_usage(
    provider: str | None,
    model: str,
    at: datetime,
    buckets: Mapping[str, int],
    book: pl.DataFrame,
    *,
    service: Service = STANDARD,
    team: str | None = None,
) -> Decimal | None:
    """Dollars for one usage, ``buckets`` of tokens, at a moment; None where no price is known.

    Arguments as for ``find_tariff``.

    Raises:
        ValueError: A bucket is unknown or its count negative.
    """
    tariff = find_tariff(provider, model, at, book, service=service, team=team)
    return tariff.cost(buckets) if tariff else None
