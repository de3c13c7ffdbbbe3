"""The nightly report as one self-contained page."""

from llmops_pipelines.reporting.blocks import SummaryTable
from llmops_pipelines.reporting.business import PARTS, BusinessMoney
from llmops_pipelines.reporting.night import OPEN_ALERTS, UNPRICED_MODELS, NightlyData
from llmops_pipelines.reporting.page import as_on_page, page
from llmops_pipelines.reporting.summary import NightlySummary, summarise, summary_json
from llmops_pipelines.reporting.terminal import summary_tables, summary_text

__all__ = [
    "OPEN_ALERTS",
    "PARTS",
    "UNPRICED_MODELS",
    "BusinessMoney",
    "NightlyData",
    "NightlySummary",
    "SummaryTable",
    "as_on_page",
    "page",
    "summarise",
    "summary_json",
    "summary_tables",
    "summary_text",
]
