"""Bodies that Bedrock's invocation logs keep in files of their own, put where they belong.

A body that is too long for a record lies in the folder ``data/`` beside the log, and the record
names it (``inputBodyS3Path``). Such a file is no log: what it holds is landed with its record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from llmops_pipelines.ingest.log_files.files import DamagedFileError, LogFile, read_content
from llmops_pipelines.ingest.log_files.lines import Block, Refused
from llmops_pipelines.ingest.log_files.rewriting import block_of, lines_of, object_in, written

_BODY: Final = re.compile(
    r"(?:^|/)data/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}_(?:in|out)put\.json(?:\.gz)?\Z"
)
"""Named by the id of its request, so that no log of anybody else is taken for one."""

_SIDES: Final = (("input", "inputBodyS3Path", "inputBodyJson"),
                 ("output", "outputBodyS3Path", "outputBodyJson"))  # fmt: skip
_APART: Final = b"BodyS3Path"
_MOST_HELD: Final = 16 * 2**20
"""Bytes of records with their bodies that are handed on at once."""


def is_body(path: str) -> bool:
    """Whether the file at ``path`` is a body that a record of a log names."""
    return _BODY.search(path) is not None


def without_records(blocks: Iterator[Block | Refused]) -> Iterator[Block | Refused]:
    """``blocks`` with blank lines only, which are counted and say nothing."""
    for block in blocks:
        lines = block.lines
        first = block.first_line if isinstance(block, Block) else block.line
        yield Block(b"\n" * lines, first, lines)


def with_bodies(
    blocks: Iterator[Block | Refused], log: LogFile, most_bytes: int
) -> Iterator[Block | Refused]:
    """``blocks`` of ``log`` with the bodies that lie beside it; the others stay unknown.

    A body of more than ``most_bytes`` stays out, as does one that is no JSON.
    """
    for block in blocks:
        if isinstance(block, Refused) or _APART not in block.data:
            yield block
            continue
        held: list[bytes] = []
        size, first = 0, block.first_line
        for line in lines_of(block):
            whole = _whole(line, log, most_bytes) if _APART in line else line
            held.append(whole)
            size += len(whole)
            if size > _MOST_HELD:
                yield block_of(held, first)
                size, first, held = 0, first + len(held), []
        if held:
            yield block_of(held, first)


def _whole(line: bytes, log: LogFile, most_bytes: int) -> bytes:
    """A record with its bodies; text that CloudWatch put around it stays as it is."""
    record = object_in(line)
    if record is None:
        return line
    changed = False
    for side, place, body in _SIDES:
        part = record.get(side)
        if isinstance(part, dict) and isinstance(part.get(place), str) and not part.get(body):
            part[body] = _body(part[place], log, most_bytes)
            changed = True
    return (changed and written(record)) or line


def _body(named: str, log: LogFile, most_bytes: int) -> Any:
    """The body, out of ``data/`` beside ``log``; None where it is not there.

    A name leads nowhere else: of the path in the record only its last part is believed.
    """
    file = log.beside(f"data/{named.rpartition('/')[2]}")
    if file is None or not is_body(file.path):
        return None
    content = read_content(file, hold=most_bytes)
    if content.failure is not None or content.held is None:
        return None
    pieces, size = list[bytes](), 0
    try:
        for piece in content.chunks():
            pieces.append(piece)
            size += len(piece)
            if size > most_bytes:
                return None
        return orjson.loads(b"".join(pieces))
    except (DamagedFileError, orjson.JSONDecodeError):
        return None
