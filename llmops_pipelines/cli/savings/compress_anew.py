"""``llmops compress --anew``: answers written from full and from short prompts, and both judged."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from llmops_pipelines import judging, savings
from llmops_pipelines.adapters.scoring import SampleFile
from llmops_pipelines.cli.folder import prepare_files
from llmops_pipelines.cli.judging import scoring
from llmops_pipelines.cli.judging.score_progress import Progress
from llmops_pipelines.cli.judging.score_telling import bought_apart, bought_in_all
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.cli.telling import say
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.judging.samples import Sample
from llmops_pipelines.orchestration.graph.resources import JUDGE
from llmops_pipelines.orchestration.judging.endpoints import benches, read_judges
from llmops_pipelines.orchestration.scoring.answering import Answered, answer_file

FULL, SHORT = "full", "short"


@dataclass(frozen=True)
class Anew:
    """How many samples are answered anew, by which model, and who judges."""

    samples: int
    model: str | None
    rubric: str = "groundedness"
    judge: str = JUDGE
    max_usd: float | None = None


@dataclass(frozen=True)
class Pair:
    """A sample, what its contexts are cut down to, and its cluster."""

    sample: Sample
    short: Sequence[str]
    session: str


def answer_anew(
    settings: Settings, anew: Anew, pairs: Sequence[Pair], max_loss: float
) -> dict[str, Any]:
    """What came of answering and judging some of ``pairs`` twice: from full and short contexts.

    Both answers are judged by the full contexts. Which samples are taken is drawn by a hash, so
    that a second run meets the ledger.

    Raises:
        UnusableError: There is no endpoint, or it cannot be asked.
    """
    drawn = sorted(pairs, key=lambda pair: _drawn(pair.sample))[: anew.samples]
    with TemporaryDirectory(prefix="llmops-") as folder, contextlib.redirect_stdout(sys.stderr):
        written = _write(settings, anew, drawn, Path(folder, "prompts.jsonl"))
        scores, judged = _judge(settings, anew, drawn, written, Path(folder))
    answers = {
        "calls": written.calls,
        "cost_usd": None if written.cost is None else float(written.cost),
        "calls_of_unknown_cost": written.uncosted,
    }
    return _told(drawn, scores, max_loss) | {
        "model": written.model,
        **bought_in_all([answers, judged, *bought_apart(judged)]),
        "judge": judged["model"],
        "metric": judged["metric"],
    }


def _drawn(sample: Sample) -> str:
    return hashlib.sha256(f"{sample.id} {sample.line}".encode()).hexdigest()


def _write(settings: Settings, anew: Anew, drawn: Sequence[Pair], path: Path) -> Answered:
    """Both answers to every sample."""
    prepare_files(settings)
    resources = resources_of(settings)
    order = scoring.Order(path, anew.rubric, anew.model, anew.judge, max_usd=anew.max_usd)
    known = benches(resources.judge, read_judges(resources.reference))
    seats, _, missing = scoring.seats_of(order, known)
    if missing:
        raise UnusableError(
            f"--anew asks an endpoint: set {' and '.join(missing)}; without one the support of the "
            "answers in the file is what can be told"
        )
    terms = scoring.terms_of(settings, order, seats[:1], resources)
    _dump(path, drawn, lambda pair, side: {"retrieved_contexts": _contexts(pair, side)})
    with Progress("answering anew") as progress:

        def before(quote: judging.Quote) -> None:
            progress.begin(quote.items, f"answers by {quote.model}")
            say(
                f"answering {len(drawn):,} samples anew with {quote.model}, from full and short "
                f"contexts: {quote}; {scoring.cap_told(quote, terms.caps)}"
            )

        return answer_file(
            SampleFile(path), seats[0], resources.lake.open(), terms, before, progress.done
        )


def _judge(
    settings: Settings, anew: Anew, drawn: Sequence[Pair], written: Answered, folder: Path
) -> tuple[Mapping[str, float | None], dict[str, Any]]:
    """The score of each answer by its id; what the judge's run came to."""
    answers = {row.id: row.reason if row.outcome == "scored" else None for row in written.rows}
    samples, out = folder / "answers.jsonl", folder / "scores.jsonl"
    _dump(
        samples,
        drawn,
        lambda pair, side: {
            "retrieved_contexts": _contexts(pair, FULL),
            "response": answers[_id(pair, side)] or "",
        },
    )
    left = None if anew.max_usd is None else max(anew.max_usd - float(written.cost or 0), 0.0)
    order = scoring.Order(samples, anew.rubric, None, anew.judge, out=out, max_usd=left)
    told = scoring.judge_file(settings, order)
    rows = (json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())
    return {row["id"]: row["score"] for row in rows}, told


def _dump(path: Path, drawn: Sequence[Pair], fields: Any) -> None:
    """A line per sample and side, under names that no logged call has."""
    with path.open("w", encoding="utf-8") as file:
        for pair in drawn:
            for side in (FULL, SHORT):
                line = {
                    "id": _id(pair, side),
                    "feature": pair.sample.feature,
                    "user_input": pair.sample.texts["question"],
                    **fields(pair, side),
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _id(pair: Pair, side: str) -> str:
    return f"compress {side} {pair.sample.line}"


def _contexts(pair: Pair, side: str) -> list[str]:
    return list(pair.sample.texts["contexts"] if side == FULL else pair.short)


def _told(
    drawn: Sequence[Pair], scores: Mapping[str, float | None], max_loss: float
) -> dict[str, Any]:
    """The paired loss of the judge's scores, and whether it is proven small."""
    both = [
        (pair.session, full, short)
        for pair in drawn
        if (full := scores.get(_id(pair, FULL))) is not None
        and (short := scores.get(_id(pair, SHORT))) is not None
    ]
    sessions = pl.Series([session for session, _, _ in both], dtype=pl.String)
    full_scores, short_scores = (np.array([row[side] for row in both], float) for side in (1, 2))
    loss, at_most = savings.relative_loss(full_scores, short_scores, np.ones(len(both)), sessions)
    proven = at_most is not None and at_most <= max_loss
    return {
        "samples": len(drawn),
        "pairs": len(both),
        "unscored": len(drawn) - len(both),
        "score_full": float(full_scores.mean()) if both else None,
        "score_short": float(short_scores.mean()) if both else None,
        "loss": loss.estimate,
        "loss_low": loss.low,
        "loss_high": loss.high,
        "loss_at_most": at_most,
        "state": savings.RECOMMENDED if proven else savings.CANNOT_TELL,
    }
