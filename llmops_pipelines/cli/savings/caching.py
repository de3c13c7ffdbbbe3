"""``llmops cache``: what a cache of answers would have saved on a file, and how often it errs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from llmops_pipelines import savings
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.charting.cache_chart import cache_sweep
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.cli.savings.cache_records import read_requests
from llmops_pipelines.cli.savings.embedding import embed
from llmops_pipelines.cli.savings.replays import (
    CANNOT_TELL,
    NO_YEAR,
    bounded,
    percent,
    tell,
    usd,
    write_chart,
)
from llmops_pipelines.cli.tables import print_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MANY = 500


@dataclass(frozen=True)
class Order:
    """What is asked of the file."""

    file: Path
    policy: savings.CachePolicy
    calls_per_day: float | None
    """Requests like all of the file, those that no cache may answer included."""
    chart_out: Path | None


@dataclass(frozen=True)
class _Told:
    """One feature's replay and what was left out of it."""

    feature: str
    replay: savings.CacheReplay
    only_exact: dict[str, int]
    left_out: dict[str, int]


def cache(order: Order, *, as_json: bool) -> int:
    """Replay the file, print what came of it, write what was asked for.

    Raises:
        UnusableError: The file cannot be read, or the chart cannot be written.
    """
    asked = read_requests(order.file)
    requests, out = savings.cacheable(asked)
    features = sorted({*requests["feature"], *out["feature"]})
    told = []
    for name in features:
        own = requests.filter(feature=name)
        policy = replace(order.policy, calls_per_day=_share(order, own.height / asked.height))
        told.append(_replayed(policy, own, out, name))
    if order.chart_out:
        write_chart(
            order.chart_out, _chart(told, order.policy.allowed), "threshold sweep of a cache"
        )
    found = any(one.replay.recommended for one in told)
    shown = _as_json(order, told) | {"exit_code": 0 if found else CANNOT_TELL}
    return tell(shown, lambda: _tell(told), as_json=as_json)


def _share(order: Order, share: float) -> float | None:
    return None if order.calls_per_day is None else order.calls_per_day * share


def _replayed(
    policy: savings.CachePolicy, own: pl.DataFrame, out: pl.DataFrame, feature: str
) -> _Told:
    if own.height > _MANY:
        # Some minutes without a sign of life look like a fault.
        typer.echo(f"{feature}: reading {own['key'].n_unique():,} questions with MiniLM", err=True)
    return _Told(
        feature,
        savings.replay_cache(own, embed, policy),
        dict(own.drop_nulls("only_exact").group_by("only_exact").len().sort("only_exact").iter_rows()),
        dict(out.filter(feature=feature).select("reason", "requests").iter_rows()),
    )  # fmt: skip


def _chart(told: list[_Told], allowed: float) -> Figure:
    """The sweep of the feature that saves most, else of the one with most requests."""
    best = max(
        told, key=lambda one: (bool(one.replay.recommended), one.replay.rungs["requests"][0])
    )
    return cache_sweep(
        best.replay.rungs,
        allowed=allowed,
        recommended=best.replay.recommended,
        title=f"Cache of answers: {best.feature}",
    )


def _as_json(order: Order, told: list[_Told]) -> dict[str, Any]:
    """The one object of ``--json``; money as numbers, unknown as null."""
    return {
        "file": str(order.file),
        "ttl_hours": order.policy.ttl_hours,
        "max_wrong": order.policy.allowed,
        "embedding": minilm.weights(),
        "embedding_usd": float(order.policy.embedding_usd),
        "features": [
            {
                "feature": one.feature,
                "state": one.replay.state,
                "reason": one.replay.reason,
                "recommended": one.replay.recommended,
                "left_out": one.left_out,
                "only_exact": one.only_exact,
                "rungs": _plain(one.replay.rungs).to_dicts(),
                "hits": _plain(one.replay.hits).to_dicts(),
            }
            for one in told
        ],
        "chart_out": str(order.chart_out) if order.chart_out else None,
    }


def _plain(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.selectors.decimal().cast(pl.Float64))


def _tell(told: list[_Told]) -> None:
    console = Console()
    for one in told:
        for line in _opening(one):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
        if one.replay.rungs["hits"].sum():
            print_whole(console, _table(one))
            if not one.replay.rungs.filter(
                pl.col("saved_a_year").is_null(), pl.col("saved") > 0
            ).is_empty():
                console.print(NO_YEAR, highlight=False, markup=False, soft_wrap=True)
        console.print(_closing(one), highlight=False, markup=False, soft_wrap=True)


def _opening(one: _Told) -> Iterator[str]:
    out = "".join(f", {count:,} left out ({why})" for why, count in one.left_out.items())
    yield f"{one.feature}: {one.replay.rungs['requests'][0]:,} requests{out}"
    if one.only_exact:
        counts = ", ".join(f"{count:,} {why}" for why, count in one.only_exact.items())
        yield f"compared by equality alone: {counts}"


def _table(one: _Told) -> Table:
    """Rungs that answer as many as the stricter one above are left out."""
    table = Table()
    for name in ("likeness", "hits", "hit rate", "saved", "saved a year", "wait spared",
                 "looked at", "wrong", "at most", ""):  # fmt: skip
        table.add_column(name, justify="left" if name in ("likeness", "") else "right")
    told = one.replay.rungs.filter(
        (pl.col("hits").diff() != 0).fill_null(value=True)
        | pl.col("rung").eq_missing(pl.lit(one.replay.recommended))
    )
    for row in told.iter_rows(named=True):
        wait = row["latency_saved_s"]
        table.add_row(
            row["rung"],
            f"{row['hits']:,}",
            bounded(row, "hit_rate", percent),
            bounded(row, "saved", lambda amount: usd(amount, 4)),
            bounded(row, "saved_a_year", usd),
            "unknown" if wait is None else f"{wait:,.0f} s",
            f"{row['sampled']:,}",
            f"{row['wrong']:,}",
            "" if row["wrong_at_most"] is None else percent(row["wrong_at_most"]),
            "recommended" if row["rung"] == one.replay.recommended else "",
        )
    return table


def _closing(one: _Told) -> str:
    if one.replay.recommended is None:
        return f"{one.replay.state.replace('_', ' ')}: {one.replay.reason}\n"
    return f"recommended: {one.replay.recommended}; {one.replay.reason}\n"


def policy_of(ttl: float | None, max_wrong: float, embedding_usd: str) -> savings.CachePolicy:
    """The policy that the options ask for.

    Raises:
        UnusableError: An option is out of range.
    """
    try:
        price = Decimal(embedding_usd)
    except ArithmeticError as error:
        raise UnusableError(f"--embedding-usd: {embedding_usd!r} is no amount") from error
    if not price.is_finite() or price < 0:
        raise UnusableError(f"--embedding-usd: {embedding_usd!r} is no amount from 0 up")
    return savings.CachePolicy(ttl_hours=ttl, allowed=max_wrong, embedding_usd=price)
