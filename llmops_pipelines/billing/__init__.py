"""Invoices and usage exports of providers, and what our own records say of the same days."""

from llmops_pipelines.billing.reading import (
    FORMATS,
    Invoice,
    NoInvoiceError,
    Unreadable,
    read_invoice,
)
from llmops_pipelines.billing.reasons import REASONS
from llmops_pipelines.billing.reconcile import (
    InvoiceFile,
    Records,
    days_of,
    reconcile,
    unknown_file,
)
from llmops_pipelines.billing.sides import calls_side, judges_side, model_names
from llmops_pipelines.billing.summary import Totals, totals

__all__ = [
    "FORMATS",
    "REASONS",
    "Invoice",
    "InvoiceFile",
    "NoInvoiceError",
    "Records",
    "Totals",
    "Unreadable",
    "calls_side",
    "days_of",
    "judges_side",
    "model_names",
    "read_invoice",
    "reconcile",
    "totals",
    "unknown_file",
]
