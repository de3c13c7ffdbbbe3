"""When an asset is recomputed by itself: its day's input changed, and nothing else.

A rule is made for an asset from its ``Inputs``, since it must name those of which several days are
read. ``placing`` makes the rules anew when it renames assets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import dagster as dg
from dagster import AutomationCondition as Condition

Rule = dg.AutomationCondition[Any]

_LANDING = dg.AssetSelection.groups("landing", include_sources=True)
_REFERENCE = dg.AssetSelection.groups("reference", include_sources=True)
_EDITED = _REFERENCE - dg.AssetSelection.groups("reference")
"""Reference files; the price book is computed."""

# A new price, rubric or rule does not restale history by itself, and a landing run that brought
# nothing for a day does not either.
_UNHEEDED = _LANDING | _REFERENCE
# Files that nobody has looked at through Dagster are there all the same, and on most days there is
# nothing to decide about a rollback.
_TAKEN_AS_THERE = _LANDING | _EDITED | dg.AssetSelection.groups("rollback")


class Inputs(NamedTuple):
    """What a rule must know of its asset: ``windowed`` inputs, and an ``anchor`` among the days."""

    windowed: Sequence[dg.AssetKey] = ()
    anchor: dg.AssetKey = dg.AssetKey("landed_days")


def on_landed_change(inputs: Inputs) -> Rule:
    """For what reads the landing zone: a day's landed content changed.

    ``eager()`` would ignore past days, and the usual reset loses a change that is seen in the same
    interval as the run's completion, which is the case for today's partition.
    """
    changed = Condition.any_deps_match(Condition.data_version_changed()).ignore(_UNHEEDED)
    since = changed.since(Condition.newly_requested() & ~changed)
    return ((since | _never()) & _ready(inputs)).with_label("on_landed_change")


def on_changed_inputs(inputs: Inputs) -> Rule:
    """For everything downstream: an input of the day changed, or is about to.

    Of a window's other days only finished changes count: the run that makes one is waited for.
    """
    about_to = _any_of_day(Condition.will_be_requested(), inputs, _UNHEEDED)
    changed = (
        Condition.any_deps_match(Condition.data_version_changed()).ignore(_UNHEEDED) | about_to
    )
    handled = (Condition.newly_requested() | Condition.newly_updated()) & ~about_to
    since = changed.since(handled)
    return ((since | _never()) & _ready(inputs)).with_label("on_changed_inputs")


def on_finished_day(inputs: Inputs) -> Rule:
    """As ``on_changed_inputs``, once the day has ended: quotas shift while a day fills."""
    condition = on_changed_inputs(inputs) & ~Condition.in_latest_time_window()
    return condition.with_label("on_finished_day")


def when_missing(_inputs: Inputs) -> Rule:
    """Only while it was never computed; later it is refreshed by the nightly job."""
    return (_never() & ~Condition.in_progress()).with_label("when_missing")


RULES: Mapping[str, Callable[[Inputs], Rule]] = {
    rule.__name__: rule
    for rule in (on_landed_change, on_changed_inputs, on_finished_day, when_missing)
}


def _never() -> Rule:
    return Condition.missing() & ~Condition.execution_failed()


def _ready(inputs: Inputs) -> Rule:
    """Nothing under way, every input of the day there, and its blocking checks passed.

    Without the last the daemon would run a child alone after its parent's check failed. A check of
    an input that is about to be computed decides within the run.
    """
    absent = Condition.missing() & ~Condition.will_be_requested()
    unproven = ~(
        Condition.all_checks_match(Condition.check_passed(), blocking_only=True)
        | Condition.will_be_requested()
    )
    return (
        ~_any_of_day(absent, inputs, _TAKEN_AS_THERE)
        & ~_any_of_day(unproven, inputs, _EDITED)
        & ~Condition.any_deps_in_progress()
        & ~Condition.in_progress()
    )


def _any_of_day(condition: Rule, inputs: Inputs, ignored: dg.AssetSelection) -> Rule:
    """Whether ``condition`` holds for any input of the very day, whatever the width of its window.

    Dagster would ask about every day of a window, most of which may never have had logs. A detour
    over an asset that is joined day by day asks about one.
    """
    if not inputs.windowed:
        return Condition.any_deps_match(condition).ignore(ignored)
    narrow: Rule = Condition.any_deps_match(condition).ignore(
        ignored | dg.AssetSelection.assets(*inputs.windowed)
    )
    for key in inputs.windowed:
        narrow |= Condition.asset_matches(inputs.anchor, Condition.asset_matches(key, condition))
    return narrow
