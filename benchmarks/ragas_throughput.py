"""RAGAS metrics through our executor beside RAGAS's own ``ascore`` with its own client.

Run it with ``python benchmarks/ragas_throughput.py [items]`` (default 300). Both ask one endpoint
on loopback, a process of its own that answers after 100 ms, with 64 items at once: faithfulness,
two requests an item that depend on each other. Rounds alternate; CPU is that of the asking process
alone, and the floor is what the latency and the concurrency allow.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from statistics import median

import polars as pl

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.judging_day import judge_day
from llmops_pipelines.adapters.judging_plans import Brief
from llmops_pipelines.adapters.ragas_metrics import ragas_specs
from llmops_pipelines.judging import ITEM_SCHEMA, Caps, JudgingRun, Limits, Purse
from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.tables import JUDGE_LEDGER

ITEMS, AT_ONCE, LATENCY_MS, ROUNDS = 300, 64, 100, 3
FEATURES = Features(features={"support": Feature(judging="judge")})


def items_of(count: int, first: int) -> pl.DataFrame:
    """Items whose texts all differ, so that nothing is judged once for two."""
    rows = [
        {
            "call_id": f"c-{n}", "trace_id": f"t-{n}", "feature": "support",
            "question": f"How long do refunds of order {n} take?",
            "answer": f"Refunds of order {n} take five days. They go to the card. Ask us for more.",
            "contexts": [
                f"Order {n} was shipped to you yesterday and a label for the return is in the box.",
                "Refunds take five days and go to the card that was used. Gold members wait three.",
            ],
        }
        for n in range(first, first + count)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=ITEM_SCHEMA)


def ours(frame: pl.DataFrame, base_url: str) -> list[float]:
    """Scores by item, through policy, quote, purse, executor and ledger rows."""
    (spec,) = ragas_specs(model="judge-1", metrics=["faithfulness"])
    verdicts: list[pl.DataFrame] = []
    judge_day(
        frame, [spec], JUDGE_LEDGER.empty(), Endpoint(base_url, "judge-1"),
        lambda scores, _: verdicts.append(scores), JudgingRun(
            "r", Purse(Caps(calls_per_run=10**6, calls_per_day=10**6)), lambda *_: Decimal(0),
            lambda: datetime(2026, 11, 10), Limits(concurrency=AT_ONCE),  # noqa: DTZ001
        ), Brief(FEATURES, canaries=False),
    )  # fmt: skip
    return pl.concat(verdicts).sort("call_id")["score"].to_list()


def theirs(frame: pl.DataFrame, base_url: str) -> list[float]:
    """Scores by item, from RAGAS alone."""
    import instructor
    from openai import AsyncOpenAI
    from ragas.llms.base import InstructorLLM
    from ragas.metrics.collections import Faithfulness

    async def all_of_them() -> list[float]:
        openai = AsyncOpenAI(base_url=base_url, api_key="none")
        client = instructor.from_openai(openai, mode=instructor.Mode.JSON_SCHEMA)
        metric = Faithfulness(llm=InstructorLLM(client, model="judge-1", provider="openai"))
        room = asyncio.Semaphore(AT_ONCE)

        async def one(row: dict[str, object]) -> float:
            async with room:
                result = await metric.ascore(
                    user_input=row["question"],
                    response=row["answer"],
                    retrieved_contexts=row["contexts"],
                )
            return float(result.value)

        rows = frame.sort("call_id").iter_rows(named=True)
        async with openai:
            return list(await asyncio.gather(*(one(row) for row in rows)))

    return asyncio.run(all_of_them())


def measured(run: Callable[[], list[float]]) -> tuple[float, float, list[float]]:
    """Wall seconds, CPU seconds of this process, and the scores."""
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    scores = run()
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, scores


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS
    stub = subprocess.Popen(
        [sys.executable, "-m", "tests.judge_stub", "--latency-ms", str(LATENCY_MS)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert stub.stdout is not None
        base_url = stub.stdout.readline().strip()
        for run in (ours, theirs):
            run(items_of(8, 10**6), base_url)  # imports are no part of it
        floor = 2 * LATENCY_MS / 1_000 * -(-count // AT_ONCE)
        print(f"{count} items, 2 requests each, {AT_ONCE} at once: floor {floor:.2f} s")
        walls, cpus = [], []
        for number in range(ROUNDS):
            frame = items_of(count, number * count)
            wall, cpu, scores = measured(lambda frame=frame: ours(frame, base_url))
            their_wall, their_cpu, their_scores = measured(
                lambda frame=frame: theirs(frame, base_url)
            )
            assert scores == their_scores
            walls.append(their_wall / wall)
            cpus.append(their_cpu / cpu)
            print(
                f"ours {wall:.2f} s ({wall / floor:.2f} x floor), {cpu:.2f} CPU-s; "
                f"RAGAS {their_wall:.2f} s ({their_wall / floor:.2f} x), {their_cpu:.2f} CPU-s; "
                f"{walls[-1]:.1f} x the throughput, {cpus[-1]:.1f} x less CPU"
            )
        print(f"median: {median(walls):.1f} x the throughput, {median(cpus):.1f} x less CPU")
    finally:
        stub.terminate()
        stub.wait()


if __name__ == "__main__":
    main()
