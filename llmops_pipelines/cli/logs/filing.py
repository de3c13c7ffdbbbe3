"""A file given on the command line, and its place below the log root."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import yaml

from llmops_pipelines import ingest
from llmops_pipelines.cli.folder import prepare_files
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.definitions import Settings
from llmops_pipelines.orchestration.storage.stores import FolderStore, as_text, open_store
from llmops_pipelines.reference import ReferenceFileError, document_text, parse_document

FOLDER: Final = "imported"
_DIGITS: Final = 8


@dataclass(frozen=True)
class File:
    """A readable file, wherever it lies."""

    path: Path
    size: int
    modified_ns: int

    @classmethod
    def at(cls, path: Path) -> File:
        """The file at ``path``.

        Raises:
            UnusableError: It is missing, no file, or may not be read.
        """
        if path.is_dir():
            raise UnusableError(
                f"{path} is a folder; name one file, or put the folder below the log root and run"
                " llmops nightly"
            )
        try:
            state = path.stat()
            if not path.is_file():
                raise UnusableError(f"{path} is no file; export the logs into one")
            with path.open("rb") as handle:
                handle.read(1)
        except FileNotFoundError as error:
            if path.is_symlink():
                raise UnusableError(
                    f"{path} is a link to {path.readlink()}, which is not there; name the file"
                ) from error
            raise UnusableError(f"{path}: there is no such file{_meant(path)}") from error
        except OSError as error:
            raise of_file_system(error, remedy="change who may read it") from error
        return cls(path, state.st_size, state.st_mtime_ns)

    def log(self, place: str) -> ingest.LogFile:
        """The same as landing takes it, at ``place`` below the log root."""
        folder = place.rpartition("/")[0]

        def opener(_: str) -> BinaryIO:
            return self.path.open("rb")

        def named(other: str) -> BinaryIO:
            return FolderStore(self.path.parent).open_named(other.removeprefix(f"{folder}/"))

        return ingest.LogFile(place, self.size, self.modified_ns, opener, named)


class Filed(NamedTuple):
    """Where a file went; ``entry_in`` names sources.yaml if it got an entry for the file."""

    path: str
    was_there: bool
    entry_in: str | None


def place_of(file: File, log_root: str, sources: ingest.Sources) -> str:
    """Where a file lies, or would lie, below the log root.

    That is its own place if it is there already; else the name alone, if an entry of sources.yaml
    matches only that; else ``imported/``.
    """
    if "://" not in log_root:
        root, path = Path(log_root).resolve(), file.path.resolve()
        if path.is_relative_to(root):
            return as_text(path.relative_to(root).as_posix())
    name = as_text(file.path.name).lstrip(".") or "log"  # landing leaves hidden files alone
    place = f"{FOLDER}/{name}"
    return name if sources.of(place) is None and sources.of(name) else place


def file_away(settings: Settings, file: File, place: str, *, chosen: str | None) -> Filed:
    """Put ``file`` below the log root, never over another file, and see that it is read as it was.

    Raises:
        UnusableError: The disk refuses, or sources.yaml needs an entry that it cannot be given.
    """
    prepare_files(settings)
    store = open_store(settings.log_root, settings.storage_options, confined=True)
    try:
        content = file.path.read_bytes()
        reference = Path(settings.reference_root) / "sources.yaml"
        text = document_text(reference.read_bytes(), file=str(reference))
        sources = parse_document(text, ingest.Sources, file=str(reference))
        wanted = sources.of(place)
        for free in _places(place, content):
            held = store.read(free)
            if held not in (None, content):
                continue
            entry_in = None
            if chosen is not None and not _is_read_as(chosen, sources.of(free)):
                _add_entry(reference, text, sources, free, chosen)
                entry_in = str(reference)
            elif chosen is None and sources.of(free) != wanted:
                raise UnusableError(
                    f"another file lies at {place}, and the entry {wanted and wanted.name!r} of"
                    f" {reference} does not match {free}; widen its match, or rename the file"
                )
            if held is None and not store.create(free, content):
                continue
            return Filed(free, held is not None, entry_in)
    except OSError as error:
        raise of_file_system(error, remedy="change who may write there, or make room") from error
    raise UnusableError(f"{place}: every name for it is taken; rename the file")


def _places(place: str, content: bytes) -> Iterator[str]:
    """``place``, then the same name with the first digits of the content's digest."""
    yield place
    folder, _, name = place.rpartition("/")
    stem, dot, endings = name.partition(".")
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    yield f"{folder}/{stem}-{digest}{dot}{endings}".lstrip("/")


def _is_read_as(chosen: str, source: ingest.Source | None) -> bool:
    return source is not None and source.format == chosen


def _add_entry(file: Path, text: str, sources: ingest.Sources, place: str, chosen: str) -> None:
    """Put an entry for ``place`` before the others, leaving every other line as it is.

    Raises:
        UnusableError: The file is not written as a plain list; with the entry to add by hand.
    """
    taken = {source.name for source in sources.sources}
    stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in Path(place).name.lower())
    name = next(
        name
        for number in range(len(taken) + 1)
        if (name := f"{chosen}-{stem.strip('-')}{f'-{number + 1}' if number else ''}") not in taken
    )
    source = ingest.Source(name=name, match=place, format=chosen)
    shown = yaml.safe_dump(source.model_dump(include={"name", "match", "format"}), width=10_000,
                           default_flow_style=True, sort_keys=False).strip()  # fmt: skip
    lines = text.splitlines()
    at = next((at for at, line in enumerate(lines) if line.rstrip() in _HEADS), None)
    if at is None and not sources.sources and not any(map(_says, lines)):
        lines, at = [*lines, "sources:"], len(lines)
    if at is not None:
        following = next((line for line in lines[at + 1 :] if line.lstrip().startswith("-")), "")
        indent = following[: len(following) - len(following.lstrip())] if following else "  "
        lines[at : at + 1] = ["sources:", f"{indent}- {shown}"]
    new = "\n".join(lines) + "\n"
    expected = [source, *sources.sources]
    try:
        fits = parse_document(new, ingest.Sources, file=str(file)).sources == expected
    except ReferenceFileError:
        fits = False
    if not fits:
        raise UnusableError(
            f"{place} needs an entry to be read as {chosen}; put this first in the list of"
            f" {file}, then import again without --as:\n  - {shown}"
        )
    file.write_text(new, encoding="utf-8")


_HEADS: Final = ("sources:", "sources: []")


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _meant(path: Path) -> str:
    """A file beside ``path`` that has almost its name."""
    try:
        names = {entry.stem: entry.name for entry in path.parent.iterdir() if entry.is_file()}
    except OSError:
        return f", and no folder {path.parent}"
    # Without the endings: they are alike in files that are not.
    close = get_close_matches(path.stem, names, n=1)
    return f"; did you mean {path.with_name(names[close[0]])}?" if close else f" in {path.parent}"
