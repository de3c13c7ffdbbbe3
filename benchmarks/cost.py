"""Calls priced and summed by feature, model and team, a day at a time, beside other engines.

    python benchmarks/cost.py [--calls 5000000] [--days 90]

Every engine reads the same Parquet files, one a day, in a process of its own, and comes to the same
cube: calls, errors, tokens, cost, and the 50th, 95th and 99th percentile of latency per day,
feature, model and team. Prices are dated: a discount begins in one afternoon and grows in another,
so that two days have two prices. The others are given the prices of the six models as a small
table of intervals and prompt bands; ours looks them up in the whole price book and finds band, tier
and date per call. CPU seconds are user and system time of the work, imports apart; memory is the
largest resident size.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.ma  # Polars imports this and the next when it first meets an array of each.
import polars as pl
import pyarrow.compute  # noqa: F401

MODELS = (
    ("openai", "gpt-4.1-2025-04-14", 2.0, 0.5, 8.0, None),
    ("openai", "gpt-4.1-mini-2025-04-14", 0.4, 0.1, 1.6, None),
    ("openai", "o3-2025-04-16", 2.0, 0.5, 8.0, None),
    ("anthropic", "claude-sonnet-4-5-20250929", 3.0, 0.3, 15.0, (6.0, 0.6, 22.5)),
    ("google", "gemini-2.5-flash", 0.3, 0.03, 2.5, None),
    ("google", "gemini-2.5-pro", 1.25, 0.125, 10.0, (2.5, 0.25, 15.0)),
)
LONG_PROMPT = 200_000
FIRST = np.datetime64("2026-08-01T00:00:00", "us")
# From when on how many per cent are taken off every price.
DISCOUNTS = (
    (np.datetime64("2026-09-01T16:00:00", "us"), 10),
    (np.datetime64("2026-10-01T16:00:00", "us"), 20),
)
BY = ("feature", "model", "team")


def write_days(folder: Path, calls: int, days: int) -> None:
    """The narrow columns of ``days`` of calls, one file a day as in the lake."""
    from llmops_pipelines.tables import METERED

    rng = np.random.default_rng(7)
    names = pl.DataFrame(
        [(p, m) for p, m, *_ in MODELS], schema=["provider", "model"], orient="row"
    )
    for day in range(days):
        n = calls // days
        which = rng.choice(len(MODELS), n, p=[0.1, 0.4, 0.05, 0.2, 0.15, 0.1])
        moment = FIRST + np.timedelta64(day, "D") + rng.integers(0, 86_400_000_000, n)
        frame = names[which].with_columns(
            started_at=pl.Series(np.sort(moment)),
            feature=pl.format("feature-{}", pl.Series(rng.integers(0, 20, n))),
            team=pl.format("team-{}", pl.Series(rng.integers(0, 50, n))),
            service_tier=pl.lit(None, pl.String),
            is_batch=pl.lit(value=False),
            status=pl.Series(np.where(rng.random(n) < 0.02, "error", "ok")),
            latency_ms=pl.Series(rng.lognormal(7, 0.6, n).round(1)),
            **{bucket: pl.lit(0, pl.Int64) for bucket in METERED}
            | {
                "uncached_input": pl.Series(rng.lognormal(7, 1.2, n).astype(np.int64)),
                "cache_read": pl.Series(
                    np.where(rng.random(n) < 0.3, rng.integers(0, 4_000, n), 0)
                ),
                "output_text": pl.Series(rng.lognormal(5, 1, n).astype(np.int64)),
            },
        )
        path = folder / f"day={day:04}"
        path.mkdir(parents=True)
        frame.write_parquet(path / "part.parquet", compression="zstd", compression_level=1)


def prices() -> pl.DataFrame:
    """The six models' prices per million tokens: a row per band of prompt length and interval."""
    edges = [np.datetime64("2000-01-01", "us"), *(since for since, _ in DISCOUNTS)]
    ends = [*edges[1:], np.datetime64("2100-01-01", "us")]
    rows = [
        (model, long, period, since.item(), until.item(), *(p * (100 - off) / 100 for p in listed))
        for _, model, *usual, banded in MODELS
        for long, listed in ((False, usual), (True, banded or usual))
        for period, (since, until, off) in enumerate(
            zip(edges, ends, (0, *(off for _, off in DISCOUNTS)), strict=True)
        )
    ]
    columns = ["model", "long", "period", "since", "until", "p_in", "p_cached", "p_out"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def discounts() -> list[dict[str, Any]]:
    """The same discounts as ``prices.yaml`` has them."""
    ends = [since.item() for since, _ in DISCOUNTS[1:]]
    return [
        {"provider": provider, "valid_from": since.item(), "valid_to": until, "percent": off}
        | {"why": "benchmark"}
        for provider in sorted({provider for provider, *_ in MODELS})
        for (since, off), until in zip(DISCOUNTS, [*ends, None], strict=True)
    ]


def ours(folder: Path) -> dict[str, Any]:
    """``cost.sum_calls``, day by day."""
    from llmops_pipelines.cost import columns_for, sum_calls
    from llmops_pipelines.pricing import PriceOverrides, Rates, price_book

    def work() -> pl.DataFrame:
        rates = Rates(book)
        return pl.concat(
            sum_calls(
                pl.read_parquet(path, columns=columns_for(BY), hive_partitioning=False), BY, rates
            )
            for path in sorted(folder.glob("*/part.parquet"))
        )

    book = price_book(PriceOverrides.model_validate({"discounts": discounts()}))
    return measured(work, lambda cube: (cube["cost"].sum(), cube["calls"].sum(), cube.height))


def duckdb_plan(folder: Path) -> dict[str, Any]:
    """Sums per group, band and interval of prices, priced; then exact quantiles per group."""
    import duckdb

    connection = duckdb.connect()
    connection.register("prices", prices())
    source = f"read_parquet('{folder}/*/part.parquet', hive_partitioning=false)"
    key = "date_trunc('day', started_at) AS day, feature, model, team"
    period = " + ".join(f"(started_at >= TIMESTAMP '{since}')::INT" for since, _ in DISCOUNTS)

    def work() -> Any:
        connection.execute(
            f"CREATE OR REPLACE TABLE grouped AS SELECT {key}, {period} AS period,"
            f" uncached_input + cache_read > {LONG_PROMPT} AS long, count(*) AS n,"
            " sum(uncached_input) AS a, sum(cache_read) AS b, sum(output_text) AS o,"
            f" sum((status = 'error')::INT) AS e FROM {source} GROUP BY ALL"
        )
        connection.execute(
            "CREATE OR REPLACE TABLE cube AS SELECT day, feature, g.model, team, sum(n) AS n,"
            " sum(e) AS e, sum(a) AS a, sum(b) AS b, sum(o) AS o,"
            " sum(a * p_in + b * p_cached + o * p_out) / 1e6 AS cost FROM grouped g JOIN prices p"
            " ON g.model = p.model AND g.long = p.long AND g.period = p.period GROUP BY ALL"
        )
        connection.execute(
            f"CREATE OR REPLACE TABLE q AS SELECT {key},"
            f" quantile_disc(latency_ms, [0.5, 0.95, 0.99]) AS q FROM {source} GROUP BY ALL"
        )
        return connection.execute("SELECT sum(cost), sum(n), count(*) FROM cube").fetchone()

    return measured(work, lambda found: found)


def duckdb_range_join(
    folder: Path, *, native: bool = False, at_once: bool = False
) -> dict[str, Any]:
    """Each call priced by a join on its moment, from Parquet or from a table of DuckDB's own.

    Three percentiles are asked for one by one, as three columns mostly are, or ``at_once`` as one
    list, for which DuckDB keeps the values of a group once instead of three times.
    """
    import duckdb

    connection = duckdb.connect()
    connection.register("prices", prices())
    parquet = f"read_parquet('{folder}/*/part.parquet', hive_partitioning=false)"
    source = "calls" if native else parquet
    quantiles = (
        "quantile_disc(latency_ms, [0.5, 0.95, 0.99]) AS q"
        if at_once
        else ", ".join(f"quantile_disc(latency_ms, 0.{p}) AS p{p}" for p in (50, 95, 99))
    )

    def work() -> Any:
        if native:
            connection.execute(
                "CREATE OR REPLACE TABLE calls AS SELECT started_at, feature, model, team, status,"
                f" uncached_input, cache_read, output_text, latency_ms FROM {parquet}"
            )
        connection.execute(
            "CREATE OR REPLACE TABLE cube AS SELECT date_trunc('day', started_at) AS day, feature,"
            " c.model, team, count(*) AS n, sum((status = 'error')::INT) AS e,"
            " sum(uncached_input) AS a, sum(cache_read) AS b, sum(output_text) AS o,"
            " sum(uncached_input * p_in + cache_read * p_cached + output_text * p_out) / 1e6"
            f" AS cost, {quantiles} FROM {source} c"
            " JOIN prices p ON c.model = p.model AND started_at >= since AND started_at < until"
            f" AND (uncached_input + cache_read > {LONG_PROMPT}) = long GROUP BY ALL"
        )
        return connection.execute("SELECT sum(cost), sum(n), count(*) FROM cube").fetchone()

    return measured(work, lambda found: found)


def polars_plan(folder: Path, *, streaming: bool) -> dict[str, Any]:
    """The same plan in Polars, with categorical keys."""

    def work() -> pl.DataFrame:
        keys = ["day", "feature", "model", "team"]
        rows = pl.scan_parquet(f"{folder}/*/part.parquet", hive_partitioning=False).with_columns(
            pl.col("feature", "model", "team").cast(pl.Categorical),
            day=pl.col("started_at").dt.date(),
            long=pl.col("uncached_input") + pl.col("cache_read") > LONG_PROMPT,
            period=pl.sum_horizontal(
                (pl.col("started_at") >= since.item()).cast(pl.Int64) for since, _ in DISCOUNTS
            ),
        )
        priced = rows.join(
            prices().lazy().with_columns(pl.col("model").cast(pl.Categorical)),
            on=["model", "long", "period"],
        ).with_columns(
            cost=pl.col("uncached_input") * pl.col("p_in")
            + pl.col("cache_read") * pl.col("p_cached")
            + pl.col("output_text") * pl.col("p_out")
        )
        return (
            priced.group_by(keys)
            .agg(
                pl.len(),
                pl.col("uncached_input", "cache_read", "output_text", "cost").sum(),
                (pl.col("status") == "error").sum().alias("errors"),
                *(
                    pl.col("latency_ms").quantile(q, "higher").alias(f"p{q}")
                    for q in (0.5, 0.95, 0.99)
                ),
            )
            .collect(engine="streaming" if streaming else "in-memory")
        )

    return measured(work, lambda cube: (cube["cost"].sum() / 1e6, cube["len"].sum(), cube.height))


def pandas_plan(folder: Path) -> dict[str, Any]:
    """The same plan in pandas, with categorical keys."""
    import pandas as pd

    tokens = ["uncached_input", "cache_read", "output_text"]
    columns = [*BY, "started_at", *tokens, "latency_ms", "status"]

    def work() -> Any:
        rows = pd.concat(
            pd.read_parquet(path, columns=columns) for path in folder.glob("*/part.parquet")
        )
        for name in BY:
            rows[name] = rows[name].astype("category")
        rows["day"] = rows["started_at"].dt.floor("D")
        rows["long"] = rows["uncached_input"] + rows["cache_read"] > LONG_PROMPT
        rows["period"] = sum((rows["started_at"] >= since).astype(int) for since, _ in DISCOUNTS)
        rows["error"] = rows["status"] == "error"
        keys = ["day", *BY]
        split = rows.groupby([*keys, "long", "period"], observed=True)[[*tokens, "error"]]
        sums = split.sum().reset_index()
        sums = sums.merge(prices().to_pandas(), on=["model", "long", "period"])
        sums["cost"] = sums[tokens].mul(sums[["p_in", "p_cached", "p_out"]].to_numpy()).sum(axis=1)
        quantiles = rows.groupby(keys, observed=True)["latency_ms"].quantile([0.5, 0.95, 0.99])
        cube = sums.groupby(keys, observed=True)[[*tokens, "error", "cost"]].sum()
        return cube["cost"].sum() / 1e6, len(rows), len(cube) if len(quantiles) else 0

    return measured(work, lambda found: found)


ENGINES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "ours": ours,
    "duckdb, two passes": duckdb_plan,
    "duckdb, range join": duckdb_range_join,
    "duckdb, join, one list": lambda folder: duckdb_range_join(folder, at_once=True),
    "duckdb, native table": lambda folder: duckdb_range_join(folder, native=True),
    "polars, streaming": lambda folder: polars_plan(folder, streaming=True),
    "polars, in memory": lambda folder: polars_plan(folder, streaming=False),
    "pandas": pandas_plan,
}


def measured(work: Callable[[], Any], total: Callable[[Any], Any]) -> dict[str, Any]:
    """What ``work`` took, and what it came to."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cost, calls, groups = total(found)
    return {
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall": time.perf_counter() - begun,
        "mb": after.ru_maxrss / 1024,
        "cost": float(cost),
        "calls": int(calls),
        "groups": int(groups),
    }


def main() -> None:
    """Measure every engine, or one in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5_000_000)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--only", nargs="*", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--one", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        sys.stdout.write(json.dumps(ENGINES[asked.one](asked.folder)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_days(folder, asked.calls, asked.days)
        found = {}
        for name in asked.only:
            command = [sys.executable, __file__, "--one", name, "--folder", str(folder)]
            found[name] = json.loads(
                subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            )
    own = found.get("ours", {}).get("cpu")
    for name, took in found.items():
        ratio = f"{took['cpu'] / own:5.2f} x ours" if own else ""
        print(
            f"{name:22} {took['cpu']:6.2f} CPU-s {took['wall']:6.2f} s {took['mb']:6.0f} MB"
            f"  {ratio}  ${took['cost']:,.6f} in {took['calls']:,} calls, {took['groups']:,} groups"
        )


if __name__ == "__main__":
    main()
