"""Canaries: items whose verdict is known, put to every judge before its batch.

A canary enters neither the ledger nor any rate. Its attempts stand in ``judge_calls`` with steps
that begin with ``canary/``, are paid for like any other, and end in ``canary_missed`` where the
verdict was not the known one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar, cast

import polars as pl

from llmops_pipelines.judging.exchange import Request
from llmops_pipelines.judging.execution import OnResults, execute
from llmops_pipelines.judging.inquiry import Conduct
from llmops_pipelines.judging.item import ITEM_SCHEMA, Item, read_item, with_digests
from llmops_pipelines.judging.judges import Judge, Question
from llmops_pipelines.judging.ledger import FINAL, attempt_frame, verdict_frame
from llmops_pipelines.judging.quotes import Estimate
from llmops_pipelines.judging.replies import Ruling, score_of
from llmops_pipelines.judging.rubrics import Rubric
from llmops_pipelines.judging.specs import JudgeSpec

STEP = "canary/"
MISSED = "canary_missed"
CALL_ID = "canary"
"""Stands in for the judged call in ``judge_calls``."""

CanaryState = Literal["held", "missed", "unanswered"]
Read = TypeVar("Read")


@dataclass(frozen=True)
class CanaryResult:
    """What became of one judge's canary.

    ``held``: the known verdict came back. ``missed``: another one did, or a reply without one.
    ``unanswered``: no reply came (budget, endpoint), which says nothing about the judge.
    ``cost`` is in US dollars, null where nothing is known of it.
    """

    metric: str
    spec_id: str
    state: CanaryState
    detail: str
    calls: int
    cost: Decimal | None

    def __str__(self) -> str:
        """The result as one line."""
        return f"the canary of {self.metric} was {self.state}: {self.detail}"


def canary_item(spec: JudgeSpec) -> Item | None:
    """The canary of ``spec`` as an item, or None if it has none."""
    if spec.rubric is None or spec.rubric.canary is None:
        return None
    shown = spec.rubric.canary.model_dump(exclude={"expects"})
    row = {"call_id": CALL_ID, "trace_id": CALL_ID, "feature": CALL_ID, **shown}
    frame = with_digests(pl.DataFrame([row], schema=ITEM_SCHEMA), spec)
    return read_item(frame.row(0, named=True))


def canary_estimate(judge: Judge) -> Estimate | None:
    """What the canary of ``judge`` takes, or None if it has none."""
    item = canary_item(judge.spec)
    return None if item is None else judge.estimate(item)


async def ask_canaries(
    judges: Iterable[Judge],
    conduct: Conduct,
    on_results: OnResults,
    *,
    library_versions: Mapping[str, str],
) -> tuple[CanaryResult, ...]:
    """Put to each of ``judges`` the canary of its rubric, and record what that took.

    ``on_results`` is told once, of attempts alone, whatever ends the asking.
    """
    jobs: list[tuple[Judge, Item]] = [
        (_OnCanary(judge), item)
        for judge in judges
        if (item := canary_item(judge.spec)) is not None
    ]
    if not jobs:
        return ()
    specs = {judge.spec.spec_id: judge.spec for judge, _ in jobs}
    heard = _Heard()
    missed: list[str] = []
    try:
        tally = await execute(jobs, conduct, heard.take, library_versions=library_versions)
        verdicts = pl.concat([*heard.verdicts, verdict_frame(tally.unfinished)])
        results = tuple(
            _result(row, specs[row["spec_id"]])
            for row in verdicts.sort("metric", "spec_id").iter_rows(named=True)
        )
        missed += [result.spec_id for result in results if result.state == "missed"]
    finally:
        attempts = _marked(pl.concat([attempt_frame([]), *heard.attempts]), missed)
        if attempts.height:
            await asyncio.shield(asyncio.to_thread(on_results, verdict_frame([]), attempts))
    return results


def missed_canaries(judge_calls: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Judges of ``judge_calls`` that missed a canary: ``spec_id``, ``times`` and ``last_at``."""
    return (
        judge_calls.lazy()
        .filter(pl.col("step").str.starts_with(STEP), pl.col("outcome") == MISSED)
        .group_by("spec_id")
        .agg(times=pl.len(), last_at=pl.col("asked_at").max())
        .sort("spec_id")
        .collect()
    )


@dataclass
class _Heard:
    """What canaries came to: kept here, since none of their verdicts may reach the ledger."""

    verdicts: list[pl.DataFrame] = field(default_factory=list)
    attempts: list[pl.DataFrame] = field(default_factory=list)

    def take(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        self.verdicts.append(verdicts)
        self.attempts.append(attempts)


class _OnCanary:
    """A judge whose every request is marked as one about its canary."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    @property
    def spec(self) -> JudgeSpec:
        return self._judge.spec

    def estimate(self, item: Item) -> Estimate:
        return self._judge.estimate(item)

    def inapplicable(self, item: Item) -> str | None:
        return self._judge.inapplicable(item)

    async def rule(self, item: Item, ask: Question) -> Ruling:
        async def marked(
            request: Request, read: Callable[[str], Read], *, step: str, **more: Any
        ) -> Read:
            return await ask(request, read, step=f"{STEP}{step}", **more)

        return await self._judge.rule(item, marked)


def _result(row: Mapping[str, Any], spec: JudgeSpec) -> CanaryResult:
    """What ``row``, as ``JUDGE_LEDGER`` and kept out of it, says of the canary of ``spec``."""
    canary = spec.rubric.canary if spec.rubric else None
    if row["outcome"] not in FINAL:
        state, detail = "unanswered", f"{row['outcome']}: {row['reason']}"
    elif spec.rubric and came_back(row, spec.rubric, weighed=spec.weighs):
        state, detail = "held", f"the verdict was {_said(row)}"
    else:
        expects = json.dumps(canary.expects if canary else ())
        state = "missed"
        detail = f"the verdict was {_said(row)}, expected one of {expects}; {row['reason']}"
    return CanaryResult(
        metric=row["metric"],
        spec_id=row["spec_id"],
        state=cast(CanaryState, state),
        detail=detail,
        calls=row["attempts"],
        cost=row["cost"],
    )


def came_back(
    row: Mapping[str, Any],
    rubric: Rubric,
    *,
    weighed: bool = False,
    expects: Sequence[object] | None = None,
) -> bool:
    """Whether ``row``, a verdict, is one of those that ``rubric`` expects of its canary.

    A ``weighed`` score counts as the verdict it lies nearest to. ``expects`` stands in for a rubric
    that was read back from a kept spec, which knows no canary.
    """
    if expects is None:
        expects = rubric.canary.expects if rubric.canary else ()
    return any(
        _same(row, _outcome(value, rubric), _HALF_STEPS[rubric.scale] if weighed else 0.0)
        # Categories may share a score; of swapped pairs, the evidence holds both verdicts.
        and (rubric.scale != "categorical" or rubric.swap is not None or row["evidence"] == value)
        for value in expects
    )


_HALF_STEPS = {"binary": 0.5, "one_to_five": 0.125, "categorical": 1.0}
"""Half the distance between verdicts; of categories the evidence holds the name."""


def _same(row: Mapping[str, Any], expected: tuple[str, float | None], tolerance: float) -> bool:
    outcome, score = expected
    if row["outcome"] != outcome or row["score"] is None or score is None:
        return (row["outcome"], row["score"]) == expected
    return bool(row["score"] == score or abs(row["score"] - score) < tolerance)


def _outcome(verdict: object, rubric: Rubric) -> tuple[str, float | None]:
    score = score_of(verdict, rubric)
    return ("not_applicable" if score is None else "scored"), score


def _said(row: Mapping[str, Any]) -> str:
    if row["evidence"] is not None:
        return repr(row["evidence"])
    return row["outcome"] if row["score"] is None else f"a score of {row['score']:g}"


def _marked(attempts: pl.DataFrame, missed: list[str]) -> pl.DataFrame:
    """``attempts`` in which the last one of each judge in ``missed`` says so."""
    is_last = pl.col("asked_at") == pl.col("asked_at").max().over("spec_id")
    return attempts.with_columns(
        outcome=pl.when(pl.col("spec_id").is_in(missed) & is_last)
        .then(pl.lit(MISSED))
        .otherwise("outcome")
    )
