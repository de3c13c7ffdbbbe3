"""``llmops forget``, ``llmops expire`` and ``llmops rotate-user-key``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import polars as pl
import typer

from llmops_pipelines import ingest
from llmops_pipelines.cli.folder import alone_on, read_plainly
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.landing.retention import expire, kept_from
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError
from llmops_pipelines.orchestration.upkeep.forgetting import Forgotten, foreign_folders, forget
from llmops_pipelines.reference import PrivacyRules, ReferenceFileError
from llmops_pipelines.tables import LANDED_CALLS, LLM_CALLS


def forget_person(
    settings: Settings, user: str | None, session: str | None, *, as_json: bool
) -> None:
    """Erase a user's or a session's texts and print what was done.

    Raises:
        UnusableError: No key is known to find the user with, or the lake cannot be used.
    """
    resources = resources_of(settings)
    keys = resources.privacy.ring()
    if user and not keys:
        raise UnusableError(
            "no key is known that users were hashed with: set LLMOPS_USER_HASH_KEY to the one that "
            "landing used, or run on the data folder that it used"
        )
    hashes = {ingest.hidden(pl.Series([user]), key)[0] for key in keys} if user else set()
    subjects = ingest.Subjects(
        users=frozenset(hashes),
        sessions=frozenset(ingest.session_digest(name) for name in ingest.spellings(session, keys))
        if session
        else frozenset(),
        traces=frozenset(),
    )
    lake = resources.lake.open()
    with read_plainly(), alone_on(settings):
        done = forget(
            lake,
            Path(resources.golden_folder),
            subjects,
            command=f"llmops forget {'--user-id' if user else '--session'}",
            now=resources.clock.now(),
        )
    foreign = [
        f"the folder {name}/ of the lake, which holds no table" for name in foreign_folders(lake)
    ]
    done.outside = (*done.outside, *foreign, *(_under_unknown_keys(lake, keys) if user else ()))
    if as_json:
        typer.echo(json.dumps(asdict(done), indent=2))
    else:
        _tell(done, settings)


def _under_unknown_keys(lake: Lake, keys: Sequence[bytes]) -> Iterator[str]:
    """What is told of rows whose users were hashed with a key that is not known here."""
    known = {ingest.key_id(key) for key in keys}
    counts = (
        pl.concat(lake.scan(table).select("user_key") for table in (LANDED_CALLS, LLM_CALLS))
        .filter(pl.col("user_key").is_not_null() & ~pl.col("user_key").is_in(list(known)))
        .group_by("user_key")
        .len()
        .sort("user_key")
        .collect()
    )
    for key, rows in counts.iter_rows():
        yield (
            f"{rows:,} row(s) of calls whose users were hashed with key {key}, which is not known "
            "here: put it into LLMOPS_USER_HASH_OLD_KEYS, and run the command again"
        )


def expire_tables(settings: Settings, *, dry_run: bool, as_json: bool) -> None:
    """Apply the retention of privacy.yaml and print what went.

    Raises:
        UnusableError: privacy.yaml or the lake cannot be used.
    """
    resources = resources_of(settings)
    try:
        rules = resources.reference.read("privacy.yaml", PrivacyRules)
        first_days = kept_from(rules, resources.clock.today())
        with alone_on(settings):
            found = expire(
                resources.lake.open(), first_days, now=None if dry_run else resources.clock.now()
            )
    except (LakeError, ReferenceFileError) as error:
        raise UnusableError(str(error)) from error
    if as_json:
        tables = {
            expired.table: {"rows": expired.rows, "days": [str(day) for day in expired.days]}
            for expired in found
        }
        typer.echo(json.dumps({"dry_run": dry_run, "tables": tables}, indent=2))
        return
    if not found:
        typer.echo("privacy.yaml names no table under retention_days; everything is kept")
    deed = "would go" if dry_run else "gone"
    for table, rows, days in found:
        span = f" of {days[0]} to {days[-1]}" if days else ""
        typer.echo(f"{table}: {rows:,} row(s){span} {deed}")


def rotate_key(settings: Settings) -> None:
    """Make a new key for rows that land from now on.

    Raises:
        UnusableError: The key comes from the environment.
    """
    privacy = resources_of(settings).privacy
    try:
        with alone_on(settings):
            privacy.rotate()
    except ValueError as error:
        raise UnusableError(
            "the key comes from LLMOPS_USER_HASH_KEY: put its value in front of "
            "LLMOPS_USER_HASH_OLD_KEYS, then set LLMOPS_USER_HASH_KEY to a new one"
        ) from error
    typer.echo(
        f"{len(privacy.ring())} key(s) in {privacy.key_file}; the newest hashes what lands from "
        "now on, the others stay so that `llmops forget` finds older rows"
    )


def _tell(done: Forgotten, settings: Settings) -> None:
    typer.echo(f"{done.calls:,} call(s) and {done.steps:,} step(s) of {done.traces:,} trace(s)")
    for place, rows in done.rows.items():
        if rows:
            typer.echo(f"  {place}: {rows:,}")
    if done.traces:
        typer.echo("their numbers and digests stay; no later landing writes their texts")
    else:
        typer.echo(
            "nothing is known by that id, which is compared letter by letter: look how the logs "
            "spell it. It is remembered, and no later landing writes its texts"
        )
    typer.echo("not reached, and yours to see to:")
    for file, lines in done.log_files.items():
        typer.echo(f"  {settings.log_root}/{file}: {lines:,} line(s), if it is still there")
    for place in done.outside:
        typer.echo(f"  {place}")
