"""Format ``cohere``: answers of Cohere's chat and embeddings, bare or in our envelope.

An answer names no model, so that only the envelope's ``request.model`` gives it a price, and says
no time: without an envelope it has the date of its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies import cohere
from llmops_pipelines.formats.bodies.bodies import request_of, response_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.envelope import around, beside_of, failure_of
from llmops_pipelines.formats.records import as_object, first, from_json


def _recognises(record: Mapping[str, Any]) -> bool:
    response = record.get("response")
    return cohere.speaks(response) if isinstance(response, dict) else cohere.speaks(record)


def _unpack(record: Record) -> Iterator[Record]:
    if (beside := beside_of(record)) is not None:
        yield beside
    elif "response" in record or "request" in record:
        asked = request_of(from_json(first(record.get("request"), record.get("body"))))
        yield around(record, asked | _answered(as_object(record.get("response"))))
    else:
        yield around(record, _answered(record))


def _answered(answer: Record) -> Record:
    """What an answer tells; nothing where there is none."""
    if not answer:
        return {}
    known: Record = {"kind": "call", "provider": "cohere"}
    if not cohere.speaks(answer):
        return known | failure_of(first(answer.get("error"), answer.get("message")))
    nothing_made: Record = {"output_tokens": 0} if "embeddings" in answer else {}
    return nothing_made | {"status": "ok"} | known | response_of(answer)


COHERE: Final = LogFormat(
    name="cohere",
    about="Cohere's chat and embedding answers, bare or in our envelope",
    marks=("usage", "meta", "response"),
    recognises=_recognises,
    enveloped=True,
    unpack=_unpack,
    needs=("message and usage with billed_units or tokens", "or text or embeddings and meta"),
    dated_by_file=True,
)
