"""Format ``openai_chunks``: streams of chat completions, one chunk a line, or in our envelope.

As documented in OpenAI's reference of ``chat.completion.chunk``: a chunk with a finish reason ends
a choice, and the one without choices that follows, where ``include_usage`` was asked for, holds the
usage of the whole. Landing gathers a stream under ``stream``; chunks of one that is too long for
that stay alone, as records of its call without text. Servers that count in every chunk (vLLM) count
all of it in the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeGuard

from llmops_pipelines.formats.bodies.bodies import request_of
from llmops_pipelines.formats.bodies.completion import completion_fields
from llmops_pipelines.formats.engine.reading import LogFormat, Record, StreamOf
from llmops_pipelines.formats.envelope import around, beside_of, failure_of
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    as_text,
    at_path,
    first,
    without_nulls,
)
from llmops_pipelines.formats.streams import Turns

_GROQ: Final = "x_groq"
"""Where Groq says more; of a stream, also its usage."""

_HEAD: Final = ("id", "created", "model", "service_tier", _GROQ)
_SAID: Final = ("content", "refusal", "tool_calls", "function_call", "reasoning_content")


def _is_chunk(value: Any) -> bool:
    return isinstance(value, dict) and value.get("object") == "chat.completion.chunk"


def _bare(piece: Any) -> Any:
    """A piece of a stream as a chunk: Mistral's SDK hands them over in ``data``."""
    inner = piece.get("data") if isinstance(piece, dict) else None
    return inner if _is_chunk(inner) else piece


def _recognises(record: Mapping[str, Any]) -> bool:
    return _is_chunk(record) or is_stream(record.get("response"))


def is_stream(response: Any) -> TypeGuard[list[Any]]:
    """Whether a response was logged as the list of its chunks."""
    return isinstance(response, list) and bool(response) and _is_chunk(_bare(response[0]))


def streams() -> StreamOf:
    """Tells chunk by chunk, in the order of a log, which stream one belongs to.

    Servers such as Ollama's repeat their ids.
    """
    turns = Turns()

    def stream_of(record: Record) -> tuple[str, int] | None:
        name = as_name(record.get("id"))
        if name is None or not _is_chunk(record):
            return None
        choices = [as_object(choice) for choice in as_list(record.get("choices"))]
        going_on = {str(each.get("index")) for each in choices if _says_more(each)}
        ending = {str(each.get("index")) for each in choices if each.get("finish_reason")}
        return turns.stream_of(name, going_on, ending)

    return stream_of


def _says_more(choice: Record) -> bool:
    delta = as_object(choice.get("delta"))
    return any(delta.get(name) for name in _SAID)


def _unpack(record: Record) -> Iterator[Record]:
    if (beside := beside_of(record)) is not None:
        yield beside
    elif "stream" in record:
        chunks = as_list(record["stream"])
        yield around(as_object(at_path(chunks, 0)), _streamed(chunks))
    elif "response" in record:
        asked = request_of(first(record.get("request"), record.get("body")))
        yield around(record, _answered(record["response"]) | asked)
    else:
        yield _alone(record)


def _answered(response: Any) -> Record:
    """What a response tells, be it a list of chunks or whole; nothing where there is none."""
    if isinstance(response, list):
        return _streamed([_bare(piece) for piece in response])
    whole = as_object(response)
    if whole.get("error"):
        return failure_of(whole["error"])
    return completion_fields(whole) if whole else {}


def _alone(record: Record) -> Record:
    """A chunk by itself: a record of its call if it ends the stream or tells its usage."""
    choices = [as_object(choice) for choice in as_list(record.get("choices"))]
    ended = any(choice.get("finish_reason") for choice in choices)
    if not (ended or (record.get("usage") and not choices)):
        return {"kind": "ignored"}
    said = _told([record]) | {"answer": None, "tool_calls": None}
    return around(record, without_nulls(said | {"is_stream": True}))


def _streamed(chunks: list[Any]) -> Record:
    """The call that a stream is; one that broke off has no finish reason."""
    whole = _told(chunks)
    return without_nulls(whole | {"call_id": whole.get("response_id"), "is_stream": True})


def _told(chunks: list[Any]) -> Record:
    body = joined(chunks)
    served = {"provider": "groq"} if _GROQ in body else {}
    failed = failure_of(body["error"]) if "error" in body else {}
    return served | completion_fields(body) | failed


def joined(chunks: list[Any]) -> Record:
    """The completion that chunks make up, with its first choice only: the others are not read.

    It holds the error of a stream that failed on its way.
    """
    whole: Record = {}
    texts: dict[str, list[str]] = {"content": [], "refusal": [], "transcript": []}
    calls: dict[str, Record] = {}
    reason = None
    for chunk in map(as_object, chunks):
        told = ((name, chunk.get(name)) for name in _HEAD)
        whole = {name: value for name, value in told if value is not None} | whole
        counted = first(chunk.get("usage"), at_path(chunk, _GROQ, "usage"))
        whole |= without_nulls({"usage": counted, "error": first(chunk.get("error"))})
        for choice in map(as_object, as_list(chunk.get("choices"))):
            if choice.get("index") not in (0, None):
                continue
            delta = as_object(choice.get("delta"))
            delta["transcript"] = at_path(delta, "audio", "transcript")
            reason = choice.get("finish_reason") or reason
            for name, pieces in texts.items():
                if isinstance(piece := delta.get(name), str):
                    pieces.append(piece)
            for place, call in enumerate(map(as_object, as_list(delta.get("tool_calls")))):
                _add(calls.setdefault(str(call.get("index", place)), {}), call.get("function"))
            if "function_call" in delta:
                _add(calls.setdefault("0", {}), delta["function_call"])
    message: Record = {name: "".join(pieces) or None for name, pieces in texts.items()}
    message["audio"] = {"transcript": message.pop("transcript")}
    spoken = message | {"tool_calls": [{"function": call} for call in calls.values()]}
    return whole | {"choices": [{"message": spoken, "finish_reason": reason}]}


def _add(call: Record, said: Any) -> None:
    function = as_object(said)
    call["name"] = call.get("name") or function.get("name")
    call["arguments"] = f"{call.get('arguments', '')}{as_text(function.get('arguments')) or ''}"


OPENAI_CHUNKS: Final = LogFormat(
    name="openai_chunks",
    about="OpenAI chat completion chunks, captured streams, one chunk a line or in our envelope",
    marks=("object", "response"),
    recognises=_recognises,
    enveloped=True,
    unpack=_unpack,
    streams=streams,
    needs=('"object": "chat.completion.chunk" with id, created, model, and usage in the last',),
)
