"""Logs on their way in."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from llmops_pipelines.cli.options import JSON, day_option, in_order, settings_of
from llmops_pipelines.cli.problems import told_plainly

PANEL = "Logs"

app = typer.Typer()


@app.command("import", rich_help_panel=PANEL)
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(readable=False, help="One log file, wherever it lies.")],
    chosen: Annotated[
        str | None,
        typer.Option("--as", metavar="FORMAT", help="Read it as this, whatever it looks like."),
    ] = None,
    as_json: JSON = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the log folder, below imported/.")
    ] = False,
    write_mapping: Annotated[
        bool, typer.Option("--write-mapping", help="Propose an entry for sources.yaml.")
    ] = False,
) -> None:
    """Show what a log file would become: rows, losses, cost, fields. Writes only if asked.

    Leaves with 0 when anything of it can be read, 2 when nothing can.
    """
    with told_plainly():
        from llmops_pipelines.cli.logs.importing import import_file

        code = import_file(
            settings_of(context),
            file,
            chosen=chosen,
            as_json=as_json,
            write=write,
            write_mapping=write_mapping,
        )
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def formats(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List the log formats that are read, and what their records need."""
    from llmops_pipelines.cli.logs.listing import list_formats

    list_formats(as_json=as_json)


@app.command(rich_help_panel=PANEL)
def pull(
    context: typer.Context,
    first: Annotated[
        date | None,
        day_option("--from", "First UTC day; default --to."),
    ] = None,
    last: Annotated[
        date | None,
        day_option("--to", "Last UTC day; default yesterday."),
    ] = None,
    source: Annotated[str, typer.Option(help="Only this entry under pull: in sources.yaml.")] = "",
    as_json: JSON = False,
) -> None:
    """Download days of logs from the services under `pull:` in sources.yaml; `nightly` does too.

    Leaves with 0 when all went well, 1 when a service failed, 2 when nothing could be done.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.logs.pulling import pull_days

        code = pull_days(settings_of(context), first, last, source, as_json=as_json)
    raise typer.Exit(code)
