"""The assertions that are known by name: by whom they are decided, and which are code."""

from __future__ import annotations

CODE = ("javascript", "python", "ruby", "webhook")
"""Never run: a configuration is data here."""

LISTED = ("contains-all", "contains-any", "icontains-all", "icontains-any")
"""Their value is a list, or text with commas between its parts."""

DECIDED_HERE = (
    "equals", "contains", "icontains", *LISTED, "starts-with", "ends-with", "regex", "is-json",
    "contains-json", "levenshtein", "rouge-n", "word-count", "is-refusal", "cost", "latency",
    "finish-reason", "is-valid-openai-tools-call", "is-valid-openai-function-call",
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
    "contains-html", "pi", "select-best", "max-score", "f-score", "gleu", "perplexity-score",
    "is-valid-function-call", "tool-call-f1", "skill-used", "trajectory", "trace-span-count",
    "trace-span-duration", "trace-error-spans", "conversation-relevance", "search-rubric",
    "agent-rubric", "research-rubric", "similar",
)  # fmt: skip
"""promptfoo's names. A table's ``__expected`` may begin with one; any other text is to be equal."""
