"""When an asset is recomputed by itself: its day's input changed, and nothing else."""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster import AutomationCondition as Condition

Rule = dg.AutomationCondition[Any]

# A new price, rubric or rule does not restale history by itself, and a landing run that brought
# nothing for a day does not either.
_IGNORED = dg.AssetSelection.groups("landing", "reference", include_sources=True)


def _gate() -> Rule:
    return (
        ~Condition.any_deps_missing().ignore(_IGNORED)
        & ~Condition.any_deps_in_progress()
        & ~Condition.in_progress()
    )


def _never() -> Rule:
    return Condition.missing() & ~Condition.execution_failed()


def on_landed_change() -> Rule:
    """For what reads the landing zone: a day's landed content changed.

    ``eager()`` would ignore past days, and the usual reset loses a change that is seen in the same
    interval as the run's completion, which is the case for today's partition.
    """
    changed = Condition.any_deps_match(Condition.data_version_changed()).ignore(_IGNORED)
    condition = (changed.since(Condition.newly_requested() & ~changed) | _never()) & _gate()
    return condition.with_label("on_landed_change")


def on_changed_inputs() -> Rule:
    """For everything downstream: an input of the day changed, or is about to."""
    changed = Condition.any_deps_match(
        Condition.data_version_changed() | Condition.will_be_requested()
    ).ignore(_IGNORED)
    handled = Condition.newly_requested() | Condition.newly_updated()
    # Without this the daemon would run a child alone after its parent's blocking check failed.
    checked = Condition.all_deps_blocking_checks_passed() | Condition.any_deps_match(
        Condition.will_be_requested()
    )
    condition = (changed.since(handled) | _never()) & _gate() & checked
    return condition.with_label("on_changed_inputs")


def on_finished_day() -> Rule:
    """As ``on_changed_inputs``, once the day has ended: quotas shift while a day fills."""
    condition = on_changed_inputs() & ~Condition.in_latest_time_window()
    return condition.with_label("on_finished_day")
