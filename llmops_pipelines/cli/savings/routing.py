"""``llmops routing``: what a router would save on a file of paired outcomes, and at what loss."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from llmops_pipelines import savings
from llmops_pipelines.adapters import minilm
from llmops_pipelines.adapters.charting.frontier_chart import routing_frontier
from llmops_pipelines.cli.logs.record_reading import read_records
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.cli.savings.embedding import embed
from llmops_pipelines.cli.savings.replays import CANNOT_TELL, bounded, percent, usd, write_chart
from llmops_pipelines.cli.tables import print_whole
from llmops_pipelines.formats.bodies.messages import messages_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN_STEPS = 10


@dataclass(frozen=True)
class Order:
    """What is asked of the file."""

    file: Path
    max_loss: float
    calls_per_day: float | None
    policy_out: Path | None
    chart_out: Path | None
    weak: str | None = None
    strong: str | None = None


def route(order: Order, *, as_json: bool) -> int:
    """Replay the file, print what came of it, write what was asked for.

    Raises:
        UnusableError: The file cannot be read, or a file cannot be written.
    """
    try:
        shaped = savings.as_paired(_read(order.file), weak=order.weak, strong=order.strong)
        if shaped.read_as:
            said = ", ".join(f"{name} is {column}" for name, column in shaped.read_as.items())
            typer.echo(f"read as: {said}", err=True)
        outcomes = savings.paired_outcomes(shaped.rows)
        replay = savings.replay_routing(
            outcomes,
            embed(outcomes.pairs["text"].to_list()),
            embedding=minilm.weights(),
            max_loss=order.max_loss,
        )
    except savings.OutcomesError as error:
        raise UnusableError(f"{order.file}: {error}") from error
    told = _told(order, replay)
    if replay.policy and order.policy_out:
        _write_policy(order.policy_out, replay.policy.to_json())
    if order.chart_out:
        write_chart(order.chart_out, _chart(replay), "frontier of routing")
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _tell(told, replay)
    return int(told["exit_code"])


def _read(file: Path) -> pl.DataFrame:
    """The records of the file, as ``savings.paired_outcomes`` takes them."""
    told = f"a record has {', '.join(savings.PAIRED)}"
    records = [(line, _flat(record)) for line, record in read_records(file, told)]
    if not records:
        raise UnusableError(f"{file}: no rows in it")
    given = {name for _, record in records for name in record}
    # Columns in the order of the first record, so that a message lists them as the file does.
    names = [*records[0][1], *sorted(given - set(records[0][1]))]
    return pl.DataFrame(
        [_column(name, [record.get(name) for _, record in records]) for name in names]
    )


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """What an object inside has by model, or side, as columns of its own: ``scores.gpt-4o``.

    One of objects by model, or a list of them that names each, is told by model:
    ``gpt-4o.score`` of ``{"results": {"gpt-4o": {"score": 1}}}``.
    """
    flat: dict[str, Any] = {}
    for name, value in record.items():
        by_model = _by_model(value)
        if by_model:
            flat |= {f"{key}.{field}": own for key, of in by_model for field, own in of.items()}
        elif isinstance(value, dict) and value:
            flat |= {f"{name}.{key}": own for key, own in value.items()}
        else:
            flat[name] = value
    return flat


def _by_model(value: Any) -> list[tuple[str, dict[str, Any]]]:
    if isinstance(value, dict) and value and all(isinstance(of, dict) for of in value.values()):
        return list(value.items())
    if isinstance(value, list) and all(
        isinstance(of, dict) and isinstance(of.get("model"), str) for of in value
    ):
        return [(of["model"], of) for of in value]
    return []


def _column(name: str, values: list[Any]) -> pl.Series:
    """Numbers as such, all else as text: of messages what they say, one after another."""
    known = [value for value in values if value is not None]
    if all(isinstance(value, bool | int | float | Decimal) for value in known):
        numbers = [None if value is None else float(value) for value in values]
        if savings.PAIRED.get(name) != pl.String:
            return pl.Series(name, numbers, pl.Float64)
    texts = [None if value is None else _text(value) for value in values]
    return pl.Series(name, texts, pl.String)


def _text(value: Any) -> str:
    if isinstance(value, list) or (isinstance(value, str) and value.startswith("[{")):
        # Messages, or the cell of a table that holds them.
        said = [str(message["content"]) for message in messages_of(value)]
        return "\n".join(said) if said else str(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _write_policy(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise of_file_system(error, remedy="choose another --policy-out") from error


def _chart(replay: savings.RoutingReplay) -> Figure:
    own = replay.own
    recommended = own.choice.step if own.choice.state == savings.RECOMMENDED else None
    return routing_frontier(
        pl.concat(one.points.with_columns(router=pl.lit(one.router)) for one in replay.routers),
        max_loss=replay.max_loss,
        router=own.router,
        recommended=recommended,
        questions=replay.questions,
    )


def _told(order: Order, replay: savings.RoutingReplay) -> dict[str, Any]:
    """The one object of ``--json``."""
    own = replay.own
    found = own.choice.state == savings.RECOMMENDED
    return {
        "file": str(order.file),
        "questions": replay.questions,
        "groups": replay.groups,
        "left_out": replay.left_out,
        "unpriced": replay.unpriced,
        "kept_together": replay.kept_together,
        "groups_share_questions": replay.groups_share_questions,
        "split_by": "group" if replay.by_group else "question",
        "intervals_speak_of": _spoken_of(replay),
        "score_weak": replay.quality_weak,
        "score_strong": replay.quality_strong,
        "calibration_error": replay.calibration_error,
        "max_loss": replay.max_loss,
        "recommended_router": own.router,
        "state": own.choice.state,
        "reason": own.choice.reason,
        "recommended": _point(own, order.calls_per_day) if found else None,
        "routers": [
            {
                "router": one.router,
                **{name: value._asdict() for name, value in one.metrics._asdict().items()},
                "state": one.choice.state,
                "reason": one.choice.reason,
                "point": _point(one, order.calls_per_day),
            }
            for one in replay.routers
        ],
        "frontier": [_finite(row) for row in own.points.iter_rows(named=True)],
        "policy": replay.policy and json.loads(replay.policy.to_json()),
        "policy_out": str(order.policy_out) if found and order.policy_out else None,
        "chart_out": str(order.chart_out) if order.chart_out else None,
        "exit_code": 0 if found else CANNOT_TELL,
    }


def _spoken_of(replay: savings.RoutingReplay) -> str:
    if replay.kept_together == "text":
        return "more questions like these"
    return "sources not seen" if replay.whole_groups else "more questions of the same sources"


def _point(replayed: savings.Replayed, calls_per_day: float | None) -> dict[str, Any]:
    year = savings.saved_a_year(replayed.point, calls_per_day)
    return _finite(replayed.point) | {
        "saved_a_year": {"estimate": year.estimate, "low": year.low, "high": year.high}
    }


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no infinity: null is the threshold that all, or no, calls reach."""
    threshold = row["threshold"]
    return row | {
        "threshold": threshold if threshold is not None and math.isfinite(threshold) else None
    }


def _tell(told: dict[str, Any], replay: savings.RoutingReplay) -> None:
    """The same for people."""
    console = Console()
    for line in _opening(told):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for table in (_gaps(told), _routers(told), _frontier(replay.own)):
        print_whole(console, table)
    for line in _closing(told):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if replay.policy:
        console.print(_rules(replay.policy.rules))


def _opening(told: dict[str, Any]) -> Iterator[str]:
    out = "".join(f", {count:,} left out ({why})" for why, count in told["left_out"].items())
    yield (
        f"{told['questions']:,} questions of {told['groups']:,} groups{out}; mean score "
        f"{told['score_weak']:.4g} by the small model, {told['score_strong']:.4g} by the large one"
    )
    if told["unpriced"]:
        yield f"{told['unpriced']:,} without both costs: in the quality, not in the money"
    if told["groups_share_questions"]:
        yield "most questions are in several groups: no group is a source, equal questions are"
    split = (
        f"no {told['kept_together']} is on both sides of a split"
        if told["split_by"] == "group"
        else "there is one group, or groups share questions: split by question"
    )
    yield f"predicted out of fold, {split}; intervals speak of {told['intervals_speak_of']}"


def _gaps(told: dict[str, Any]) -> Table:
    """What each router is worth over all shares of large calls."""
    table = Table(title="routers at every share of calls to the large model")
    for name in ("router", "area", "APGR", "CPT(50 %)", "CPT(80 %)"):
        table.add_column(name, justify="left" if name == "router" else "right")
    for one in told["routers"]:
        gaps = (one[name] for name in ("apgr", "cpt_50", "cpt_80"))
        table.add_row(
            one["router"],
            _written(one["area"]),
            *("no gap" if gap["estimate"] is None else _written(gap) for gap in gaps),
        )
    return table


def _routers(told: dict[str, Any]) -> Table:
    table = Table(title=f"routers, each at a loss of at most {100 * told['max_loss']:.3g} % proven")
    for name in ("router", "to large", "loss", "saved a 1,000 calls", "saved", "saved a year"):
        table.add_column(name, justify="left" if name == "router" else "right")
    for one in told["routers"]:
        point, found = one["point"], one["state"] == savings.RECOMMENDED
        table.add_row(
            one["router"],
            *(
                (
                    percent(point["strong_share"], 0),
                    bounded(point, "loss", percent),
                    bounded(point, "saved", lambda a_call: usd(1_000 * a_call, 4)),
                    bounded(point, "saved_share", percent),
                    _written(point["saved_a_year"], "$", 0),
                )
                if found
                else (one["state"].replace("_", " "), "", "", "", "")
            ),
        )
    return table


def _frontier(own: savings.Replayed) -> Table:
    table = Table(
        title=f"frontier of the {own.router} router; intervals of loss and saving hold together"
    )
    for name in ("step", "threshold", "to large", "score", "loss", "at most", "saved", ""):
        table.add_column(name, justify="right")
    for row in own.points.iter_rows(named=True):
        chosen = row["step"] == own.choice.step and own.choice.state == savings.RECOMMENDED
        if row["step"] % _SHOWN_STEPS and not chosen:
            continue
        table.add_row(
            str(row["step"]),
            f"{row['threshold']:.4f}" if math.isfinite(row["threshold"]) else "",
            percent(row["strong_share"], 0),
            f"{row['quality']:.4f}",
            bounded(row, "loss", percent),
            percent(row["loss_at_most"]),
            bounded(row, "saved_share", percent),
            "recommended" if chosen else "",
        )
    return table


def _closing(told: dict[str, Any]) -> Iterator[str]:
    if told["recommended"] is None:
        yield f"{told['state'].replace('_', ' ')}: {told['reason']}; no policy is written"
        return
    point = told["recommended"]
    yield (
        f"recommended: step {point['step']}, {percent(point['strong_share'], 0)} of calls to the "
        f"large model; {told['reason']}"
    )
    if point["saved"] is None:
        yield "no costs: what it saves is unknown; give cost_weak and cost_strong"
    elif point["saved_a_year"]["estimate"] is None:
        yield "a year's saving is unknown without the traffic; give --calls-per-day"
    if told["policy_out"]:
        yield f"policy in {told['policy_out']}"
    if told["chart_out"]:
        yield f"chart in {told['chart_out']}"


def _rules(rules: list[dict[str, Any]]) -> Table:
    table = Table(
        title="the policy in words; it decides by the vector too, so rules are near, not same"
    )
    for name in ("a question with", "goes to", "questions", "agreement", "small", "large"):
        table.add_column(
            name, justify="left" if name in ("a question with", "goes to") else "right"
        )
    for rule in rules:
        table.add_row(
            rule["rule"],
            rule["model"],
            f"{rule['questions']:,}",
            percent(rule["agreement"], 0),
            f"{rule['score_weak']:.3f}",
            f"{rule['score_strong']:.3f}",
        )
    return table


def _written(figure: dict[str, Any], unit: str = "", digits: int = 3) -> str:
    if figure["estimate"] is None:
        return "unknown"
    text = f"{unit}{figure['estimate']:,.{digits}f}"
    if figure["low"] is None or figure["high"] is None:
        return text
    return f"{text} ({figure['low']:,.{digits}f} to {figure['high']:,.{digits}f})"
