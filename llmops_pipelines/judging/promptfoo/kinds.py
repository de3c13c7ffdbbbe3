"""The assertions that are known by name: by whom they are decided, and which are code."""

from __future__ import annotations

CODE = ("javascript", "python", "ruby", "webhook")
"""Never run: a configuration is data here."""

LISTED = ("contains-all", "contains-any", "icontains-all", "icontains-any")
"""Their value is a list, or text with commas between its parts."""

DECIDED_HERE = (
    "equals", "contains", "icontains", *LISTED, "starts-with", "ends-with", "regex", "is-json",
    "contains-json", "levenshtein", "rouge-n", "word-count", "is-refusal", "cost", "latency",
)  # fmt: skip
"""Decided by the output alone."""

EMBEDDED = ("similar", "similar:cosine")
"""Decided by sentence vectors."""

JUDGED = (
    "llm-rubric", "model-graded-closedqa", "factuality", "model-graded-factuality",
    "answer-relevance", "context-faithfulness", "context-recall",
)  # fmt: skip
"""Decided by a judge, through the ledger."""

KINDS = frozenset((*DECIDED_HERE, *EMBEDDED, *JUDGED))

SPELLED = (
    *KINDS, *CODE, "context-relevance", "classifier", "moderation", "perplexity", "bleu", "meteor",
    "g-eval", "guardrails", "is-sql", "contains-sql", "is-xml", "contains-xml", "is-html",
    "contains-html", "pi", "select-best", "f-score", "gleu", "finish-reason",
)  # fmt: skip
"""Names that a table's ``__expected`` column may begin with; any other text is to be equal."""
