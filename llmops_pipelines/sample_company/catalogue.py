"""The company: its models at list price, its features, and the services whose logs hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FeatureName = Literal[
    "support_assistant",
    "invoice_extraction",
    "ticket_triage",
    "call_summary",
    "code_helper",
    "sales_email",
]


@dataclass(frozen=True)
class Model:
    """A model: as asked for, as served, its list price in USD per million tokens, its pace."""

    requested: str
    served: str
    provider: str
    prices: tuple[float, float, float] | None
    """Uncached input, cached input, output; None where nobody publishes a price."""
    ttft_ms: float
    tokens_per_s: float
    thinks: bool = False

    def cost(self, prompt: int, cached: int, completion: int) -> float | None:
        """USD of one call at list price, or None where there is none."""
        if self.prices is None:
            return None
        full, reduced, output = self.prices
        return ((prompt - cached) * full + cached * reduced + completion * output) / 1e6


GPT_41 = Model("gpt-4.1", "gpt-4.1-2025-04-14", "openai", (2, 0.5, 8), 290, 95)
GPT_41_MINI = Model("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", "openai", (0.4, 0.1, 1.6), 240, 130)
GPT_4O_MINI = Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai", (0.15, 0.075, 0.6), 230, 120)
SONNET = Model(
    "claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", (3, 0.3, 15), 330, 90
)
FLASH = Model(
    "gemini-2.5-flash", "gemini-2.5-flash", "google", (0.3, 0.03, 2.5), 260, 170, thinks=True
)
ACME = Model("acme-triage-ft-7b", "acme-triage-ft-7b", "acme", None, 120, 150)

MODELS = (GPT_41, GPT_41_MINI, GPT_4O_MINI, SONNET, FLASH, ACME)


@dataclass(frozen=True)
class Feature:
    """One product feature and how it calls its model."""

    name: FeatureName
    team: str
    share: float
    service: str
    model: Model
    prompt: str
    versions: tuple[tuple[int, str], ...]
    """``(first day, version)``, oldest first; days count from 1."""
    streams: bool = False
    turns: tuple[float, ...] = (1,)
    """Weights of sessions with 1, 2, 3, ... turns."""

    @property
    def code(self) -> str:
        """Three letters that open the ids of its records."""
        return self.name[:3]

    def version_on(self, number: int) -> str:
        """The prompt version in force on day ``number``."""
        return [version for first, version in self.versions if first <= number][-1]


FEATURES = (
    Feature(
        "support_assistant", "customer-care", 30, "support", GPT_41, "support_answer",
        ((1, "3"), (9, "4")), streams=True, turns=(42, 25, 15, 9, 5, 4),
    ),
    Feature(
        "invoice_extraction", "finance-systems", 18, "backoffice", GPT_41_MINI, "invoice_fields",
        ((1, "2"),),
    ),
    Feature(
        "ticket_triage", "customer-care", 22, "backoffice", GPT_4O_MINI, "triage_label", ((1, "5"),)
    ),
    Feature("call_summary", "sales", 12, "sales", FLASH, "call_digest", ((1, "2"),)),
    Feature(
        "code_helper", "platform", 10, "devtools", SONNET, "code_answer", ((1, "7"),),
        streams=True, turns=(45, 28, 15, 12),
    ),
    Feature(
        "sales_email", "sales", 8, "sales", GPT_41, "outreach_email", ((1, "2"), (6, "3")),
        turns=(70, 30),
    ),
)  # fmt: skip

REWRITE_PROMPT = ("support_rewrite", "1")
"""Prompt and version of the small call that makes a follow-up question stand alone."""

SERVICES = {
    "support": ("jsonl.zst", (0, 12)),
    "backoffice": ("jsonl.gz", (0, 12)),
    "sales": ("jsonl", (0,)),
    "devtools": ("jsonl", (0,)),
}
"""Extension of a service's files, and the hours at which it opens a new one."""
