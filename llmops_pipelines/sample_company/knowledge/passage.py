"""A passage of the shop's help pages, and the short notation the passages are written in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fact:
    """One sentence of a passage and the same fact in other words, as ``(body, adjunct)``."""

    sentence: str
    body: str
    adjunct: str


@dataclass(frozen=True)
class Passage:
    """One retrievable passage: what people ask about it and what it states."""

    id: str
    title: str
    questions: tuple[str, ...]
    facts: tuple[Fact, ...]

    @property
    def text(self) -> str:
        """The passage as the retriever returns it."""
        return f"{self.title}. " + " ".join(fact.sentence for fact in self.facts)


@dataclass(frozen=True)
class Area:
    """Passages that are retrieved together, and statements that none of them supports."""

    name: str
    passages: tuple[Passage, ...]
    inventions: tuple[str, ...]


def parse_area(name: str, notation: str) -> Area:
    """Read one area from lines that open with a mark; an indented line continues the one above.

    ``#`` id and title, ``?`` a question, ``.`` a sentence, ``=`` the sentence in other words
    (``body | adjunct``: the adjunct may stand before or after the body), ``!`` a statement that
    no passage supports, with the slots ``{n}``, ``{m}``, ``{person}`` and ``{place}``.

    Raises:
        ValueError: A line opens with none of the marks.
    """
    passages: list[Passage] = []
    inventions: list[str] = []
    title, questions, facts = "", list[str](), list[Fact]()
    sentence = ""
    for line in [*_joined(notation), "#"]:
        mark, text = line[0], line[1:].strip()
        match mark:
            case "#":
                if title:
                    key, heading = title.split(" ", 1)
                    passages.append(Passage(key, heading, tuple(questions), tuple(facts)))
                title, questions, facts = text, [], []
            case "?":
                questions.append(text)
            case ".":
                sentence = text
            case "=":
                body, _, adjunct = (part.strip() for part in text.partition("|"))
                facts.append(Fact(sentence, body, adjunct))
            case "!":
                inventions.append(text)
            case _:
                raise ValueError(f"area {name}: {line!r} opens with none of the marks # ? . = !")
    return Area(name, tuple(passages), tuple(inventions))


def _joined(notation: str) -> list[str]:
    lines: list[str] = []
    for line in notation.strip().splitlines():
        if line.startswith("  "):
            lines[-1] += " " + line.strip()
        elif line:
            lines.append(line)
    return lines
