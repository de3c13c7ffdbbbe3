"""A file of questions and contexts answered by a model, within the caps that judging has."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple
from uuid import uuid4

from llmops_pipelines import judging, pricing
from llmops_pipelines.adapters.scoring import (
    Done,
    SampleFile,
    ask_about,
    estimates,
    take_in,
    unjudged_items,
)
from llmops_pipelines.adapters.spool import Row, Spool
from llmops_pipelines.judging.judges.writing import Writer, writer_spec
from llmops_pipelines.orchestration.judging.endpoints import Seat
from llmops_pipelines.orchestration.judging.purses import gate_of, purse_of
from llmops_pipelines.orchestration.scoring.scoring import Keeper, Terms, policy_of
from llmops_pipelines.orchestration.scoring.scoring_batches import recall
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import JUDGE_SPECS


class Answered(NamedTuple):
    """The lines of the file in order, an answer as ``reason`` of each ``scored`` one; the cost.

    ``uncosted`` calls may have been billed, at an unknown cost; they are not in ``cost``.
    """

    model: str
    rows: list[Row]
    calls: int
    uncosted: int
    cost: Decimal | None


def answer_file(
    file: SampleFile,
    seat: Seat,
    lake: Lake,
    terms: Terms,
    before: Callable[[judging.Quote], None],
    done: Done,
) -> Answered:
    """Have the model at ``seat`` answer every line, paying only for what the ledger does not hold.

    Args:
        file: Samples; their answers are not looked at.
        seat: Which model, where.
        lake: Holds the ledger.
        terms: Caps, policy and the like.
        before: Told what it would cost, before money is spent.
        done: Told of progress.
    """
    spec, run_id = writer_spec(seat.endpoint.model), uuid4().hex
    writer = Writer(spec)
    price = terms.price(pricing.STANDARD)
    with Spool() as spool:
        take_in(file, spec, spool, policy_of(terms.features, seat.endpoint.name))
        recall(lake, spec, spool)
        before(
            judging.quote(
                estimates(unjudged_items(file, spec, spool), writer),
                spec,
                already_paid=spool.count("known"),
                price=price,
            )
        )
        lake.append(JUDGE_SPECS, judging.judge_specs([spec]), name=spec.spec_id)
        tally, _ = ask_about(
            file,
            writer,
            spool,
            seat.endpoint,
            Keeper(lake, terms.now),
            judging.JudgingRun(
                run_id,
                purse_of(lake, terms.desk, terms.caps, terms.now(), run_id),
                price,
                terms.now,
                seat.limits,
                gate_of(seat, terms.desk),
            ),
            done=done,
            canaries=False,
        )
        return Answered(spec.model, list(spool.rows()), tally.calls, tally.uncosted, tally.cost)
