"""What kind of step a function is, by its name, where the tool that traced it does not say."""

from __future__ import annotations

from typing import Final

_WORDS: Final = (("retriev", "retriever"), ("search", "retriever"), ("rerank", "reranker"),
                 ("guardrail", "guardrail"), ("agent", "agent"), ("tool", "tool"))  # fmt: skip


def kind_by_name(name: str | None) -> str:
    """The kind of the first word that ``name`` holds; a chain where it holds none."""
    spelled = (name or "").lower()
    return next((kind for word, kind in _WORDS if word in spelled), "chain")
