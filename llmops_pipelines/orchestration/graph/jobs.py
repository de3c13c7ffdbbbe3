"""Jobs: the selections that schedules, sensors and the command line run."""

from __future__ import annotations

import dagster as dg

SERVICE = "service"
"""Kind of the assets that ask other services for logs."""

BATCHES = "batches"
"""Kind of the assets whose requests may wait in batches."""
ASKING = "openai"
"""Kind of the assets that ask judges at endpoints."""

RESCORING = "rescoring"
"""Group of what judges past days for money because somebody asked."""

REPRICING = "repricing"
"""Group of what keeps both figures of days that `llmops reprice` prices again."""

# Prompts are rolled back by the rollback sensor alone, once, and never by a backfill.
NIGHTLY = dg.define_asset_job(
    "nightly_job",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("rollback", RESCORING, REPRICING),
    description="Lands new logs, then computes one day: cost, health, quality, alerts, report.",
)
# What asks other services is of days, and sends them requests: only the night and people start it.
PULL = dg.define_asset_job(
    "pull_job",
    selection=dg.AssetSelection.kind(SERVICE),
    description="Downloads one day of logs from services that keep them behind an API.",
)
LAND = dg.define_asset_job(
    "land_job",
    selection=dg.AssetSelection.groups("landing") - dg.AssetSelection.kind(SERVICE),
    description="Reads new log files into the lake and reports which days changed.",
)
ROLL_BACK = dg.define_asset_job(
    "roll_back_job",
    selection=dg.AssetSelection.groups("rollback"),
    description="Decides about one day's rollbacks and moves prompt labels.",
)
RESCORE = dg.define_asset_job(
    "rescore_job",
    selection=dg.AssetSelection.groups(RESCORING),
    description="Has past days judged by a judge of your choice, paying only for what is missing.",
)
REPRICE = dg.define_asset_job(
    "reprice_job",
    selection=dg.AssetSelection.groups(REPRICING),
    description="Keeps what a day cost, and what it will, before `llmops reprice` prices it again.",
)
COLLECT = dg.define_asset_job(
    "collect_job",
    selection=dg.AssetSelection.kind(BATCHES),
    description="Collects one day's judge batches, and states its scores anew.",
)
JUDGE = dg.define_asset_job(
    "judge_job",
    selection=dg.AssetSelection.kind(ASKING) - dg.AssetSelection.groups(RESCORING),
    description="Asks for the verdicts that one day's judges still owe; what is known is not paid.",
)
JOBS = [NIGHTLY, PULL, LAND, ROLL_BACK, COLLECT, JUDGE, RESCORE, REPRICE]
