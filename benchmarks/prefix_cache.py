"""The replay of prompt prefixes, held against the obvious cache, on a real trace and at size.

Run it with ``python benchmarks/prefix_cache.py [FOLDER] [--trace FILE.jsonl]``.

* ``FOLDER/mooncake/data.parquet`` has, of two of Moonshot's traces (Mooncake, FAST 2025), each
  request's arrival, its length in blocks of 512 tokens and how many of them an endless cache had
  seen before, but not which. Ids with exactly these counts are made up twice: each prompt continues
  the latest earlier one that is long enough, or the first. What depends on the age of a prefix lies
  between the two; what an endless cache holds must come out as recorded, request by request. A
  prompt with no such predecessor among the rows continues one that is put before the trace.
* ``--trace`` takes a trace as published, with ``timestamp`` and ``hash_ids`` a line.
* 100,000 prompts of about 50 blocks, and 20,000 prompts of 13 kB as texts, are made up.

The obvious cache walks each prompt's blocks until one is missing or too old, then uses them all;
with a capacity it drops the least recently used. The replay must agree with it on every request.
"""

from __future__ import annotations

import argparse
import json
from collections import OrderedDict
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl

from llmops_pipelines.savings.prompt_cache.marks import Chains, prompt_marks
from llmops_pipelines.savings.prompt_cache.replay import Moments, Occurrences

Ids = list[list[int]]
Whole = np.ndarray[tuple[int], np.dtype[np.int64]]

LIFETIMES = (60, 300, 900, 1_800, 3_600)
CAPACITIES = (500, 2_000, 10_000, 50_000)
PROMPTS, SESSIONS, TEXTS = 100_000, 20_000, 20_000


def obvious(prompts: Ids, sent: Whole, lifetime: int | None, capacity: int | None = None) -> Whole:
    """Blocks of each prompt that the cache held when it was sent."""
    used: OrderedDict[int, int] = OrderedDict()
    hits = np.zeros(len(prompts), np.int64)
    for number, (blocks, now) in enumerate(zip(prompts, sent.tolist(), strict=True)):
        for block in blocks:
            if block not in used or (lifetime is not None and now - used[block] > lifetime):
                break
            hits[number] += 1
        # The end of a prompt first, so that its beginning is dropped last.
        for block in reversed(blocks):
            used[block] = now
            used.move_to_end(block)
        while capacity is not None and len(used) > capacity:
            used.popitem(last=False)
    return hits


def chains_of(prompts: Ids) -> Chains:
    lengths = np.array([len(blocks) for blocks in prompts])
    ends = np.concatenate([np.arange(1, n + 1) for n in lengths])
    codes = np.fromiter((block for blocks in prompts for block in blocks), np.uint64)
    return Chains(np.repeat(np.arange(len(prompts)), lengths), ends, codes)


def recorded(rows: pl.DataFrame, *, latest: bool) -> tuple[Ids, Whole, Whole, int]:
    """Made-up ids with the recorded counts: of prompts put before the trace first, then of it."""
    before: Ids = []
    prompts: Ids = []
    fresh = 0
    for length, reused in rows.select("prefix_blocks", "reused_blocks").iter_rows():
        places = range(len(prompts) - 1, -1, -1) if latest else range(len(prompts))
        parent = next((prompts[p] for p in places if len(prompts[p]) >= reused), None)
        if parent is None:
            parent = list(range(fresh, fresh + reused))
            fresh += reused
            before.append(parent)
        prompts.append([*parent[:reused], *range(fresh, fresh + length - reused)])
        fresh += length - reused
    sent = rows["timestamp"].to_numpy() - rows["timestamp"][0]
    times = np.concatenate([np.zeros(len(before), np.int64), sent])
    return [*before, *prompts], times, rows["reused_blocks"].to_numpy(), len(before)


def replay_trace(name: str, prompts: Ids, sent: Whole, known: Whole | None, before: int) -> None:
    began = process_time()
    found = Occurrences(chains_of(prompts), Moments.of(sent, np.zeros_like(sent)))
    blocks = sum(map(len, prompts[before:]))
    told = []
    for lifetime in (*LIFETIMES, None):
        ms = None if lifetime is None else 1_000 * lifetime
        hits = found.shared(None if ms is None else np.full(len(prompts), ms))
        if not np.array_equal(hits, obvious(prompts, sent, ms)):
            raise SystemExit(f"{name}, {lifetime} s: the replay and the obvious cache differ")
        kept = f"{lifetime:,} s" if lifetime else "no end"
        told.append(f"{kept} {100 * hits[before:].sum() / blocks:.1f} %")
    if known is not None and not np.array_equal(hits[before:], known):
        raise SystemExit(f"{name}: an endless cache does not come out as recorded")
    sizes = [
        f"{size:,} blocks {100 * obvious(prompts, sent, None, size)[before:].sum() / blocks:.1f} %"
        for size in CAPACITIES
    ]
    print(
        f"{name}: {len(prompts) - before:,} prompts, {blocks:,} blocks, {before} before the trace"
    )
    print(f"  read with a lifetime of {', '.join(told)}")
    print(f"  read with a capacity of {', '.join(sizes)} (the obvious cache)")
    print(f"  equal on every request and lifetime; {process_time() - began:.1f} CPU-s with it\n")


def at_size() -> None:
    """Conversations that grow, behind a system prompt of ten blocks that a hundred apps have."""
    rng = np.random.default_rng(20261126)
    session = rng.integers(0, SESSIONS, PROMPTS)
    turn = pl.DataFrame({"s": session}).select(pl.int_range(pl.len()).over("s")).to_series()
    lengths = np.minimum(10 + 16 * (turn.to_numpy() + 1), 200)
    whose = np.repeat(np.arange(PROMPTS), lengths)
    place = np.arange(len(whose)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    code = np.where(place < 10, session[whose] % 100, 1_000 + session[whose]) * 1_000 + place
    sent = np.sort(rng.integers(0, 7 * 86_400_000, PROMPTS))
    lifetime = np.full(PROMPTS, 300_000)
    began = process_time()
    moments = Moments.of(sent, np.full(PROMPTS, 800))
    found = Occurrences(Chains(whose, place + 1, code.astype(np.uint64)), moments)
    sorted_in = process_time() - began
    hits = found.shared(lifetime, awaited=True)
    spent = process_time() - began
    print(
        f"{PROMPTS:,} prompts of {len(whose) / PROMPTS:.0f} blocks: {spent:.2f} CPU-s "
        f"({sorted_in:.2f} to bring equal prefixes together), "
        f"{100 * hits.sum() / len(whose):.1f} % read within 300 s"
    )


def texts() -> None:
    """What it takes to turn texts into chains."""
    words = [f"rule {n} says what to do when {n * 7} is asked;" for n in range(250)]
    system = "\n".join(words)
    prompts = pl.DataFrame(
        {
            "call_id": [str(n) for n in range(TEXTS)],
            "messages": [
                [
                    {"role": "system", "content": f"{n % 50}: {system}"},
                    {"role": "user", "content": f"{n}: {system[:3_000]}"},
                ]
                for n in range(TEXTS)
            ],
            "system_first": [False] * TEXTS,
        }
    )
    began = process_time()
    marks = prompt_marks(prompts)
    spent = process_time() - began
    size = marks.calls["bytes"].sum()
    print(f"{TEXTS:,} prompts, {size / 1e6:.0f} MB of text: {spent:.1f} CPU-s to chains")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--trace", type=Path, help="a published trace with hash_ids")
    arguments = parser.parse_args()
    path = arguments.folder and arguments.folder / "mooncake/data.parquet"
    if path and path.exists():
        for (name,), rows in pl.read_parquet(path).partition_by("trace", as_dict=True).items():
            ordered = rows.sort("timestamp", maintain_order=True)
            for latest in (True, False):
                prompts, sent, known, before = recorded(ordered, latest=latest)
                which = "latest" if latest else "first"
                replay_trace(f"{name}, continuing the {which}", prompts, sent, known, before)
    elif path:
        print(f"skipped: {path} is not there")
    if arguments.trace:
        lines = [json.loads(line) for line in arguments.trace.read_text().splitlines() if line]
        lines.sort(key=lambda line: line["timestamp"])
        sent = np.array([line["timestamp"] for line in lines], np.int64)
        replay_trace(arguments.trace.name, [line["hash_ids"] for line in lines], sent, None, 0)
    at_size()
    texts()


if __name__ == "__main__":
    main()
