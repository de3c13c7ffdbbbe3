"""Format ``ollama``: answers of Ollama's ``/api/chat`` and ``/api/generate``, whole or in pieces.

As documented in Ollama's API reference: of a stream only the last object (``done``) has counts; an
object names no stream, so that those of one model must not be mixed. Landing gathers the pieces of
one under ``stream``. ``created_at`` is when the object was made, hence the end; ``total_duration``
is in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from llmops_pipelines.formats.bodies.ollama import counts_in, reply_of, speaks
from llmops_pipelines.formats.engine.reading import LogFormat, Record, StreamOf
from llmops_pipelines.formats.envelope import envelope_of, failure_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    first,
    without_nulls,
)
from llmops_pipelines.formats.usage.counts import count_in
from llmops_pipelines.formats.usage.usage import tokens_of

_SLACK: Final = timedelta(seconds=1)
"""Durations leave out what a server does before it counts."""

_MOST_OPEN: Final = 10_000


def _recognises(record: Mapping[str, Any]) -> bool:
    return speaks(record) and "model" in record and "created_at" in record


def streams() -> StreamOf:
    """Tells object by object, in the order of a log, which stream of its model one belongs to."""
    open_streams: dict[tuple[str | None, bool], int] = {}
    number = 0

    def stream_of(record: Record) -> int | None:
        nonlocal number
        if _is_error(record):
            return open_streams.popitem()[1] if len(open_streams) == 1 else None
        if not _recognises(record):
            return None
        key = (as_name(record.get("model")), "message" in record)
        if record.get("done") is not False:
            return open_streams.pop(key, None)
        if key not in open_streams:
            number += 1
            open_streams[key] = number
            if len(open_streams) > _MOST_OPEN:
                open_streams.pop(next(iter(open_streams)))
        return open_streams[key]

    return stream_of


def _is_error(record: Mapping[str, Any]) -> bool:
    return record.keys() == {"error"}


def _unpack(record: Record) -> Iterator[Record]:
    if "stream" in record:
        pieces = [as_object(piece) for piece in as_list(record["stream"])]
        yield from (_beside(calls[-1]) | _streamed(calls) for calls in _streams_in(pieces))
    elif record.get("done") is False:
        yield {"kind": "ignored"}
    else:
        yield _beside(record) | _answered(record)


def _beside(record: Record) -> Record:
    """What stands beside an answer; when it began and how long it took the answer knows best."""
    return envelope_of(record) if "done" in record else {}


def _streams_in(pieces: list[Record]) -> Iterator[list[Record]]:
    """The pieces before the last call began, which broke off, and those of that call."""
    began, last = _moment(_began(pieces[-1])), len(pieces) - 1
    if began is None or count_in(pieces[-1].get("total_duration")) is None:
        yield pieces
        return
    made = [_moment(piece.get("created_at")) for piece in pieces[:last]]
    first_own = next((at for at, then in enumerate(made) if not _before(then, began)), last)
    if first_own:
        yield pieces[:first_own]
    yield pieces[first_own:]


def _streamed(pieces: list[Record]) -> Record:
    """The call that the pieces are; without a last one it broke off, and nobody counted it."""
    *_, last = pieces
    if _is_error(last):
        before, failed = pieces[:-1], failure_of(last["error"])
        return _whole(before) | failed
    if last.get("done") is False:
        return _whole(pieces)
    told = _answered(last) | _said(pieces)
    if len(pieces) == 1:
        return _answered(last)
    if (count := count_in(last.get("eval_count"))) is not None and len(pieces) > count + 2:
        # A piece has a token at least: these are of several streams, and whose is whose is unknown.
        told |= {"answer": None, "tool_calls": None}
    began = pieces[0].get("created_at")
    return without_nulls(told | {"is_stream": True, "first_token_at": began})


def _whole(pieces: list[Record]) -> Record:
    """A stream that broke off: what it had said, and when it began to."""
    begun = pieces[0] if pieces else {}
    said = {"started_at": begun.get("created_at"), "model": begun.get("model"), **_said(pieces)}
    return without_nulls({"kind": "call", "status": "ok", "provider": "ollama", "is_stream": True}
                         | said)  # fmt: skip


def _said(pieces: list[Record]) -> Record:
    replies = [reply_of(piece) for piece in pieces]
    text = "".join(said for reply in replies if isinstance(said := reply["answer"], str))
    calls = [call for reply in replies for call in as_list(reply["tool_calls"])]
    return {"answer": text or None, "tool_calls": calls or None}


def _answered(record: Record) -> Record:
    took = count_in(record.get("total_duration"))
    return without_nulls(
        {
            "kind": "call",
            "status": "ok",
            "provider": "ollama",
            "started_at": _began(record),
            "latency_ms": None if took is None else took / 1e6,
            **reply_of(record),
            **tokens_of(counts_in(record)),
        }
    )


def _began(record: Record) -> Any:
    """When a call began that ended at a time; that time as it stands where this is unknown."""
    ended: Any = record.get("created_at")
    nanoseconds = count_in(record.get("total_duration"))
    try:
        return (
            datetime.fromisoformat(ended) - timedelta(microseconds=(nanoseconds or 0) / 1000)
        ).isoformat()
    except (TypeError, ValueError, OverflowError):
        return ended


def _moment(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(as_text(first(value)) or "")
    except ValueError:
        return None


def _before(moment: datetime | None, began: datetime) -> bool:
    try:
        return moment is not None and moment < began - _SLACK
    except TypeError:  # one has a zone, the other none
        return False


OLLAMA: Final = LogFormat(
    name="ollama",
    about="Ollama's answers of /api/chat and /api/generate, whole or one piece a line",
    marks=("done",),
    recognises=_recognises,
    enveloped=True,
    unpack=_unpack,
    streams=streams,
    needs=("model, created_at, done, and message or response",),
)
