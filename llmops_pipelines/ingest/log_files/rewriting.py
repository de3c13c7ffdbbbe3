"""Lines of a block read as JSON objects, and a block with other lines in place of its own."""

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
