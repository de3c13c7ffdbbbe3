"""From verdicts to rates with intervals, and what judges have looked at and differ by."""

from llmops_pipelines.quality.bridges import judge_bridges
from llmops_pipelines.quality.coverage import judge_coverage
from llmops_pipelines.quality.quality import quality

__all__ = ["judge_bridges", "judge_coverage", "quality"]
