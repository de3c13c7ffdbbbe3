"""Logs behind an API, downloaded day by day: a source per service, one runner, one staging file."""

from llmops_pipelines.adapters.pulling.calling import Pace
from llmops_pipelines.adapters.pulling.opening import open_source
from llmops_pipelines.adapters.pulling.protocol import (
    Count,
    CursorGoneError,
    Page,
    PullError,
    Record,
    Source,
)
from llmops_pipelines.adapters.pulling.running import Pulled, count_day, pull_day
from llmops_pipelines.adapters.pulling.staging import DayFile, Staging, bodies

__all__ = [
    "Count",
    "CursorGoneError",
    "DayFile",
    "Pace",
    "Page",
    "PullError",
    "Pulled",
    "Record",
    "Source",
    "Staging",
    "bodies",
    "count_day",
    "open_source",
    "pull_day",
]
