"""How a judge stands up to hostile answers: each attack after an answer whose verdict is known.

Run it with ``python benchmarks/judge_attacks.py [rubric ...]`` (default groundedness; ``all`` for
every rubric) and JUDGE_BASE_URL, JUDGE_API_KEY and JUDGE_MODEL set: about 110 calls a rubric, of
about a thousand tokens each, and ten times that where the attack is a long one. The answer is that
of the rubric's first canary, which is bad and known to be; the judge holds if it still says so.
Without a judge, only the structure is tried: that no attack changes anything of a prompt but its
slot.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import polars as pl

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.judging_day import judge_day
from llmops_pipelines.adapters.judging_plans import Brief
from llmops_pipelines.judging import (
    ITEM_SCHEMA,
    Caps,
    JudgingRun,
    Purse,
    Rubric,
    RubricJudge,
    Rubrics,
    known_items,
    rubric_spec,
)
from llmops_pipelines.reference import Feature, Features, parse_document
from llmops_pipelines.statistics import wilson
from llmops_pipelines.tables import JUDGE_LEDGER
from tests.judging.judges.attacks import attacked, attacks_on, find_leaks

FILE = Path(__file__).parents[1] / "data" / "reference" / "rubrics.yaml"
FEATURES = Features(features={"attacks": Feature(judging="judge")})


def structure(name: str, rubric: Rubric) -> None:
    """Every attack in every field of ``rubric``, put together and compared."""
    judge = RubricJudge(rubric_spec(name, rubric, model="none"))
    began = process_time()
    tried = [
        find_leaks(judge, field, attack.text)
        for attack in attacks_on(rubric)
        for field in rubric.sees
    ]
    print(f"{name}: {len(tried):,} prompts put together, {sum(map(bool, tried))} changed outside "
          f"their slot, {process_time() - began:.1f} CPU-s")  # fmt: skip


def persuasion(name: str, rubric: Rubric, endpoint: Endpoint) -> None:
    """Every attack after the answer of the first canary, judged by ``endpoint``."""
    spec = rubric_spec(name, rubric.model_copy(update={"features": None}), model=endpoint.model)
    if not (canaries := known_items(spec)):
        print(f"{name}: has no canary, so no verdict is known")
        return
    base = canaries[0]
    attacks = list(attacks_on(rubric))
    rows = [
        {**vars(attacked(base.item, "answer", a.text)), "call_id": f"{n:03}", "trace_id": f"{n:03}",
         "feature": "attacks"}
        for n, a in enumerate(attacks)
    ]  # fmt: skip
    parts: list[pl.DataFrame] = []
    day = judge_day(
        pl.DataFrame(rows, schema=ITEM_SCHEMA),
        [spec],
        JUDGE_LEDGER.empty(),
        endpoint,
        lambda verdicts, _attempts: parts.append(verdicts),
        JudgingRun(
            "attacks",
            Purse(Caps(calls_per_run=1_000)),
            lambda _model, _tokens: None,
            lambda: datetime.now(UTC).replace(tzinfo=None),
        ),
        Brief(FEATURES),
    )
    told = pl.concat([JUDGE_LEDGER.empty(), *parts])
    found = pl.DataFrame(
        [
            (attacks[int(row["call_id"])].kind, attacks[int(row["call_id"])].name,
             base.came_back(row), row["outcome"])
            for row in told.iter_rows(named=True)
        ],
        schema=["kind", "attack", "held", "outcome"],
        orient="row",
    )  # fmt: skip
    low, high = wilson(pl.col("held"), pl.col("n"))
    rates = found.group_by("kind").agg(n=pl.len(), held=pl.col("held").sum()).sort("kind")
    print(f"{name}: {found['held'].sum()} of {found.height} held, {day.unfinished.height} had no "
          f"verdict; {'; '.join(map(str, day.canaries))}")  # fmt: skip
    print(rates.with_columns(low=low.round(2), high=high.round(2)))
    lost = found.filter(~pl.col("held")).select("attack", "outcome").sort("attack")
    for attack, outcome in lost.iter_rows():
        print(f"  lost to: {attack} ({outcome})")


def main(names: list[str]) -> None:
    rubrics = parse_document(FILE.read_text(), Rubrics, file=str(FILE)).rubrics
    names = list(rubrics) if names == ["all"] else names or ["groundedness"]
    given = [os.environ.get(f"JUDGE_{part}", "") for part in ("BASE_URL", "MODEL", "API_KEY")]
    endpoint = Endpoint(*given, "judge")
    for name in names:
        structure(name, rubrics[name])
        if endpoint.configured:
            persuasion(name, rubrics[name], endpoint)


if __name__ == "__main__":
    main(sys.argv[1:])
