"""Records that a collector of logs carries: Docker's, Kubernetes', CloudWatch's, Google Cloud's.

What an application prints, an object a line, arrives as text or object under a key of the
collector's own record, or behind a prefix (CRI, syslog, Python's ``logging``). Long lines arrive in
pieces: they are put together in the line of the last. Whatever else an application prints says
nothing of calls: its lines are blank here, and counted as ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final, NamedTuple

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.engine.unpacking import read_json
from llmops_pipelines.formats.records import as_object, first
from llmops_pipelines.ingest.log_files.lines import Block, Refused
from llmops_pipelines.ingest.log_files.other_providers import PROVIDERS
from llmops_pipelines.ingest.log_files.rewriting import (
    block_of,
    lines_of,
    object_in,
    with_lines,
    written,
)

NameOf = Callable[[Record], str | None]
"""The name of the format that a record is in; None where none knows it."""

_CARRIERS: Final = (
    "log",  # Docker, Fluent Bit
    "message", "msg", "line",  # CloudWatch, Logstash, Filebeat, Vector, Datadog, Loki
    "jsonPayload", "textPayload",  # Google Cloud Logging
    "event", "payload",  # Splunk's HTTP collector, and loggers that take an object
    "LogMessage", "LogEntry",  # Azure's container logs
    "MESSAGE", "@message", "short_message",  # journald, CloudWatch Insights, GELF
    "_raw",  # Splunk's exports
)  # fmt: skip
"""Keys under which collectors, and JSON loggers, keep what they were given."""

_CAME: Final = ("time", "timestamp", "@timestamp", "ts", "TimeGenerated", "__REALTIME_TIMESTAMP")
_TIMED: Final = frozenset({"timestamp", "time", "ts", "created", "created_at", "createTime"})
_OF_CALLS: Final = frozenset({"request", "response", "usage", "usageMetadata"})
_BESIDE: Final = frozenset({
    "feature", "team", "environment", "project", "tags", "metadata", "experiment_arm", "user_id",
    "userId", "session_id", "sessionId", "trace_id", "traceId", "prompt_name", "prompt_version",
    "latency_ms", "latencyMs", "err", "error",
})  # fmt: skip
"""Whose a call is and how it went, beside it. Ids there may be a request's, of several calls."""

_DOCKER: Final = frozenset({"log", "stream", "time", "attrs"})
_STREAMS: Final = ("stream", "container_id", "logStreamName", "partial_id")
_OF_POD: Final = ("pod_name", "container_name")
"""What one file holds of several containers: a piece goes on in a line of its own."""

_CRI: Final = re.compile(rb"(\d{4}-\d\d-\d\dT\S+) (stdout|stderr) ([PF])(?::\S*)? (.*)", re.DOTALL)
_IN_JSON: Final = re.compile(rb"\s*(?:[\"{}\],]|\[\s*[\[{])")
"""How a line goes on within JSON, or begins an array: no prefix of a logger's."""

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]|\d+(?:\.\d+)?$")
"""How collectors write times, as far as they can be read; others would have a record rejected."""

_DECODER: Final = json.JSONDecoder()
_DEEPEST: Final = 3
"""A JSON logger's line in Docker's in a collector's: so many carry one another at most."""


class _Piece(NamedTuple):
    """What a line carries, when it came, of which stream it is, and whether it is all of a line."""

    text: bytes
    time: Any = None
    stream: str = ""
    ends: bool = True


def carried_records(lines: Iterable[bytes], name_of: NameOf) -> list[Record]:
    """The records in a known format that ``lines`` carry; those in pieces are left out."""
    pieces = ((_piece(line), line) for line in lines)
    found = (
        (_known(piece, name_of) if piece else None) or _held(object_in(line), None, name_of)
        for piece, line in pieces
        if piece is None or piece.ends
    )
    return [record for record in found if record is not None]


def unwrapped(
    blocks: Iterator[Block | Refused], name_of: NameOf, most_bytes: int
) -> Iterator[Block | Refused]:
    """``blocks`` with the record that a line carries in its place.

    Lines from the first piece on whose rest is still to come are held, up to ``most_bytes``.
    """
    held = Block(b"", 1, 0)
    for block in chain(blocks, [None]):
        if isinstance(block, Block):
            both = Block(
                held.data + block.data, block.first_line - held.lines, held.lines + block.lines
            )
            settled, held = _settled(both, name_of, whole=len(held.data) > most_bytes)
        else:
            settled, held = _settled(held, name_of, whole=True)
        if settled.lines:
            yield settled
        if isinstance(block, Refused):
            yield block


def _settled(block: Block, name_of: NameOf, *, whole: bool) -> tuple[Block, Block]:
    """The lines of ``block`` that wait for none to come, unwrapped, and the others as they are.

    Of a ``whole`` block none wait: what has no rest stands there as it is, and is no JSON.
    """
    lines = lines_of(block)
    told: list[bytes] = []
    begun: dict[str, tuple[int, list[bytes]]] = {}
    spans: list[tuple[int, int]] = []
    for number, line in enumerate(lines):
        piece = _piece(line)
        if piece is None:
            told.append(_holding(line, name_of) or (line if _begins_object(line) else b""))
            continue
        start, texts = begun.setdefault(piece.stream, (number, []))
        texts.append(piece.text)
        if piece.ends:
            del begun[piece.stream]
            spans.append((start, number))
        joined = piece._replace(text=b"".join(texts))
        whole_line = _line(joined, name_of) if piece.ends else b""
        told.append(
            whole_line or (_itself(line, name_of) or _holding(line, name_of) if piece.ends else b"")
        )
    if whole:
        for start, texts in begun.values():
            told[start] = _line(_Piece(b"".join(texts)), name_of)
        return with_lines(block, told), block._replace(data=b"", lines=0)
    cut = min((start for start, _ in begun.values()), default=len(lines))
    for start, end in sorted(spans, reverse=True):
        cut = start if start < cut <= end else cut  # pieces between those of another stream
    first = block.first_line
    return block_of(told[:cut], first), block_of(lines[cut:], first + cut)


def _piece(line: bytes) -> _Piece | None:
    """What ``line`` carries; None where it carries nothing."""
    if found := _CRI.fullmatch(line):
        return _Piece(found[4], found[1].decode(), found[2].decode(), found[3] == b"F")
    record = object_in(line)
    if record is None:
        if (text := _text_in(line)) is not None:
            return _Piece(text)
        begins = line.find(b"{")
        return None if begins < 1 or _IN_JSON.match(line) else _Piece(line[begins:])
    if "_raw" in (exported := as_object(record.get("result"))):
        record = exported
    texts = [text for name in _CARRIERS if (text := _text_of(record.get(name))) is not None]
    if not texts:
        return None
    # A JSON logger keeps a word on the event beside the object.
    text = max(texts, key=lambda text: (text.lstrip().startswith(b"{"), b"{" in text))
    time = first(*(record.get(came) for came in _CAME))
    of = as_object(record.get("kubernetes"))
    stream = [record.get(name) for name in _STREAMS] + [of.get(name) for name in _OF_POD]
    return _Piece(text, time, repr(stream), _is_whole(record, text))


def _text_in(line: bytes) -> bytes | None:
    """What a line says that is one JSON text, as of an object that was made JSON twice."""
    if not line.lstrip().startswith(b'"{'):
        return None
    try:
        return _text_of(read_json(line))
    except ValueError:
        return None


def _text_of(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return written(value) if isinstance(value, dict) else None


def _is_whole(record: Record, text: bytes) -> bool:
    """Whether a text ends with its line; Docker cuts lines at 16 kB, and the ends alone say so."""
    if "logtag" in record:  # Fluent Bit's, of CRI
        return bool(record["logtag"] != "P")
    if "partial_message" in record:  # Docker's to Fluentd
        return str(record.get("partial_last")).lower() == "true"
    return text.endswith(b"\n") or not {"log", "stream"} <= record.keys() <= _DOCKER


def _known(piece: _Piece, name_of: NameOf, depth: int = 1) -> Record | None:
    """The record in a known format that a piece is, or carries in its turn."""
    record = _object_in_front(piece.text)
    if record is not None and (name := name_of(record)):
        return _dated(record, name, piece.time, name_of)
    inner = _piece(piece.text) if depth < _DEEPEST else None
    if inner is not None:
        inner = inner._replace(time=first(inner.time, piece.time))
        if found := _known(inner, name_of, depth + 1):
            return found
    return _held(record, piece.time, name_of)


def _held(record: Record | None, time: Any, name_of: NameOf) -> Record | None:
    """The call that a JSON logger's line holds under a name that the application chose.

    What stands beside it, such as the feature and the user of a child logger, goes with it. Of
    several calls in a line none is taken, for the others would be lost.
    """
    if record is None or name_of(record):
        return None
    held = [
        (key, value, name)
        for key, value in record.items()
        if isinstance(value, dict) and not _OF_CALLS.isdisjoint(value) and (name := name_of(value))
    ]
    if len(held) != 1:
        return None
    ((key, value, name),) = held
    beside = {k: said for k, said in record.items() if k != key and k in _BESIDE}
    came = first(*(record.get(came) for came in _CAME), time)
    return _dated(value, name, came, name_of, beside)


def _object_in_front(text: bytes) -> Record | None:
    """The JSON object that ``text`` begins with, whatever a logger wrote behind it."""
    if (record := object_in(text)) is not None or not text.lstrip().startswith(b"{"):
        return record
    try:
        value, _ = _DECODER.raw_decode(text.decode("utf-8", "replace").lstrip())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _dated(
    record: Record, name: str, time: Any, name_of: NameOf, beside: Record | None = None
) -> Record:
    """A provider's object in our envelope, with the time at which it came if it names none."""
    came = {"timestamp": time} if _MOMENT.match(str(time)) else {}
    timed = not _TIMED.isdisjoint(record)
    if name not in PROVIDERS or (not beside and (timed or not came)):
        return record
    enveloped = not {"request", "response"}.isdisjoint(record)
    dated = (beside or {}) | came | (record if enveloped else {"response": record})
    return dated if name_of(dated) == name else record


def _line(piece: _Piece, name_of: NameOf) -> bytes:
    """The record that a piece carries, as a line; blank where it carries something else."""
    record = _known(piece, name_of)
    if record is not None:
        return written(record) or _on_one_line(piece.text)
    text = piece.text.strip()
    broken = text.startswith(b'{"') and _object_in_front(text) is None
    return _on_one_line(text) if broken else b""


def _holding(line: bytes, name_of: NameOf) -> bytes:
    """The call that a line holds which no collector wrapped; blank where it holds none."""
    record = _held(object_in(line), None, name_of)
    return written(record) or b"" if record is not None else b""


def _begins_object(line: bytes) -> bool:
    return line.lstrip().startswith(b"{")


def _itself(line: bytes, name_of: NameOf) -> bytes:
    """A line that nobody wrapped, though a key of its record is named like a carrier's."""
    record = object_in(line)
    return line if record is not None and name_of(record) else b""


def _on_one_line(text: bytes) -> bytes:
    # Only between its parts does JSON have ends of lines.
    return text.strip().replace(b"\r", b" ").replace(b"\n", b" ")
