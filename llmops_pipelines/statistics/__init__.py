"""Intervals and comparisons: the numbers we dare to show."""

from llmops_pipelines.statistics.agreement import krippendorff_alpha
from llmops_pipelines.statistics.design import design_mean, design_rate
from llmops_pipelines.statistics.differences import (
    difference_of_intervals,
    difference_of_means,
    difference_of_rates,
    relative_drop,
)
from llmops_pipelines.statistics.grouped import mean_intervals, quantile_intervals
from llmops_pipelines.statistics.interval import NOTHING, Interval, normal_critical
from llmops_pipelines.statistics.means import mean_interval
from llmops_pipelines.statistics.paired import paired_difference
from llmops_pipelines.statistics.pooling import pool_means, pool_rates
from llmops_pipelines.statistics.proportions import wilson
from llmops_pipelines.statistics.quantiles import quantile_interval

__all__ = [
    "NOTHING",
    "Interval",
    "design_mean",
    "design_rate",
    "difference_of_intervals",
    "difference_of_means",
    "difference_of_rates",
    "krippendorff_alpha",
    "mean_interval",
    "mean_intervals",
    "normal_critical",
    "paired_difference",
    "pool_means",
    "pool_rates",
    "quantile_interval",
    "quantile_intervals",
    "relative_drop",
    "wilson",
]
