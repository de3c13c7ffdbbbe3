"""Decides a day's rollbacks and moves the prompt's active label."""

from datetime import date
from pathlib import Path

import polars as pl

from llmops_pipelines import incidents, prompts
from llmops_pipelines.orchestration.graph.resources import Clock, Policy, ReferenceFolder
from llmops_pipelines.orchestration.storage.lake import Lake, last_days
from llmops_pipelines.tables import QUALITY, ROLLBACKS

COMPARED_DAYS = 7
REMEMBERED_DAYS = 60
"""How far back earlier rollbacks are looked up: longer than any cool-down."""


def roll_back_day(
    rule_evaluations: pl.DataFrame,
    lake: Lake,
    reference: ReferenceFolder,
    clock: Clock,
    policy: Policy,
    day: date,
) -> pl.DataFrame:
    """Decide about every critical rule that rolls back, and carry the decisions out.

    Returns:
        ``ROLLBACKS``. A rollback that an earlier run of the day carried out stands as it was.
    """
    folder = reference.folder() / "prompts"
    files = {
        file: reference.read(f"prompts/{file.name}", prompts.PromptFile)
        for file in sorted(folder.glob("*.yaml"))
    }
    decisions = incidents.decide_rollbacks(
        reference.read("alert_rules.yaml", incidents.Rules),
        rule_evaluations,
        incidents.Evidence(
            lake.read(QUALITY, last_days(day, COMPARED_DAYS)),
            list(files.values()),
            lake.read(ROLLBACKS, last_days(day, REMEMBERED_DAYS)),
            incidents.EvaluatedDay(day, clock.now(), policy.act_within),
            dry_run=policy.dry_run,
        ),
    )
    by_name = {prompt.name: (file, prompt) for file, prompt in files.items()}
    for decision in decisions.filter(pl.col("outcome") == "rolled_back").iter_rows(named=True):
        file, prompt = by_name[decision["prompt"]]
        if prompt.active == decision["from_version"]:
            moved = prompts.activate(
                prompt, decision["to_version"], f"rollback: {decision['reason']}", clock.now()
            )
            _replace(file, prompts.render(moved))
    return decisions


def _replace(file: Path, text: str) -> None:
    """Write beside and rename: an application that reads the label never sees half a file."""
    staged = file.with_name(f".{file.name}.new")
    staged.write_text(text, encoding="utf-8")
    staged.replace(file)
