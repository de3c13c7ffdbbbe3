"""Several seats that judged one file, heard as the jury they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from llmops_pipelines import judging
from llmops_pipelines.adapters.spool import Spool, Verdict
from llmops_pipelines.judging.juries import Combine, Vote, heard_together, jury_spec
from llmops_pipelines.judging.ledger import cost_of
from llmops_pipelines.orchestration.scoring.scoring import Chosen, Scoring
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import JUDGE_SPECS


def hear_jury(scorings: Sequence[Scoring], combine: Combine, lake: Lake) -> Scoring:
    """What the seats say together, under the spec of the jury; calls and dollars are their sums.

    Dollars are those that are known; of what else was asked ``uncosted`` counts the calls.

    Every seat's own verdicts are in the ledger. The jury's follow from them and cost nothing.

    Args:
        scorings: What the seats came to, over the same file by the same rubric.
        combine: How several verdicts become one.
        lake: Where the jury's spec is kept.
    """
    first = scorings[0]
    spec = jury_spec([scoring.chosen.spec for scoring in scorings], combine)
    lake.append(JUDGE_SPECS, judging.judge_specs([spec]), name=spec.spec_id)
    spool = Spool()
    spool.copy_lines(first.spool)
    spool.add_verdicts(_verdicts(scorings, combine), bought=True)
    return Scoring(
        spool,
        Chosen(spec),
        first.seat,
        lines=first.lines,
        blank=first.blank,
        unread=first.unread,
        calls=sum(scoring.calls for scoring in scorings),
        faults=sum(scoring.faults for scoring in scorings),
        uncosted=sum(scoring.uncosted for scoring in scorings),
        cost=cost_of(scoring.cost for scoring in scorings),
        canaries=tuple(canary for scoring in scorings for canary in scoring.canaries),
        members=tuple(scorings),
    )


def _verdicts(scorings: Sequence[Scoring], combine: Combine) -> Iterator[Verdict]:
    """What the jury says of each content, in the order of the lines.

    A content that no seat could be asked about for one and the same reason (money, a batch that is
    not over) ends like that with the jury, too.
    """
    models = [scoring.chosen.spec.model for scoring in scorings]
    together = zip(*(scoring.spool.verdicts() for scoring in scorings), strict=True)
    for said in together:
        votes = [Vote(m, v.outcome, v.score) for m, v in zip(models, said, strict=True)]
        heard = heard_together(votes, len(votes), combine)
        owed = {vote.outcome for vote in votes} & set(judging.UNFINISHED)
        outcome = owed.pop() if heard.outcome == "failed" and len(owed) == 1 else heard.outcome
        cost = cost_of(None if v.cost is None else Decimal(v.cost) for v in said)
        yield Verdict(
            said[0].digest,
            outcome,
            heard.score,
            heard.reason,
            sum(v.attempts for v in said),
            None if cost is None else str(cost),
        )
