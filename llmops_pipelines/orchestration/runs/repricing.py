"""Past days at the prices of now: what would change, what was restated, and what rests on it.

The record of a day is written before its costs are replaced and names the digests of both, so that
a stop in between loses nothing: the day still shows its old costs, and the next try finds the
record that was begun.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

import dagster as dg
import polars as pl
from pydantic import Field

from llmops_pipelines import cost, pricing
from llmops_pipelines.adapters.charting import charts
from llmops_pipelines.adapters.charting.restatement_chart import before_and_after
from llmops_pipelines.orchestration.graph.daily import input_digests
from llmops_pipelines.orchestration.graph.partitions import days_of
from llmops_pipelines.orchestration.graph.resources import Clock, LakeResource, ReferenceFolder
from llmops_pipelines.orchestration.graph.staleness import (
    DailyAsset,
    reads_what_is_gone,
    stale_assets,
)
from llmops_pipelines.orchestration.runs.nightly import (
    APART,
    BOOKS,
    INVOICED,
    REPLAYED,
    NightlyRunner,
)
from llmops_pipelines.orchestration.storage.content_digest import content_digest
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import (
    CALL_COSTS,
    LLM_CALLS,
    METERED,
    PRICE_BOOK,
    PRICE_RESTATEMENTS,
    TABLES,
)

State = Literal["same", "changes", "unfinished", "not_computed", "expired"]
"""Of a day: its costs stay, or change; a restatement of it stopped halfway; its logs wait for a
night; calls of it are gone, so that their costs can only stay."""

_COSTS = CALL_COSTS.name
_COMPUTED_AGAIN = "the day was computed again, as late logs have it: at the prices of that moment"


class Repricing(dg.Config):
    """Which restatement a run belongs to, and the reason for it."""

    restatement: str = Field(
        "", description="Id shared by the days of one command; empty: the run's."
    )
    why: str = Field("", description="Why the past is priced again; kept with both figures.")


class DayPlan(NamedTuple):
    """What pricing a day again changes: ``cost.compare_costs``, None where that cannot be told."""

    day: date
    state: State
    groups: pl.DataFrame | None = None


def book_of(reference: ReferenceFolder) -> pl.DataFrame:
    """The price book as the files and packages of now make it; the lake's own may be older."""
    return pricing.price_book(reference.read("prices.yaml", pricing.PriceOverrides))


def plan_day(lake: Lake, book: pl.DataFrame, assets: Sequence[DailyAsset], day: date) -> DayPlan:
    """Compare the day's costs with what they would be under ``book``; nothing is written.

    Args:
        lake: The tables.
        book: ``PRICE_BOOK``.
        assets: All daily assets, each after those it reads.
        day: Which day.
    """
    if stale_assets(lake, _leading_to(assets, _COSTS), day):
        return DayPlan(day, "not_computed")
    before, after = _both(lake, book, day)
    if after.height < before.height:
        return DayPlan(day, "expired")
    groups = cost.compare_costs(before, after)
    if groups["calls_changed"].sum():
        return DayPlan(day, "changes", groups)
    restated = lake.stored(PRICE_RESTATEMENTS, day) is not None
    unfinished = restated and _outdated(lake, resting_on(lake, assets, day), day)
    return DayPlan(day, "unfinished" if unfinished else "same", groups)


def resting_on(lake: Lake, assets: Sequence[DailyAsset], day: date) -> list[DailyAsset]:
    """``call_costs``, and of all that is made from it what the day has; oldest in line first.

    What was never computed is left to the night that computes it: a judge is not asked here.
    """
    found = {_COSTS}
    for asset in assets:
        if (
            found & set(asset.windows)
            and asset.table not in APART
            and not reads_what_is_gone(lake, asset, day, found)
        ):
            found.add(asset.table)
    return [
        asset for asset in assets if asset.table in found and lake.stored(TABLES[asset.table], day)
    ]


def restate_days(
    runner: NightlyRunner,
    lake: Lake,
    assets: Sequence[DailyAsset],
    days: Sequence[date],
    asked: Repricing,
    *,
    on_day: Callable[[date, int], None],
) -> list[date]:
    """Keep both figures of each day, then compute its costs and what rests on them again.

    A day that fails is told in ``runner.failures``, and the others go on; those that went well are
    returned.

    Args:
        runner: Runs the jobs.
        lake: The tables.
        assets: All daily assets, each after those it reads.
        days: Days whose figures change, or that an earlier try left halfway.
        asked: Which restatement, and why.
        on_day: Told which day is begun, and how many are done.
    """
    (record,) = runner.keys(PRICE_RESTATEMENTS.name)
    config = {"ops": {record.to_python_identifier(): {"config": asked.model_dump()}}}
    tags = {"llmops/by": "llmops reprice", "llmops/reprice": asked.restatement}
    if not runner.execute("nightly_job", keys=runner.keys(PRICE_BOOK.name), tags=tags):
        return []
    restated = []
    for done, day in enumerate(days):
        on_day(day, done)
        if runner.execute("reprice_job", day, config=config, tags=tags):
            keys = [asset.key for asset in resting_on(lake, assets, day)]
            if runner.execute("nightly_job", day, keys, tags=tags):
                restated.append(day)
    runner.execute(
        "nightly_job",
        keys=[
            key for name in (*REPLAYED, *BOOKS, INVOICED, "warehouse") for key in runner.keys(name)
        ],
        tags=tags,
    )
    return restated


def record_days(
    context: dg.AssetExecutionContext,
    asked: Repricing,
    *,
    lake: LakeResource,
    reference: ReferenceFolder,
    clock: Clock,
) -> dg.MaterializeResult[None]:
    """What the asset does: ``record_day`` of each day of the run, shown with a chart."""
    opened, book = lake.open(), book_of(reference)
    days = days_of(list(context.partition_keys))
    named = Repricing(restatement=asked.restatement or context.run.run_id, why=asked.why)
    written = [record_day(opened, book, day, named, clock) for day in days]
    return dg.MaterializeResult(metadata=_shown(days, written))


def record_day(
    lake: Lake, book: pl.DataFrame, day: date, asked: Repricing, clock: Clock
) -> pl.DataFrame:
    """Put on record what the day costs and what it will; return ``PRICE_RESTATEMENTS`` of it.

    No rows where nothing changes. A record that was begun and not carried out is found again.

    Raises:
        RuntimeError: Somebody else recorded a restatement of the day at the same moment.
    """
    before, after = _both(lake, book, day)
    groups = cost.compare_costs(before, after)
    return _recorded(lake, book, day, groups, after, asked, clock)


def priced_day(
    lake: Lake, calls: pl.DataFrame, book: pl.DataFrame, day: date, *, run_id: str, clock: Clock
) -> pl.DataFrame:
    """``CALL_COSTS`` of the day; calls that cost something else than before are put on record.

    A day with late logs is priced as a whole, at today's prices. Those of its calls that had other
    prices before, with the same tokens, keep both figures in ``PRICE_RESTATEMENTS``, as if by
    ``llmops reprice``; what the late calls cost is no restatement.

    Args:
        lake: Where the day's costs stand as they were.
        calls: ``LLM_CALLS`` of the day.
        book: ``PRICE_BOOK``.
        day: The day.
        run_id: The run that computes it, which the restatement is named after.
        clock: What time it is.
    """
    after = pricing.price_calls(calls, book)
    if lake.stored(CALL_COSTS, day):
        before = lake.read(CALL_COSTS, [day]).drop("day")
        groups = cost.compare_costs(_same_usage(before, after), _same_usage(after, before))
        asked = Repricing(restatement=run_id, why=_COMPUTED_AGAIN)
        _recorded(lake, book, day, groups, after, asked, clock)
    return after


def _same_usage(costs: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """The calls that are among ``others`` with the same model and tokens."""
    usage = ["call_id", "provider", "model", "is_batch", *METERED]
    return costs.join(others, on=usage, how="semi", nulls_equal=True, maintain_order="left")


def _recorded(
    lake: Lake,
    book: pl.DataFrame,
    day: date,
    groups: pl.DataFrame,
    after: pl.DataFrame,
    asked: Repricing,
    clock: Clock,
) -> pl.DataFrame:
    if not groups["calls_changed"].sum():
        return PRICE_RESTATEMENTS.empty()
    digests = {"costs_before": _digest_of(lake, day), "costs_after": content_digest(after)}
    past = lake.read(PRICE_RESTATEMENTS, [day]).drop("day")
    last = past.filter(pl.col("number") == pl.col("number").max())
    if last.height and last.filter(**digests).height == last.height:
        return last
    number = int(last["number"][0]) + 1 if last.height else 1
    rows = groups.with_columns(
        number=pl.lit(number, pl.Int32),
        restatement=pl.lit(asked.restatement),
        why=pl.lit(asked.why or None, pl.String),
        book_after=pl.lit(content_digest(pricing.as_believed(book).drop(PRICE_BOOK.volatile))),
        restated_at=pl.lit(clock.now()).cast(pl.Datetime("us")),
        **{name: pl.lit(digest) for name, digest in digests.items()},
    )
    if not lake.append(PRICE_RESTATEMENTS, rows, name=f"{number:06d}", day=day):
        raise RuntimeError(
            f"{day}: restatement {number} was recorded by somebody else meanwhile; run again"
        )
    return PRICE_RESTATEMENTS.require(rows)


def history(lake: Lake, days: Sequence[date] | None = None) -> pl.DataFrame:
    """``PRICE_RESTATEMENTS`` with ``day`` and ``state``, in the order in which they were made.

    ``state``: holds; replaced by a later one; unfinished (recorded, then stopped: the day still
    has its old costs); never_held (so, until the price was changed once more); or recomputed (the
    day's costs were computed anew since, as after late logs).
    """
    rows = lake.read(PRICE_RESTATEMENTS, days).sort("restated_at", "day", "number")
    days_seen = rows["day"].unique()
    current = pl.DataFrame(
        {"day": days_seen, "now": [_digest_of(lake, day) for day in days_seen]},
        schema={"day": pl.Date, "now": pl.String},
    )
    after = rows.select("day", pl.col("number") - 1, next="costs_before").unique()
    following = pl.coalesce("next", "now")
    is_last = pl.col("next").is_null()
    return (
        rows.join(after, on=["day", "number"], how="left", maintain_order="left")
        .join(current, on="day", how="left", maintain_order="left")
        .with_columns(
            state=pl.when(following == pl.col("costs_after"))
            .then(pl.when(is_last).then(pl.lit("holds")).otherwise(pl.lit("replaced")))
            .when(following == pl.col("costs_before"))
            .then(pl.when(is_last).then(pl.lit("unfinished")).otherwise(pl.lit("never_held")))
            .otherwise(pl.lit("recomputed"))
        )
        .drop("next", "now")
    )


def _both(lake: Lake, book: pl.DataFrame, day: date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``CALL_COSTS`` of the day as it stands, and as ``book`` makes it."""
    calls = lake.read(LLM_CALLS, [day]).drop("day")
    return lake.read(CALL_COSTS, [day]).drop("day"), pricing.price_calls(calls, book)


def _digest_of(lake: Lake, day: date) -> str | None:
    stored = lake.stored(CALL_COSTS, day)
    return stored.digest if stored else None


def _leading_to(assets: Sequence[DailyAsset], table: str) -> list[DailyAsset]:
    """The asset of ``table`` and all that it is made from."""
    wanted = {table}
    for asset in reversed(assets):
        if asset.table in wanted:
            wanted |= set(asset.windows)
    return [asset for asset in assets if asset.table in wanted]


def _outdated(lake: Lake, assets: Sequence[DailyAsset], day: date) -> bool:
    """Whether one of ``assets`` was made from other rows of this day than there are now.

    Other days of a window do not count: what they change is the next night's to compute.
    """
    own = str(day)
    for asset in assets:
        stored = lake.stored(TABLES[asset.table], day)
        read = input_digests(lake, dict.fromkeys(asset.windows, 1), day)
        if stored and any(
            stored.inputs.get(source, {}).get(own) != digests.get(own)
            for source, digests in read.items()
        ):
            return True
    return False


def _shown(days: Sequence[date], written: Sequence[pl.DataFrame]) -> Mapping[str, Any]:
    rows = pl.concat(written)
    if rows.is_empty():
        return {"restated": "nothing: the days already cost what today's prices make of them"}
    changed = rows.filter(pl.col("calls_changed") > 0)
    total = cost.sum_changes(rows).row(0, named=True)
    title = f"{days[0]} priced again" if len(days) == 1 else f"{len(days)} days priced again"
    return {
        **{name: int(total[name]) for name in ("calls_changed", "now_priced", "now_unpriced")},
        **{
            f"{name}_usd": "unknown" if total[name] is None else float(total[name])
            for name in ("cost_before", "cost_after", "difference")
        },
        "why": rows["why"][0] or "no reason given",
        "chart": dg.MetadataValue.md(
            charts.png_markdown(
                before_and_after(changed, title=title, subtitle=rows["why"][0] or "")
            )
        ),
    }
