"""Spans of OpenInference: what they are stands in ``openinference.span.kind``.

Lists are flattened (``llm.input_messages.0.message.role``), nested or JSON text, depending on what
carried the span. ``llm.token_count.prompt`` includes cached tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from llmops_pipelines.formats.bodies.bodies import reply_of
from llmops_pipelines.formats.bodies.messages import documents_of, messages_of, tool_calls_of
from llmops_pipelines.formats.dialects.common import (
    answer_of,
    counts,
    custom,
    flat,
    indexed,
    listed,
    record_of,
    step,
    under,
)
from llmops_pipelines.formats.dialects.gen_ai_usage import apart_if_smaller, beside_caches
from llmops_pipelines.formats.dialects.openinference_outputs import broken_down, told_by
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.otlp import Span
from llmops_pipelines.formats.records import (
    as_name,
    as_object,
    as_text,
    at_path,
    context_of,
    first,
    from_printed,
    without_nulls,
)
from llmops_pipelines.formats.usage.counts import with_total

KIND: Final = "openinference.span.kind"
_STEPS: Final = {
    "RETRIEVER": "retriever", "RERANKER": "reranker", "TOOL": "tool", "AGENT": "agent",
    "GUARDRAIL": "guardrail", "EMBEDDING": "embedding",
}  # fmt: skip
_JSON: Final = (
    "llm.input_messages", "llm.output_messages", "retrieval.documents",
    "reranker.output_documents",
)  # fmt: skip
_COUNT: Final = "llm.token_count"
_AGNO: Final = "openinference.instrumentation.agno"
_LANGCHAIN: Final = (
    "openinference.instrumentation.langchain", "@arizeai/openinference-instrumentation-langchain",
)  # fmt: skip
"""LangChain says of every call that it is no stream. Python's console exporter does not print which
library wrote a span: ``ls_integration`` in its metadata is LangChain's own."""

_LLAMA_INDEX: Final = "openinference.instrumentation.llama_index"
_EXCHANGED: Final = ("llm.input_messages", "llm.output_messages", "llm.prompts", _COUNT)
_LISTS: Final = (*_JSON, "llm.invocation_parameters", "tag.tags", "metadata")


@dataclass(frozen=True, slots=True)
class _Says:
    """The attributes of a span with dotted keys, and those below each of ``_LISTS`` without it."""

    all: Record
    below: dict[str, Record]

    def get(self, key: str) -> Any:
        """The value of an attribute."""
        return self.all.get(key)


def speaks(span: Span) -> bool:
    """Whether the span says its OpenInference kind."""
    return _kind(span) is not None


def _kind(span: Span) -> Any:
    return first(span.attributes.get(KIND), at_path(span.attributes, *KIND.split(".")))


def read(span: Span) -> Record:
    """A call (an embedding too, where it says which model or how many tokens), or a step."""
    says = _flattened(span.attributes)
    kind = str(_kind(span)).upper()
    counted = any(f"{_COUNT}.{side}" in says.all for side in ("prompt", "completion", "total"))
    model_asked = kind == "LLM" and not _only_prepares(span, says)
    if model_asked or (kind == "EMBEDDING" and (counted or "embedding.model_name" in says.all)):
        return _call(span, says)
    place = "reranker.output_documents" if kind == "RERANKER" else "retrieval.documents"
    return step(
        span,
        _STEPS.get(kind, "chain"),
        given=first(says.get("input.value"), says.get("reranker.query")),
        returned=says.get("output.value"),
        contexts=_documents(says, place) or None,
        name=as_name(says.get("tool.name")) if kind == "TOOL" else None,
        **_shared(says),
    )


def _only_prepares(span: Span, says: _Says) -> bool:
    """Whether a span is of a method that asks nothing: LlamaIndex says LLM of all that a model has.

    Of those around a call, the call itself is another span.
    """
    exchanged = any(key.startswith(_EXCHANGED) for key in says.all)
    return span.scope == _LLAMA_INDEX and not exchanged and not span.failed


def _flattened(attributes: Mapping[str, Any]) -> _Says:
    read = {
        key: from_printed(value) if key in _JSON else value for key, value in attributes.items()
    }
    metadata = as_object(from_printed(read.pop("metadata", None)))
    found = flat(read)
    found |= {f"metadata.{key}": value for key, value in metadata.items()}
    below: dict[str, Record] = {name: {} for name in _LISTS}
    for key, value in found.items():
        one = key.find(".")
        two = key.find(".", one + 1)
        for end in (one, two):
            if end > 0 and (group := below.get(key[:end])) is not None:
                group[key[end + 1 :]] = value
    return _Says(found, below)


def _shared(says: _Says) -> Record:
    metadata = says.below["metadata"]
    said: Record = {
        "user_id": as_name(says.get("user.id")),
        "session_id": as_name(says.get("session.id")),
        "prompt_version": as_name(says.get("llm.prompt_template.version")),
    }
    said = {**context_of(metadata), **without_nulls(said)}
    said.setdefault("prompt_name", as_name(says.get("prompt.id")))
    tags = first(says.get("tag.tags"), list(says.below["tag.tags"].values()))
    return without_nulls({**said, "tags": tags, "metadata": {**custom(says.all), **metadata}})


def _call(span: Span, says: _Says) -> Record:
    if span.scope is None and "ls_integration" in says.below["metadata"]:
        span = replace(span, scope=_LANGCHAIN[0])
    asked = as_object(says.get("input.value"))
    returned = as_object(says.get("output.value"))
    parameters = {
        **asked,
        **as_object(
            first(
                says.get("llm.invocation_parameters"), says.below["llm.invocation_parameters"],
                says.get("embedding.invocation_parameters"),
            )
        ),
    }  # fmt: skip
    shape = as_object(parameters.get("response_format"))
    output = _list_of(says, "llm.output_messages", "message")
    # Each item of a response is a message; of several choices the first one counts.
    told = output[:1] if "choices" in returned else output
    answer = next((said for said in told if _text(said)), told[0] if told else {})
    replied = reply_of(returned) if isinstance(returned.get("output"), list) else {}
    first_token = span.event("First Token Stream Event")
    unsaid = span.scope in _LANGCHAIN and parameters.get("stream") is False
    told_too = told_by(returned)
    served = as_name(
        first(
            says.get("llm.response.model_name"), told_too.get("model"), says.get("llm.model_name"),
            says.get("embedding.model_name"),
        )
    )  # fmt: skip
    return record_of(
        span,
        "call",
        provider=as_name(
            first(*(says.get(k) for k in ("llm.provider", "llm.system", "metadata.ls_provider")))
        ),
        model=None if span.failed and not returned else served,
        model_requested=as_name(
            first(
                says.get("llm.request.model_name"), parameters.get("model"),
                parameters.get("model_name"), served,
            )
        ),
        response_id=told_too.get("response_id"),
        service_tier=as_name(first(told_too.get("service_tier"), parameters.get("service_tier"))),
        finish_reason=as_name(
            first(
                says.get("llm.finish_reason"),
                at_path(returned, "choices", 0, "finish_reason"),
                returned.get("stop_reason"),
                replied.get("finish_reason"),
                told_too.get("finish_reason"),
            )
        ),
        is_stream=True if first_token else None if unsaid else parameters.get("stream"),
        first_token_at=first_token.time if first_token else None,
        prompt_template=as_text(says.get("llm.prompt_template.template")),
        format_requested=as_name(shape.get("type")),
        response_schema=first(
            at_path(shape, "json_schema", "schema"), at_path(shape, "json_schema")
        ),
        cost_reported=says.get("llm.cost.total"),
        messages=_messages(says, asked) or None,
        answer=first(_answer(says, answer, returned), told_too.get("answer")),
        tool_calls=[call for said in told for call in tool_calls_of(said)]
        or told_too.get("tool_calls"),
        **broken_down(_usage(says, apart=_counts_apart(span, says)), returned),
        **_shared(says),
    )  # fmt: skip


def _messages(says: _Says, asked: Record) -> list[Record]:
    listed = _list_of(says, "llm.input_messages", "message")
    body = first(
        says.get("llm.prompts"), asked.get("messages"), asked.get("input"), asked.get("prompt")
    )
    return messages_of(listed) or messages_of(first(body, says.get("input.value")))


def _answer(says: _Says, answer: Record, returned: Record) -> str | None:
    text = _text(answer)
    if text is None and not tool_calls_of(answer):
        text = as_text(at_path(returned, "choices", 0, "message", "content"))
    whole = says.get("output.value")
    return as_text(whole) if text is None and not answer and not returned else text


def _text(message: Record) -> str | None:
    return answer_of(first(message.get("content"), message.get("contents")))


def _counts_apart(span: Span, says: _Says) -> bool:
    """Whether the library hands on a prompt as Claude and Bedrock count it, beside its caches."""
    who = [str(says.get(name)).lower() for name in ("llm.provider", "llm.model_name")]
    return span.scope == _AGNO and ("bedrock" in who[0] or "claude" in who[1])


def _usage(says: _Says, *, apart: bool) -> Record:
    found = counts(
        says.all,
        input_tokens=(f"{_COUNT}.prompt",),
        output_tokens=(f"{_COUNT}.completion",),
        cache_read=(
            f"{_COUNT}.prompt_details.cache_read",
            f"{_COUNT}.prompt_details.cache_input",
        ),
        cache_write_5m=(f"{_COUNT}.prompt_details.cache_write",),
        audio_input=(f"{_COUNT}.prompt_details.audio",),
        reasoning=(f"{_COUNT}.completion_details.reasoning",),
        audio_output=(f"{_COUNT}.completion_details.audio",),
    )
    found = beside_caches(found) if apart else apart_if_smaller(found)
    return with_total(found, says.get(f"{_COUNT}.total"))


def _list_of(says: _Says, prefix: str, name: str) -> list[Record]:
    """The objects of a flattened list, each without the ``name.`` before its keys."""
    return [_message(under(item, name)) for item in listed(says.below[prefix])]


def _message(says: Record) -> Record:
    """A flattened message as providers write it: content or its parts, tool calls."""
    parts = [under(part, "message_content") for part in indexed(says, "contents")]
    calls = [under(call, "tool_call.function") for call in indexed(says, "tool_calls")]
    return {
        "role": says.get("role"),
        "content": says.get("content"),
        "contents": parts,
        "tool_calls": calls,
    }


def _documents(says: _Says, prefix: str) -> list[Record]:
    return documents_of([_document(item) for item in listed(says.below[prefix])])


def _document(item: Record) -> Record:
    inner = under(item, "document")
    metadata = {**as_object(inner.get("metadata")), **under(inner, "metadata")}
    return {
        "id": inner.get("id"),
        "content": as_text(inner.get("content")),
        "score": inner.get("score"),
        "metadata": metadata,
    }
