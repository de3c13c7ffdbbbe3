"""Service health: latency, TTFT, errors, retries, refusals, format, utilisation, feedback."""

from llmops_pipelines.health.health import service_health

__all__ = ["service_health"]
