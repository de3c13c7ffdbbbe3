"""One day of the company: every line it logs, and what is true of each answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from random import Random

from llmops_pipelines.sample_company.catalogue import FEATURES, Feature
from llmops_pipelines.sample_company.coding import code_turn
from llmops_pipelines.sample_company.drawing import stream
from llmops_pipelines.sample_company.events import BAD_PROMPT, Conditions
from llmops_pipelines.sample_company.exchange import Exchange, Manner, Message
from llmops_pipelines.sample_company.invoices import extraction
from llmops_pipelines.sample_company.knowledge import Area
from llmops_pipelines.sample_company.outreach import email_turn
from llmops_pipelines.sample_company.planning import Turn, feature_quotas, plan_turns
from llmops_pipelines.sample_company.ratings import feedback_lines
from llmops_pipelines.sample_company.records import Line
from llmops_pipelines.sample_company.summaries import call_summary
from llmops_pipelines.sample_company.support import draw_area, support_turn
from llmops_pipelines.sample_company.tickets import triage
from llmops_pipelines.sample_company.traces import TraceWriter


@dataclass
class DayOfCalls:
    """The day's lines and, per answered root call, how it turned out."""

    number: int
    day: date
    lines: list[Line] = field(default_factory=list)
    manners: dict[str, tuple[str, Manner]] = field(default_factory=dict)
    """Call id to ``(feature, manner)``, successful root calls only."""


def simulate_day(number: int, day: date, calls: int, seed: int) -> DayOfCalls:
    """Day ``number`` (from 1), ``calls`` calls plus what a surge or an outage's retries add."""
    conditions = Conditions(number)
    result = DayOfCalls(number, day)
    for feature, quota in zip(FEATURES, feature_quotas(calls, FEATURES, conditions), strict=True):
        rng = stream(seed, day, feature.name)
        turns = plan_turns(feature, quota, day, conditions, rng)
        _converse(feature, turns, conditions, result, rng)
    result.lines.sort(key=lambda line: (line.at, line.record["id"]))
    return result


def _converse(
    feature: Feature, turns: list[Turn], conditions: Conditions, result: DayOfCalls, rng: Random
) -> None:
    midnight = datetime.combine(result.day, time())
    writer = TraceWriter(feature, conditions.number, midnight, rng)
    speaker = _Speaker(feature, conditions, result.day, rng)
    answers: list[tuple[Line, Manner]] = []
    for turn in turns:
        lines = writer.lines_of(turn, speaker.exchange(turn))
        result.lines += lines
        if turn.succeeds:
            answers.append((lines[-1], turn.manner))
            result.manners[lines[-1].record["id"]] = (feature.name, turn.manner)
    bad_prompt = feature.name == BAD_PROMPT.feature and conditions.number >= BAD_PROMPT.day
    result.lines += feedback_lines(
        answers, f"{result.day:%Y%m%d}-{feature.code}", rng, healthy=not bad_prompt
    )


class _Speaker:
    """Words the turns of one feature; remembers the last exchange of the conversation."""

    def __init__(self, feature: Feature, conditions: Conditions, day: date, rng: Random) -> None:
        self._name = feature.name
        self._version = feature.version_on(conditions.number)
        self._surges = conditions.surges(feature.name)
        self._day = day
        self._rng = rng
        self._area: Area = draw_area(rng)
        self._history: list[Message] = []

    def exchange(self, turn: Turn) -> Exchange:
        """What is asked and answered in ``turn``."""
        if turn.place == 1:
            self._area, self._history = draw_area(self._rng), []
        said = self._say(turn)
        if turn.succeeds:
            answer = {"role": "assistant", "content": said.answer}
            self._history = [said.messages[-1], answer]
        return said

    def _say(self, turn: Turn) -> Exchange:
        match self._name:
            case "support_assistant":
                return support_turn(
                    self._rng, self._area, manner=turn.manner, version=self._version,
                    history=self._history,
                )  # fmt: skip
            case "invoice_extraction":
                return extraction(self._rng, self._day, turn.manner)
            case "ticket_triage":
                return triage(self._rng)
            case "call_summary":
                return call_summary(self._rng, turn.manner)
            case "code_helper":
                return code_turn(self._rng, turn.manner, self._history)
            case "sales_email":
                return email_turn(
                    self._rng, turn.manner, self._history, with_crm_history=self._surges
                )
