"""Lines of a block read as JSON objects, and blocks made of lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.engine.unpacking import read_json
from llmops_pipelines.ingest.log_files.lines import Block


def lines_of(block: Block) -> list[bytes]:
    """The lines of ``block``, without their ends."""
    return block.data.split(b"\n")[:-1]


def with_lines(block: Block, lines: Sequence[bytes]) -> Block:
    """``block`` with ``lines``, as many as it has."""
    return block._replace(data=b"\n".join([*lines, b""]))


def block_of(lines: Sequence[bytes], first_line: int) -> Block:
    """The block of ``lines``, of which the first has the number ``first_line``."""
    return Block(b"\n".join([*lines, b""]), first_line, len(lines))


def object_in(line: str | bytes) -> Record | None:
    """The JSON object that a line holds, as landing reads it; None where it holds none."""
    try:
        record = read_json(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def written(record: Mapping[str, Any]) -> bytes | None:
    """``record`` as a line; None where it is too deep, or a number in it too large."""
    try:
        return orjson.dumps(record)
    except orjson.JSONEncodeError:
        return None
