"""A day of many one-record files: time, memory and reads of a first landing, and of the next one.

    python benchmarks/objects.py [--objects 100000]

An object store is asked once per thousand names it lists, and once for each object that is opened;
here the files lie in a folder, and openings are counted.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.graph.resources import LogFolder
from llmops_pipelines.orchestration.landing.landing import land_new_files
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import Features

_A_FOLDER = 1000


def write_objects(folder: Path, count: int) -> None:
    """Write ``count`` files of one call each, a thousand to a folder."""
    for number in range(count):
        below = folder / "2026-11-10" / f"{number // _A_FOLDER:05d}"
        if number % _A_FOLDER == 0:
            below.mkdir(parents=True)
        (below / f"{number}.json").write_text(json.dumps(_record(number)) + "\n")


def _record(number: int) -> dict[str, object]:
    second = number % 86_400
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return {
        "id": f"c-{number}",
        "timestamp": f"2026-11-10T{clock}Z",
        "feature": f"feature-{number % 20}",
        "user_id": f"u-{number % 5000}",
        "latency_ms": 100.0,
        "request": {
            "model": "gpt-4.1-mini",
            "messages": [{"role": "user", "content": f"question {number}"}],
        },
        "response": {
            "id": f"chatcmpl-{number}",
            "model": "gpt-4.1-mini-2025-04-14",
            "choices": [{"finish_reason": "stop", "message": {"content": f"answer {number}"}}],
            "usage": {"prompt_tokens": 512, "completion_tokens": 96, "total_tokens": 608},
        },
    }


def counted(files: Iterable[ingest.LogFile], opened: Counter[str]) -> Iterator[ingest.LogFile]:
    """``files`` that count in ``opened`` each time they are opened, once for all of them."""

    def opening(opener: Callable[[str], BinaryIO], path: str) -> BinaryIO:
        opened["files"] += 1
        return opener(path)

    counting = None  # one for all files: a million would weigh more than what is measured
    for file in files:
        counting = counting or partial(opening, file.opener)
        yield file._replace(opener=counting)


def landed(work: Path) -> tuple[float, float, int, float, int]:
    """Land, in a process of its own: wall and CPU seconds, openings, MB, files in the index."""
    options = ingest.LandingOptions(
        start=date(2026, 1, 1),
        now=datetime(2026, 11, 11, tzinfo=UTC),
        hash_key=b"key",
        features=Features(),
        sources=ingest.Sources(),
    )
    lake = Lake(open_store(str(work / "lake"), {}))
    opened = Counter[str]()
    files = counted(LogFolder(root=str(work / "logs")).files(), opened)
    wall, cpu = time.monotonic(), time.process_time()
    landing = land_new_files(lake, files, options)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return wall, cpu, opened.total(), rss, landing.log_index.height


def main() -> None:
    """Land twice and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        write_objects(Path(work, "logs"), asked.objects)
        print(f"{asked.objects:,} objects of one record each")
        print(f"{'':16} {'wall s':>8} {'cpu s':>8} {'opened':>10} {'rss mb':>8}")
        for name in ("first landing", "next landing"):
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                wall, cpu, opened, rss, files = process.submit(landed, Path(work)).result()
            print(f"{name:16} {wall:8.1f} {cpu:8.1f} {opened:10,} {rss:8,.0f}")
            assert files == asked.objects


if __name__ == "__main__":
    main()
