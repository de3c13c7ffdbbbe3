"""``llmops import``: what a log file would become, and putting it where the next night finds it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from llmops_pipelines import ingest, pricing
from llmops_pipelines.cli.logs import import_telling
from llmops_pipelines.cli.logs.filing import File, file_away, place_of
from llmops_pipelines.cli.problems import UNUSABLE, UnusableError, of_file_system, typed
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.formats import FORMATS
from llmops_pipelines.ingest.previewing.preview import Preview, preview, preview_json
from llmops_pipelines.ingest.previewing.proposal import NoMappingError, propose
from llmops_pipelines.orchestration.graph.reference_files import PROPOSED
from llmops_pipelines.orchestration.storage.stores import as_text
from llmops_pipelines.reference import Features, ReferenceFileError, parse_document

_HIDING = b"preview"
"""Users are hashed and then forgotten: nothing of a preview is kept, so no secret is needed."""


def import_file(
    settings: Settings,
    path: Path,
    *,
    chosen: str | None = None,
    as_json: bool = False,
    write: bool = False,
    write_mapping: bool = False,
) -> int:
    """Preview ``path``, land or map it if asked, and return the exit code: 0, or 2 if unusable.

    With ``as_json`` one object goes to stdout, whatever happens.
    """
    try:
        if write and write_mapping:
            raise UnusableError(
                "--write and --write-mapping do not go together: take the proposal over into"
                " sources.yaml first, then import with --write"
            )
        told = _import(settings, path, chosen, write=write, write_mapping=write_mapping)
    except UnusableError as error:
        if as_json:
            typer.echo(json.dumps(import_telling.nothing_as_json(str(error)), indent=2))
        raise
    if as_json:
        typer.echo(json.dumps({**preview_json(told.found), **told.more}, indent=2))
    else:
        import_telling.print_preview(Console(), as_text(path.name), told.found)
    for line in told.advice:
        typer.echo(line, err=as_json)
    if told.error:
        typer.echo(told.error, err=True)
        return UNUSABLE
    return 0


class _Told:
    """What an import comes to."""

    def __init__(self, path: Path, found: Preview) -> None:
        self.found = found
        self.advice: list[str] = []
        self.error: str | None = None
        if not found.is_of_use:
            self.error = f"{as_text(str(path))}: {_why_useless(found)}"
        self.more: dict[str, Any] = {"error": self.error}


def _import(
    settings: Settings, path: Path, chosen: str | None, *, write: bool, write_mapping: bool
) -> _Told:
    file = File.at(path)
    options, overrides = reference_of(settings)
    sources = options.sources
    place = place_of(file, settings.log_root, sources)
    if chosen is not None:
        options = replace(options, sources=_decided(chosen, place, sources))
    proposed = ""
    if write_mapping:
        try:
            proposal = propose(file.log(place), options)
        except NoMappingError as error:
            raise UnusableError(f"{path}: {error}") from error
        proposed = proposal.text
        options = replace(options, sources=ingest.Sources(sources=[proposal.source]))
    book = pricing.price_book(overrides)
    try:
        told = _Told(path, preview(file.log(place), options, book))
    except OSError as error:
        raise of_file_system(error, remedy="mend that, then import again") from error
    if write_mapping:
        _keep_proposal(settings, proposed, told)
    elif write and told.error is None:
        _land(settings, file, place, chosen, told)
    elif told.error is None:
        told.advice = ["nothing was written; add --write to put it into the log folder"]
    return told


def reference_of(settings: Settings) -> tuple[ingest.LandingOptions, pricing.PriceOverrides]:
    """What people say of features, sources and prices; files that are not there say nothing."""
    resources = resources_of(settings)
    try:
        options = ingest.LandingOptions(
            start=date.fromisoformat(resources.policy.start),
            now=resources.clock.now(),
            hash_key=_HIDING,
            features=resources.reference.read("features.yaml", Features),
            sources=resources.reference.read("sources.yaml", ingest.Sources),
        )
        return options, resources.reference.read("prices.yaml", pricing.PriceOverrides)
    except ReferenceFileError as error:
        raise UnusableError(f"the reference files cannot be used:\n{error}") from error
    except OSError as error:
        raise of_file_system(error, remedy="change who may read it") from error


def _decided(chosen: str, place: str, sources: ingest.Sources) -> ingest.Sources:
    """Sources in which the file at ``place`` has the format ``chosen``.

    Raises:
        UnusableError: There is no such format, or it cannot be chosen alone.
    """
    if chosen not in FORMATS:
        close = get_close_matches(chosen, FORMATS, n=1, cutoff=0.5)
        meant = f"did you mean {close[0]}? " if close else ""
        raise UnusableError(
            f"--as {chosen}: is no log format; {meant}accepted: {', '.join(FORMATS)}"
        )
    entry = sources.of(place)
    if entry is not None and entry.format == chosen:
        return sources
    if chosen == "mapped":
        raise UnusableError(
            "--as mapped: says nothing of where the fields stand; let --write-mapping propose an"
            f" entry for {place}, and put it into sources.yaml"
        )
    return ingest.Sources(sources=[ingest.Source(name="chosen", match=place, format=chosen)])


def _land(settings: Settings, file: File, place: str, chosen: str | None, told: _Told) -> None:
    landed = file_away(settings, file, place, chosen=chosen)
    told.more["written"] = landed.path
    told.advice = [
        f"{landed.path}: {'was there already' if landed.was_there else 'written'} below"
        f" {settings.log_root}",
        *([f"{landed.entry_in}: has a new entry for it"] if landed.entry_in else []),
        f"take it in: {typed('--data', settings.data, 'nightly')}",
    ]


def _keep_proposal(settings: Settings, text: str, told: _Told) -> None:
    """Write the proposal beside sources.yaml, which only people edit."""
    target = Path(settings.reference_root) / PROPOSED
    try:
        parse_document(text, ingest.Sources, file=PROPOSED)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise of_file_system(error, remedy="change who may write there") from error
    told.more |= {"proposal": text, "written": str(target)}
    told.advice = [
        "",
        text,
        f"written to {target}. Check what says REVIEW, then copy the entry below `sources:` of"
        f" {target.with_name('sources.yaml')} (in place of `sources: []`, if that is there), and"
        " import again with --write",
    ]


def _why_useless(found: Preview) -> str:
    """Why nothing of a file would be kept, and what to do."""
    if found.rejected:
        first = found.rejections[0]
        where = f"line {first.first_line}: " if first.first_line else ""
        return (
            f"nothing of it can be read: {where}{first.reason}; `llmops formats` lists what is"
            " read, --as FORMAT overrides what was recognised, --write-mapping proposes a mapping"
        )
    if found.ignored:
        return (
            f"nothing of it would be kept: its {found.ignored:,} record(s) are blank or of no"
            f" concern to {found.format or 'any format'}; `llmops formats` says what is needed"
        )
    return "it is empty; export it again"
