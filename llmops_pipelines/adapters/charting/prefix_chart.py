"""The chart of prompt caching: each scope's prompt tokens by what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import INK, MUTED, label, new_figure, no_data, style
from llmops_pipelines.savings import CANNOT_TELL, NOTHING_TO_SAVE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_ROWS: Final = 16
_LONGEST_NAME: Final = 50
_KINDS: Final = (
    ("read", ("read",), "#1f6f50"),
    ("could have been read", ("not_switched_on", "missed"), "#e0912f"),
    ("would be, in another order", ("order",), "#b8474f"),
    ("expired or in flight", ("in_flight", "lapsed", "expired"), "#7fa8d4"),
    ("too short, or elsewhere", ("cut_off", "elsewhere"), "#9a8cc2"),
    ("unknown since redacted", ("redacted",), "#6b6b6b"),
    ("new", ("new",), "#e3e3e3"),
)


def prompt_cache_bars(rows: pl.DataFrame, *, title: str = "Prompt tokens and the cache") -> Figure:
    """Draw one bar a scope, longest first, cut by what was read, could have been, and why not.

    Args:
        rows: ``PROMPT_CACHE_SAVINGS``; rows without a known rule are one grey bar.
        title: What the chart is called.
    """
    known = rows.filter(pl.col("feature") != "*", pl.col("prompt_tokens") > 0)
    if known.is_empty():
        return no_data(title, "no data: no prompt could be replayed")
    shown = known.sort(
        "prompt_tokens", "feature", "model", descending=[True, False, False], nulls_last=True
    ).head(_MOST_ROWS)
    # Fewer would be bars too thick, above a legend without room.
    slots = max(shown.height, 3)
    with style():
        figure = new_figure(10.4, 1.4 + 0.3 * slots)
        axes = figure.add_subplot()
        base = [0] * shown.height
        for name, columns, colour in _KINDS:
            values = shown.select(pl.sum_horizontal(pl.col(*columns).fill_null(0))).to_series()
            unknown = shown["could_read"].is_null() & (name == "new")
            width = pl.select(
                pl.when(unknown).then(shown["prompt_tokens"] - shown["read"]).otherwise(values)
            ).to_series()
            told = name if width.sum() else "_nothing of this kind"
            axes.barh(range(shown.height), width.to_list(), 0.66, base, color=colour, label=told)
            base = [low + value for low, value in zip(base, width, strict=True)]
        for place, row in enumerate(shown.iter_rows(named=True)):
            axes.annotate(
                _told(row), (base[place], place), xytext=(5, 0), textcoords="offset points",
                va="center", fontsize=8.5, color=MUTED if row["saved"] is None else INK,
            )  # fmt: skip
        axes.set_ylim(slots - 0.4, -0.6)
        axes.set_yticks(range(shown.height), [_name(row) for row in shown.iter_rows(named=True)])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.xaxis.grid(visible=True)
        axes.set_xlim(0, max(base) * 1.3)
        axes.locator_params(axis="x", nbins=6)
        axes.xaxis.set_major_formatter(lambda value, _: _tokens(value))
        axes.legend(
            # Padding is in letters: the same room below one bar as below sixteen.
            ncols=4, loc="upper left", bbox_to_anchor=(0, 0), borderaxespad=2.4,
            frameon=False, fontsize=8.5,
        )  # fmt: skip
        more = known.height - shown.height
        left_out = f"; {more} more not shown" if more else ""
        beside = "beside: what reading more would save a year, with its 95 % interval"
        parts.title(axes, title, f"what became of the tokens; {beside}{left_out}")
    return figure


def _name(row: dict[str, object]) -> str:
    version = f" {row['prompt_version']}" if row["prompt_version"] else ""
    return label(f"{row['feature']}{version}, {row['model']}", _LONGEST_NAME)


def _told(row: dict[str, object]) -> str:
    if row["could_read"] is None:
        return "no rule known"
    year, low, high = (row[f"saved_a_year{end}"] for end in ("", "_low", "_high"))
    if row["saved"] is None:
        return "no price"
    if row["state"] == NOTHING_TO_SAVE:
        return "nothing to save"
    if not isinstance(year, float):
        return "of a year unknown"
    text = _usd(year)
    if isinstance(low, float) and isinstance(high, float) and low != high:
        text += f" ({_usd(low)} to {_usd(high)})"
    return f"{text}, not proven" if row["state"] == CANNOT_TELL else text


def _usd(value: float) -> str:
    sign = "-" if value < 0 else ""
    return sign + parts.written(abs(value), "usd")


def _tokens(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
