"""Streams logged one piece a line: all pieces of one in the line of its last, the others blank.

So a stream is one record, wherever blocks of lines end, and every line is still counted: blank ones
as ignored. The file is read twice, first to learn where each stream ends.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Final, NamedTuple

from llmops_pipelines.formats.engine.reading import StreamOf
from llmops_pipelines.formats.openai_chunks import is_stream, joined
from llmops_pipelines.ingest.log_files.lines import Block, Refused
from llmops_pipelines.ingest.log_files.rewriting import lines_of, object_in, with_lines, written

_CHUNK: Final = b"chat.completion.chunk"
_MOST_STREAMS: Final = 500_000
"""Streams of a file that are gathered; the lines of later ones stay as they are."""

_MOST_HELD: Final = 64 * 2**20
"""Bytes of streams under way that are held at once; beyond that, their lines stay as they are."""


class _Extent(NamedTuple):
    """The last line of a stream, and how many bytes all its lines have."""

    end: int
    size: int


def gathered(
    blocks: Iterator[Block | Refused],
    again: Callable[[], Iterator[Block | Refused]],
    streams: Callable[[], StreamOf],
    most_bytes: int,
) -> Iterator[Block | Refused]:
    """``again()`` with its streams gathered: ``{"stream": [...]}`` is the line of a last piece.

    Args:
        blocks: The blocks of a file.
        again: The same blocks, once more.
        streams: Tells of records in their order which stream each belongs to.
        most_bytes: Streams of more bytes stay as they are.
    """
    kept = _extents(blocks, streams())
    for name in [name for name, extent in kept.items() if extent.size > most_bytes]:
        del kept[name]
    held: dict[Hashable, list[bytes]] = {}
    size = 0
    stream_of = streams()
    for block in again():
        if isinstance(block, Refused):
            yield block
            continue
        lines: list[bytes] = []
        for number, line in _numbered(block):
            name = _stream(line, stream_of)
            extent = kept.get(name)
            if name is None or extent is None:
                lines.append(line)
            elif number < extent.end:
                held.setdefault(name, []).append(line)
                size += len(line)
                lines.append(b"")
            else:
                pieces = held.pop(name, [])
                size -= sum(map(len, pieces))
                lines.append(b'{"stream":[' + b",".join([*pieces, line]) + b"]}")
            if size > _MOST_HELD:
                for under_way in held:
                    del kept[under_way]
                held, size = {}, 0
        yield with_lines(block, lines)


def with_joined_responses(blocks: Iterator[Block | Refused]) -> Iterator[Block | Refused]:
    """``blocks`` of records, whose responses that are lists of chunks are completions instead.

    Applications log either in one file, as they asked for a stream or not.
    """
    for block in blocks:
        if isinstance(block, Block) and _CHUNK in block.data:
            lines = [
                _with_joined_response(line) if _CHUNK in line else line for line in lines_of(block)
            ]
            yield with_lines(block, lines)
        else:
            yield block


def _with_joined_response(line: bytes) -> bytes:
    record = object_in(line)
    if record is None or not is_stream(response := record.get("response")):
        return line
    request = record.get("request")
    if isinstance(request, dict):
        record["request"] = {"stream": True} | request
    return written(record | {"response": joined(response)}) or line


def _extents(blocks: Iterator[Block | Refused], stream_of: StreamOf) -> dict[Hashable, _Extent]:
    found: dict[Hashable, _Extent] = {}
    for block in blocks:
        for number, line in _numbered(block) if isinstance(block, Block) else ():
            name = _stream(line, stream_of)
            if name is None or (name not in found and len(found) >= _MOST_STREAMS):
                continue
            before = found.get(name, _Extent(0, 0))
            found[name] = _Extent(number, before.size + len(line) + 1)
    return found


def _numbered(block: Block) -> Iterator[tuple[int, bytes]]:
    return enumerate(lines_of(block), block.first_line)


def _stream(line: bytes, stream_of: StreamOf) -> Hashable | None:
    record = object_in(line)
    return None if record is None else stream_of(record)
