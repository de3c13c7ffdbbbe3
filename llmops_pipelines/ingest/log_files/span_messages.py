"""Messages that OpenTelemetry sent as log records before the answer, put beside the answer.

Until v1.36 of the conventions each message of a call is a log record, sent as the call begins, and
its answer another, sent as it ends: in another line, wherever an exporter sends what it has each
second. A file is read once, in order, whatever its blocks, so that the call begins with its first
message, also where midnight lies between. Messages whose answer lies in another file are joined
when the day is put together (``asked``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from llmops_pipelines.formats.dialects.gen_ai_events import (
    EARLIER,
    SpanKey,
    is_choice,
    is_message,
)
from llmops_pipelines.formats.otlp import sent_logs
from llmops_pipelines.ingest.log_files.lines import Block, Refused
from llmops_pipelines.ingest.log_files.rewriting import lines_of, object_in, with_lines, written

_LOGS: Final = (b"logRecords", b"log_records")
_MOST_HELD: Final = 64 * 2**20
"""Bytes of messages that wait for their answer; beyond that, the oldest wait no longer."""


def with_earlier_messages(blocks: Iterator[Block | Refused]) -> Iterator[Block | Refused]:
    """``blocks`` whose answers have the messages that lines before them sent."""
    waiting = _Waiting()
    for block in blocks:
        if isinstance(block, Block) and _sends_logs(block.data):
            told = [
                _with_earlier(line, waiting) if _sends_logs(line) else line
                for line in lines_of(block)
            ]
            yield with_lines(block, told)
        else:
            yield block


class _Waiting:
    """Messages by their span, the oldest span first, up to so many bytes."""

    def __init__(self) -> None:
        self._held: dict[SpanKey, list[bytes]] = {}
        self._size = 0

    def add(self, span: SpanKey, message: bytes) -> None:
        self._held.setdefault(span, []).append(message)
        self._size += len(message)
        while self._size > _MOST_HELD:
            self.taken(next(iter(self._held)))

    def taken(self, span: SpanKey) -> list[bytes]:
        messages = self._held.pop(span, [])
        self._size -= sum(map(len, messages))
        return messages


def _sends_logs(data: bytes) -> bool:
    return any(mark in data for mark in _LOGS)


def _with_earlier(line: bytes, waiting: _Waiting) -> bytes:
    record = object_in(line)
    if record is None:
        return line
    messages: list[tuple[SpanKey, Mapping[str, Any]]] = []
    answered: dict[SpanKey, None] = {}
    for log, sent in sent_logs(record):
        if log.span_id is None:
            continue
        if is_message(log):
            messages.append(((log.trace_id, log.span_id), sent))
        elif is_choice(log):
            answered[log.trace_id, log.span_id] = None
    earlier = [orjson.loads(message) for span in answered for message in waiting.taken(span)]
    for span, sent in messages:
        if span not in answered and (message := written(sent)):
            waiting.add(span, message)
    return (earlier and written(record | {EARLIER: earlier})) or line
