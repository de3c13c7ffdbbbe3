"""``llmops``: the command line over a data folder. Commands load what they need when they run."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from llmops_pipelines.definitions import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Batch evaluation and cost analytics of LLM applications.",
)
alerts = typer.Typer(no_args_is_help=True, help="Alerts, and where they are told.")
app.add_typer(alerts, name="alerts")

_DAY = ["%Y-%m-%d"]


@app.callback()
def _options(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder with reference/, logs/, lake/; default LLMOPS_DATA or data."),
    ] = None,
) -> None:
    context.obj = data


def _settings(context: typer.Context) -> Settings:
    from llmops_pipelines.definitions import Settings

    return Settings(data=context.obj) if context.obj else Settings()


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


@app.command()
def init(context: typer.Context) -> None:
    """Write default reference files; what is there already stays."""
    from llmops_pipelines.cli.folder import prepare

    settings = _settings(context)
    written = prepare(settings)
    typer.echo(f"{settings.data}: {len(written)} reference file(s) written, others kept")
    typer.echo(f"put logs below {settings.log_root}, then: llmops --data {settings.data} nightly")


@app.command()
def nightly(
    context: typer.Context,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="First UTC day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="Last UTC day.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Land new logs, then compute every day that is new or changed, up to its report."""
    from llmops_pipelines.cli.night import night

    raise typer.Exit(night(_settings(context), _day(first), _day(last), as_json=as_json))


@app.command("sample-logs")
def sample_logs(
    out: Annotated[Path, typer.Option(help="Folder for the logs; truth.json lies beside it.")],
    end: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Last UTC day; default yesterday.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 14,
    calls_per_day: Annotated[int, typer.Option(min=1, help="Calls on an average day.")] = 1500,
    seed: Annotated[int, typer.Option(help="Same arguments, same bytes.")] = 7,
) -> None:
    """Write a believable company's logs, with planted events and their truth."""
    from llmops_pipelines.cli.sample import write_sample

    write_sample(out, days=days, end=_day(end), calls_per_day=calls_per_day, seed=seed)


@app.command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Open the Dagster UI on the data folder's instance."""
    from llmops_pipelines.cli.folder import serve

    raise typer.Exit(serve(_settings(context), port))


@alerts.command("test")
def test_alert(context: typer.Context) -> None:
    """Send one test notification to the webhook and say what it answered."""
    from llmops_pipelines.cli.alerting import send_test

    raise typer.Exit(send_test(_settings(context)))


def main() -> None:
    """Entry point of the `llmops` command."""
    app()
