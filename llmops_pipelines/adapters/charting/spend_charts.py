"""What spend is made of, over days: the share of each model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from llmops_pipelines.adapters.charting import chart_parts as parts
from llmops_pipelines.adapters.charting.figures import PALETTE, label, new_figure, no_data, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def model_mix(costs: pl.DataFrame, *, title: str = "Model mix", top: int = 6) -> Figure:
    """Draw each model's share of every day's spend, the dearest at the bottom, the rest as `other`.

    Args:
        costs: ``day``, ``model``, ``cost`` in US dollars and ``unpriced_calls``.
        title: What the chart is called.
        top: Models shown by name.
    """
    daily = (
        costs.drop_nulls("cost")
        .group_by("day", "model")
        .agg(pl.col("cost").sum().cast(pl.Float64))
        .with_columns(share=pl.col("cost") / pl.col("cost").sum().over("day"))
        .filter(pl.col("cost") > 0)
    )
    if daily.is_empty():
        return no_data(title, "no data: no call of these days has a price")
    ranked = daily.group_by("model").agg(pl.col("cost").sum())
    models = ranked.sort(["cost", "model"], descending=[True, False])["model"].to_list()
    groups = [[name] for name in models[:top]] + ([models[top:]] if models[top:] else [])
    days = parts.every_day(costs["day"].to_list())
    last = max(place for place, day in enumerate(days) if day in set(daily["day"]))
    with style():
        figure = new_figure(10.4, 3.1)
        axes = figure.add_subplot()
        base = [0.0] * len(days)
        ends: list[tuple[float, str, str]] = []
        for index, names in enumerate(groups):
            shares = dict(
                daily.filter(pl.col("model").is_in(names))
                .group_by("day")
                .agg(pl.col("share").sum())
                .iter_rows()
            )
            values = [shares.get(day, 0.0) for day in days]
            rest = index == top
            colour = PALETTE[-1] if rest else PALETTE[index % (len(PALETTE) - 1)]
            axes.bar(
                range(len(days)),
                values,
                parts.bar_width(days, 0.86),
                bottom=base,
                color=colour,
                linewidth=0,
            )
            name = f"{len(names)} other" if rest else label(names[0])
            text = f"{name} {parts.written(values[last], 'share')}"
            ends.append((base[last] + values[last] / 2, text, colour))
            base = [low + value for low, value in zip(base, values, strict=True)]
        axes.set_xlim(-0.6, len(days) - 0.4)
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        parts.day_axis(axes, days)
        marked = parts.places_without_prices(costs, days)
        parts.mark_unknown(axes, marked)
        parts.name_ends(axes, len(days) - 0.45, ends)
        note = "; ▲ some calls have no price" if marked else ""
        parts.title(axes, title, f"share of each day's spend; labels are the last day{note}")
    return figure
