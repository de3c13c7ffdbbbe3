"""Who asks what when on one day, and how each answer turns out, before a word is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from llmops_pipelines.sample_company.catalogue import ACME, Feature, Model
from llmops_pipelines.sample_company.drawing import apportion, count_of
from llmops_pipelines.sample_company.events import (
    BASE_ERRORS,
    OUTAGE_HOURS,
    RETRIED_SHARE,
    SUBTLE_SHARE,
    Conditions,
)
from llmops_pipelines.sample_company.exchange import Manner
from llmops_pipelines.sample_company.rhythm import EARLIEST, LATEST, draw_user, session_start

OUTAGE_ATTEMPTS = 3
"""First try and two retries, as client libraries do by default."""


@dataclass
class Turn:
    """One question of a user: its root call starts at ``at`` and fails ``failures`` times."""

    feature: Feature
    model: Model
    session_id: str
    user_id: str
    place: int
    at: datetime
    failures: int = 0
    succeeds: bool = True
    in_outage: bool = False
    manner: Manner = "sound"

    @property
    def has_rewrite(self) -> bool:
        """A follow-up to the support assistant is first rewritten into a search query."""
        return self.feature.name == "support_assistant" and self.place > 1


def feature_quotas(calls: int, features: tuple[Feature, ...], conditions: Conditions) -> list[int]:
    """Calls per feature on one day; a surge comes on top of ``calls``."""
    quotas = apportion(calls, [feature.share for feature in features])
    return [
        quota * (6 if conditions.surges(feature.name) else 1)
        for feature, quota in zip(features, quotas, strict=True)
    ]


def plan_turns(
    feature: Feature, quota: int, day: date, conditions: Conditions, rng: Random
) -> list[Turn]:
    """The day's turns of one feature: ``quota`` calls with their rewrites and healthy retries."""
    failing = count_of(quota, BASE_ERRORS, rng)
    retried = min(count_of(failing, RETRIED_SHARE, rng), quota // 2)
    turns = _turns(feature, quota - retried, day, rng)
    _fail(turns, failing, retried, conditions, rng)
    answered = [turn for turn in turns if turn.succeeds]
    _choose_manners(answered, feature, conditions, rng)
    for turn in rng.sample(turns, count_of(len(turns), conditions.unpriced(feature.name), rng)):
        turn.model = ACME
    return turns


def _turns(feature: Feature, calls: int, day: date, rng: Random) -> list[Turn]:
    turns: list[Turn] = []
    midnight = datetime.combine(day, time())
    offset, session, left = rng.random(), 0, calls
    while left > 0:
        session += 1
        (length,) = rng.choices(range(1, len(feature.turns) + 1), feature.turns)
        gaps = [0.0, *(rng.uniform(25, 260) for _ in range(length - 1))]
        start = session_start(day, session, offset)
        # A conversation that would run past midnight begins that much earlier.
        start = min(start, midnight + LATEST - timedelta(seconds=sum(gaps)))
        user = draw_user(rng)
        for place, gap in enumerate(gaps, 1):
            start += timedelta(seconds=gap)
            turn = Turn(
                feature, feature.model, f"s-{day:%Y%m%d}-{feature.code}-{session:04d}", user,
                place, max(start, midnight + EARLIEST),
            )  # fmt: skip
            left -= 1 + turn.has_rewrite
            if left < 0:
                # One call is left and this turn needs two: a new conversation takes it.
                left += 2
                break
            turns.append(turn)
            if left == 0:
                break
    return turns


def _fail(
    turns: list[Turn], failing: int, retried: int, conditions: Conditions, rng: Random
) -> None:
    opens, closes = OUTAGE_HOURS
    for turn in turns:
        if (
            conditions.outage()
            and turn.model.provider == "anthropic"
            and opens <= turn.at.time() < closes
        ):
            turn.failures, turn.succeeds, turn.in_outage = OUTAGE_ATTEMPTS, False, True
    healthy = [turn for turn in turns if turn.succeeds]
    for place, turn in enumerate(rng.sample(healthy, min(failing, len(healthy)))):
        turn.failures, turn.succeeds = 1, place < retried


def _choose_manners(
    answered: list[Turn], feature: Feature, conditions: Conditions, rng: Random
) -> None:
    unsupported = count_of(len(answered), conditions.unsupported(feature.name), rng)
    refused = count_of(len(answered), conditions.refusals(feature.name), rng)
    broken = count_of(len(answered), conditions.broken_json(feature.name), rng)
    subtle = count_of(unsupported, SUBTLE_SHARE, rng)
    planned: tuple[tuple[Manner, int], ...] = (
        ("subtle", subtle),
        ("invented", unsupported - subtle),
        ("refused", refused),
        ("broken", broken),
    )
    manners = [manner for manner, times in planned for _ in range(times)]
    chosen = rng.sample(answered, min(len(manners), len(answered)))
    for turn, manner in zip(chosen, manners, strict=False):
        turn.manner = manner
