"""The FinOps Open Cost and Usage Specification (FOCUS): calls as its charges, and its rules."""

from llmops_pipelines.focus.charges import AMOUNT, CALL_COLUMNS, charges
from llmops_pipelines.focus.specification import COLUMNS, VERSION
from llmops_pipelines.focus.validation import Violation, violations, written

__all__ = [
    "AMOUNT",
    "CALL_COLUMNS",
    "COLUMNS",
    "VERSION",
    "Violation",
    "charges",
    "violations",
    "written",
]
