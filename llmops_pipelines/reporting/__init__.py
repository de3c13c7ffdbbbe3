"""The nightly report as one self-contained page."""

from llmops_pipelines.reporting.night import UNPRICED_MODELS, NightlyData
from llmops_pipelines.reporting.page import page
from llmops_pipelines.reporting.summary import NightlySummary, summarise, summary_json
from llmops_pipelines.reporting.terminal import SummaryTable, summary_tables, summary_text

__all__ = [
    "UNPRICED_MODELS",
    "NightlyData",
    "NightlySummary",
    "SummaryTable",
    "page",
    "summarise",
    "summary_json",
    "summary_tables",
    "summary_text",
]
