"""``llmops charts``: the charts of spend as files, each with the figures behind it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import typer

from llmops_pipelines.adapters.charting.figures import file_bytes
from llmops_pipelines.cli.problems import UnusableError, of_file_system, typed, writable_folder
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.reporting import spend_charts
from llmops_pipelines.orchestration.storage.lake import LakeError
from llmops_pipelines.reference import ReferenceFileError

_REMEDY = "choose another --out"


def write_charts(
    settings: Settings,
    out: Path,
    ending: Literal["png", "svg"],
    first: date | None,
    last: date | None,
    *,
    as_json: bool,
) -> None:
    """Draw every chart up to ``last``, by default the latest day with costs.

    Raises:
        UnusableError: There are no costs of these days, or the folder cannot be written to.
    """
    resources = resources_of(settings)
    lake = resources.lake.open()
    day = spend_charts.latest_day(lake, last)
    if day is None or (first is not None and day < first):
        nightly = typed("--data", settings.data, "nightly")
        raise UnusableError(
            f"{settings.lake_root}: no costs of these days; compute them: {nightly}"
        )
    writable_folder(out, remedy=_REMEDY)
    since = first or day - timedelta(days=spend_charts.CHART_DAYS - 1)
    written = []
    try:
        for chart in (
            *spend_charts.spend_charts(lake, resources.reference, since, day),
            *spend_charts.saving_charts(lake, resources.reference, day),
        ):
            file = out / f"{chart.name}.{ending}"
            file.write_bytes(file_bytes(chart.figure, ending, chart.description))
            figures = out / f"{chart.name}.csv"
            chart.rows.write_csv(figures)
            written.append(
                {"chart": str(file), "figures": str(figures), "shows": chart.description}
            )
            if not as_json:
                typer.echo(f"{file}: {chart.description}; figures in {figures.name}")
    except ReferenceFileError as error:
        raise UnusableError(f"the reference files cannot be used:\n{error}") from error
    except OSError as error:
        raise of_file_system(error, remedy=_REMEDY) from error
    except LakeError as error:
        raise UnusableError(str(error)) from error
    if as_json:
        typer.echo(json.dumps({"last_day": day.isoformat(), "written": written}, indent=2))
