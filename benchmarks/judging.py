"""What judging costs beyond the endpoint's own time, and what faults, crashes and size do to it.

1,000 different samples by the groundedness rubric that ships, 64 in flight, against an endpoint
process that answers after 100 ms, through ledger files on disk. Beside it, in the same run, a bare
aiohttp loop: what the machine allows. Every measurement is a process of its own; its CPU is counted
from the moment its imports are done.
`python benchmarks/judging.py [speed] [faults] [crashes] [size] [--items 1000]`
"""

import argparse
import asyncio
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from judge_endpoint import counted, endpoint

LATENCY_MS, IN_FLIGHT, WINDOW = 100, 64, 64
DAY = datetime.now(UTC).date() - timedelta(days=1)
DATA = Path(__file__).parents[1] / "data" / "reference"
FAULTS = "0.025,0.025,0.02"


def cpu() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def texts(number: int) -> dict[str, Any]:
    """One sample: a question, an answer of two sentences, three contexts of 400 characters."""
    passage = f"Order {number} is refunded within five days of its return. "
    return {
        "call_id": f"c-{number:07}", "trace_id": f"t-{number:07}", "feature": "assistant",
        "question": f"How long does the refund of order {number} take?",
        "answer": f"The refund of order {number} takes five days. It goes to card {number}.",
        "contexts": [passage * 7, f"Card {number}: " + passage * 6, passage * 7],
        "reference": None, "alternative": None,
    }  # fmt: skip


def judge(url: str, folder: str, items: int) -> None:
    """Judge ``items`` samples into the lake in ``folder``, and say what it took."""
    began = cpu()
    import logging
    from uuid import uuid4

    import aiohttp  # noqa: F401 - these are imported by the first request otherwise
    import httpcore2  # noqa: F401
    import jsonschema.validators  # noqa: F401
    import jsonschema_rs  # noqa: F401
    import openai
    import polars as pl
    import tiktoken  # noqa: F401 - by the first quote

    from llmops_pipelines.adapters import judging_day
    from llmops_pipelines.adapters.endpoints.judge_desk import SharedGate, SharedPurse, open_desk
    from llmops_pipelines.judging import (
        ITEM_SCHEMA,
        Caps,
        Limits,
        Pace,
        Rubrics,
        Spent,
        endpoint_specs,
    )
    from llmops_pipelines.orchestration.storage.lake import Lake
    from llmops_pipelines.orchestration.storage.stores import open_store
    from llmops_pipelines.reference import Feature, Features, parse_document
    from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER

    openai.AsyncOpenAI, openai.DefaultAioHttpClient  # noqa: B018 - both are imported when named
    logging.getLogger("openai").setLevel(logging.WARNING)
    features = Features(features={"assistant": Feature(judging="judge")})
    rubrics = parse_document((DATA / "rubrics.yaml").read_text(), Rubrics, file="rubrics.yaml")
    only = Rubrics(rubrics={"groundedness": rubrics.rubrics["groundedness"]})
    specs = endpoint_specs(only, features, endpoint="judge", model="bench-judge")
    frame = pl.DataFrame([texts(number) for number in range(items)], schema=ITEM_SCHEMA)
    imports = cpu() - began

    lake = Lake(open_store(f"{folder}/lake"))

    def append(verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        part = uuid4().hex
        lake.append(JUDGE_CALLS, attempts, name=part, day=DAY)
        lake.append(JUDGE_LEDGER, verdicts, name=part, day=DAY)

    started, spent = time.perf_counter(), cpu()
    run_id = uuid4().hex
    desk = open_desk(Path(folder) / "state")
    caps = Caps(calls_per_run=10**9, calls_per_day=10**9)
    judged = judging_day.judge_day(
        frame,
        specs,
        lake.scan(JUDGE_LEDGER),
        SharedPurse(desk, caps, Spent(), run=run_id, now=datetime.now(UTC).replace(tzinfo=None)),
        judging_day.Endpoint(f"{url}/v1", "bench-judge", "key"),
        append,
        features=features,
        price=lambda _model, _tokens: None,
        now=lambda: datetime.now(UTC).replace(tzinfo=None),
        seed=7,
        run_id=run_id,
        limits=Limits(concurrency=IN_FLIGHT, window_results=WINDOW),
        gate=SharedGate(desk, Pace(IN_FLIGHT), endpoint=url),
        canaries=False,
    )
    result = {
        "wall": time.perf_counter() - started,
        "cpu": cpu() - spent,
        "imports": imports,
        "calls": judged.calls,
        "faults": judged.faults,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "outcomes": {outcome: n for _, outcome, n in judged.outcomes.rows()},
    }
    print(json.dumps(result))


def bare(url: str, items: int) -> None:
    """The same requests by nothing but aiohttp: what the machine allows."""
    import aiohttp
    from judge_endpoint import ANSWER

    filler = "x" * 4_000  # about as long as the rubric's own prompt
    bodies = [
        {"model": "m", "messages": [{"role": "user", "content": filler + json.dumps(texts(n))}]}
        for n in range(items)
    ]

    async def loop() -> None:
        queue = iter(bodies)
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                for body in queue:
                    async with session.post(f"{url}/v1/chat/completions", json=body) as response:
                        reply = await response.json()
                        assert reply["choices"][0]["message"]["content"] == ANSWER

            async with asyncio.TaskGroup() as group:
                for _ in range(IN_FLIGHT):
                    group.create_task(work())

    started, spent = time.perf_counter(), cpu()
    asyncio.run(loop())
    print(json.dumps({"wall": time.perf_counter() - started, "cpu": cpu() - spent}))


def package(url: str, items: int) -> None:
    """The same requests by the ``openai`` package alone, over the transport that we use too."""
    import openai

    openai.AsyncOpenAI, openai.DefaultAioHttpClient  # noqa: B018
    filler = "x" * 4_000

    async def loop() -> None:
        queue = iter(range(items))
        async with openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="k", max_retries=0,
            http_client=openai.DefaultAioHttpClient(),
        ) as client:  # fmt: skip

            async def work() -> None:
                for number in queue:
                    reply = await client.chat.completions.create(
                        model="m",
                        messages=[{"role": "user", "content": filler + json.dumps(texts(number))}],
                    )
                    assert reply.choices[0].message.content

            async with asyncio.TaskGroup() as group:
                for _ in range(IN_FLIGHT):
                    group.create_task(work())

    started, spent = time.perf_counter(), cpu()
    asyncio.run(loop())
    print(json.dumps({"wall": time.perf_counter() - started, "cpu": cpu() - spent}))


def measured(*arguments: str) -> dict[str, Any]:
    """What one measurement, in a fresh process, printed."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(name: str, found: dict[str, Any], items: int, note: str = "") -> None:
    floor = items * LATENCY_MS / 1_000 / IN_FLIGHT
    print(
        f"{name:28} {found['wall']:7.2f} {found['wall'] / floor:8.2f} {found['cpu']:7.2f}  {note}",
        flush=True,
    )


def heading(items: int) -> None:
    floor = items * LATENCY_MS / 1_000 / IN_FLIGHT
    print(f"\n{items:,} items, floor {floor:.2f} s")
    print(f"{'':28} {'wall s':>7} {'x floor':>8} {'CPU s':>7}")


def speed(items: int) -> None:
    heading(items)
    with endpoint(LATENCY_MS) as url, tempfile.TemporaryDirectory() as folder:
        row("bare aiohttp loop", measured("_bare", url, str(items)), items)
        row("openai package alone", measured("_package", url, str(items)), items)
        before = counted(url)["requests"]
        first = measured("_judge", url, folder, str(items))
        row("judged", first, items, f"{first['outcomes']}, imports {first['imports']:.1f} CPU s")
        between = counted(url)["requests"]
        second = measured("_judge", url, folder, str(items))
        again = counted(url)["requests"] - between
        row("unchanged second pass", second, items, f"{again} calls")
        print(f"{between - before:,} requests for {items:,} verdicts")


def faults(items: int) -> None:
    heading(items)
    with endpoint(LATENCY_MS, FAULTS) as url, tempfile.TemporaryDirectory() as folder:
        found = measured("_judge", url, folder, str(items))
        stats = counted(url)
        extra = stats["requests"] - items
        note = f"{found['outcomes']}, {stats['faults']} faults, {extra} extra calls"
        row("5 % 429/500, 2 % malformed", found, items, note)


def crashes(items: int, kills: int = 20) -> None:
    """SIGKILL at random moments, started again each time until nothing is left to do."""
    import polars as pl

    draws = random.Random(7)
    with endpoint(LATENCY_MS) as url, tempfile.TemporaryDirectory() as folder:
        arguments = [sys.executable, __file__, "_judge", url, folder, str(items)]
        worst = paid = 0
        for _ in range(kills):
            process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
            before = counted(url)["requests"]
            # Until the first request the process only imports: no moment to crash in.
            while process.poll() is None and counted(url)["requests"] == before:
                time.sleep(0.02)
            time.sleep(draws.uniform(0, 2 * items * LATENCY_MS / 1_000 / IN_FLIGHT / kills * 4))
            process.send_signal(signal.SIGKILL)
            process.wait()
            asked = counted(url)["requests"] - before
            kept = rows_kept(folder)
            worst = max(worst, asked - (kept - paid))
            paid = kept
        last = measured("_judge", url, folder, str(items))
        stats = counted(url)
        ledger = pl.read_parquet(f"{folder}/lake/judge_ledger/**/*.parquet")
        once = ledger.select("spec_id", "item_digest", "repetition").is_unique().sum()
        print(
            f"\n{kills} kills: {once:,} of {items:,} scored exactly once, "
            f"{stats['requests'] - items:,} requests paid again, at most {worst} in one crash "
            f"({IN_FLIGHT} in flight, {WINDOW} wait for the ledger); last run {last['outcomes']}"
        )


def rows_kept(folder: str) -> int:
    import polars as pl

    files = [str(file) for file in Path(folder).glob("lake/judge_ledger/*/*.parquet")]
    return pl.scan_parquet(files).select(pl.len()).collect().item() if files else 0


def landed(folder: str, items: int) -> None:
    """A day of ``items`` sampled calls, as the pipeline has it before judging."""
    import polars as pl

    from llmops_pipelines.orchestration.storage.lake import Lake
    from llmops_pipelines.orchestration.storage.stores import open_store
    from llmops_pipelines.tables import CALL_TEXTS, HEURISTIC_SCORES, LLM_CALLS, SAMPLED_TRACES

    lake, reference = Lake(open_store(f"{folder}/lake")), Path(folder, "reference")
    reference.mkdir()
    shipped = yaml.safe_load((DATA / "rubrics.yaml").read_text())["rubrics"]["groundedness"]
    (reference / "rubrics.yaml").write_text(yaml.safe_dump({"rubrics": {"groundedness": shipped}}))
    (reference / "features.yaml").write_text("features: {assistant: {judging: judge}}")
    said: dict[str, list[dict[str, Any]]] = {"calls": [], "heuristics": [], "sampled": []}
    for start in range(0, items, 5_000):
        rows = []
        for number in range(start, min(start + 5_000, items)):
            text = texts(number)
            who = {"call_id": text["call_id"], "trace_id": text["trace_id"]}
            line = {
                "call_id": text["call_id"], "source_file": "a.jsonl", "source_line": number,
                "record_digest": "r", "content_digest": "c",
            }  # fmt: skip
            contexts = [{"content": content} for content in text["contexts"]]
            rows.append({
                **line, "batch": "b", "source_record": 0, "question": text["question"],
                "answer": text["answer"], "contexts": contexts, "messages": [], "tool_calls": [],
            })  # fmt: skip
            said["calls"].append({**line, "context_steps": []})
            said["heuristics"].append({"call_id": who["call_id"], "support": 0.5, "refused": False})
            said["sampled"].append({**who, "feature": "assistant"})
        frame = pl.DataFrame(rows, schema=CALL_TEXTS.schema)
        lake.append(CALL_TEXTS, frame, name=f"part-{start}", day=DAY)
    for name, table in (
        ("calls", LLM_CALLS), ("heuristics", HEURISTIC_SCORES), ("sampled", SAMPLED_TRACES)
    ):  # fmt: skip
        pl.DataFrame(said[name], schema=table.schema).write_parquet(f"{folder}/{name}.parquet")


def night(url: str, folder: str) -> None:
    """Judge the day in ``folder`` and store it as the asset ``judge_scores``; say what it took.

    MiniLM's vectors are left out: they cost twenty milliseconds an item, and one slice's are held.
    """
    import numpy as np
    import polars as pl

    from llmops_pipelines.adapters import minilm
    from llmops_pipelines.orchestration.graph.io_manager import whole
    from llmops_pipelines.orchestration.graph.resources import (
        Clock,
        Judge,
        LakeResource,
        ReferenceFolder,
    )
    from llmops_pipelines.orchestration.judging.asking import Occasion
    from llmops_pipelines.orchestration.judging.endpoints import read_setup
    from llmops_pipelines.orchestration.judging.judging import judge_sample
    from llmops_pipelines.orchestration.reporting.figures import of_verdicts
    from llmops_pipelines.tables import JUDGE_SCORES

    minilm.embed = lambda texts: np.ones((len(texts), 1), np.float32)
    resident: list[tuple[float, int]] = []
    threading.Thread(target=watch, args=(resident,), daemon=True).start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, spent = time.perf_counter(), cpu()
    lake = LakeResource(root=f"{folder}/lake")
    judge = Judge(
        base_url=f"{url}/v1", model="bench-judge", state=f"{folder}/state", preflight_days=0,
        max_calls_per_run=10**9, max_in_flight=IN_FLIGHT,
    )  # fmt: skip
    setup = read_setup(ReferenceFolder(path=f"{folder}/reference"), judge)
    scores = judge_sample(
        pl.scan_parquet(f"{folder}/sampled.parquet"),
        pl.scan_parquet(f"{folder}/heuristics.parquet"),
        pl.scan_parquet(f"{folder}/calls.parquet"),
        Occasion(lake.open(), setup, Clock(), DAY, "bench"),
    )
    rows = whole(scores)
    asked = time.perf_counter()
    lake.open().write(JUDGE_SCORES, rows, day=DAY)
    kept = lake.open().scan(JUDGE_SCORES, [DAY])
    of_verdicts(kept)
    result = {
        "wall": time.perf_counter() - started,
        "cpu": cpu() - spent,
        "scored": kept.filter(metric="groundedness").select(pl.len()).collect().item(),
        "started_mb": before,
        "early_mb": at(resident, started + 0.2 * (asked - started)),
        "late_mb": at(resident, asked - 0.05 * (asked - started)),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(result))


def watch(resident: list[tuple[float, int]]) -> None:
    """Look at this process's resident pages, forty times a second."""
    while True:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident.append((time.perf_counter(), pages * resource.getpagesize() >> 20))
        time.sleep(0.025)


def at(resident: list[tuple[float, int]], moment: float) -> int:
    """The megabytes seen nearest to ``moment``."""
    return min(resident, key=lambda seen: abs(seen[0] - moment))[1]


def size(items: int) -> None:
    """A night of more and more items; then the same night again, all of it known by then.

    Memory is told early and late in the asking, and at the peak, which comes with the storing.
    """
    print(
        f"\n{'items':>8} {'wall s':>8} {'CPU s/1,000':>12} {'early MB':>9} {'late':>5} {'peak':>5}"
        f" {'again: s':>10} {'peak':>5}"
    )
    for count in (items // 100, items // 10, items * 3 // 10, items):
        with endpoint(0) as url, tempfile.TemporaryDirectory() as folder:
            landing = [sys.executable, __file__, "_landed", folder, str(count)]
            subprocess.run(landing, check=True)
            found = measured("_night", url, folder)
            again = measured("_night", url, folder)
        assert found["scored"] == again["scored"] == count, (found, again)
        each = found["cpu"] / count * 1_000
        print(
            f"{count:8,} {found['wall']:8.1f} {each:12.2f} {found['early_mb']:9} "
            f"{found['late_mb']:5} {found['rss_mb']:5.0f} "
            f"{again['wall']:10.1f} {again['rss_mb']:5.0f}",
            flush=True,
        )


def main() -> None:
    if sys.argv[1:2] and sys.argv[1].startswith("_"):
        name, *arguments = sys.argv[1:]
        match name:
            case "_judge":
                judge(arguments[0], arguments[1], int(arguments[2]))
            case "_bare":
                bare(arguments[0], int(arguments[1]))
            case "_landed":
                landed(arguments[0], int(arguments[1]))
            case "_night":
                night(arguments[0], arguments[1])
            case "_package":
                package(arguments[0], int(arguments[1]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["speed", "faults", "crashes", "size"])
    parser.add_argument("--items", type=int, default=1_000)
    asked = parser.parse_args()
    parts = {
        "speed": lambda: speed(asked.items),
        "faults": lambda: faults(asked.items),
        "crashes": lambda: crashes(asked.items),
        "size": lambda: size(100 * asked.items),
    }
    for part in asked.parts:
        parts[part]()


if __name__ == "__main__":
    main()
