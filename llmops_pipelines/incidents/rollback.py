"""Whether to move a prompt back, and who says no."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import polars as pl

from llmops_pipelines.incidents.evaluated_day import EvaluatedDay
from llmops_pipelines.incidents.rules import Rule, Rules
from llmops_pipelines.incidents.versions import Comparison, RefusedError, compare_versions
from llmops_pipelines.statistics.interval import NOTHING
from llmops_pipelines.tables import ROLLBACKS


class Prompt(Protocol):
    """What the registry says about one prompt; ``prompts.PromptFile`` is one."""

    @property
    def name(self) -> str:
        """Its name in the registry."""

    @property
    def feature(self) -> str:
        """The feature it serves."""

    @property
    def active(self) -> str:
        """The version that is meant to be in use."""

    @property
    def previous(self) -> str | None:
        """The version that was active before."""


@dataclass(frozen=True)
class Evidence:
    """What decisions of a day rest on, whatever the rule.

    Args:
        quality_history: ``QUALITY`` with ``day``, of the day and the six days before.
        prompts: The prompt files of the registry.
        previous: ``ROLLBACKS`` with ``day``: every earlier decision, and that of the day if an
            earlier run took one.
        on: The day evaluated.
        dry_run: Say what would be done, and do nothing.
    """

    quality_history: pl.DataFrame
    prompts: Sequence[Prompt]
    previous: pl.DataFrame
    on: EvaluatedDay
    dry_run: bool = True


def decide_rollbacks(rules: Rules, evaluations: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """One decision for each scope on which a rule with ``action: rollback`` is critical that day.

    Asked on every critical day and not only on the first, so that a decision refused for want of
    data is taken once there is enough; the cool-down prevents a second one.

    Args:
        rules: ``alert_rules.yaml``.
        evaluations: ``RULE_EVALUATIONS`` of the day.
        evidence: What decisions rest on.

    Returns:
        ``ROLLBACKS``.
    """
    critical = evaluations.filter(pl.col("status") == "critical").sort("rule", "scope")
    decisions = [
        decide_rollback(rules.rules[rule], scope, evidence)
        for rule, scope in critical.select("rule", "scope").iter_rows()
        if rule in rules.rules and rules.rules[rule].action == "rollback"
    ]
    return ROLLBACKS.require(pl.concat([ROLLBACKS.empty(), *decisions]))


def decide_rollback(rule: Rule, scope: str, evidence: Evidence) -> pl.DataFrame:
    """Decide on one scope whose ``rule`` is critical on the day.

    Both versions' hallucination rates (1 - groundedness, one judge for both) are pooled over seven
    days. The prompt goes back when the active version's whole interval is above the rule's critical
    line and the whole interval of the difference to the version before is above 0. Everything else
    is refused, with the reason; so is a feature with several prompt files, since nobody knows which
    to move. A decision already carried out on the day stands.

    Args:
        rule: A rule with ``action: rollback``.
        scope: The feature.
        evidence: What decisions rest on.

    Returns:
        ``ROLLBACKS``, one row. ``rolled_back`` is a decision: who carries it out moves the label of
        ``prompt`` to ``to_version``.
    """
    on, day = evidence.on, evidence.on.day
    past = evidence.previous.filter((pl.col("scope") == scope) & (pl.col("day") <= day)).sort("day")
    done = past.filter(
        (pl.col("day") == day)
        & (pl.col("rule") == rule.name)
        & (pl.col("outcome") == "rolled_back")
    )
    if done.height:
        return ROLLBACKS.require(done)
    prompts = [prompt for prompt in evidence.prompts if prompt.feature == scope]
    prompt = prompts[0] if len(prompts) == 1 else None
    row: dict[str, Any] = {
        "rule": rule.name,
        "scope": scope,
        "prompt": prompt.name if prompt else None,
        "from_version": prompt.active if prompt else None,
        "to_version": prompt.previous if prompt else None,
        "outcome": "dry_run" if evidence.dry_run else "rolled_back",
    }
    earlier = past.filter(pl.col("day") < day)
    found: Comparison | RefusedError
    try:
        if on.is_backfilled:
            raise RefusedError(f"{day} is backfilled: it ended more than {on.act_within} ago")
        active, before = _versions(scope, prompts)
        _not_again(rule, active, before, earlier, day=day, dry_run=evidence.dry_run)
        found = compare_versions(rule, evidence.quality_history, scope, (active, before), day)
    except RefusedError as refusal:
        row["outcome"], found = "refused", refusal
    row["reason"] = found.reason
    difference = found.difference or NOTHING
    row |= {"difference": difference.estimate, "low": difference.low, "high": difference.high}
    return ROLLBACKS.require(pl.DataFrame([row], schema=ROLLBACKS.schema, orient="row"))


def _versions(scope: str, prompts: Sequence[Prompt]) -> tuple[str, str]:
    if not prompts:
        raise RefusedError(f"no prompt file names the feature {scope}; add one to prompts/")
    if len(prompts) > 1:
        names = ", ".join(sorted(prompt.name for prompt in prompts))
        raise RefusedError(
            f"{scope} has several prompts ({names}): which one is to blame is not known"
        )
    if prompts[0].previous is None:
        raise RefusedError(
            f"version {prompts[0].active} is the only one that ever was active: "
            "there is nothing to go back to"
        )
    return prompts[0].active, prompts[0].previous


def _not_again(
    rule: Rule, active: str, before: str, earlier: pl.DataFrame, *, day: date, dry_run: bool
) -> None:
    carried_out = earlier.filter(pl.col("outcome") == "rolled_back")
    undone = carried_out.filter(
        (pl.col("from_version") == before) & (pl.col("to_version") == active)
    )
    if undone.height:
        raise RefusedError(
            f"already rolled back: version {active} replaced {before} on {undone['day'][-1]}"
        )
    counted = earlier if dry_run else carried_out
    counted = counted.filter(pl.col("outcome") != "refused")
    if counted.height and (day - counted["day"][-1]).days < rule.cool_down_days:
        what = (
            "the prompt was rolled back"
            if counted["outcome"][-1] == "rolled_back"
            else "a rollback was reported (dry run)"
        )
        raise RefusedError(
            f"cool-down: {what} on {counted['day'][-1]}, "
            f"the next is possible after {rule.cool_down_days} days"
        )
