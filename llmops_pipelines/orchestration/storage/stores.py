"""Bytes under a root, a folder or an object store; writes appear whole or not at all."""

from __future__ import annotations

import errno
import io
import operator
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Protocol
from urllib.parse import urlparse
from uuid import uuid4


class Entry(NamedTuple):
    """One stored object: its path below the root, its size in bytes and when it changed."""

    path: str
    size: int
    modified_ns: int


class Store(Protocol):
    """What the lake and the landing zone need of storage."""

    options: Mapping[str, str] | None
    """Storage options for Polars; None for a folder."""

    def uri(self, path: str) -> str:
        """Where Polars finds ``path``."""
        ...

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly below ``path``, sorted."""
        ...

    def walk(self, path: str) -> Iterator[Entry]:
        """Every object below ``path``, by folder and name; none if there is no such folder."""
        ...

    def read(self, path: str) -> bytes | None:
        """The bytes of ``path``, or None where nothing is stored."""
        ...

    def open(self, path: str) -> BinaryIO:
        """A binary handle that streams ``path``."""
        ...

    def open_named(self, path: str) -> BinaryIO:
        """As ``open``, of a path that was not walked to but stands in a file; only below the root.

        Raises:
            OSError: There is nothing, or it leads out.
        """
        ...

    def put(self, path: str, content: bytes) -> None:
        """Store ``content``, replacing atomically what was there."""
        ...

    def put_file(self, path: str, file: Path) -> None:
        """As ``put``, of what ``file`` holds, which is never in memory whole."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Store ``content`` unless ``path`` exists; say whether it was stored."""
        ...

    def delete(self, path: str) -> None:
        """Remove ``path`` if it is there."""
        ...

    def unfinished(self) -> Iterator[Entry]:
        """What writers left that died before their write was whole; those at work have some too."""
        ...


def open_store(
    root: str, options: Mapping[str, str] | None = None, *, confined: bool = False
) -> Store:
    """A folder for a plain path, an object store for a URL such as ``s3://bucket/prefix``.

    Of a ``confined`` folder nothing is opened that lies elsewhere; an object store has no links.

    Raises:
        ValueError: The URL's scheme is none that can be opened.
    """
    if "://" not in root or root.startswith("file://"):
        folder = Path(urlparse(root).path if "://" in root else root)
        return FolderStore(folder, confined=confined)
    return ObjectStore(root, options or {})


_LEADS_OUT: Final = (
    "it is a link that leads out of the log root; copy or mount there what it leads to, or make"
    " the log root a folder that holds both"
)
_NO_FILE: Final = "it is a pipe, a socket or a device; write its records into a file"
_SPELLED = re.compile(rb"\\x([89a-f][0-9a-f])")
_STAGING = ".writing-"
_BLOCK = 1 << 20


def as_text(name: str) -> str:
    r"""A name on disk as tables can hold it: bytes that are no UTF-8 are spelled ``\xff``."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _as_named(text: str) -> str:
    """The name on disk that ``as_text`` spells so."""
    spelled = text.encode()
    return os.fsdecode(_SPELLED.sub(lambda byte: bytes([int(byte[1], 16)]), spelled))


class FolderStore:
    """A folder on a local or mounted disk.

    ``confined`` is for folders that others fill: a link below the root is opened only where it
    leads to a file below the root. The root itself may be a link.
    """

    options: Mapping[str, str] | None = None

    def __init__(self, root: Path, *, confined: bool = False) -> None:
        self.root, self.confined = root, confined

    def uri(self, path: str) -> str:
        """Where Polars finds ``path``."""
        return str(self.root / path)

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly below ``path``, sorted."""
        try:
            with os.scandir(self.root / path) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def walk(self, path: str) -> Iterator[Entry]:
        """Every file below ``path``, by folder and name; unfinished writes are left out.

        Of a confined folder also links that lead out of it, which cannot be opened. What is behind
        a link from folder to folder within it is found where it lies, and only there.
        """
        left = [path]  # a list and no recursion: a landing zone may hold millions of files
        while left:
            folder = left.pop()
            below, inner = f"{folder}/" if folder else "", list[str]()
            try:
                with os.scandir(self.root / folder) as scan:
                    entries = sorted(scan, key=_name)
            except FileNotFoundError:
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=not self.confined):
                    inner.append(f"{below}{entry.name}")
                elif not entry.name.startswith(".") and (state := self._state(entry)):
                    path = as_text(f"{below}{entry.name}")
                    yield Entry(path, state.st_size, state.st_mtime_ns)
            left += reversed(inner)

    def _state(self, entry: os.DirEntry[str]) -> os.stat_result | None:
        """Size and time of a file; None where a walk passes by: it is gone, or is found elsewhere.

        A link that leads nowhere or, in a confined folder, out of it tells its own.
        """
        try:
            if self.confined and entry.is_symlink() and not self._is_below(entry.path):
                return entry.stat(follow_symlinks=False)
            return None if entry.is_dir() else entry.stat()
        except OSError as error:
            if entry.is_symlink():
                return entry.stat(follow_symlinks=False)
            if isinstance(error, FileNotFoundError):
                return None
            raise

    def _is_below(self, path: str | Path) -> bool:
        return Path(os.path.realpath(path)).is_relative_to(self.root.resolve())

    def read(self, path: str) -> bytes | None:
        """The bytes of ``path``, or None where there is no such file."""
        try:
            with self.open(path) as file:
                return file.read()
        except FileNotFoundError:
            return None

    def open(self, path: str) -> BinaryIO:
        """The file, opened for reading.

        Raises:
            OSError: There is none, or it is a link out of a confined folder.
        """
        target = self.root / path
        if "\\x" in path and not os.path.lexists(target):
            target = self.root / _as_named(path)
        return (self._found_below(target) if self.confined else target).open("rb")

    def open_named(self, path: str) -> BinaryIO:
        """A file that lies below the root, whatever links lead to it, opened for reading.

        Raises:
            OSError: There is none, or it lies elsewhere.
        """
        return self._real(self.root / path).open("rb")

    def _found_below(self, target: Path) -> Path:
        """``target`` without links on its way.

        Raises:
            OSError: It leads out of the root, or is no file.
        """
        if stat.S_ISREG(target.lstat().st_mode):
            return target  # a walk follows no links to folders, so none is on the way
        return self._real(target)

    def _real(self, target: Path) -> Path:
        found = Path(os.path.realpath(target, strict=True))
        if not self._is_below(found):
            raise PermissionError(errno.EPERM, _LEADS_OUT, str(target))
        if not found.is_file():
            raise OSError(errno.EINVAL, _NO_FILE, str(target))
        return found

    def put(self, path: str, content: bytes) -> None:
        """Write beside, flush to disk, rename: a reader sees the old or the new file."""
        self._place(self._staged(path, io.BytesIO(content)), path)

    def put_file(self, path: str, file: Path) -> None:
        """As ``put``, of what ``file`` holds."""
        with file.open("rb") as content:
            self._place(self._staged(path, content), path)

    def create(self, path: str, content: bytes) -> bool:
        """As ``put``, but an existing file stays as it is."""
        staged = self._staged(path, io.BytesIO(content))
        try:
            os.link(staged, self.root / path)
        except FileExistsError:
            return False
        finally:
            staged.unlink()
        _sync_folder(staged.parent)
        return True

    def delete(self, path: str) -> None:
        """Remove the file if it is there."""
        (self.root / path).unlink(missing_ok=True)

    def unfinished(self) -> Iterator[Entry]:
        """Files that were written beside the one they were to replace, and never did."""
        for file in self.root.rglob(f"{_STAGING}*"):
            with suppress(FileNotFoundError):  # it has just been placed
                state = file.stat()
                path = str(file.relative_to(self.root))
                yield Entry(path, state.st_size, state.st_mtime_ns)

    def _place(self, staged: Path, path: str) -> None:
        staged.replace(self.root / path)
        _sync_folder(staged.parent)

    def _staged(self, path: str, content: BinaryIO) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.confined and not self._is_below(target.parent):
            raise PermissionError(errno.EPERM, _LEADS_OUT, str(target.parent))
        staged = target.with_name(f"{_STAGING}{uuid4().hex}")
        with staged.open("wb") as file:
            shutil.copyfileobj(content, file, _BLOCK)
            file.flush()
            os.fsync(file.fileno())
        return staged


_name: Final = operator.attrgetter("name")


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut; folders cannot be opened on every platform."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _refusals(place: str, *, but: type[Exception] | None = None) -> Iterator[None]:
    """Raise what an object store refuses at ``place`` as a disk's refusal; ``but`` as it is."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        if but is not None and isinstance(error, but):
            raise
        first = str(error).strip().splitlines()[0]
        raise OSError(errno.EIO, first, place) from error


class ObjectStore:
    """A prefix in S3, GCS, Azure or anything that speaks S3, through obstore."""

    def __init__(self, root: str, options: Mapping[str, str]) -> None:
        import obstore.store

        self.root = root.rstrip("/")
        self.options: Mapping[str, str] | None = options
        config: Any = {key: value for key, value in options.items() if key != "aws_allow_http"}
        client: Any = {"allow_http": True} if options.get("aws_allow_http") else None
        with _refusals(self.root):
            self._store: Any = obstore.store.from_url(
                self.root, config=config, client_options=client
            )

    def uri(self, path: str) -> str:
        """Where Polars finds ``path``."""
        return f"{self.root}/{path}"

    def folders(self, path: str) -> list[str]:
        """Names of the common prefixes directly below ``path``, sorted."""
        with _refusals(self.uri(path)):
            listing = self._store.list_with_delimiter(path or None)
        return sorted(
            prefix.rstrip("/").rsplit("/", 1)[-1] for prefix in listing["common_prefixes"]
        )

    def walk(self, path: str) -> Iterator[Entry]:
        """Every object below ``path``, sorted by path."""
        with _refusals(self.uri(path)):
            found = [
                Entry(meta["path"], meta["size"], int(meta["last_modified"].timestamp() * 1e9))
                for chunk in self._store.list(path or None)
                for meta in chunk
            ]
        yield from sorted(found)

    def read(self, path: str) -> bytes | None:
        """The bytes of ``path``, or None where there is no such object."""
        try:
            with _refusals(self.uri(path)):
                return bytes(self._store.get(path).bytes())
        except FileNotFoundError:
            return None

    def open(self, path: str) -> BinaryIO:
        """A handle that reads the object in blocks."""
        import obstore

        return io.BufferedReader(_Blocks(obstore.open_reader(self._store, path)))

    def open_named(self, path: str) -> BinaryIO:
        """As ``open``: an object has no links, and its key no way out.

        Raises:
            OSError: There is none, or it may not be read.
        """
        with _refusals(self.uri(path)):
            return self.open(path)

    def put(self, path: str, content: bytes) -> None:
        """One PUT replaces the object whole."""
        with _refusals(self.uri(path)):
            self._store.put(path, content)

    def put_file(self, path: str, file: Path) -> None:
        """As ``put``, in several requests that become one object at the end."""
        with _refusals(self.uri(path)):
            self._store.put(path, file)

    def create(self, path: str, content: bytes) -> bool:
        """A conditional PUT: the first writer wins."""
        from obstore.exceptions import AlreadyExistsError

        try:
            with _refusals(self.uri(path), but=AlreadyExistsError):
                self._store.put(path, content, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def unfinished(self) -> Iterator[Entry]:
        """None: an object appears when its last byte is there."""
        return iter(())

    def delete(self, path: str) -> None:
        """Remove the object if it is there."""
        if self.read(path) is not None:
            with _refusals(self.uri(path)):
                self._store.delete(path)


class _Blocks(io.RawIOBase):
    """obstore's reader as a file object of the standard library."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = bytes(self._reader.read(len(buffer)))
        buffer[: len(block)] = block
        return len(block)
