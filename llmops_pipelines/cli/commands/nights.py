"""The data folder and its nights: what most people run."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from llmops_pipelines.cli.options import DAY, JSON, day_option, in_order, parse_day, settings_of
from llmops_pipelines.cli.problems import told_plainly, typed

PANEL = "Nights"

app = typer.Typer()
alerts = typer.Typer(no_args_is_help=True, help="Alerts, and where they are told.")
app.add_typer(alerts, name="alerts", rich_help_panel=PANEL)


@app.command(rich_help_panel=PANEL)
def init(context: typer.Context) -> None:
    """Write default reference files; what is there already stays."""
    with told_plainly():
        from llmops_pipelines.cli.folder import prepare

        settings = settings_of(context)
        written = prepare(settings)
    typer.echo(f"{settings.data}: {len(written)} reference file(s) written, others kept")
    then = typed("--data", settings.data, "nightly")
    typer.echo(f"put logs below {settings.log_root}, then: {then}")


@app.command(rich_help_panel=PANEL)
def nightly(
    context: typer.Context,
    first: Annotated[
        date | None,
        day_option("--from", "First UTC day; default all."),
    ] = None,
    last: Annotated[date | None, day_option("--to", "Last UTC day.")] = None,
    as_json: JSON = False,
) -> None:
    """Land new logs, then compute every day that is new or changed, up to its report.

    Leaves with 0 when all went well, 1 when a run failed, 2 when nothing could be done.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.night import night

        code = night(settings_of(context), first, last, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 3000,
) -> None:
    """Open the Dagster UI on the data folder's instance."""
    with told_plainly():
        from llmops_pipelines.cli.ui import serve

        serve(settings_of(context), port)


@app.command(rich_help_panel=PANEL)
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what leaves this machine, to whom, and what is wrong; sends nothing.

    Leaves with 0 without problems, 1 with any.
    """
    with told_plainly():
        from llmops_pipelines.cli.doctor import examine

        code = examine(settings_of(context), as_json=as_json)
    raise typer.Exit(code)


@app.command("sample-logs", rich_help_panel=PANEL)
def sample_logs(
    out: Annotated[
        Path,
        typer.Option(file_okay=False, help="Folder for the logs; truth.json lies beside it."),
    ],
    end: Annotated[
        date | None,
        typer.Option(parser=parse_day, metavar=DAY, help="Last UTC day; default yesterday."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days.")] = 14,
    calls_per_day: Annotated[int, typer.Option(min=1, help="Calls on an average day.")] = 1500,
    seed: Annotated[int, typer.Option(help="Same arguments, same bytes.")] = 7,
) -> None:
    """Write a believable company's logs, with planted events and their truth."""
    with told_plainly():
        from llmops_pipelines.cli.logs.sample import write_sample

        write_sample(out, days=days, end=end, calls_per_day=calls_per_day, seed=seed)


@alerts.command("test")
def test_alert(context: typer.Context) -> None:
    """Send one test notification to the webhook and say what it answered."""
    with told_plainly():
        from llmops_pipelines.cli.alerting import send_test

        code = send_test(settings_of(context))
    raise typer.Exit(code)
