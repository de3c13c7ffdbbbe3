"""The nightly report: one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from llmops_pipelines.reporting.alerts import alerts_of
from llmops_pipelines.reporting.headline import headline_of, tiles_of
from llmops_pipelines.reporting.night import NightlyData
from llmops_pipelines.reporting.plan import plan_of
from llmops_pipelines.reporting.quality import quality_of
from llmops_pipelines.reporting.remainder import (
    evaluation_of,
    golden_of,
    judges_of,
    rejections_of,
    savings_of,
)
from llmops_pipelines.reporting.service import service_of
from llmops_pipelines.reporting.spend import spend_of
from llmops_pipelines.reporting.wording import long_day, visible

if TYPE_CHECKING:
    from jinja2 import Template


def page(night: NightlyData) -> str:
    """Write the report of one night as one HTML page: inline CSS, inline SVG, no scripts, no hosts.

    Every text that comes from logs is escaped, and what would be invisible in it is named. Equal
    data gives equal bytes. ``charts`` are taken as they are: they must be SVG of our own making.
    """
    spend, alerts, rejections = spend_of(night), alerts_of(night), rejections_of(night)
    savings, caveat = savings_of(night)
    return _template().render(
        day=night.day.isoformat(),
        long_day=long_day(night.day),
        headline=headline_of(night, spend, alerts, rejections.total),
        tiles=tiles_of(night, spend, alerts, rejections.total),
        alerts=alerts,
        spend=spend,
        why_spend_changed=visible(night.why_spend_changed, 400),
        quality=quality_of(night),
        evaluation=evaluation_of(night),
        service=service_of(night),
        rejections=rejections,
        savings=savings,
        caveat=caveat,
        plan=plan_of(night),
        replayed=not night.savings_plan.is_empty(),
        golden=golden_of(night),
        judges=judges_of(night),
        price_sources=[visible(source, 120) for source in sorted(set(night.price_sources))],
        provenance=_pairs(night.provenance),
        charts={name: Markup(drawing) for name, drawing in night.charts.items()},  # noqa: S704
    )


def as_on_page(text: str) -> str:
    """A text from logs as its HTML stands in a page, but for what is cut off there."""
    return str(escape(visible(text, longest=len(text) * len("[U+10FFFF]"))))


def _pairs(provenance: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(visible(name, 80), visible(value, 300)) for name, value in provenance.items()]


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    source = resources.files(__package__).joinpath("nightly.html.jinja").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)
