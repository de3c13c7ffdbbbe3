"""Format ``anthropic_events``: streams of the Messages API, one event a line.

As documented under "Streaming messages" of Anthropic's API: ``message_start``, blocks with their
deltas, ``message_delta``, ``message_stop``. Only the first names the message, so that those of two
messages must not be mixed; landing gathers the events of one under ``stream``. A stream that broke
off is a call whose answer nobody counted. ``timestamp`` or ``time`` of the first event, where
whoever logged it put one there, says when the call began, else the date of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.anthropic import message_fields
from llmops_pipelines.formats.bodies.anthropic_blocks import streamed_message
from llmops_pipelines.formats.engine.reading import LogFormat, Record, StreamOf
from llmops_pipelines.formats.envelope import around
from llmops_pipelines.formats.records import as_list, as_object, at_path, first, without_nulls
from llmops_pipelines.formats.streams import Successive

_BEGINS: Final = "message_start"
_ENDS: Final = ("message_stop", "error")
_BETWEEN: Final = (
    "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "ping",
)  # fmt: skip


def _recognises(record: Mapping[str, Any]) -> bool:
    kind = record.get("type")
    if kind == _BEGINS:
        return isinstance(record.get("message"), dict)
    return kind in (*_BETWEEN, "message_stop") and record.keys().isdisjoint({"response", "request"})


def streams() -> StreamOf:
    """Tells event by event, in the order of a log, which message one belongs to; None to none."""
    messages = Successive()

    def stream_of(record: Record) -> int | None:
        kind = record.get("type")
        return messages.stream_of(begins=kind == _BEGINS, ends=kind in _ENDS)

    return stream_of


def _unpack(record: Record) -> Iterator[Record]:
    kind = record.get("type")
    if "stream" in record:
        yield _streamed([as_object(event) for event in as_list(record["stream"])])
    elif kind == _BEGINS:
        yield _streamed([record])
    elif kind == "error":
        yield message_fields(record)
    elif kind == "message_delta":
        raise TypeError("its message_start is missing; log the events of one message together")
    else:
        yield {"kind": "ignored"}


def _streamed(events: list[Record]) -> Record:
    """The call that the events of a message are; its id and model also where it failed."""
    begun = as_object(at_path(events, 0, "message"))
    told = message_fields(streamed_message(events))
    named = {"response_id": begun.get("id"), "model": begun.get("model")}
    name = first(begun.get("id"), told.get("response_id"))
    said = without_nulls(named) | told | {"call_id": name, "is_stream": True}
    return around(at_path(events, 0) or {}, without_nulls(said))


ANTHROPIC_EVENTS: Final = LogFormat(
    name="anthropic_events",
    about="Anthropic's streams, one event a line",
    marks=("type",),
    recognises=_recognises,
    unpack=_unpack,
    streams=streams,
    needs=('"type": "message_start" with message, and the events of that message after it',),
    dated_by_file=True,
)
