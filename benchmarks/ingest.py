"""Landing against DuckDB's and Polars' own JSON readers, each in a process of its own, in one run.

    python benchmarks/ingest.py [--lines 1000000] [--bytes 1500] [--pii 0.05] [--packed] [--twice]

Ours parses, validates, quarantines, de-duplicates and writes; DuckDB and Polars parse and
de-duplicate in memory, and a bad line would fail them, so their file has none. CPU seconds are user
and system time of the work; what a process takes to import what it needs stands beside them, and
counts for nobody. Memory is the largest resident size.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = (
    "order parcel return invoice delivery customer refund address product account support question"
    " answer policy warranty payment discount schedule meeting contract reference number please"
)
PRIVATE = (
    "write to anna.berg{n}@example.com please",
    "call +49 30 1234{n:04d} tomorrow",
    "card 4242 4242 4242 4242",
)
MIDNIGHT = 1_794_268_800
"""2026-11-10 00:00 UTC, in seconds."""

DUPLICATES = 0.01
BAD = 0.001


def write_log(path: Path, lines: int, size: int, pii: float, *, bad: bool) -> int:
    """Write ``lines`` records of about ``size`` bytes; return the bytes written."""
    rng = random.Random(7)
    texts = [" ".join(rng.choices(WORDS.split(), k=(size - 700) // 16)) for _ in range(500)]
    written = 0
    with path.open("wb") as out:
        for number in range(lines):
            own = number - 1 if rng.random() < DUPLICATES and number else number
            line = json.dumps(_record(own, rng, texts, pii)).encode()
            if bad and rng.random() < BAD:
                line = line[: len(line) // 2]
            out.write(line + b"\n")
            written += len(line) + 1
    return written


def write_twice(folder: Path, calls: int) -> int:
    """Write ``calls`` as an application and as a gateway log them, in a file each, under other ids.

    They are spread over the day, and no two at one time have the same counts but by chance.
    """
    rng = random.Random(7)
    texts = [" ".join(rng.choices(WORDS.split(), k=50)) for _ in range(500)]
    with (folder / "app.jsonl").open("w") as app, (folder / "gateway.jsonl").open("w") as gateway:
        for number in range(calls):
            record = _record(number, rng, texts, pii=0)
            began = MIDNIGHT + number * 86_000 / calls
            sent, received = rng.randint(20, 3_000), rng.randint(5, 800)
            usage = {"prompt_tokens": sent, "completion_tokens": received}
            counted = usage | {"total_tokens": sent + received}
            record["timestamp"] = began
            record["response"] = record["response"] | {"id": None, "usage": counted}
            app.write(json.dumps(record) + "\n")
            logged = counted | {
                "id": f"g-{number}",
                "trace_id": f"g-{number}",
                "call_type": "acompletion",
                "custom_llm_provider": "openai",
                "model": "gpt-4.1-mini",
                "startTime": began + 0.01,
                "endTime": began + 0.5,
                "status": "success",
                "response_cost": 0.001,
                "messages": record["request"]["messages"],
                "response": record["response"],
            }
            gateway.write(json.dumps(logged) + "\n")
    return sum(path.stat().st_size for path in folder.iterdir())


def pack(path: Path, into: Path) -> None:
    """Compress ``path`` as the ending of ``into`` says: gz or zst."""
    import zstandard

    with path.open("rb") as plain, into.open("wb") as packed:
        if into.suffix == ".gz":
            with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6) as out:
                shutil.copyfileobj(plain, out, 1 << 20)
        else:
            zstandard.ZstdCompressor().copy_stream(plain, packed)


def _record(number: int, rng: random.Random, texts: list[str], pii: float) -> dict[str, object]:
    question, answer = rng.choice(texts), rng.choice(texts)
    if rng.random() < pii:
        question += " " + rng.choice(PRIVATE).format(n=number % 10_000)
    second = number % 86_400
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return {
        "id": f"c-{number}",
        "timestamp": f"2026-11-10T{clock}Z",
        "trace_id": f"t-{number}",
        "feature": f"feature-{number % 20}",
        "user_id": f"u-{number % 50_000}",
        "latency_ms": 100.0 + number % 900,
        "ttft_ms": 50.0 + number % 90,
        "request": {
            "model": "gpt-4.1-mini",
            "messages": [{"role": "user", "content": f"{number} {question}"}],
        },
        "response": {
            "id": f"chatcmpl-{number}",
            "model": "gpt-4.1-mini-2025-04-14",
            "choices": [
                {"finish_reason": "stop", "message": {"role": "assistant", "content": answer}}
            ],
            "usage": {"prompt_tokens": 512, "completion_tokens": 96, "total_tokens": 608},
        },
    }


def ours(path: Path, work: Path, *, content: str) -> dict[str, int]:
    """Land the file into a lake on disk, and make the day's calls from it."""
    from datetime import UTC, date, datetime

    import polars as pl

    from llmops_pipelines import ingest
    from llmops_pipelines.orchestration.graph.io_manager import whole
    from llmops_pipelines.orchestration.graph.resources import LogFolder
    from llmops_pipelines.orchestration.landing.landing import calls_of_day, land_new_files
    from llmops_pipelines.orchestration.storage.lake import Lake
    from llmops_pipelines.orchestration.storage.stores import open_store
    from llmops_pipelines.reference import Features
    from llmops_pipelines.tables import LANDED_DAYS, LLM_CALLS

    features = {f"feature-{number}": {"content": content} for number in range(20)}
    options = ingest.LandingOptions(
        start=date(2026, 1, 1),
        now=datetime(2026, 11, 11, tzinfo=UTC),
        hash_key=b"key",
        features=Features.model_validate({"features": features}),
        sources=ingest.Sources(),
    )
    lake = Lake(open_store(str(work / "lake"), {}))
    land_new_files(lake, LogFolder(root=str(path.parent)).files(), options)
    day = date(2026, 11, 10)
    calls = calls_of_day(lake, day, lake.read(LANDED_DAYS, [day]), options.features)
    lake.write(LLM_CALLS, whole(calls), day=day)
    return {"calls": lake.scan(LLM_CALLS, [day]).select(pl.len()).collect().item()}


def duckdb_own(path: Path, *, distinct: bool) -> dict[str, int]:
    """DuckDB's ``read_json`` into a table in memory."""
    import duckdb

    columns = (
        "{id: 'VARCHAR', timestamp: 'TIMESTAMP', trace_id: 'VARCHAR', feature: 'VARCHAR',"
        " user_id: 'VARCHAR', latency_ms: 'DOUBLE', ttft_ms: 'DOUBLE',"
        " request: 'STRUCT(model VARCHAR, messages STRUCT(role VARCHAR, content VARCHAR)[])',"
        " response: 'STRUCT(id VARCHAR, model VARCHAR, choices STRUCT(finish_reason VARCHAR,"
        " message STRUCT(role VARCHAR, content VARCHAR))[], usage STRUCT(prompt_tokens BIGINT,"
        " completion_tokens BIGINT, total_tokens BIGINT))'}"
    )
    what = "DISTINCT ON (id) *" if distinct else "*"
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE calls AS SELECT {what} FROM read_json('{path}',"
        f" format='newline_delimited', columns={columns})"
    )
    return {"calls": connection.execute("SELECT count(*) FROM calls").fetchone()[0]}


def polars_own(path: Path) -> dict[str, int]:
    """Polars' ``scan_ndjson`` and ``unique``."""
    import polars as pl

    return {"calls": pl.scan_ndjson(path).unique("id").collect().height}


def run(what: str, path: Path) -> dict[str, float]:
    """One contender in a process of its own: wall, CPU and memory."""
    started = time.monotonic()
    child = subprocess.run(
        [sys.executable, __file__, "--run", what, "--file", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    wall = time.monotonic() - started
    return {"wall": wall, **json.loads(child.stdout.splitlines()[-1])}


_NEEDS = {
    "ours": (
        "llmops_pipelines", "dagster", "duckdb", "polars", "polars_hash", "llmops_pipelines.ingest",
        "llmops_pipelines.orchestration.landing.landing",
        "llmops_pipelines.orchestration.graph.resources",
    ),
    "duckdb": ("duckdb",),
    "polars": ("polars",),
}  # fmt: skip


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _child(what: str, path: Path) -> None:
    for module in _NEEDS[what.split(",", maxsplit=1)[0]]:
        importlib.import_module(module)
    started = _cpu()
    with tempfile.TemporaryDirectory() as work:
        found = {
            "ours, texts as they are": lambda: ours(path, Path(work), content="full"),
            "ours, from gz": lambda: ours(path, Path(work), content="full"),
            "ours, from zst": lambda: ours(path, Path(work), content="full"),
            "ours, from two systems": lambda: ours(path, Path(work), content="full"),
            "ours, redacted": lambda: ours(path, Path(work), content="redacted"),
            "duckdb": lambda: duckdb_own(path, distinct=False),
            "duckdb, distinct on": lambda: duckdb_own(path, distinct=True),
            "polars, unique": lambda: polars_own(path),
        }[what]()
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": _cpu() - started, "imports": started, "rss_mb": rss, **found}))


def main() -> None:
    """Print every contender's figures, and ours as a ratio to DuckDB's ``distinct on``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=1500)
    parser.add_argument("--pii", type=float, default=0.05, help="share of lines with personal data")
    parser.add_argument("--packed", action="store_true", help="ours from gz and zst too")
    parser.add_argument("--twice", action="store_true", help="half as many calls, logged by two")
    parser.add_argument("--only", nargs="*", help="contenders to run")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        _child(asked.run, asked.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        good, mixed = Path(folder, "good", "log.jsonl"), Path(folder, "mixed", "log.jsonl")
        contenders = {
            "duckdb": good,
            "duckdb, distinct on": good,
            "polars, unique": good,
            "ours, texts as they are": mixed,
            "ours, redacted": mixed,
        }
        if asked.only:
            contenders = {what: contenders[what] for what in asked.only if what in contenders}
        for path in sorted(set(contenders.values()) | ({mixed} if asked.packed else set())):
            path.parent.mkdir()
            size = write_log(path, asked.lines, asked.bytes, asked.pii, bad=path == mixed)
            print(
                f"{path.parent.name}: {asked.lines:,} lines, {size / 1e6:,.0f} MB, {asked.pii:.0%}"
                f" with personal data, {BAD if path == mixed else 0:.1%} of them broken"
            )
        if asked.twice:
            both = Path(folder, "twice")
            both.mkdir()
            size = write_twice(both, asked.lines // 2)
            contenders["ours, from two systems"] = both / "app.jsonl"
            print(f"twice: {asked.lines // 2:,} calls, logged by two, {size / 1e6:,.0f} MB")
        for kind in ("gz", "zst") if asked.packed else ():
            packed = Path(folder, kind, f"log.jsonl.{kind}")
            packed.parent.mkdir()
            pack(mixed, packed)
            contenders[f"ours, from {kind}"] = packed
        figures = {
            what: run(what, path)
            for what, path in contenders.items()
            if not asked.only or what in asked.only
        }
    base = figures.get("duckdb, distinct on")
    for what, row in figures.items():
        ratio = f"{row['cpu'] / base['cpu']:5.2f} x" if base else ""
        print(
            f"{what:24} wall {row['wall']:5.0f} s  cpu {row['cpu']:6.1f} s  {ratio}"
            f" (imports {row['imports']:.1f} s)  rss {row['rss_mb']:6,.0f} MB"
            f"  {row['calls']:,} calls"
        )


if __name__ == "__main__":
    main()
