"""The nightly report as one self-contained page."""

from llmops_pipelines.reporting.night import UNPRICED_MODELS, NightlyData
from llmops_pipelines.reporting.page import page

__all__ = ["UNPRICED_MODELS", "NightlyData", "page"]
