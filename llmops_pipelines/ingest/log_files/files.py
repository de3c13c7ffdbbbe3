"""Log files as streams of bytes: opened by whoever holds them, unpacked chunk by chunk."""

from __future__ import annotations

import codecs
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple

import zstandard

_HOLD: Final = 8 * 2**20
"""Files up to this size are kept in memory between taking their digest and reading them."""

_READ: Final = 1 << 22
"""Larger pieces leave the processor's cache, and take memory that the system hands out anew."""
_UNPACK: Final = 1 << 22
_ZSTD_READ: Final = 512
"""zstd unpacks a piece of input at once, at most 32,768-fold: 512 bytes become 16 MiB at worst."""

UNREADABLE: Final = "unreadable"
"""What stands for the digest of a file that could not be read."""

_SWELLING: Final = 1_000
_SWOLLEN: Final = 2**30
"""A file is read up to a thousandfold of its size, and up to 1 GiB whatever its size is."""

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_OTHERS: Final = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}


class DamagedFileError(ValueError):
    """A compressed file ends too early or does not unpack; what came before is good."""

    remedy = "put the whole file back"


class SwollenFileError(DamagedFileError):
    """A compressed file unpacks to more than any log does."""

    remedy = "if it is a log, put it there in plain text"


class HollowFileError(DamagedFileError):
    """Next to nothing of a file's many lines could be a record."""

    remedy = "if it is a log, leave the lines out that say nothing"


class LogFile(NamedTuple):
    """One log file, wherever it lies. There may be millions: this is all that is held of each.

    ``path`` is relative to the log root, with forward slashes. ``size`` (bytes) and ``modified_ns``
    (ns since 1970) are those of the listing. ``opener`` is given the path; ``named`` opens another
    file below the log root, which a record names, and nothing that lies elsewhere; None opens none.
    """

    path: str
    size: int
    modified_ns: int
    opener: Callable[[str], BinaryIO]
    named: Callable[[str], BinaryIO] | None = None

    def beside(self, name: str) -> LogFile | None:
        """The file ``name`` in the folder of this one, be it there or not; None if none may be."""
        folder, parted, _ = self.path.rpartition("/")
        return LogFile(f"{folder}{parted}{name}", 0, 0, self.named) if self.named else None

    def open(self) -> BinaryIO:
        """A binary handle at the start of the file.

        Raises:
            OSError: It cannot be opened.
        """
        return self.opener(self.path)


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was when its digest was taken: small ones in memory, others to be opened again.

    ``failure`` says why a file could not be read at all; its digest is then ``unreadable``.
    """

    file: LogFile
    digest: str
    length: int
    held: bytes | None = None
    failure: str | None = None

    def chunks(self) -> Iterator[bytes]:
        """What the digest covers, unpacked and in UTF-8, in pieces of bounded size.

        Raises:
            DamagedFileError: After everything that could be unpacked.
            OSError: The file cannot be opened or read any more.
        """
        with io.BytesIO(self.held) if self.held is not None else self.file.open() as handle:
            packed = _limited(handle, self.length)
            yield from _bounded(_in_utf_8(_unpacked(packed)), self.length)


def read_content(file: LogFile, *, hold: int = _HOLD) -> Content:
    """Take the digest of ``file`` (SHA-256, 32 hex digits); keep its bytes if ``hold`` or fewer."""
    digest, length, pieces = hashlib.sha256(), 0, list[bytes]()
    try:
        with file.open() as handle:
            while piece := handle.read(_READ):
                digest.update(piece)
                length += len(piece)
                if length <= hold:
                    pieces.append(piece)
    except OSError as error:
        return failed_content(file, error)
    held = b"".join(pieces) if length <= hold else None
    return Content(file, digest.hexdigest()[:32], length, held)


def failed_content(file: LogFile, error: OSError) -> Content:
    """A file that cannot be read, and why."""
    return Content(file, UNREADABLE, 0, b"", error.strerror or str(error) or type(error).__name__)


def foreign(head: bytes) -> str | None:
    """What kind of file ``head`` (its first unpacked bytes) opens, if it is no text."""
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            return name
    return "binary" if b"\0" in head else None


def _limited(handle: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0 and (piece := handle.read(min(_READ, length))):
        length -= len(piece)
        yield piece


def most_bytes(packed: int) -> int:
    """To how many bytes a file of ``packed`` bytes may unpack: no log swells further."""
    return max(_SWOLLEN, _SWELLING * packed)


def _bounded(pieces: Iterator[bytes], packed: int) -> Iterator[bytes]:
    """``pieces`` that come out of ``packed`` bytes, up to where no log would have come out."""
    most, size = most_bytes(packed), 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            yield piece[: most - size]
            raise SwollenFileError(
                f"its {packed:,} bytes unpack to more than {most:,}, where reading stopped"
            )
        yield piece


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = next(pieces, b"")
    while 0 < len(first) < len(_ZSTD) and (more := next(pieces, b"")):
        first += more
    if first.startswith(_GZIP):
        yield from _gunzip(_chain(first, pieces))
    elif first.startswith(_ZSTD):
        yield from _gathered(_unzstd(_chain(first, pieces)))
    else:
        yield from _chain(first, pieces)


def _in_utf_8(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """``pieces``; UTF-16, as PowerShell writes it, in UTF-8, with U+FFFD for half characters."""
    first = next(pieces, b"")
    pieces = _chain(first, pieces)
    if not first.startswith(_UTF_16):
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for piece in pieces:
        yield decoder.decode(piece).encode()
    yield decoder.decode(b"", final=True).encode()


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Members one after another; a piece of input gives several of output when it swells."""
    member: zlib._Decompress | None = None
    for piece in pieces:
        rest, more = piece, False
        while rest or more:
            if member is None:
                if not (rest := rest.lstrip(b"\0")):  # padding between or after members
                    break
                member = zlib.decompressobj(wbits=31)
            before = member.copy()
            try:
                unpacked = member.decompress(rest, _UNPACK)
            except zlib.error as error:
                yield _salvaged(before, rest)
                raise DamagedFileError(f"its gzip data is damaged ({error})") from error
            if unpacked:
                yield unpacked
            rest, more = member.unconsumed_tail, len(unpacked) == _UNPACK
            if member.eof:
                rest, more, member = member.unused_data, False, None
    if member is not None:
        raise DamagedFileError("its gzip data ends too early")


def _salvaged(member: zlib._Decompress, data: bytes) -> bytes:
    """What ``data`` unpacks to before it stops making sense."""
    if len(data) < 2:
        return b""
    half = len(data) // 2
    after = member.copy()
    try:
        unpacked = after.decompress(data[:half])
    except zlib.error:
        return _salvaged(member, data[:half])
    return unpacked + _salvaged(after, data[half:])


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces; those before damage come first."""
    held, size = list[bytes](), 0
    damage: DamagedFileError | None = None
    try:
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size >= _UNPACK:
                yield b"".join(held)
                held, size = [], 0
    except DamagedFileError as error:
        damage = error
    if held:
        yield b"".join(held)
    if damage is not None:
        raise damage


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Frames one after another."""
    frame: zstandard.ZstdDecompressionObj | None = None
    for piece in pieces:
        for start in range(0, len(piece), _ZSTD_READ):
            rest = piece[start : start + _ZSTD_READ]
            while rest:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                try:
                    unpacked = frame.decompress(rest)
                except zstandard.ZstdError as error:
                    raise DamagedFileError(f"its zstd data is damaged ({error})") from error
                if unpacked:
                    yield unpacked
                rest = b""
                if frame.eof:
                    rest, frame = frame.unused_data, None
    if frame is not None:
        raise DamagedFileError("its zstd data ends too early")
