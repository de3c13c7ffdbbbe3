"""Format ``openai_chunks``: a captured stream of chat completions, one chunk a line.

As documented in OpenAI's reference of ``chat.completion.chunk``: the chunk with a finish reason
ends a stream, and the one without choices that follows it, where ``include_usage`` was asked for,
holds the usage of the whole. Both are records of one call, named by the stream's id; the chunks
before them are ignored, and so is the text that they hold. Servers that count in every chunk (vLLM)
count all of it in those two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.completion import completion_fields
from llmops_pipelines.formats.reading import LogFormat, Record
from llmops_pipelines.formats.records import as_list, as_object, without_nulls


def _recognises(record: Mapping[str, Any]) -> bool:
    return record.get("object") == "chat.completion.chunk"


def _unpack(record: Record) -> Iterator[Record]:
    choices = [as_object(choice) for choice in as_list(record.get("choices"))]
    ended = any(choice.get("finish_reason") for choice in choices)
    if not (ended or (record.get("usage") and not choices)):
        yield {"kind": "ignored"}
        return
    said = completion_fields(record) | {"answer": None, "tool_calls": None}
    yield without_nulls(said | {"call_id": record.get("id"), "is_stream": True})


OPENAI_CHUNKS: Final = LogFormat(
    name="openai_chunks",
    about="OpenAI chat completion chunks, a captured stream",
    marks=("object",),
    recognises=_recognises,
    unpack=_unpack,
    needs=('"object": "chat.completion.chunk" with id, created, model, and usage in the last',),
)
