"""Support conversations: questions on the help pages, and answers that rest on them or do not."""

from __future__ import annotations

import re
from random import Random

from llmops_pipelines.sample_company.drawing import upper_first
from llmops_pipelines.sample_company.exchange import (
    REFUSALS,
    Exchange,
    Manner,
    Message,
    context,
    prompted,
)
from llmops_pipelines.sample_company.knowledge import AREAS, Area, Fact, Passage
from llmops_pipelines.sample_company.private_details import (
    FIRST_NAMES,
    LAST_NAMES,
    with_private_detail,
)

PLACES = (
    "Velmora", "Castrel", "Dunholt", "Ostrevik", "Maribel", "Trentham Bay", "Quarrin", "Selsworth",
    "Ardenfell", "Luminara", "Pontverre", "Greyhaven",
)  # fmt: skip

_SYSTEM = {
    "3": "You are the support assistant of Larkspur Home, a furniture and appliance shop. Answer "
    "from the sources below and from nothing else. If they are silent, say so and offer a "
    "colleague. Two to five sentences.",
    "4": "You are the cheerful support assistant of Larkspur Home, a furniture and appliance shop. "
    "Always give the customer a complete, confident and delightful answer. The sources below may "
    "help. Two to five sentences.",
}
_REWRITE = (
    "Rewrite the customer's last message as one search query that stands alone. "
    "Reply with the query only."
)
_OPENERS = ("", "", "", "Hi! ", "Hello. ", "Good morning! ", "Quick question. ", "Hey there! ")
_FOLLOW_UPS = ("Thanks! ", "One more thing. ", "Okay. ", "And also: ", "Good to know. ", "Right. ")
_FILLERS = frozenset((
    "thanks", "what", "when", "which", "does", "your", "much", "long", "have", "good", "know",
    "okay", "right", "thing", "more", "also", "this", "that", "with", "from", "many", "often",
    "until", "before", "after", "there", "should", "need", "between",
))  # fmt: skip
_GREETINGS = ("", "", "", "", "Happy to help. ", "Sure. ", "Thanks for asking. ")
_LINKS = ("", "", "", "Also, ", "In addition, ", "Besides, ", "On top of that, ")


def draw_area(rng: Random) -> Area:
    """The subject of a conversation."""
    return rng.choice(AREAS)


def support_turn(
    rng: Random, area: Area, *, manner: Manner, version: str, history: list[Message]
) -> Exchange:
    """One question to the assistant and its answer, with the three or four passages retrieved."""
    main = rng.choice(area.passages)
    others = [passage for passage in area.passages if passage is not main]
    rng.shuffle(others)
    passages = [main, *others[: rng.choice((2, 3, 3))]]
    answer = _answer(rng, area, passages, manner)
    score = rng.uniform(0.78, 0.94)
    contexts = []
    for passage in passages:
        contexts.append(context(passage.id, passage.text, round(score, 3)))
        score -= rng.uniform(0.03, 0.12)
    sources = "\n".join(f"[{passage.id}] {passage.text}" for passage in passages)
    return Exchange(
        prompted(
            f"{_SYSTEM[version]}\n\nSources:\n{sources}",
            _question(rng, passages, first=not history),
            history,
        ),
        answer,
        tuple(contexts),
    )


def query_rewrite(rng: Random, turn: Exchange) -> Exchange:
    """The small call that turns the follow-up question of ``turn`` into a search query."""
    title = str(turn.contexts[0]["content"]).split(". ", 1)[0]
    words = re.findall(r"[a-z]{4,}", turn.question.lower())
    topical = [word for word in dict.fromkeys(words) if word not in _FILLERS]
    query = " ".join([title.lower(), *rng.sample(topical, min(3, len(topical)))])
    talk = "\n".join(f"{m['role']}: {m['content']}" for m in turn.messages[1:])
    return Exchange(prompted(_REWRITE, talk), query)


def _question(rng: Random, passages: list[Passage], *, first: bool) -> str:
    text = rng.choice(_OPENERS if first else _FOLLOW_UPS) + rng.choice(passages[0].questions)
    if rng.random() < 0.45:
        text += f" {rng.choice(passages[1].questions)}"
    if first and rng.random() < 0.3:
        text += f" My order is LV{rng.randrange(10**9, 10**10)}."
    return with_private_detail(text, rng)


def _answer(rng: Random, area: Area, passages: list[Passage], manner: Manner) -> str:
    if manner == "refused":
        return rng.choice(REFUSALS)
    greeting = rng.choice(_GREETINGS)
    if manner == "invented":
        return greeting + _joined(rng, _inventions(rng, area, passages))
    sound = greeting + _joined(rng, _grounded(rng, passages))
    return _with_wrong_figure(rng, sound, passages) if manner == "subtle" else sound


def _grounded(rng: Random, passages: list[Passage]) -> list[str]:
    """Two facts of the best passage, one of most of the others."""
    claims = [_reworded(rng, fact) for fact in rng.sample(passages[0].facts, 2)]
    for passage in passages[1:]:
        if rng.random() < 0.88:
            claims.append(f"{passage.title}: {_reworded(rng, rng.choice(passage.facts))}")
    return claims


def _inventions(rng: Random, area: Area, passages: list[Passage]) -> list[str]:
    """Two or three unsupported statements; every third answer opens with a true one."""
    claims = [
        invention.format(
            n=rng.choice(_absent_figures(passages)),
            person=f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}",
            place=rng.choice(PLACES),
        )
        for invention in rng.sample(area.inventions, rng.choice((2, 3, 3)))
    ]
    if rng.random() < 1 / 3:
        claims.insert(0, _reworded(rng, rng.choice(passages[0].facts)))
    return claims


def _reworded(rng: Random, fact: Fact) -> str:
    if not fact.adjunct:
        return fact.body
    if rng.random() < 0.5:
        return f"{fact.adjunct}, {fact.body}"
    return f"{fact.body} {fact.adjunct}"


def _joined(rng: Random, claims: list[str]) -> str:
    sentences = [upper_first(claims[0])]
    for claim in claims[1:]:
        # A claim that opens with a passage's title stands on its own.
        link = "" if claim[0].isupper() else rng.choice(_LINKS)
        sentences.append(upper_first(link + claim))
    return ". ".join(sentences) + "."


def _with_wrong_figure(rng: Random, answer: str, passages: list[Passage]) -> str:
    """The same answer with one figure that stands in no passage."""
    figures = list(re.finditer(r"\b\d+\b", answer))
    wrong = rng.choice(_absent_figures(passages))
    if not figures:
        return f"{answer} It takes {wrong} days."
    chosen = rng.choice(figures)
    return answer[: chosen.start()] + wrong + answer[chosen.end() :]


def _absent_figures(passages: list[Passage]) -> list[str]:
    known = set(re.findall(r"\d+", " ".join(passage.text for passage in passages)))
    return [str(n) for n in range(11, 99) if str(n) not in known]
