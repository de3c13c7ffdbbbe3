"""An invoice held against our calls and our judges', line by line of day, model, tier and meter."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.billing.levels import KEY, invoiced_rows, level_of, levelled
from llmops_pipelines.billing.lines import LINES
from llmops_pipelines.billing.reading import Invoice, Unreadable
from llmops_pipelines.billing.reasons import with_reasons
from llmops_pipelines.billing.shifts import shift_that_fits, stated_days
from llmops_pipelines.billing.sides import model_names
from llmops_pipelines.tables import INVOICE_RECONCILIATION, MONEY

LEAST_DOLLARS: Final = Decimal("0.000001")
"""Differences up to here are none, whatever an invoice is rounded to."""


_FILE: Final = ("source_file", "digest", "source")
_NAMES: Final = [name for name in INVOICE_RECONCILIATION.schema.names() if name not in _FILE]


class InvoiceFile(NamedTuple):
    """A file in the invoice folder."""

    name: str
    """Relative to the folder."""
    digest: str
    """SHA-256 of its bytes, first 32 hex digits."""


class Records(NamedTuple):
    """What our own records say of the time that an invoice is of."""

    calls: pl.DataFrame
    """``calls_side`` of its days, and of a day before and after."""
    judges: pl.DataFrame
    """``judges_side`` of the same."""
    book: pl.DataFrame
    """``PRICE_BOOK``."""
    last_day: date | None
    """The last day that has calls at all."""


def days_of(invoice: Invoice) -> list[date]:
    """The days whose records it takes to reconcile an invoice, with one before and one after."""
    days = invoice.lines["day"].drop_nulls()
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return []
    return [first + timedelta(days=n) for n in range(-1, (last - first).days + 2)]


def reconcile(file: InvoiceFile, invoice: Invoice, records: Records) -> pl.DataFrame:
    """What an invoice bills, and what our records say of it.

    An invoice is compared at the finest level that it tells for a model and day: by tier, by meter,
    or in sum; one without models is compared with all of its provider. Days without a line lie
    within it, so calls on them are a surplus; other providers' calls are not.

    Args:
        file: The invoice's.
        invoice: Its lines.
        records: Ours.

    Returns:
        ``INVOICE_RECONCILIATION``. The lines of the rows add up to those of the file, and what is
        invoiced in the rows to what the file bills.
    """
    lines = _named(invoice.lines, records.book)
    told = lines.filter(_told(lines))
    if told.is_empty():
        rows = INVOICE_RECONCILIATION.empty()
    else:
        lines, days = stated_days(lines)
        told = lines.filter(_told(lines))
        level = level_of(told)
        ours, judges = (levelled(side, level, days) for side in (records.calls, records.judges))
        joined = _joined(invoiced_rows(told, level), ours, judges)
        again = shift_that_fits(joined, records.calls, level, days)
        rows = with_reasons(
            _with_states(joined, _tolerance(told)),
            book=records.book,
            shifted=again,
            last_day=records.last_day,
            last_billed=days.item(-1, "day"),
        )
    return INVOICE_RECONCILIATION.require(
        pl.concat(
            [
                rows.select(_NAMES),
                _uncounted("empty", lines.filter(~_told(lines))["day"].len(), None),
                _uncounted("unreadable", len(invoice.unreadable), _first(invoice.unreadable)),
            ]
        ).select(*_of(file, invoice.source), pl.all())
    )


def unknown_file(file: InvoiceFile, why: str) -> pl.DataFrame:
    """The one row of a file that is no invoice."""
    return INVOICE_RECONCILIATION.require(
        _uncounted("unreadable", 1, why).select(*_of(file, "unknown"), pl.all())
    )


def _of(file: InvoiceFile, source: str) -> list[pl.Expr]:
    told = (file.name, file.digest, source)
    return [pl.lit(value).alias(name) for name, value in zip(_FILE, told, strict=True)]


def _told(lines: pl.DataFrame) -> pl.Series:
    return lines["amount"].is_not_null() | lines["tokens"].is_not_null()


def _named(lines: pl.DataFrame, book: pl.DataFrame) -> pl.DataFrame:
    """Providers and models in the spelling of the price book."""
    names = model_names(lines, book)
    return (
        lines.join(names, on=["provider", "model"], how="left", nulls_equal=True)
        .with_columns(
            provider=pl.coalesce("named_provider", pl.lit("unknown")), model="named_model"
        )
        .select(list(LINES))
    )


def _joined(billed: pl.DataFrame, ours: pl.DataFrame, judges: pl.DataFrame) -> pl.DataFrame:
    """One row per key that any of them has: ``billed`` is on the invoice, ``present`` in ours."""
    both = ours.select(*KEY, *_OURS, *_DETAILS, present=pl.lit(value=True)).join(
        judges.select(
            *KEY,
            evaluation_calls="calls",
            evaluation="cost",
            evaluation_tokens="tokens",
            judged=pl.lit(value=True),
        ),
        on=KEY,
        how="full",
        coalesce=True,
        nulls_equal=True,
    )
    joined = billed.with_columns(billed=pl.lit(value=True)).join(
        both.rename({"cost": "ours", "tokens": "our_tokens"}),
        on=KEY,
        how="full",
        coalesce=True,
        nulls_equal=True,
    )
    counts = ("lines", "calls", "unpriced_calls", "our_tokens", "evaluation_calls", *_TOKEN_DETAILS)
    return joined.with_columns(
        pl.col("present").fill_null(pl.col("judged")).fill_null(value=False),
        pl.col("billed").fill_null(value=False),
        *(pl.col(name).fill_null(0) for name in (*counts, "evaluation_tokens")),
        *(
            pl.col(name).fill_null(0).cast(MONEY)
            for name in ("ours", "evaluation", "input_cost", "cached_cost", "reduced_cost")
        ),
    ).with_columns(
        difference=(pl.col("invoiced") - pl.col("ours") - pl.col("evaluation")).cast(MONEY),
        token_difference=pl.col("invoiced_tokens")
        - pl.col("our_tokens")
        - pl.col("evaluation_tokens"),
    )


_OURS: Final = ("calls", "unpriced_calls", "cost", "tokens")
_TOKEN_DETAILS: Final = ("input_tokens", "cached_tokens")
_DETAILS: Final = ("input_cost", "cached_cost", "reduced_cost", *_TOKEN_DETAILS)


def _tolerance(told: pl.DataFrame) -> Decimal:
    """Half of the last decimal place that the file writes, for one line."""
    places = told.filter(pl.col("amount").is_not_null())["places"].max()
    return Decimal(5).scaleb(-1 - (places if isinstance(places, int) else 12))


def _with_states(rows: pl.DataFrame, half_a_place: Decimal) -> pl.DataFrame:
    """``state``, and ``allowed``: what rounding explains of a difference. Empty rows go out."""
    rounding = (pl.col("lines").cast(MONEY) * pl.lit(half_a_place, MONEY)).cast(MONEY)
    allowed = pl.max_horizontal(rounding, pl.lit(LEAST_DOLLARS, MONEY))
    of_money = pl.col("difference").is_not_null()
    close = (
        pl.when(of_money)
        .then(pl.col("difference").abs() <= allowed)
        .otherwise(pl.col("token_difference") == 0)
    )
    nothing = (
        ~pl.col("billed")
        & (pl.col("ours") + pl.col("evaluation") == 0)
        & (pl.col("our_tokens") + pl.col("evaluation_tokens") == 0)
    )
    return (
        rows.filter(~nothing)
        .with_columns(allowed=allowed)
        .with_columns(
            state=pl.when(~pl.col("billed"))
            .then(pl.lit("surplus"))
            .when(close)
            .then(pl.lit("matched"))
            .when(~pl.col("present"))
            .then(pl.lit("missing"))
            .otherwise(pl.lit("differs")),
            # What was not billed differs by all of it; an export of tokens bills no money at all,
            # and one of money may tell no tokens.
            difference=pl.when(~pl.col("billed") & pl.col("invoiced").is_not_null().any())
            .then(-(pl.col("ours") + pl.col("evaluation")))
            .otherwise("difference")
            .cast(MONEY),
            token_difference=pl.when(
                ~pl.col("billed") & pl.col("invoiced_tokens").is_not_null().any()
            )
            .then(-(pl.col("our_tokens") + pl.col("evaluation_tokens")))
            .otherwise("token_difference"),
        )
    )


def _uncounted(state: str, lines: int, reason: str | None) -> pl.DataFrame:
    """The row of lines that bill nothing; none where there are none."""
    said = {"lines": lines, "state": state, "reason": reason, "proven": False}
    row = dict.fromkeys(_NAMES) | dict.fromkeys(_ZERO, 0) | said
    schema = {name: INVOICE_RECONCILIATION.schema[name] for name in _NAMES}
    return pl.DataFrame([row] if lines else [], schema=schema)


_ZERO: Final = (
    "calls",
    "unpriced_calls",
    "our_tokens",
    "evaluation_calls",
    "evaluation_tokens",
    "ours",
    "evaluation",
)


def _first(unreadable: list[Unreadable]) -> str | None:
    if not unreadable:
        return None
    first = unreadable[0]
    more = f" (and {len(unreadable) - 1:,} more)" if len(unreadable) > 1 else ""
    return f"line {first.line}: {first.reason}{more}"
