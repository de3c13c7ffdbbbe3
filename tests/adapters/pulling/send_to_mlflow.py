"""Writes traces to an MLflow server; run by the interpreter that has MLflow.

Arguments: root of the server, experiment, ISO starts of the traces, joined by commas. Every other
trace is written as MLflow's client does it, the others go to its OTLP endpoint: the spans of the
first may then lie in files, those of the second in the database.
"""

import os
import sys
import urllib.request
from datetime import datetime

os.environ["MLFLOW_ENABLE_ASYNC_TRACE_LOGGING"] = "false"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

import mlflow
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

url, experiment, starts = sys.argv[1:]
mlflow.set_tracking_uri(url)
chosen = mlflow.set_experiment(experiment).experiment_id
USAGE = {"input_tokens": 8, "output_tokens": 2, "total_tokens": 10}


def through_the_client(number: int, began: int) -> None:
    root = mlflow.start_span_no_context(
        f"call {number}", span_type="CHAT_MODEL", start_time_ns=began, inputs={"parcel": number}
    )
    root.set_attribute("mlflow.chat.tokenUsage", USAGE)
    root.end(outputs={"days": 3}, end_time_ns=began + 10**9)


def through_otlp(number: int, began: int) -> None:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    trace_id = os.urandom(16)
    for parent, name in ((b"", f"call {number}"), (b"%8d" % number, "tool")):
        span = scope.spans.add(
            trace_id=trace_id, span_id=b"%8d" % number if not parent else os.urandom(8),
            parent_span_id=parent, name=name,
            start_time_unix_nano=began, end_time_unix_nano=began + 10**9,
        )  # fmt: skip
        if not parent:
            for key, tokens in (("input", 8), ("output", 2)):
                value = AnyValue(int_value=tokens)
                span.attributes.append(KeyValue(key=f"gen_ai.usage.{key}_tokens", value=value))
    headers = {"Content-Type": "application/x-protobuf", "x-mlflow-experiment-id": chosen}
    sent = urllib.request.Request(f"{url}/v1/traces", request.SerializeToString(), headers)
    urllib.request.urlopen(sent).close()


for number, start in enumerate(starts.split(",")):
    began = int(datetime.fromisoformat(start).timestamp()) * 10**9
    (through_otlp if number % 2 else through_the_client)(number, began)
