"""What ``llmops compress`` says to people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table

from llmops_pipelines.cli.judging.score_telling import paid
from llmops_pipelines.cli.savings.replays import bounded, percent, usd

_SHARES = ("extractive", "llmlingua")
"""Techniques whose setting is a share of the contexts' tokens; that of others is a number."""


def tell(told: dict[str, Any]) -> None:
    """Print a table of settings, and what is recommended."""
    console = Console()
    for line in _opening(told):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(_settings(told))
    for line in _closing(told):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _opening(told: dict[str, Any]) -> Iterator[str]:
    first = told["techniques"][0]["settings"][0]
    out = f", {len(told['rejected']):,} line(s) left out" if told["rejected"] else ""
    yield (
        f"{told['samples']:,} samples{out}; {first['tokens_before']:,.0f} prompt tokens on "
        f"average, counted by {told['counted_by']}"
    )
    yield (
        f"loss: of the embedded support score of the answers in the file, by the contexts that are "
        f"left; no answer is written anew; {first['unscored']:,} answer(s) claim nothing or refuse"
    )


def _settings(told: dict[str, Any]) -> Table:
    table = Table(
        title="what is kept, and what it loses; * recommended: a loss of at most "
        f"{100 * told['max_loss']:.3g} % proven"
    )
    for name in ("kept", "tokens saved", "used lost", "loss", "at most", "saved a 1,000 calls"):
        table.add_column(
            name, justify="left" if name == "kept" else "right", no_wrap=name == "kept"
        )
    for one in told["techniques"]:
        shown = [s for s in one["settings"] if s["shortened"]]
        for setting in shown:
            last = setting is shown[-1]
            mark = " *" if setting["is_recommended"] else ""
            table.add_row(
                _named(one["technique"], setting["setting"]) + mark,
                percent(setting["tokens_saved_share"]),
                percent(setting["used_lost_share"]),
                bounded(setting, "loss", percent),
                percent(setting["loss_at_most"]),
                bounded(setting, "saved", lambda a_call: usd(1_000 * a_call, 4)),
                end_section=last,
            )
    return table


def _closing(told: dict[str, Any]) -> Iterator[str]:
    for one in told["techniques"]:
        name = one["technique"].replace("_", " ")
        chosen = one["recommended"]
        if chosen is None:
            yield f"{name}: {one['state'].replace('_', ' ')}: {one['reason']}"
            continue
        yield (
            f"{name}: keep {_kept(one['technique'], chosen['setting'])}, which saves "
            f"{percent(chosen['tokens_saved_share'])} of the tokens; {one['reason']}"
        )
        if chosen["saved_a_year"] is not None:
            yield f"  saved a year: {bounded(chosen, 'saved_a_year', usd)}"
    chosen = [one["recommended"] for one in told["techniques"] if one["recommended"]]
    if told["no_money_because"]:
        yield f"money is unknown: {told['no_money_because']}"
    elif any(setting["saved_a_year"] is None for setting in chosen):
        yield "a year's saving is unknown without the traffic; give --calls-per-day"
    if "anew" in told:
        yield from _anew(told["anew"], told["max_loss"])
    if told["chart_out"]:
        yield f"chart in {told['chart_out']}"


def _anew(anew: dict[str, Any], max_loss: float) -> Iterator[str]:
    """What answering and judging anew came to."""
    yield (
        f"answered anew with {_named(anew['technique'], anew['setting'])}: {anew['pairs']:,} pairs "
        f"judged by {anew['judge']} on {anew['metric']}, {anew['unscored']:,} without both scores; "
        f"{anew['calls']:,} calls, {paid(anew)}"
    )
    if anew["loss"] is None:
        yield "  no pair has both scores: what it loses is unknown"
        return
    verdict = (
        f"proven at most {100 * max_loss:.3g} %"
        if anew["state"] == "recommended"
        else f"cannot tell whether it is at most {100 * max_loss:.3g} %"
    )
    if not anew["saving_is_proven"]:
        verdict += "; that it saves anything is not proven"
    yield (
        f"  score {anew['score_full']:.3f} from full prompts, {anew['score_short']:.3f} from short "
        f"ones; loss {bounded(anew, 'loss', percent)}, at most {percent(anew['loss_at_most'])}: "
        f"{verdict}"
    )


def _named(technique: str, setting: float) -> str:
    name = technique.replace("_", " ")
    return f"{name}, {_kept(technique, setting)}" if setting else name


def _kept(technique: str, setting: float) -> str:
    return percent(setting, 0) if technique in _SHARES else f"{setting:.0f}"
