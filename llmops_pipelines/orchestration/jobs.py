"""Jobs: the selections that schedules, sensors and the command line run."""

from __future__ import annotations

import dagster as dg

# Prompts are rolled back by the rollback sensor alone, once, and never by a backfill.
NIGHTLY = dg.define_asset_job(
    "nightly_job",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("rollback"),
    description="Lands new logs, then computes one day: cost, health, quality, alerts, report.",
)
LAND = dg.define_asset_job(
    "land_job",
    selection=dg.AssetSelection.groups("landing"),
    description="Reads new log files into the lake and reports which days changed.",
)
ROLL_BACK = dg.define_asset_job(
    "roll_back_job",
    selection=dg.AssetSelection.groups("rollback"),
    description="Decides about one day's rollbacks and moves prompt labels.",
)
JOBS = [NIGHTLY, LAND, ROLL_BACK]
