"""The rows of ``PROMPT_CACHE_SAVINGS``: the replayed calls of each scope, added up and bounded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import polars as pl

from llmops_pipelines.savings.prompt_cache.divergence import Divergence
from llmops_pipelines.savings.prompt_cache.replayable import CACHE_SCOPE
from llmops_pipelines.savings.prompt_cache.rules import PrefixRule, rule_of
from llmops_pipelines.savings.recommendation import CANNOT_TELL
from llmops_pipelines.savings.window_totals import is_proven_saving, saved_figures
from llmops_pipelines.tables import CACHE_REASONS, PROMPT_CACHE_SAVINGS

ALL: Final = "*"

WORTH_IT: Final = "worth_it"
COSTS_MORE: Final = "costs_more"
UNKNOWN_RULE: Final = "unknown_rule"
NOTHING_TO_SAVE: Final = "nothing_to_save"

_REASONS: Final = tuple(name for name, _ in CACHE_REASONS)
_TOKENS: Final = ("could_read", *_REASONS, "written")
_MONEY: Final = ("already_saved", "reorder_saved")


def prompt_cache_rows(
    replayed: pl.DataFrame | None,
    left_out: pl.DataFrame,
    days: list[date],
    differing: Mapping[int, Divergence],
    digest: str,
    traffic_days: float | None,
) -> pl.DataFrame:
    """A row per scope, and ``*`` for all scopes that are worth it.

    A scope is worth it where the 95 % interval of its saving lies above 0, or no call costs more.

    Args:
        replayed: As ``replay_prompt_cache`` returns it; None where no call could be replayed.
        left_out: ``CACHE_SCOPE`` and ``why`` of successful calls that were not replayed.
        days: Days of the window that have calls, in order; not empty.
        differing: Where prompts begin to differ, by ``scope``.
        digest: Of all this rests on.
        traffic_days: How many days of traffic these calls are, for a year; None where unknown.
    """
    missing = _left_out(left_out)
    window = {
        "first_day": days[0],
        "last_day": days[-1],
        "days": len(days),
        "inputs_digest": digest,
    }
    rows, worth = [], []
    for own in [] if replayed is None else replayed.partition_by("scope", maintain_order=True):
        row = _row(own, missing, traffic_days, differing.get(own["scope"][0]))
        rows.append(row)
        if row["state"] == WORTH_IT:
            worth.append(own)
    rows += [_untold(scope, why) for scope, why in missing.items()]
    if replayed is not None:
        rows.append(_all(replayed, worth, rows, traffic_days))
    return _frame([row | window for row in rows])


def _row(
    calls: pl.DataFrame,
    missing: dict[tuple[Any, ...], dict[str, int]],
    days: float | None,
    differs: Divergence | None,
) -> dict[str, Any]:
    key = calls.select(CACHE_SCOPE).row(0)
    rule = rule_of(key[3], key[4])
    sums = _sums(calls)
    figures = saved_figures(calls, days)
    state, reason = _state(figures, rule, calls["saved"], known=calls["arrangement"][0] is not None)
    tokens, length = (int(calls[name].sum()) for name in ("prompt_tokens", "prompt_bytes"))
    return (
        dict(zip(CACHE_SCOPE, key, strict=True))
        | sums
        | figures
        | _why_left_out(missing.pop(key, {}))
        | {
            "state": state,
            "reason": reason,
            "main_reason": _main_reason(sums),
            "arrangement": calls["arrangement"][0],
            "rule": told_rule(rule) if rule else None,
        }
        | (
            {
                "volatile_at": differs.at * tokens // max(length, 1),
                "volatile_shape": differs.shape,
                "volatile_after": differs.after,
            }
            if differs
            else {}
        )
    )


def _sums(calls: pl.DataFrame) -> dict[str, Any]:
    """Tokens, null where they are not known; money over calls that have it."""
    priced = calls.filter(pl.col("cost").is_not_null())
    return {
        "calls": calls.height,
        "unpriced": calls.height - priced.height,
        "prompt_tokens": calls["prompt_tokens"].sum(),
        **{n: calls[n].sum() if calls[n].null_count() < calls.height else None for n in _TOKENS},
        "paid": priced["cost"].sum() if priced.height else None,
        **{n: calls[n].sum() if calls[n].null_count() < calls.height else None for n in _MONEY},
    }


def _state(
    figures: Mapping[str, Any], rule: PrefixRule | None, each: pl.Series, *, known: bool
) -> tuple[str, str | None]:
    """State, and why a saving above 0 is worth it or cannot be told."""
    saved = figures["saved"]
    if rule is None or not known:
        return UNKNOWN_RULE, None
    if saved is None:
        return "unpriced", None
    if saved <= 0:
        return (COSTS_MORE if saved < 0 else NOTHING_TO_SAVE), None
    proven, why = is_proven_saving(figures, each)
    return (WORTH_IT if proven else CANNOT_TELL), why


def _main_reason(sums: Mapping[str, Any]) -> str | None:
    """The largest reason that is neither ``read`` nor ``new``; None where there is none."""
    reasons = {name: sums[name] or 0 for name in _REASONS[1:-1]}
    most = max(reasons, key=lambda name: reasons[name])
    return most if reasons[most] else None


def _all(
    replayed: pl.DataFrame,
    worth: list[pl.DataFrame],
    rows: list[dict[str, Any]],
    days: float | None,
) -> dict[str, Any]:
    """All calls of known rules; saved are those that are worth it: nobody would do the others."""
    ruled = replayed.filter(pl.col("arrangement").is_not_null())
    sums, unruled = _sums(ruled), replayed.height - ruled.height
    good = pl.concat(worth) if worth else replayed.clear()
    unproven = sum(row["state"] == CANNOT_TELL for row in rows)
    figures = saved_figures(good, days)
    return (
        dict.fromkeys(CACHE_SCOPE)
        | {"feature": ALL}
        | sums
        | figures
        | {
            "state": WORTH_IT if worth else CANNOT_TELL if unproven else NOTHING_TO_SAVE,
            "reason": f"{unproven:,} more might save and are not proven to" if unproven else None,
            "left_out": sum(row["left_out"] for row in rows) + unruled,
            "left_out_why": f"{unruled:,} of models without a known rule" if unruled else None,
            "main_reason": _main_reason(sums),
        }
    )


def _untold(scope: tuple[Any, ...], why: dict[str, int]) -> dict[str, Any]:
    """The row of a scope of which no call could be replayed."""
    nothing = {"calls": 0, "unpriced": 0, "prompt_tokens": 0, "state": "no_text"}
    return dict(zip(CACHE_SCOPE, scope, strict=True)) | nothing | _why_left_out(why)


def _left_out(left_out: pl.DataFrame) -> dict[tuple[Any, ...], dict[str, int]]:
    counted = left_out.group_by(*CACHE_SCOPE, "why").len().sort(*CACHE_SCOPE, "why")
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    for *scope, why, count in counted.iter_rows():
        found.setdefault(tuple(scope), {})[why] = count
    return found


def _why_left_out(why: dict[str, int]) -> dict[str, Any]:
    told = ", ".join(f"{count:,} {reason}" for reason, count in why.items())
    return {"left_out": sum(why.values()), "left_out_why": told or None}


def told_rule(rule: PrefixRule) -> str:
    """A rule in a line, with its source and date."""
    kept = f"kept {rule.ttl_s:,} s" if rule.ttl_s else "kept for an unknown time"
    return (
        f"from {rule.minimum:,} tokens in blocks of {rule.increment:,}, {kept}"
        f"{'' if rule.is_automatic else ', breakpoints to be set'}"
        f"{f'; {rule.note}' if rule.note else ''} ({rule.source}, {rule.as_of})"
    )


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    empty = dict.fromkeys(PROMPT_CACHE_SAVINGS.schema.names())
    return PROMPT_CACHE_SAVINGS.require(
        pl.DataFrame([empty | row for row in rows], schema=PROMPT_CACHE_SAVINGS.schema)
    )
