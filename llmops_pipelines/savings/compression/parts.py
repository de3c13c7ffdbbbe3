"""A prompt as the parts it is made of, in the order they were sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["system", "example", "history", "context", "question", "rest"]
Count = Callable[[str], int]
"""Tokens in a text."""

USER, ASSISTANT, SYSTEM = ("user", "human"), ("assistant", "ai"), ("system", "developer")


class Sent(NamedTuple):
    """One message as it was sent."""

    role: str
    content: str


class Retrieved(NamedTuple):
    """One retrieved context, best first; ``score`` is the retriever's or reranker's."""

    content: str
    score: float | None = None


Exchange = tuple[str, str]
"""What a user says and what is answered."""


@dataclass(frozen=True)
class Part:
    """A stretch of the prompt.

    ``rest`` is what follows the question, such as results of tools. ``number`` says which example,
    turn of the history or context it belongs to, from 0.
    """

    kind: Kind
    text: str
    role: str = "user"
    number: int = 0
    score: float | None = None


Prompt = tuple[Part, ...]


def prompt_parts(
    messages: Sequence[Sent],
    contexts: Sequence[Retrieved] = (),
    examples: Collection[Exchange] = (),
) -> Prompt:
    """Take a prompt apart.

    The question is the last message of the user. A context that stands word for word in a message
    is a part at that place; one that stands in none counts as sent right before the question.
    Blank contexts are no parts, and their numbers are not given away.

    Args:
        messages: As sent, oldest first.
        contexts: As retrieved.
        examples: Exchanges known to be examples (`recurring_exchanges`); those in front of all
            other turns are taken for such.
    """
    waiting = dict(enumerate(c for c in contexts if c.content.strip()))
    parts = [
        part for whole in _kinds(messages, examples) for part in _around_contexts(whole, waiting)
    ]
    asked = next((i for i, part in enumerate(parts) if part.kind == "question"), len(parts))
    apart = [_context(number, context) for number, context in waiting.items()]
    return (*parts[:asked], *apart, *parts[asked:])


def question_of(prompt: Prompt) -> str:
    """What is asked, without the contexts that stand in the same message."""
    return "\n".join(part.text.strip() for part in prompt if part.kind == "question").strip()


def texts_of(prompt: Prompt, *kinds: Kind) -> list[str]:
    """The texts of the parts of some kinds, in order."""
    return [part.text for part in prompt if part.kind in kinds]


def contexts_of(prompt: Prompt) -> list[str]:
    """The contexts that are left, in order."""
    return texts_of(prompt, "context")


def tokens_of(prompt: Iterable[Part], count: Count) -> int:
    """Tokens of all its parts; what frames a message is not counted."""
    return sum(count(part.text) for part in prompt)


def kept_prefix(before: Prompt, after: Prompt) -> Prompt:
    """The parts in front of the first that changed: what a provider's cache still knows."""
    same = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        same += 1
    return before[:same]


def _kinds(messages: Sequence[Sent], examples: Collection[Exchange]) -> list[Part]:
    """A part per message."""
    asked = max((i for i, m in enumerate(messages) if m.role in USER), default=len(messages))
    shown = {place: number for number, place in enumerate(_shown(messages[:asked], examples))}
    parts, turn = [], -1
    for place, message in enumerate(messages):
        kind: Kind = "history"
        number = 0
        if message.role in SYSTEM:
            kind = "system"
        elif place >= asked:
            kind = "question" if place == asked else "rest"
        elif place in shown or place - 1 in shown:
            kind, number = "example", shown.get(place, shown.get(place - 1, 0))
        else:
            turn += message.role in USER or turn < 0
            number = turn
        parts.append(Part(kind, message.content, message.role, number))
    return parts


def _shown(messages: Sequence[Sent], examples: Collection[Exchange]) -> list[int]:
    """Where examples begin: exchanges in front of all other turns."""
    places = []
    turns = [place for place, message in enumerate(messages) if message.role not in SYSTEM]
    for asks, answers in zip(turns[::2], turns[1::2], strict=False):
        if answers != asks + 1 or exchange(messages[asks], messages[answers]) not in examples:
            break
        places.append(asks)
    return places


def exchange(asks: Sent, answers: Sent) -> Exchange | None:
    """The two as an exchange, if that is what they are."""
    if asks.role in USER and answers.role in ASSISTANT:
        return asks.content, answers.content
    return None


def _around_contexts(whole: Part, waiting: dict[int, Retrieved]) -> list[Part]:
    """``whole`` split around the contexts in it, which are taken out of ``waiting``."""
    if whole.kind not in ("system", "question", "rest"):
        return [whole]
    found = sorted(
        (place, number)
        for number, context in waiting.items()
        if (place := whole.text.find(context.content)) >= 0
    )
    parts, end = [], 0
    for place, number in found:
        if place < end:
            continue
        if place > end:
            parts.append(_piece(whole, whole.text[end:place]))
        context = waiting.pop(number)
        parts.append(_context(number, context, whole.role))
        end = place + len(context.content)
    if end < len(whole.text) or not parts:
        parts.append(_piece(whole, whole.text[end:]))
    return parts


def _piece(whole: Part, text: str) -> Part:
    return Part(whole.kind, text, whole.role, whole.number)


def _context(number: int, context: Retrieved, role: str = "user") -> Part:
    return Part("context", context.content, role, number, context.score)
