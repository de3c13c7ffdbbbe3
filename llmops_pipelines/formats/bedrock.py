"""Format ``bedrock``: AWS Bedrock's model invocation logs, from S3, CloudWatch or its exports.

As documented under "Monitor model invocation" in Bedrock's user guide: a record per invocation,
``schemaType`` ModelInvocationLog, one a line in S3's files; CloudWatch holds it as text in
``message``. Input tokens are counted without cached ones. Bodies above 25 KB lie in files of their
own: landing puts those beside the log into its records, else texts are unknown, while the counts
are here. ``timestamp`` has whole seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from llmops_pipelines.formats.bodies.bedrock_bodies import METRICS, joined
from llmops_pipelines.formats.bodies.bodies import reply_of, request_of
from llmops_pipelines.formats.engine.reading import LogFormat, Record
from llmops_pipelines.formats.records import (
    as_list,
    as_name,
    as_object,
    at_path,
    context_of,
    first,
    without_nulls,
)
from llmops_pipelines.formats.usage.usage import tokens_of

_SCHEMA: Final = "ModelInvocationLog"
_WRAPPED: Final = ("message", "@message")
_STREAMS: Final = {
    "ConverseStream": True, "InvokeModelWithResponseStream": True,
    "Converse": False, "InvokeModel": False,
}  # fmt: skip
_OPAQUE: Final = (
    "application-inference-profile", "provisioned-model", "imported-model",
    "custom-model-deployment", "prompt-router", "default-prompt-router",
)  # fmt: skip
"""Kinds of resources whose ids say nothing of the model."""

_COUNTS: Final = ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")


def _recognises(record: Mapping[str, Any]) -> bool:
    if record.get("schemaType") == _SCHEMA:
        return True
    return any(_SCHEMA in str(record[name]) for name in _WRAPPED if name in record)


def _unpack(record: Record) -> Iterator[Record]:
    held = [as_object(record[name]) for name in _WRAPPED if name in record]
    invocation = next((inner for inner in held if "modelId" in inner), record)
    if held and invocation is record and "modelId" not in record:
        yield {"kind": "ignored"}  # another event of the same log group
        return
    yield without_nulls(_call(invocation))


def _call(record: Record) -> Record:
    given, made = as_object(record.get("input")), as_object(record.get("output"))
    asked = request_of(given.get("inputBodyJson"))
    body = _answer(made.get("outputBodyJson"))
    said = reply_of(body)
    metadata = as_object(record.get("requestMetadata"))
    model, failed = model_of(record), as_name(record.get("errorCode"))
    operation = as_name(record.get("operation"))
    said_model = said.pop("model", None)
    return {
        **asked,
        **said,
        **({} if failed else _counted(given, made, body)),
        **context_of(metadata),
        "kind": "call",
        "call_id": as_name(record.get("requestId")),
        "trace_id": as_name(first(metadata.get("trace_id"), metadata.get("traceId"))),
        "project": as_name(record.get("accountId")),
        "name": operation,
        "started_at": record.get("timestamp"),
        "latency_ms": first(
            at_path(body, "metrics", "latencyMs"), at_path(body, METRICS, "invocationLatency")
        ),
        "ttft_ms": at_path(body, METRICS, "firstByteLatency"),
        "provider": "bedrock",
        "model_requested": model,
        "model": said_model if _is_opaque(record) and said_model else model,
        "is_stream": _STREAMS.get(operation or ""),
        "status": "error" if failed else "ok",
        "error_class": failed,
        "metadata": metadata
        | without_nulls(
            {
                "region": as_name(record.get("region")),
                "inference_region": as_name(record.get("inferenceRegion")),
                # Who was allowed to call, not who used the application.
                "identity": as_name(at_path(record, "identity", "arn")),
            }
        ),
    }


def _answer(body: Any) -> Record:
    """The body of an answer; of a stream, what its pieces make up."""
    return joined(pieces) if (pieces := as_list(body)) else as_object(body)


def _counted(given: Record, made: Record, body: Record) -> Record:
    """Bedrock's counts, and what the body's own say beyond them: how long a cache is kept.

    A body that counts a prompt with its cached tokens is taken alone, if it counts both sides.
    An embedding has no output.
    """
    counts = {name: given.get(name) for name in _COUNTS}
    counted = tokens_of(without_nulls(counts | {"outputTokenCount": made.get("outputTokenCount")}))
    told = tokens_of(as_object(body.get("usage")))
    if "input_tokens" in told:
        return told if "output_tokens" in told else counted
    if any(name in body for name in ("embedding", "embeddings", "embeddingsByType")):
        counted["total_tokens"] = counted.get("uncached_input")
    return counted | told


def model_of(record: Mapping[str, Any]) -> str | None:
    """The id of the model that ``modelId`` names, out of an ARN if it stands in one."""
    name = as_name(record.get("modelId"))
    return name.rpartition("/")[2] if name and name.startswith("arn:") else name


def _is_opaque(record: Record) -> bool:
    resource = (as_name(record.get("modelId")) or "").rpartition(":")[2]
    return resource.partition("/")[0] in _OPAQUE


BEDROCK: Final = LogFormat(
    name="bedrock",
    about="AWS Bedrock model invocation logs, from S3 or CloudWatch",
    marks=("schemaType", *_WRAPPED),
    recognises=_recognises,
    unpack=_unpack,
    needs=('"schemaType": "ModelInvocationLog", timestamp, modelId, input and output',),
    second_hand=True,
)
