"""What the price book said when: rows are closed where they are no longer believed, never lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import polars as pl

from llmops_pipelines.pricing.book.catalogue import providers
from llmops_pipelines.pricing.book.tiers import split_names
from llmops_pipelines.pricing.book.timelines import BEGINNING
from llmops_pipelines.tables import PRICE_BOOK

_CLOCKS: Final = ("known_from", "known_to", "fetched_at")

_RELEASE: Final = r"^genai-prices [^\s,]+"


def as_believed(book: pl.DataFrame, at: datetime | None = None) -> pl.DataFrame:
    """The price book as it is believed now, or as it was at a moment.

    Whoever prices by it gets what would have been charged with the knowledge of that moment,
    whatever was corrected since. Books of a release that did not keep beliefs are read too.

    Args:
        book: ``PRICE_BOOK``.
        at: UTC, without a zone; none for the present belief.

    Returns:
        ``PRICE_BOOK``, one belief: ``known_to`` is null.
    """
    known = _with_dimensions(book)
    held = pl.col("known_to").is_null()
    if at is not None:
        held = (pl.col("known_from") <= at) & (held | (pl.col("known_to") > at))
    return known.filter(held).with_columns(known_to=pl.lit(None, pl.Datetime("us")))


def revise(before: pl.DataFrame, book: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """``before`` with the belief of ``book`` from ``at`` on.

    A row that ``book`` has too stays as it is, with the release that said so first. Others are
    closed, and what is new is added, at ``at``, or just after the last change where the clock has
    fallen behind it. Where nothing differs, the result is ``before``.

    Args:
        before: ``PRICE_BOOK``, with all that was ever believed.
        book: ``PRICE_BOOK``, as the catalogue and prices.yaml say now.
        at: UTC, without a zone.
    """
    known = _with_dimensions(before)
    changes = [known[name].max() for name in ("known_from", "known_to")]
    latest = max((each for each in changes if isinstance(each, datetime)), default=BEGINNING)
    moment = pl.lit(max(at, latest + timedelta(microseconds=1)), pl.Datetime("us"))
    believed = pl.col("known_to").is_null()
    past, present = known.filter(~believed), known.filter(believed)
    return PRICE_BOOK.require(
        pl.concat(
            [
                past,
                _matched(present, book, "semi"),
                _matched(present, book, "anti").with_columns(known_to=moment),
                _matched(book, present, "anti").with_columns(known_from=moment),
            ]
        )
    )


def _matched(
    rows: pl.DataFrame, others: pl.DataFrame, how: Literal["semi", "anti"]
) -> pl.DataFrame:
    """Rows that the others say (``semi``) or do not say (``anti``), whichever release said so."""
    said = [name for name in PRICE_BOOK.schema.names() if name not in (*_CLOCKS, "source")]
    who = pl.col("source").str.replace(_RELEASE, "genai-prices").alias("who")
    return (
        rows.with_columns(who)
        .join(others.with_columns(who), on=[*said, "who"], how=how, nulls_equal=True)
        .drop("who")
    )


def _with_dimensions(book: pl.DataFrame) -> pl.DataFrame:
    """Rows of the first version of the table told in the columns of the second.

    They named tier and hours behind the model, and said nothing of beliefs.
    """
    if book["list_price"].null_count() == 0:
        return book
    whole = pl.DataFrame(
        [(provider.id, model.id, True) for provider in providers() for model in provider.models],
        schema={"provider": pl.String, "model": pl.String, "is_whole": pl.Boolean},
        orient="row",
    )
    is_first = pl.col("list_price").is_null()
    # Some hosts end their own names so.
    is_split = is_first & pl.col("is_whole").is_null()
    return (
        book.join(whole, on=["provider", "model"], how="left", maintain_order="left")
        .with_columns(
            *(
                pl.when(is_split).then(told).otherwise(pl.col(name)).alias(name)
                for name, told in split_names(pl.col("model")).items()
            ),
            list_price=pl.coalesce("list_price", "price"),
            known_from=pl.when(is_first)
            .then(pl.col("fetched_at").fill_null(BEGINNING))
            .otherwise("known_from"),
        )
        .drop("is_whole")
    )
