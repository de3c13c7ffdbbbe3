"""What is kept of people."""

from __future__ import annotations

from typing import Annotated

import typer

from llmops_pipelines.cli.options import settings_of
from llmops_pipelines.cli.problems import told_plainly

PANEL = "Privacy"

app = typer.Typer()


@app.command("forget", rich_help_panel=PANEL)
def forget(
    context: typer.Context,
    user: Annotated[
        str | None, typer.Option("--user-id", help="The user's id as the application logs it.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="Id of one conversation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Erase a person's texts from the lake for good; numbers and digests stay."""
    if bool(user) == bool(session):
        raise typer.BadParameter("name one of --user-id and --session", param_hint="--user-id")
    with told_plainly():
        from llmops_pipelines.cli.logs.privacy import forget_person

        forget_person(settings_of(context), user, session, as_json=as_json)


@app.command("expire", rich_help_panel=PANEL)
def expire(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and leave it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take out the days that are older than `retention_days` of privacy.yaml allows."""
    with told_plainly():
        from llmops_pipelines.cli.logs.privacy import expire_tables

        expire_tables(settings_of(context), dry_run=dry_run, as_json=as_json)


@app.command("rotate-user-key", rich_help_panel=PANEL)
def rotate_user_key(context: typer.Context) -> None:
    """Hash users with a new key from now on; older rows keep theirs."""
    with told_plainly():
        from llmops_pipelines.cli.logs.privacy import rotate_key

        rotate_key(settings_of(context))
