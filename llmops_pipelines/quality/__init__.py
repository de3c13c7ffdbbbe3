"""From verdicts to rates with intervals."""

from llmops_pipelines.quality.quality import quality

__all__ = ["quality"]
