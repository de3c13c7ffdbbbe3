"""Format ``claude_code``: sessions of Claude Code and of Claude's Agent SDK.

Their transcripts (``~/.claude/projects``), and what ``--output-format stream-json`` prints, hold a
line for each block of a message, and each repeats the message's id and usage: read as messages,
every call would be charged once a block. All lines of a message, and what was said since the one
before it, are a call. A session that was resumed holds the lines of the first again: their ids are
the same. Costs that it sums (``"type": "result"``) are of no single call. Fields as Claude Code 1.0
to 2.1 writes them; they are documented for ``stream-json`` alone.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.anthropic import message_fields
from llmops_pipelines.formats.bodies.anthropic_blocks import answer_of, searched_in
from llmops_pipelines.formats.bodies.messages import messages_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record, StreamOf
from llmops_pipelines.formats.envelope import failure_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    first,
    without_nulls,
)

_SESSION: Final = ("sessionId", "session_id")
_AGENT: Final = ("agentId", "parent_tool_use_id")
_PLACED: Final = ("uuid", "parent_tool_use_id")
_SPOKEN: Final = ("user", "assistant")
_OTHERS: Final = {
    "summary", "system", "result", "stream_event", "attachment", "progress", "mode", "last-prompt",
    "file-history-snapshot", "queue-operation", "rate_limit_event",
}  # fmt: skip
_KEYS: Final = (*_SESSION, "leafUuid", "messageId")
"""What every line has one of."""

_NO_MODEL: Final = "<synthetic>"
"""Whose words the program's own are: errors, and answers that it did without."""

_MOST_OPEN: Final = 10_000


def _recognises(record: Mapping[str, Any]) -> bool:
    kind = as_name(record.get("type"))
    if kind in _SPOKEN:  # applications log what was said in such words too
        of_session = any(isinstance(record.get(key), str) for key in _SESSION)
        message = as_object(record.get("message"))
        named = kind == "user" or isinstance(message.get("model"), str)
        return of_session and not record.keys().isdisjoint(_PLACED) and bool(message) and named
    return kind in _OTHERS and not record.keys().isdisjoint(_KEYS)


def streams() -> StreamOf:
    """Tells line by line which call one belongs to: what was said is of the next that answers.

    Agents of one session speak side by side, each in turns of its own.
    """
    turns: dict[Hashable, tuple[int, bool]] = {}
    answers: dict[Hashable, int] = {}

    def stream_of(record: Record) -> Hashable | None:
        kind, message = record.get("type"), record.get("message")
        if kind not in _SPOKEN or not isinstance(message, dict):
            return None
        names = (as_name(record.get(key)) for key in (*_SESSION, *_AGENT))
        speaker = (*names, bool(record.get("isSidechain")))
        name = as_name(message.get("id")) if kind == "assistant" else None
        if name is not None and (speaker, name) in answers:
            return speaker, answers[speaker, name]
        turn, answered = turns.get(speaker, (0, False))
        turn += answered
        turns[speaker] = turn, kind == "assistant"
        if name is not None:
            answers[speaker, name] = turn
            if len(answers) > _MOST_OPEN:
                answers.pop(next(iter(answers)))
        return speaker, turn

    return stream_of


def _unpack(record: Record) -> Iterator[Record]:
    lines = [as_object(line) for line in as_list(record.get("stream"))] or [record]
    said = [line for line in lines if line.get("type") == "assistant"]
    told = _call(said, [line for line in lines if line.get("type") == "user"]) if said else None
    yield told or {"kind": "ignored"}


def _call(said: list[Record], asked: list[Record]) -> Record | None:
    """The call that the lines ``said`` are, after those ``asked``; None of the program's words."""
    last = said[-1]
    message = _whole([as_object(line.get("message")) for line in said])
    if message.get("model") == _NO_MODEL:
        if not last.get("isApiErrorMessage"):
            return None
        said_of_it = {
            "type": last.get("error"),
            "message": answer_of(as_list(message.get("content"))),
        }
        told = {"kind": "call"} | failure_of(said_of_it, last.get("apiErrorStatus"))
    else:
        told = message_fields(message)
    heard = [line.get("message") for line in asked if not line.get("isMeta")]
    came = [line.get("timestamp") for line in (*asked[-1:], *said)]
    about = {"git_branch": last.get("gitBranch"), "version": last.get("version")}
    return without_nulls(
        told
        | {
            "call_id": first(message.get("id"), last.get("uuid")),
            "session_id": first(*map(last.get, _SESSION)),
            "started_at": first(*came),
            "ended_at": came[-1] if len(came) > 1 else None,
            "is_stream": True,
            "project": str(last.get("cwd") or "").rpartition("/")[2] or None,
            "messages": messages_of(heard) or None,
            "contexts": searched_in(heard) or None,
            "metadata": without_nulls(about) or None,
        }
    )


def _whole(parts: list[Record]) -> Record:
    """A message of its ``parts``: all their blocks, and the usage that counts most of it.

    What is counted of an answer before it says why it stopped is no count of it.
    """
    content = [block for part in parts for block in as_list(part.get("content"))]
    usage = max((as_object(part.get("usage")) for part in parts), key=_counted)
    ended = first(*(part.get("stop_reason") for part in reversed(parts)))
    if ended is None:
        usage = {key: count for key, count in usage.items() if key != "output_tokens"}
    return parts[-1] | {"content": content, "usage": usage, "stop_reason": ended}


def _counted(usage: Record) -> int:
    count = usage.get("output_tokens")
    return count if isinstance(count, int) else -1


CLAUDE_CODE: Final = LogFormat(
    name="claude_code",
    about="Sessions of Claude Code and of Claude's Agent SDK",
    marks=_KEYS,
    recognises=_recognises,
    unpack=_unpack,
    streams=streams,
    needs=('"type": "assistant" with message and sessionId (of stream-json: session_id)',),
    dated_by_file=True,
)
