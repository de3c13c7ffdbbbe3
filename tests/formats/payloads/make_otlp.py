"""Make the OTLP fixtures: real instrumentations against the provider stub on loopback.

Run with openai 2.54.0, anthropic 2.14.0, opentelemetry-sdk 1.45.2, wrapt 1.17,
openinference-instrumentation-openai 0.1.66, openinference-instrumentation-anthropic 3.1.0,
opentelemetry-instrumentation-openai 0.62.4 (Traceloop) and opentelemetry-instrumentation-openai-v2
2.3b0 (2.4b0 does not import beside opentelemetry-util-genai 1.3b0), the dialect of Langfuse with
langfuse 5.0.4 and openai 3.57.0; one dialect a run:
``python make_otlp.py openinference``.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from provider_stub import provider

HERE = Path(__file__).parent
QUESTION = [
    {"role": "system", "content": "You answer briefly."},
    {"role": "user", "content": "How long may I return it?"},
]
TOOLS = [{"type": "function", "function": {"name": "find_order", "parameters": {}}}]


class Counting(IdGenerator):
    """Ids that are the same in every run."""

    def __init__(self) -> None:
        self.spans = self.traces = 0

    def generate_span_id(self) -> int:
        self.spans += 1
        return 0xA0B0C0D000000000 + self.spans

    def generate_trace_id(self) -> int:
        self.traces += 1
        return 0x5B8EFFF798038103D269B63300000000 + self.traces


@contextmanager
def tracing(project_key: str = "service.name") -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    resource = Resource(
        {"service.name": "shop", project_key: "shop", "deployment.environment": "production"}
    )
    tracer_provider = TracerProvider(resource=resource, id_generator=Counting())
    tracer_provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(tracer_provider)
    yield exporter


def ask(address: str, **attributes: str) -> None:
    """The calls of one application run: plain, with tools, streamed twice, failed, embeddings."""
    import openai

    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    tracer = trace.get_tracer("shop")
    with tracer.start_as_current_span("answer", attributes=attributes):
        chat = client.chat.completions.create
        chat(model="gpt-4.1-mini", messages=QUESTION, temperature=0, user="u-42")
        chat(model="gpt-4.1-mini", messages=QUESTION, tools=TOOLS)
        list(chat(model="gpt-4.1-mini", messages=QUESTION, stream=True))
        list(
            chat(
                model="gpt-4.1-mini",
                messages=QUESTION,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        with suppress(openai.RateLimitError):
            chat(model="overloaded", messages=QUESTION)
        client.embeddings.create(model="text-embedding-3-small", input="return policy")


def ask_claude(address: str) -> None:
    import anthropic

    client = anthropic.Anthropic(base_url=address, api_key="none", max_retries=0)
    with trace.get_tracer("shop").start_as_current_span("answer"):
        client.messages.create(
            model="claude-haiku-4-5", max_tokens=64, system="You answer briefly.",
            messages=QUESTION[1:],
        )  # fmt: skip
        with suppress(anthropic.APIError):
            client.messages.create(model="overloaded", max_tokens=64, messages=QUESTION[1:])


def ask_through_langfuse(address: str) -> None:
    """Calls of Langfuse's wrapper of OpenAI, and a generation recorded by hand."""
    keys = {"LANGFUSE_PUBLIC_KEY": "none", "LANGFUSE_SECRET_KEY": "none"}
    os.environ |= keys | {"LANGFUSE_HOST": address, "LANGFUSE_TRACING_ENVIRONMENT": "production"}
    from langfuse import Langfuse, propagate_attributes
    from langfuse.openai import OpenAI

    langfuse = Langfuse(tracer_provider=trace.get_tracer_provider())
    observation = langfuse.start_as_current_observation
    client = OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    chat = client.chat.completions.create
    with (
        observation(as_type="span", name="answer"),
        propagate_attributes(
            user_id="u-42", session_id="s-7", tags=["team:care"],
            metadata={"feature": "support_assistant"},
        ),
    ):  # fmt: skip
        with observation(as_type="retriever", name="kb_search", input="return policy") as found:
            found.update(output=[{"id": "kb-1", "content": "Within 30 days.", "score": 0.9}])
        chat(model="gpt-4.1-mini", messages=QUESTION)
        list(chat(model="gpt-4.1-mini", messages=QUESTION, stream=True))
        with suppress(Exception):
            chat(model="overloaded", messages=QUESTION)
        with observation(as_type="generation", name="by hand", model="gpt-4.1-mini") as call:
            counted = {"input": 56, "input_cached_tokens": 64, "output": 30}
            call.update(usage_details=counted, cost_details={"total": 0.25})


def otlp(spans: Any) -> dict[str, Any]:
    """Spans as protobuf's JSON writes them: ids base64, enums by name; the first starts at noon."""
    request = MessageToDict(encode_spans(spans))
    begin = min(span.start_time for span in spans)
    moved: dict[str, Any] = dated(request, 1794312000 * 10**9 - begin)
    return moved


def dated(value: Any, shift: int) -> Any:
    """``value`` with all times moved by ``shift`` nanoseconds."""
    if isinstance(value, list):
        return [dated(item, shift) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("key") == "langfuse.observation.completion_start_time":
        return value | {"value": {"stringValue": '"2026-11-10T12:00:00.200000Z"'}}
    return {
        key: str(int(item) + shift) if key.endswith("UnixNano") else dated(item, shift)
        for key, item in value.items()
    }


def with_hex_ids(request: Any) -> Any:
    """The same as OTLP's JSON writes it: ids hex, enums as numbers."""
    codes = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
    kinds = {"SPAN_KIND_INTERNAL": 1, "SPAN_KIND_CLIENT": 3}

    def convert(key: str, value: Any) -> Any:
        if key in ("traceId", "spanId", "parentSpanId"):
            return base64.b64decode(value).hex()
        if key == "code":
            return codes.get(value, value)
        if key == "kind":
            return kinds.get(value, value)
        return with_hex_ids(value)

    if isinstance(request, list):
        return [with_hex_ids(item) for item in request]
    if not isinstance(request, dict):
        return request
    return {key: convert(key, value) for key, value in request.items()}


def scrubbed(value: Any) -> Any:
    """``value`` without stack traces, ports and noise."""
    if isinstance(value, dict):
        return {
            key: scrubbed(item)
            for key, item in value.items()
            if not key.startswith(("telemetry.sdk", "server.port"))
        }
    if isinstance(value, list):
        noise = ("exception.stacktrace", "telemetry.sdk.", "server.port")
        return [
            scrubbed(item)
            for item in value
            if not (isinstance(item, dict) and str(item.get("key", "")).startswith(noise))
        ]
    if isinstance(value, str) and "127.0.0.1" in value:
        return "http://127.0.0.1/v1"
    if isinstance(value, str) and "Traceback" in value:
        return "Traceback"
    return value


def write(name: str, *records: Any) -> None:
    lines = [json.dumps(scrubbed(record), separators=(",", ":")) for record in records]
    (HERE / f"{name}.jsonl").write_text("\n".join([*lines, ""]))


def main(dialect: str, address: str) -> None:
    match dialect:
        case "openinference":
            from openinference.instrumentation import using_attributes
            from openinference.instrumentation.openai import OpenAIInstrumentor

            with tracing("openinference.project.name") as exporter:
                OpenAIInstrumentor().instrument()
                with using_attributes(
                    session_id="s-7", user_id="u-42", tags=["team:care"],
                    metadata={"feature": "support_assistant"}, prompt_template="{system}",
                    prompt_template_version="3",
                ):  # fmt: skip
                    ask(address, **{"openinference.span.kind": "CHAIN"})
                write("openinference_openai", otlp(exporter.get_finished_spans()))
        case "traceloop":
            from opentelemetry.instrumentation.openai import OpenAIInstrumentor

            with tracing() as exporter:
                OpenAIInstrumentor().instrument()
                ask(address, **{
                    "traceloop.span.kind": "workflow",
                    "traceloop.entity.name": "answer",
                    "traceloop.association.properties.user_id": "u-42",
                    "traceloop.association.properties.feature": "support_assistant",
                })  # fmt: skip
                write("otel_genai_traceloop", with_hex_ids(otlp(exporter.get_finished_spans())))
        case "openai-v2":
            os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "span_only"
            os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"
            from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

            with tracing() as exporter:
                OpenAIInstrumentor().instrument()
                ask(address, **{"user.id": "u-42", "session.id": "s-7"})
                spans = exporter.get_finished_spans()
                write("otel_genai_openai_v2", with_hex_ids(otlp(spans)))
                console = [
                    json.loads(span.to_json())
                    | {"start_time": "2026-11-10T12:00:00Z", "end_time": "2026-11-10T12:00:01Z"}
                    for span in spans
                ]
                write("otel_genai_console", *console[:1], console[-1])
        case "langfuse":
            with tracing() as exporter:
                ask_through_langfuse(address)
                write("otel_genai_langfuse", with_hex_ids(otlp(exporter.get_finished_spans())))
        case "anthropic":
            from openinference.instrumentation.anthropic import AnthropicInstrumentor

            with tracing() as exporter:
                AnthropicInstrumentor().instrument()
                ask_claude(address)
                write("openinference_anthropic", with_hex_ids(otlp(exporter.get_finished_spans())))
        case "anthropic-native":
            with tracing() as exporter:
                ask_claude(address)
                write("otel_genai_anthropic", with_hex_ids(otlp(exporter.get_finished_spans())))


if __name__ == "__main__":
    with provider() as running:
        main(sys.argv[1], running)
