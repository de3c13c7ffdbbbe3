"""What ``llmops score`` says when it is done: one object for machines, sentences for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from llmops_pipelines.adapters.scoring import REJECTED
from llmops_pipelines.cli.night import FAILED, OK
from llmops_pipelines.cli.problems import UNUSABLE
from llmops_pipelines.cli.telling import say
from llmops_pipelines.judging.bounds import Bound, Judgement, judged, score_interval
from llmops_pipelines.judging.ledger import cost_of
from llmops_pipelines.judging.samples import meant
from llmops_pipelines.orchestration.scoring.scoring import Scoring
from llmops_pipelines.statistics import Interval

BELOW, CANNOT_TELL = 3, 4
"""Exit codes: a bound is broken; the scores cannot tell whether one holds."""

_SHOWN = 3
"""Rejected lines, repeated ids and reasons that are told one by one."""


def write(scoring: Scoring, out: TextIO) -> None:
    """One row per line of the file that is not blank, in its order."""
    spec = scoring.chosen.spec.spec_id
    for row in scoring.spool.rows():
        cost = None if row.cost is None else float(row.cost)
        told = {
            "id": row.id, "outcome": row.outcome, "score": row.score, "reason": row.reason,
            "attempts": row.attempts, "cost_usd": cost, "spec": spec,
        }  # fmt: skip
        out.write(json.dumps(told, ensure_ascii=False) + "\n")


def tell_all(
    scoring: Scoring, file: Path, out: Path | None, bounds: Sequence[Bound]
) -> dict[str, Any]:
    """The one object of ``--json``."""
    spool, spec = scoring.spool, scoring.chosen.spec
    outcomes = spool.outcomes()
    found = score_interval(*spool.scores())
    silent = outcomes.get("not_applicable", 0)
    unscored = sum(outcomes.values()) - found.n - silent
    repeated, examples = spool.repeated_ids(_SHOWN)
    judgements = [_judged(bound, scoring, found, unscored) for bound in bounds]
    code = _exit_code(scoring, outcomes, judgements)
    return {
        "file": str(file),
        "metric": spec.metric,
        "spec": spec.spec_id,
        "model": spec.model,
        "stands_in_for": scoring.chosen.stands_in_for,
        "endpoint": _endpoint(scoring),
        "lines": scoring.lines,
        "blank_lines": scoring.blank,
        "outcomes": outcomes,
        "score": {
            "estimate": found.estimate, "low": found.low, "high": found.high, "n": found.n,
            "unscored": unscored, "not_applicable": silent,
        },
        "calls": scoring.calls,
        "calls_saved": scoring.calls_saved,
        "faults": scoring.faults,
        "cost_usd": _float(scoring.cost),
        "calls_of_unknown_cost": scoring.uncosted,
        "preflight": _preflight(scoring),
        "canaries": [
            {
                "state": c.state, "expects": c.expects, "detail": c.detail, "calls": c.calls,
                "cost_usd": _float(c.cost), "calls_of_unknown_cost": c.uncosted,
            }
            for c in scoring.canaries
        ],
        "batches": [
            {"batch": one.batch, "state": one.state, "over": one.over, "told": one.told}
            for one in scoring.progress
        ],
        "members": [_member(member) for member in scoring.members],
        "rejected": [
            {"line": line, "id": name, "reason": reason}
            for line, name, reason in spool.reasons(REJECTED, _SHOWN)
        ],
        "without_verdict": [
            {"outcome": outcome, "line": line, "id": name, "reason": reason}
            for outcome, begins in _WITHOUT_VERDICT.items()
            for line, name, reason in spool.reasons(outcome, 1, begins)
        ],
        "repeated_ids": repeated,
        "repeated": [{"id": name, "first_line": line, "lines": n} for name, line, n in examples],
        "unread_fields": {**scoring.unread},
        "bounds": [
            {"bound": str(j.bound), "held": j.held, "low": j.low, "high": j.high, "why": j.why}
            for j in judgements
        ],
        "out": str(out) if out else None,
        "exit_code": code,
        "error": _why_useless(scoring, file) if code == UNUSABLE else None,
    }  # fmt: skip


_OWED = ("pending", "failed", "over_budget", "over_policy", "unreadable", "refused")
_WITHOUT_VERDICT = dict.fromkeys(_OWED, "") | {"not_applicable": "too_long"}
"""Outcomes of which the first line is shown, and what its reason begins with."""


def _exit_code(
    scoring: Scoring, outcomes: Mapping[str, int], judgements: Sequence[Judgement]
) -> int:
    held = {judgement.held for judgement in judgements}
    if outcomes.get(REJECTED, 0) == scoring.lines - scoring.blank:
        return UNUSABLE
    if "broken" in held:
        return BELOW
    if "cannot_tell" in held:
        return CANNOT_TELL
    left = outcomes.get("failed", 0) + outcomes.get("pending", 0)
    return FAILED if (left or _nothing_scored(outcomes)) and not judgements else OK


def _nothing_scored(outcomes: Mapping[str, int]) -> bool:
    """Whether there were samples to be judged and none of them has a score."""
    to_judge = {name for name, count in outcomes.items() if count} - {REJECTED, "not_applicable"}
    return bool(to_judge) and "scored" not in to_judge


def _endpoint(scoring: Scoring) -> str | None:
    """Host and port of where it was asked, of a jury of all of them."""
    if scoring.chosen.local:
        return None
    seats = [each.seat for each in scoring.members or (scoring,)]
    return ", ".join(dict.fromkeys(urlsplit(seat.endpoint.base_url).netloc for seat in seats))


def _member(member: Scoring) -> dict[str, Any]:
    """One seat of a jury."""
    return {
        "model": member.chosen.spec.model,
        "spec": member.chosen.spec.spec_id,
        "endpoint": _endpoint(member),
        "outcomes": member.spool.outcomes(),
        "calls": member.calls,
        "calls_saved": member.calls_saved,
        "cost_usd": _float(member.cost),
        "calls_of_unknown_cost": member.uncosted,
        "preflight": _preflight(member),
    }


def _judged(bound: Bound, scoring: Scoring, found: Interval, unscored: int) -> Judgement:
    chosen = scoring.chosen
    if chosen.stands_in_for == bound.metric:
        why = f"{bound.metric} was not measured: {chosen.spec.metric} stood in for it"
        return Judgement(bound, "cannot_tell", None, None, why)
    if scoring.doubt:
        return Judgement(bound, "cannot_tell", None, None, f"preflight: {scoring.doubt}")
    return judged(bound, found, unscored)


def _preflight(scoring: Scoring) -> dict[str, Any] | None:
    finding, asked = scoring.finding, scoring.preflighted
    if finding is None:
        return None
    return {
        "calls": finding.calls if asked else 0,
        "cost_usd": _float(finding.cost) if asked else 0.0,
        "calls_of_unknown_cost": finding.uncosted if asked else 0,
        "checked_at": finding.checked_at.isoformat(),
        "response_format": finding.response_format,
        "model_served": finding.model_served,
        "right": finding.right,
        "doubt": finding.doubt,
    }


def _float(cost: Decimal | None) -> float | None:
    return None if cost is None else float(cost)


def _why_useless(scoring: Scoring, file: Path) -> str:
    if scoring.lines == scoring.blank:
        return f"{file}: no samples in it; write one JSON object a line"
    first = scoring.spool.reasons(REJECTED, 1)[0]
    return f"{file}: no line is a sample; line {first[0]} {first[2]}"


def sentences(told: dict[str, Any], seconds: float) -> Iterator[str]:
    """The same for people."""
    if told["error"]:
        say(told["error"])
        return
    outcomes = ", ".join(f"{count:,} {name}" for name, count in told["outcomes"].items())
    yield f"{told['lines'] - told['blank_lines']:,} samples: {outcomes}"
    if _nothing_scored(told["outcomes"]):
        yield f"NOTHING WAS SCORED: this run says nothing about {told['metric']}"
    score = told["score"]
    if score["n"]:
        spread = (
            ""
            if score["low"] is None
            else f", 95 % interval {score['low']:.4g} to {score['high']:.4g}"
        )
        yield (
            f"{told['metric']} {score['estimate']:.4g}{spread}, n = {score['n']:,}, "
            f"{score['unscored']:,} without a score, {score['not_applicable']:,} not applicable"
        )
    yield f"{_calls(told)}, {seconds:.1f} s{_apart(told)}"
    for seat in told["members"]:
        outcomes = ", ".join(f"{count:,} {name}" for name, count in seat["outcomes"].items())
        yield f"  {seat['model']} at {seat['endpoint']}: {outcomes}; {_calls(seat)}"
    yield from _warnings(told)
    for bound in told["bounds"]:
        word = {"holds": "holds", "broken": "BROKEN", "cannot_tell": "cannot tell"}[bound["held"]]
        yield f"{bound['bound']}: {word}; {bound['why']}"
    if told["out"]:
        yield f"rows in {told['out']}"


def _calls(told: dict[str, Any]) -> str:
    return (
        f"{told['calls']:,} calls made, {told['calls_saved']:,} saved by the ledger, {paid(told)}"
    )


def _preflights(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each["preflight"] for each in (told, *told["members"]) if each["preflight"]]


def _apart(told: dict[str, Any]) -> str:
    """What was paid besides the file's own verdicts."""
    parts = {"preflight": _preflights(told), "canaries": told["canaries"]}
    return "".join(
        f"; {name} apart: {whole['calls']} calls, {paid(whole)}"
        for name, bought in parts.items()
        if (whole := bought_in_all(bought))["calls"]
    )


def bought_apart(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was bought besides the file's own verdicts: preflights and canaries."""
    return [*_preflights(told), *told["canaries"]]


def bought_in_all(bought: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Calls, the dollars that are known, and how many calls are not in them, of all together."""
    costs = [None if (cost := part["cost_usd"]) is None else Decimal(cost) for part in bought]
    return {
        "calls": sum(part["calls"] for part in bought),
        "cost_usd": _float(cost_of(costs)),
        "calls_of_unknown_cost": sum(part["calls_of_unknown_cost"] for part in bought),
    }


def paid(bought: Mapping[str, Any]) -> str:
    """The dollars that are known, and how many calls are not in them."""
    known, uncosted = bought["cost_usd"], bought["calls_of_unknown_cost"]
    if known is None:
        return "cost unknown (no price, or no usage told)"
    return f"${known:.4f}" + (f" and {uncosted:,} calls of unknown cost" if uncosted else "")


def _warnings(told: dict[str, Any]) -> Iterator[str]:
    for row in told["rejected"]:
        yield f"rejected: line {row['line']:,} ({row['id']}): {row['reason']}"
    for row in told["without_verdict"]:
        yield f"{row['outcome']}, first on line {row['line']:,} ({row['id']}): {row['reason']}"
    for each in _preflights(told):
        if each["doubt"]:
            yield f"preflight: {each['doubt']}; look at these verdicts before you trust them"
    reasons = " ".join(row["reason"] or "" for row in told["without_verdict"])
    if "response_format" in reasons and told["preflight"] is None:
        yield (
            "the endpoint minds how it was held to JSON: without --no-preflight another way is "
            "looked for first"
        )
    for canary in told["canaries"]:
        if canary["state"] == "missed":
            yield (
                f"a canary of {told['metric']} was missed: {canary['detail']}; look at these "
                "verdicts before you trust them"
            )
    if mute := [canary for canary in told["canaries"] if canary["state"] == "unanswered"]:
        yield (
            f"{len(mute)} canaries of {told['metric']} had no reply, which says nothing of the "
            f"judge: {mute[0]['detail']}"
        )
    if told["repeated_ids"]:
        first = told["repeated"][0]
        yield (
            f"{told['repeated_ids']:,} id(s) stand on several lines, such as {first['id']} from "
            f"line {first['first_line']:,}; every line has its own row"
        )
    for field, found in meant(told["unread_fields"]).items():
        yield f"nothing reads the field {found!r}; {field} may be meant"
