"""Canaries: items whose verdict is known, put to every judge before its batch.

There are two where it matters: a bad one, which a judge that approves of everything misses, and a
good one, which a judge that approves of nothing misses. A canary enters neither the ledger nor any
rate. Its attempts stand in ``judge_calls`` with steps that begin with ``canary/``, are paid for
like any other, and end in ``canary_missed`` where the verdict was not the known one.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeVar

import polars as pl

from llmops_pipelines.judging.execution.execution import OnResults, execute
from llmops_pipelines.judging.execution.inquiry import Conduct
from llmops_pipelines.judging.execution.metric_canaries import METRIC_CANARIES
from llmops_pipelines.judging.judges.exchange import Request
from llmops_pipelines.judging.judges.item import ITEM_SCHEMA, Item, read_item, with_digests
from llmops_pipelines.judging.judges.judges import Judge, Question
from llmops_pipelines.judging.judges.quotes import Estimate
from llmops_pipelines.judging.judges.replies import Ruling, score_of
from llmops_pipelines.judging.judges.rubrics import Canary, Rubric, ScoredCanary
from llmops_pipelines.judging.judges.specs import JudgeSpec
from llmops_pipelines.judging.ledger import FINAL, attempt_frame, verdict_frame

STEP = "canary/"
MISSED = "canary_missed"
CALL_ID = "canary"
"""Stands in for the judged call in ``judge_calls``."""

CanaryState = Literal["held", "missed", "unanswered"]
Read = TypeVar("Read")


@dataclass(frozen=True)
class CanaryResult:
    """What became of one canary of one judge.

    ``held``: the known verdict came back. ``missed``: another one did, or a reply without one.
    ``unanswered``: no reply came (budget, endpoint), which says nothing about the judge.
    ``expects`` is what was known, in words; ``cost`` is in US dollars, null where nothing is known
    of it. ``uncosted`` of the calls may have been billed, at a cost that is not in it.
    """

    metric: str
    spec_id: str
    state: CanaryState
    expects: str
    detail: str
    calls: int
    cost: Decimal | None
    uncosted: int

    def __str__(self) -> str:
        """The result as one line."""
        return f"a canary of {self.metric} was {self.state}: {self.detail}"


@dataclass(frozen=True)
class Known:
    """One canary as an item in front of one judge."""

    spec: JudgeSpec
    canary: Canary | ScoredCanary
    item: Item

    @property
    def expects(self) -> str:
        """What a judge that works says of it."""
        if isinstance(self.canary, ScoredCanary):
            at_least, at_most = self.canary.at_least, self.canary.at_most
            bound = f"most {at_most:g}" if at_most < 1 else f"least {at_least:g}"
            return f"a score of at {bound}"
        first, *more = map(json.dumps, self.canary.expects)
        return f"one of {json.dumps(self.canary.expects)}" if more else first

    def came_back(self, row: Mapping[str, Any]) -> bool:
        """Whether ``row``, a verdict on it, is the known one.

        A weighed score counts as the verdict it lies nearest to.
        """
        if isinstance(self.canary, ScoredCanary):
            score = row["score"]
            return score is not None and self.canary.at_least <= score <= self.canary.at_most
        rubric = self.spec.rubric
        if rubric is None:
            return False
        tolerance = _HALF_STEPS[rubric.scale] if self.spec.weighs else 0.0
        return any(
            _same(row, _outcome(value, rubric), tolerance)
            # Categories may share a score; of swapped pairs, the evidence holds both verdicts.
            and (
                rubric.scale != "categorical" or rubric.swap is not None or row["evidence"] == value
            )
            for value in self.canary.expects
        )


def known_items(spec: JudgeSpec) -> tuple[Known, ...]:
    """The canaries of ``spec``: its rubric's, or its metric's; none for juries and G-Eval."""
    canaries: Sequence[Canary | ScoredCanary] = ()
    if spec.rubric is not None:
        canaries = spec.rubric.canaries
    elif spec.kind in ("ragas", "deepeval"):
        canaries = METRIC_CANARIES.get(spec.metric, ())
    if not canaries:
        return ()
    rows = [
        {"call_id": CALL_ID, "trace_id": CALL_ID, "feature": CALL_ID, **canary.shown}
        for canary in canaries
    ]
    frame = with_digests(pl.DataFrame(rows, schema=ITEM_SCHEMA), spec)
    return tuple(
        Known(spec, canary, read_item(row))
        for canary, row in zip(canaries, frame.iter_rows(named=True), strict=True)
    )


def canary_estimates(judge: Judge) -> list[Estimate]:
    """What the canaries of ``judge`` take, one by one."""
    return [judge.estimate(known.item) for known in known_items(judge.spec)]


async def ask_canaries(
    judges: Iterable[Judge],
    conduct: Conduct,
    on_results: OnResults,
    *,
    library_versions: Mapping[str, str],
) -> tuple[CanaryResult, ...]:
    """Put to each of ``judges`` its canaries, and record what that took.

    ``on_results`` is told once, of attempts alone, whatever ends the asking.
    """
    asked = {
        (judge.spec.spec_id, known.item.digest): (_OnCanary(judge), known)
        for judge in judges
        for known in known_items(judge.spec)
    }
    if not asked:
        return ()
    jobs: list[tuple[Judge, Item]] = [(judge, known.item) for judge, known in asked.values()]
    heard = _Heard()
    missed: set[tuple[str, str]] = set()
    try:
        tally = await execute(jobs, conduct, heard.take, library_versions=library_versions)
        verdicts = pl.concat([*heard.verdicts, tally.unfinished])
        found = {
            (row["spec_id"], row["item_digest"]): row for row in verdicts.iter_rows(named=True)
        }
        uncosted = Counter(
            pl.concat([attempt_frame([]), *heard.attempts])
            .filter(pl.col("cost").is_null())
            .select("spec_id", "item_digest")
            .iter_rows()
        )
        results = tuple(
            _result(found[key], known, uncosted[key])
            for key, (_, known) in asked.items()
            if key in found
        )
        missed |= {
            key for key, (_, known) in asked.items() if key in found and _missed(found[key], known)
        }
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
            more.pop("half", None)  # nothing of a canary is kept
            return await ask(request, read, step=f"{STEP}{step}", **more)

        return await self._judge.rule(item, marked)


def _missed(row: Mapping[str, Any], known: Known) -> bool:
    """Whether ``row`` is an answer, and not the known one."""
    return row["outcome"] in FINAL and not known.came_back(row)


def _result(row: Mapping[str, Any], known: Known, uncosted: int) -> CanaryResult:
    """What ``row``, as ``JUDGE_LEDGER`` and kept out of it, says of a canary."""
    state: CanaryState
    if row["outcome"] not in FINAL:
        state, detail = "unanswered", f"{row['outcome']}: {row['reason']}"
    elif _missed(row, known):
        state = "missed"
        detail = f"the verdict was {_said(row)}, expected {known.expects}; {row['reason']}"
    else:
        state, detail = "held", f"the verdict was {_said(row)}"
    return CanaryResult(
        metric=row["metric"],
        spec_id=row["spec_id"],
        state=state,
        expects=known.expects,
        detail=detail,
        calls=row["attempts"],
        cost=row["cost"],
        uncosted=uncosted,
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


def _marked(attempts: pl.DataFrame, missed: Set[tuple[str, str]]) -> pl.DataFrame:
    """``attempts`` in which the last one about each canary in ``missed`` says so."""
    about = ("spec_id", "item_digest")
    keys = pl.DataFrame(sorted(missed), schema=dict.fromkeys(about, pl.String), orient="row")
    is_last = pl.col("asked_at") == pl.col("asked_at").max().over(about)
    return (
        attempts.join(keys.with_columns(missed=True), on=about, how="left", maintain_order="left")
        .with_columns(
            outcome=pl.when(pl.col("missed") & is_last).then(pl.lit(MISSED)).otherwise("outcome")
        )
        .drop("missed")
    )
