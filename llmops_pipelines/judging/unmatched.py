"""Numbers and names of an answer that neither question nor contexts contain: evidence, not a score.

Taken alone they tell supported answers from unsupported ones hardly better than chance (AUC .48 to
.58 on labelled sets), so they are shown to people and folded into no figure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from llmops_pipelines.judging.words import FUNCTION_WORDS, words

SHOWN = 20
"""How many are kept of one answer."""

_NUMBER = re.compile(r"(?<![\w.,])\d[\d.,]*(?:\s?%)?")
_NAME = re.compile(
    r"[^\W\d_a-z][\w&'\u2019-]*(?:\s+(?:of\s+|de\s+|van\s+|von\s+)?[^\W\d_a-z][\w&'\u2019-]*)*"
)
_LIST_NUMBER = re.compile(r"^\s*\(?\d{1,2}[.)]\s+", re.MULTILINE)


def unmatched(claims: Iterable[str], known: Collection[str]) -> list[str]:
    """Numbers and names in the sentences ``claims`` none of whose words is in ``known``.

    Args:
        claims: Sentences of the answer.
        known: Every word of question and contexts, as `words` spells them.

    Returns:
        As the answer spells them, in order, each once, at most `SHOWN`. A capital at the start of
        a sentence makes no name, nor does the number of a list item make a number.
    """
    found: dict[str, None] = {}
    for sentence in claims:
        plain = _LIST_NUMBER.sub("", sentence)
        spans = [(hit.start(), hit.group().strip(" .,")) for hit in _NUMBER.finditer(plain)]
        spans += [(hit.start(), _name(hit)) for hit in _NAME.finditer(plain)]
        for _, text in sorted(spans):
            if text and not any(word in known for word in words(text)):
                found.setdefault(text[:80], None)
    return list(found)[:SHOWN]


def _name(hit: re.Match[str]) -> str:
    """The name without a first word that is capital only because it opens the sentence."""
    parts = hit.group().split()
    opens = not re.search(r"\w", hit.string[: hit.start()])
    if opens and not parts[0].isupper():
        parts = parts[1:]
    while parts and parts[0].lower() in FUNCTION_WORDS:
        parts = parts[1:]
    return " ".join(parts) if any(len(part) > 1 for part in parts) else ""
