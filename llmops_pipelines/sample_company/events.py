"""What goes wrong on which day of the sample, and which alert rules that should raise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time

from llmops_pipelines.sample_company.catalogue import FeatureName

BASE_ERRORS = 0.003
BASE_REFUSALS = 0.002
BASE_BROKEN_JSON = 0.003
BASE_MALFORMED = 0.001
BASE_UNSUPPORTED = 0.02
DUPLICATES = 0.005
UNPRICED_SHARE = 0.08
SUBTLE_SHARE = 0.1
"""Share of the unsupported answers that only change a figure: invisible to word overlap."""
RETRIED_SHARE = 0.7
REDELIVERED_CALLS = 60
LATE_CALLS = 40


@dataclass(frozen=True)
class Event:
    """One planted event. ``day`` counts from 1; it may last until the end of the sample.

    ``raises`` names the alert rules that must fire for ``feature`` (for the whole day where that
    is None), ``may_raise`` those that may follow from it, ``rule:scope`` where the scope differs.
    """

    name: str
    day: int
    feature: FeatureName | None
    raises: tuple[str, ...]
    may_raise: tuple[str, ...]
    story: str
    lasts: bool = False

    def days(self, total: int) -> tuple[int, ...]:
        """The days of a sample of ``total`` days on which it shows; empty when it is too short."""
        return tuple(range(self.day, total + 1)) if self.lasts else (self.day,)[: total >= self.day]


DUPLICATE_LINES = Event(
    "duplicates",
    1,
    None,
    (),
    (),
    "0.5 % of the lines are sent again, to another file or on the next day.",
    lasts=True,
)
REDELIVERY = Event(
    "redelivered_file",
    2,
    None,
    (),
    (),
    "60 calls of the day arrive a day later, in a file of their own.",
)
MALFORMED_BURST = Event(
    "malformed_lines",
    4,
    None,
    ("rejected_lines",),
    (),
    "A collector writes truncated JSON, wrong types and binary junk among the day's lines.",
)
UNPRICED_MODEL = Event(
    "unpriced_model",
    5,
    "ticket_triage",
    ("unpriced_calls",),
    (),
    "A self-hosted model without a list price takes 8 % of ticket triage.",
    lasts=True,
)
OUTAGE = Event(
    "provider_outage",
    6,
    "code_helper",
    ("error_rate",),
    ("retry_rate",),
    "From 13:00 to 15:00 UTC every Anthropic call fails, its two retries included.",
)
REFUSALS = Event(
    "refusals",
    7,
    "support_assistant",
    ("refusal_rate",),
    ("support_drop", "csat"),
    "6 % of the support answers decline.",
)
LATE_FILE = Event(
    "late_file",
    8,
    None,
    (),
    (),
    "40 calls of the day lie in a file that tests may hold back.",
)
BAD_PROMPT = Event(
    "unsupported_prompt_version",
    9,
    "support_assistant",
    ("support_drop", "hallucination_rate"),
    ("csat", "context_utilisation"),
    "support_answer 4 replaces 3: 30 % of its answers are unsupported, not 2 %.",
    lasts=True,
)
BROKEN_JSON = Event(
    "broken_json",
    10,
    "invoice_extraction",
    ("format_error_rate",),
    (),
    "9 % of the extracted invoices break their schema.",
)
SPEND_SURGE = Event(
    "spend_surge", 11, "sales_email", ("spend_vs_budget",), ("spend_vs_budget:total",),
    "A campaign sends six times the usual e-mails, with whole CRM histories as prompts.",
)  # fmt: skip

EVENTS = (
    DUPLICATE_LINES, REDELIVERY, MALFORMED_BURST, UNPRICED_MODEL, OUTAGE, REFUSALS, LATE_FILE,
    BAD_PROMPT, BROKEN_JSON, SPEND_SURGE,
)  # fmt: skip

OUTAGE_HOURS = (time(13), time(15))


@dataclass(frozen=True)
class Conditions:
    """The shares that hold on one day."""

    number: int

    def unsupported(self, feature: FeatureName) -> float:
        """Share of answers that state what their contexts do not."""
        if feature == BAD_PROMPT.feature and self.number >= BAD_PROMPT.day:
            return 0.3
        return BASE_UNSUPPORTED if feature in ("support_assistant", "call_summary") else 0.0

    def refusals(self, feature: FeatureName) -> float:
        """Share of answers that decline."""
        if feature == REFUSALS.feature and self.number == REFUSALS.day:
            return 0.06
        return BASE_REFUSALS if feature not in ("invoice_extraction", "ticket_triage") else 0.0

    def broken_json(self, feature: FeatureName) -> float:
        """Share of answers that break their schema."""
        if feature != BROKEN_JSON.feature:
            return 0.0
        return 0.09 if self.number == BROKEN_JSON.day else BASE_BROKEN_JSON

    def malformed(self) -> float:
        """Share of log lines that no reader can use."""
        return 0.025 if self.number == MALFORMED_BURST.day else BASE_MALFORMED

    def unpriced(self, feature: FeatureName) -> float:
        """Share of calls served by the model without a list price."""
        starts = feature == UNPRICED_MODEL.feature and self.number >= UNPRICED_MODEL.day
        return UNPRICED_SHARE if starts else 0.0

    def surges(self, feature: FeatureName) -> bool:
        """Whether the feature sends six times its calls, with longer prompts."""
        return feature == SPEND_SURGE.feature and self.number == SPEND_SURGE.day

    def outage(self) -> bool:
        """Whether Anthropic fails for two hours."""
        return self.number == OUTAGE.day
