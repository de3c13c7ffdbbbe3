"""Few-shot examples: exchanges in front of the question that many conversations share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise

from llmops_pipelines.savings.compression.parts import SYSTEM, USER, Exchange, Sent, exchange

LEAST_SESSIONS = 3
"""An exchange that so many sessions of one prompt hold, word for word, was not said in them."""


def recurring_exchanges(
    calls: Iterable[tuple[Hashable, Hashable, Sequence[Sent]]],
) -> dict[Hashable, frozenset[Exchange]]:
    """The examples of each prompt: exchanges before the question in several of its sessions.

    Examples written into the system prompt's own text are not seen: they have no borders.

    Args:
        calls: The prompt (such as its name and version), the session, and the messages of each.
    """
    heard: dict[Hashable, dict[Exchange, set[Hashable]]] = defaultdict(lambda: defaultdict(set))
    for prompt, session, messages in calls:
        turns = [message for message in messages if message.role not in SYSTEM]
        asked = max((i for i, m in enumerate(turns) if m.role in USER), default=0)
        for asks, answers in pairwise(turns[:asked]):
            if told := exchange(asks, answers):
                heard[prompt][told].add(session)
    return {
        prompt: frozenset(told for told, by in told_by.items() if len(by) >= LEAST_SESSIONS)
        for prompt, told_by in heard.items()
    }
