"""What one run asks with: its money, its patience, its pace and its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from llmops_pipelines.judging.execution.circuit import Circuit
from llmops_pipelines.judging.execution.inquiry import Conduct, Limits
from llmops_pipelines.judging.execution.pace import Gate
from llmops_pipelines.judging.execution.purse import Purse
from llmops_pipelines.judging.judges.exchange import Ask, Price
from llmops_pipelines.judging.judges.replies import Ruling


@dataclass(frozen=True)
class JudgingRun:
    """What all judges of a run share, whatever they are asked about.

    Args:
        run_id: Part of attempt ids.
        purse: Caps, and what is spent already.
        price: Dollars for tokens of a model, or None. It is asked several times a request, so it
            should take microseconds.
        now: The UTC time, without a zone.
        limits: How hard to try.
        gate: The endpoint's pace, shared with other processes where it is given.
        halves: ``halves_of`` the ledger: what need not be asked again.
        seed: Of the jitter between retries.
    """

    run_id: str
    purse: Purse
    price: Price
    now: Callable[[], datetime]
    limits: Limits = field(default_factory=Limits)
    gate: Gate = field(default_factory=Gate)
    halves: Mapping[tuple[str, str, int], Ruling] = field(default_factory=dict)
    seed: int = 0

    def circuit(self, *, named: bool) -> Circuit:
        """What tells that an endpoint is dead; ``named`` as it knows."""
        limits = self.limits
        return Circuit(limits.dead_after, limits.patience, limits.most_late, named=named)

    def conduct(self, ask: Ask, circuit: Circuit) -> Conduct:
        """What inquiries need, in the event loop that runs now."""
        return Conduct(
            ask=ask,
            purse=self.purse,
            price=self.price,
            limits=self.limits,
            circuit=circuit,
            now=self.now,
            seed=self.seed,
            run_id=self.run_id,
            gate=self.gate,
            halves=self.halves,
        )

    def end(self) -> None:
        """Give places back, and tell other processes what was spent.

        What is still set aside when the process ends counts as spent in full.
        """
        self.purse.tell()
        self.gate.close()
