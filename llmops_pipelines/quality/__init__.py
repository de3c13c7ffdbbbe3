"""From verdicts to rates with intervals, and what judges have looked at and differ by."""

from llmops_pipelines.quality.bridges import judge_bridges
from llmops_pipelines.quality.coverage import judge_coverage
from llmops_pipelines.quality.quality import quality
from llmops_pipelines.quality.snapshots import SERIES_BREAKS, series_breaks

__all__ = ["SERIES_BREAKS", "judge_bridges", "judge_coverage", "quality", "series_breaks"]
