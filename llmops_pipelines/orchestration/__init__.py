"""Dagster apart from the graph: partitions, lake, resources, schedules, sensors."""

import warnings

import dagster as dg

# We use some of Dagster's beta features on purpose, some while modules are imported; its minor
# version is pinned.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
