"""Sends spans to a Phoenix server through OTLP; run by the interpreter that has Phoenix.

Arguments: root of the server, project, ISO starts of the spans, joined by commas.
"""

import sys
from datetime import datetime

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

url, project, starts = sys.argv[1:]
provider = TracerProvider(resource=Resource({"openinference.project.name": project}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{url}/v1/traces")))
tracer = provider.get_tracer("shop")
for number, start in enumerate(starts.split(",")):
    began = int(datetime.fromisoformat(start).timestamp()) * 10**9
    attributes = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4.1-mini-2025-04-14",
        "llm.token_count.prompt": 8,
        "llm.token_count.completion": 2,
        "llm.token_count.total": 10,
        "input.value": f"How long does parcel {number} travel?",
    }
    span = tracer.start_span(f"call {number}", start_time=began, attributes=attributes)
    span.end(began + 10**9)
provider.shutdown()
