"""``llmops formats``: the log formats that are read."""

from __future__ import annotations

import json
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmops_pipelines.formats import FORMATS, LogFormat


def list_formats(*, as_json: bool) -> None:
    """Print every format: what it is, and what a record needs to be recognised."""
    if as_json:
        typer.echo(json.dumps([described(known) for known in FORMATS.values()], indent=2))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("format", "about", "a record needs"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "format")
    for known in FORMATS.values():
        needs = ", ".join(known.needs) or "an entry in sources.yaml"
        table.add_row(Text(known.name), Text(known.about), Text(needs))
    console = Console()
    console.print(table)
    console.print(
        Text(
            "\nEvery format is read plain, as .gz or .zst; a file may also be one JSON array, CSV"
            " or Parquet. See what a file would become: llmops import FILE",
            style="dim",
        )
    )


def described(known: LogFormat) -> dict[str, Any]:
    """A format as ``--json`` lists it; ``many`` says that a line may hold many records."""
    return {
        "name": known.name,
        "about": known.about,
        "needs": list(known.needs),
        "many": known.unpack is not None,
    }
