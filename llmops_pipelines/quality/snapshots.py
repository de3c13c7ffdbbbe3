"""One judge, several served snapshots: a series of figures for each, and where a series breaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from llmops_pipelines.quality.items import ALL

UNTOLD = ""
"""The snapshot of verdicts whose endpoint did not say which model answered."""

SERIES_BREAKS = pl.Schema(
    {
        "day": pl.Date,
        "kind": pl.String,
        "feature": pl.String,
        "metric": pl.String,
        "from_spec": pl.String,
        "to_spec": pl.String,
        "from_judge": pl.String,
        "to_judge": pl.String,
        "from_snapshot": pl.String,
        "to_snapshot": pl.String,
    }
)
"""One figure that another judge, or another snapshot of one (``kind``), made from a day on.

The snapshots are those that scored most, of what ended with the last day before and of what began
with the first one after."""


def by_snapshot(items: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """The items of one judge once for each snapshot that scored any of them, a row per trace.

    What only another snapshot scored is unscored here, for that reason: the sample is the same, and
    a snapshot that answered for half of it has seen half of it. A reply that tells no snapshot is
    taken for one of the only snapshot that is told of.
    """
    scored = items.filter(pl.col("state") == "scored")
    told = scored["snapshot"].drop_nulls().unique().sort().to_list()
    is_scored = pl.col("state") == "scored"
    if len(told) < 2:
        yield (told[0] if told else UNTOLD), _first_of_each(items, is_scored)
        return
    snapshot = pl.col("snapshot").fill_null(UNTOLD)
    silent = [UNTOLD] if scored["snapshot"].null_count() else []
    for name in (*silent, *told):
        elsewhere = is_scored & (snapshot != name)
        yield (
            name,
            _first_of_each(items, snapshot == name).with_columns(
                state=pl.when(elsewhere).then(pl.lit("unscored")).otherwise("state"),
                why=pl.when(elsewhere).then(pl.lit("by another snapshot")).otherwise("why"),
                score=pl.when(~elsewhere).then("score"),
            ),
        )


def _first_of_each(items: pl.DataFrame, wanted: pl.Expr) -> pl.DataFrame:
    """One row per trace, a ``wanted`` one where it has any; in the order of traces."""
    return items.sort("trace_id", ~wanted, maintain_order=True).unique(
        "trace_id", keep="first", maintain_order=True
    )


def series_breaks(quality: pl.DataFrame, until: date) -> pl.DataFrame:
    """Where figures go on under another judge, or another snapshot of the same judge.

    A day is held against the last day before it on which the figure was measured. While a judge of
    that day goes on there is no break between judges: a past that was rescored has both. A snapshot
    that nobody told of breaks nothing, and neither does one that goes on where others have ended.

    Args:
        quality: ``QUALITY`` with ``day``.
        until: Later days are ignored.

    Returns:
        `SERIES_BREAKS`, newest first; for snapshots, ``from_judge`` and ``to_judge`` name them.
    """
    judged = quality.filter(
        pl.col("day") <= until,
        pl.col("prompt_version") == ALL,
        pl.col("n") > 0,
        ~pl.col("judge").str.starts_with("embedded"),
    ).sort("feature", "metric", "day", "judge_spec", "snapshot")
    rows = [
        {**found, "feature": feature, "metric": metric}
        for (feature, metric), series in judged.group_by("feature", "metric", maintain_order=True)
        for found in _breaks(series)
    ]
    frame = pl.DataFrame(rows, schema=SERIES_BREAKS)
    return frame.sort("day", "metric", "feature", descending=[True, False, False])


def _breaks(series: pl.DataFrame) -> Iterator[dict[str, Any]]:
    before: pl.DataFrame | None = None
    last_told: dict[str, list[str]] = {}
    for (day,), today in series.group_by("day", maintain_order=True):
        if before is not None and not set(today["judge_spec"]) & set(before["judge_spec"]):
            old, new = (
                frame.sort("n", "judge_spec", descending=[True, False]).row(0, named=True)
                for frame in (before, today)
            )
            yield {
                "day": day,
                "kind": "judge",
                "from_spec": old["judge_spec"],
                "to_spec": new["judge_spec"],
                "from_judge": old["judge"],
                "to_judge": new["judge"],
                "from_snapshot": old["snapshot"],
                "to_snapshot": new["snapshot"],
            }
        for (spec,), of_spec in today.group_by("judge_spec", maintain_order=True):
            by_share = of_spec.sort("n", "snapshot", descending=[True, False])
            told = [name for name in by_share["snapshot"] if name != UNTOLD]
            earlier = last_told.get(str(spec), told)
            fresh = [name for name in told if name not in earlier]
            gone = [name for name in earlier if name not in told]
            if fresh and earlier:
                yield {
                    "day": day,
                    "kind": "snapshot",
                    "from_spec": spec,
                    "to_spec": spec,
                    "from_judge": " and ".join(sorted(earlier)),
                    "to_judge": " and ".join(sorted(told)),
                    "from_snapshot": (gone or earlier)[0],
                    "to_snapshot": (fresh or told)[0],
                }
            last_told[str(spec)] = told or earlier
        before = today
