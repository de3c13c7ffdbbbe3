"""Decides a day's rollbacks and moves the prompt's active label."""

from datetime import date, timedelta

import polars as pl

from llmops_pipelines import incidents, prompts
from llmops_pipelines.orchestration.lake import Lake, last_days
from llmops_pipelines.orchestration.resources import Clock, Policy, ReferenceFolder
from llmops_pipelines.tables import QUALITY, ROLLBACKS
