"""Replays over the log: what the same calls would have cost."""

from llmops_pipelines.savings.routing import routing_savings

__all__ = ["routing_savings"]
