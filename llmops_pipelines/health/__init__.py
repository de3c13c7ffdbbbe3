"""Service health: latency, TTFT, errors, retries, refusals, format, utilisation, feedback."""

from llmops_pipelines.health.feedback import rated_answers
from llmops_pipelines.health.health import service_health

__all__ = ["rated_answers", "service_health"]
