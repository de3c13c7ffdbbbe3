"""The chart of batches: what each feature paid, and what the same would cost at batch prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import INK, MUTED, label, new_figure, no_data, style
from llmops_pipelines.savings import CANNOT_TELL, DETECTED, INTERACTIVE, MARKED

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_ROWS: Final = 16
_SAVED: Final = {
    MARKED: ("saved: marked as not interactive", "#1f6f50"),
    DETECTED: ("would be saved: looks as if nobody waits, ask its owner", "#e0912f"),
    INTERACTIVE: ("less at batch prices, but somebody waits: nothing claimed", "#e3e3e3"),
}
_PAID: Final = ("the same calls at batch prices", "#7fa8d4")


def batch_bars(rows: pl.DataFrame, *, title: str = "Calls that nobody waits for") -> Figure:
    """Draw one bar a feature, dearest first: what was paid, cut by what batches would take off it.

    Args:
        rows: ``BATCH_SAVINGS``.
        title: What the chart is called.
    """
    known = rows.filter(~pl.col("feature").str.starts_with("* "), pl.col("paid") > 0)
    if known.is_empty():
        return no_data(title, "no data: no call outside of batches has a known batch price")
    shown = known.sort("paid", "feature", descending=[True, False]).head(_MOST_ROWS)
    slots = max(shown.height, 3)  # fewer would be bars too thick
    with style():
        figure = new_figure(10.4, 1.4 + 0.3 * slots)
        axes = figure.add_subplot()
        paid, at_batch = (
            shown[name].cast(pl.Float64).to_list() for name in ("paid", "at_batch_price")
        )
        axes.barh(range(shown.height), at_batch, 0.66, color=_PAID[1], label=_PAID[0])
        for kind, (told, colour) in _SAVED.items():
            own = [place for place, is_own in enumerate(shown["kind"] == kind) if is_own]
            if own:
                axes.barh(
                    own, [paid[n] - at_batch[n] for n in own], 0.66, [at_batch[n] for n in own],
                    color=colour, label=told,
                )  # fmt: skip
        for place, row in enumerate(shown.iter_rows(named=True)):
            axes.annotate(
                _told(row), (max(paid[place], at_batch[place]), place), xytext=(5, 0),
                textcoords="offset points", va="center", fontsize=8.5,
                color=MUTED if row["saved"] is None else INK,
            )  # fmt: skip
        axes.set_ylim(slots - 0.4, -0.6)
        axes.set_yticks(range(shown.height), [label(name) for name in shown["feature"]])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.xaxis.grid(visible=True)
        axes.set_xlim(0, max(*paid, *at_batch) * 1.35)
        axes.locator_params(axis="x", nbins=6)
        axes.xaxis.set_major_formatter(lambda value, _: parts.written(value, "usd"))
        axes.legend(
            ncols=2, loc="upper left", bbox_to_anchor=(0, 0), borderaxespad=2.4,
            frameon=False, fontsize=8.5,
        )  # fmt: skip
        more = known.height - shown.height
        beside = "beside: what batches would save a year, with its 95 % interval"
        left_out = f"; {more} more not shown" if more else ""
        window = f"paid in {rows['days'][0]} day(s)"
        parts.title(axes, title, f"{window}; {beside}{left_out}")
    return figure


def _told(row: dict[str, Any]) -> str:
    if row["kind"] == INTERACTIVE:
        return "nothing claimed"
    if row["saved_a_year"] is None:
        return "of a year unknown"
    ends = {"estimate": "", "low": "_low", "high": "_high"}
    told = parts.estimate({end: row[f"saved_a_year{tail}"] for end, tail in ends.items()}, "usd")
    return f"{told}, not proven" if row["state"] == CANNOT_TELL else told
