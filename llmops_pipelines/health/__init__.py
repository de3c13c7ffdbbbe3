"""Service health: latency, TTFT, errors, retries, refusals, format, utilisation, feedback."""

from llmops_pipelines.health.feedback import RATED_COLUMNS, rated_answers
from llmops_pipelines.health.health import service_health

__all__ = ["RATED_COLUMNS", "rated_answers", "service_health"]
