"""``llmops``: the command line over a data folder. Commands load what they need when they run."""

from __future__ import annotations

import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from llmops_pipelines.cli.commands import costs, judging, logs, nights, privacy, savings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Batch evaluation and cost analytics of LLM applications.",
)
for subject in (nights, logs, judging, costs, savings, privacy):
    app.add_typer(subject.app)


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"llmops-pipelines {version('llmops-pipelines')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder with reference/, logs/, lake/; default LLMOPS_DATA or data.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_tell_version, help="Tell the version."),
    ] = False,
) -> None:
    context.obj = data


def main() -> None:
    """Entry point of the `llmops` command."""
    # Notes of libraries to their developers are not for people who run a pipeline.
    warnings.simplefilter("ignore")
    app()
