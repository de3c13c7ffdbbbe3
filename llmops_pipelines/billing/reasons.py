"""The likely reason of each difference between an invoice and our records."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from llmops_pipelines.billing.levels import KEY
from llmops_pipelines.billing.lines import CACHED, INPUT, TOOL
from llmops_pipelines.pricing import as_believed

REASONS: Final = {
    "evaluation": "our own judges' calls are on the bill",
    "rounding": "the invoice is rounded",
    "no_tokens": "a tool, such as a web search: no tokens, so not in the logs of calls",
    "credit": "a credit",
    "timezone": "the days of the export begin at another hour than those of UTC",
    "unpriced_calls": "some of our calls have no price; add their model to prices.yaml",
    "unknown_model": "a fine-tune, or a model that the price book does not know",
    "no_logs_of_the_day": "no call at all was logged that day",
    "late_logs": "logs of that day may still come",
    "unlogged_application": "an application that uses this model is not logged",
    "unlogged_calls": "more was billed than was logged: some calls are not in the logs",
    "not_billed_yet": "the last day of the invoice: not billed whole yet",
    "other_account": "billed to another key or account, or paid by free credits",
    "half_price": "billed at half of our price: batch or flex calls logged as ordinary ones",
    "double_price": "billed at twice our price: logged as batch, billed as ordinary",
    "cached_at_full_price": "tokens read from the cache were billed at the full price",
    "cached_twice": "tokens read from the cache were billed at both prices",
    "cached_not_logged": "tokens billed as read from the cache are logged as fresh ones",
    "price_changed": "the price changed on that day",
    "other_price": "the same tokens at another price: a discount, or a price that we have wrong",
    "same_ratio": "every day differs by the same factor: a discount, or a price that we have wrong",
    "credits_or_discount": "less was billed than we computed: free credits, or a discount",
}
"""What each reason means."""

_CLOSE: Final = 0.002
"""Factors that differ by less are the same."""

_BASE: Final = pl.col("ours") + pl.col("evaluation")


def with_reasons(
    rows: pl.DataFrame,
    *,
    book: pl.DataFrame,
    shifted: pl.DataFrame | None,
    last_day: date | None,
    last_billed: date,
) -> pl.DataFrame:
    """``rows`` with ``reason`` and ``proven``.

    Args:
        rows: Both sides by ``KEY``, with ``state``, ``allowed`` (the difference that rounding
            explains), and parts of our cost.
        book: ``PRICE_BOOK``.
        shifted: ``KEY`` and ``shifted``: our cost in another time zone, if one fits better.
        last_day: The last day that has calls at all.
        last_billed: The last day of the invoice.
    """
    rows = _with_facts(rows, book, shifted)
    rules = [*_matched(), *_anywhere(), *_missing(last_day), *_surplus(last_billed)]
    rules += _differs(last_day)
    reason, proven = pl.lit(None, pl.String), pl.lit(value=False)
    for when, name, shown in reversed(rules):
        holds = when.fill_null(value=False)
        reason = pl.when(holds).then(pl.lit(name, pl.String)).otherwise(reason)
        proven = pl.when(holds).then(pl.lit(value=shown)).otherwise(proven)
    return rows.with_columns(reason=reason, proven=proven)


_Rule = tuple[pl.Expr, str | None, bool]
"""When it holds, the reason, and whether figures alone show it."""


def _matched() -> list[_Rule]:
    matched = pl.col("state") == "matched"
    alone = (pl.col("invoiced") - pl.col("ours")).abs() > pl.col("allowed")
    alone = alone.fill_null(pl.col("evaluation_tokens") > 0)
    return [
        (matched & alone, "evaluation", True),
        (matched & (pl.col("difference").fill_null(0) != 0), "rounding", True),
        (matched, None, True),
    ]


def _anywhere() -> list[_Rule]:
    moved = (pl.col("invoiced") - pl.col("evaluation") - pl.col("shifted")).abs()
    return [
        (pl.col("meter") == TOOL, "no_tokens", False),
        (pl.col("invoiced") < 0, "credit", True),
        (moved <= pl.col("allowed"), "timezone", True),
        (
            # Where tokens are billed and no money, no price explains a difference.
            (pl.col("unpriced_calls") > 0) & (pl.col("difference") >= 0),
            "unpriced_calls",
            False,
        ),
        # As many tokens of a prompt are on both sides, divided otherwise.
        (pl.col("redivided") < 0, "cached_at_full_price", True),
        (pl.col("redivided") > 0, "cached_not_logged", True),
    ]


def _missing(last_day: date | None) -> list[_Rule]:
    missing = pl.col("state") == "missing"
    return [
        (missing & ~pl.col("in_book"), "unknown_model", False),
        (missing & pl.col("day").ge(last_day) if last_day else missing, "late_logs", False),
        (missing & (pl.col("calls_of_day") == 0), "no_logs_of_the_day", False),
        (missing, "unlogged_application", False),
    ]


def _surplus(last_billed: date) -> list[_Rule]:
    surplus = pl.col("state") == "surplus"
    return [
        (surplus & (pl.col("day") == last_billed), "not_billed_yet", False),
        (surplus, "other_account", False),
    ]


def _differs(last_day: date | None) -> list[_Rule]:
    more = pl.col("difference").fill_null(pl.col("token_difference")) > 0
    fresh = _real("input_cost") / _real("input_tokens")
    cached = _real("cached_tokens") * fresh
    some_cached = (pl.col("cached_tokens") > 0) & pl.col("meter").is_null()
    same_tokens = pl.col("token_difference") == 0
    reduced = _real("reduced_cost")
    late = pl.col("day").ge(last_day) if last_day else pl.lit(value=True)
    cached_at_full_price = _real_base() - _real("cached_cost") + cached
    return [
        (_comes_to((_real_base() + reduced) / 2), "half_price", True),
        # Without calls in those tiers nothing shows that twice the price is not simply wrong.
        ((reduced > 0) & _comes_to(_real_base() + reduced), "double_price", True),
        (some_cached & _comes_to(cached_at_full_price), "cached_at_full_price", True),
        (some_cached & _comes_to(_real_base() + cached), "cached_twice", True),
        (pl.col("difference").is_not_null() & pl.col("price_changed"), "price_changed", False),
        (pl.col("difference").is_not_null() & same_tokens, "other_price", False),
        (pl.col("same_ratio"), "same_ratio", False),
        (more & late, "late_logs", False),
        (more, "unlogged_calls", False),
        (pl.col("difference").is_not_null(), "credits_or_discount", False),
        (pl.lit(value=True), "other_account", False),
    ]


def _with_facts(
    rows: pl.DataFrame, book: pl.DataFrame, shifted: pl.DataFrame | None
) -> pl.DataFrame:
    """What rules ask for: the price book's word, days without logs, factors that repeat."""
    if shifted is None:
        rows = rows.with_columns(shifted=pl.lit(None, rows.schema["ours"]))
    else:
        rows = rows.join(shifted, on=KEY, how="left", nulls_equal=True)
    believed = as_believed(book)
    known = believed.select("provider", "model").unique()
    changed = believed.select(
        "provider",
        "model",
        day=pl.col("valid_from").dt.date(),
        price_changed=pl.lit(value=True),
    ).unique()
    ratio = _real("invoiced") / _real_base()
    group = [name for name in KEY if name != "day"]
    repeats = (pl.len().over(group) >= _FEW) & (
        (ratio.max().over(group) - ratio.min().over(group)) <= _CLOSE * ratio.mean().over(group)
    )
    return (
        rows.join(
            known.with_columns(in_book=pl.lit(value=True)), on=["provider", "model"], how="left"
        )
        .join(changed, on=["provider", "model", "day"], how="left")
        .with_columns(
            pl.col("in_book").fill_null(pl.col("model").is_null()),
            calls_of_day=pl.col("calls").sum().over("day"),
            same_ratio=repeats.fill_null(value=False),
            redivided=_redivided(),
        )
    )


def _redivided() -> pl.Expr:
    """Cached tokens that are billed more (or less) than ours, with as many fresh ones less (more).

    Null where the tokens of a prompt differ in sum, where money is billed, and of other meters.
    """
    group = [name for name in KEY if name != "meter"]
    apart = pl.col("token_difference")
    of_prompt = pl.col("meter").is_in([INPUT, CACHED]) & pl.col("difference").is_null()
    cached = apart.filter(pl.col("meter") == CACHED).sum().over(group)
    in_sum = apart.filter(of_prompt).sum().over(group)
    return pl.when(of_prompt & (in_sum == 0) & (cached != 0)).then(cached)


_FEW: Final = 3
"""Days from which a factor is believed to repeat."""


def _comes_to(expected: pl.Expr) -> pl.Expr:
    """Whether the invoice is what a mistake would have made of our costs."""
    allowed = pl.max_horizontal(_real("allowed"), _CLOSE / 10 * expected)
    return (_real("invoiced") - expected).abs() <= allowed


def _real(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64)


def _real_base() -> pl.Expr:
    return _BASE.cast(pl.Float64)
