"""Make the MLflow fixtures: autologged OpenAI calls against the provider stub on loopback.

Run with mlflow-skinny 3.17.2, openai 2.54.0 and a SQLite store in a temporary directory.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import mlflow
import openai
from mlflow.entities import AssessmentSource, Document, SpanType
from provider_stub import provider

HERE = Path(__file__).parent
QUESTION = [{"role": "user", "content": "How long may I return it?"}]


@mlflow.trace(span_type=SpanType.RETRIEVER, name="kb_search")
def retrieve(question: str) -> list[Document]:
    text = "Returns within 30 days."
    return [Document(id="kb-1", page_content=text, metadata={"doc_uri": "kb/1", "score": 0.9})]


@mlflow.trace(span_type=SpanType.CHAIN, name="answer")
def answer(model: str, *, stream: bool = False) -> str:
    mlflow.update_current_trace(
        metadata={"mlflow.trace.user": "u-42", "mlflow.trace.session": "s-7"},
        tags={"feature": "support_assistant"},
    )
    retrieve("return policy")
    client = openai.OpenAI(max_retries=0)
    reply = client.chat.completions.create(model=model, messages=QUESTION, stream=stream)
    if stream:
        list(reply)
        return "streamed"
    return str(reply.choices[0].message.content)


def scrubbed(trace: dict[str, Any]) -> dict[str, Any]:
    """``trace`` on a fixed day, without what speaks of the machine."""
    info = trace["info"]
    for part in (info.get("trace_metadata", {}), info.get("tags", {})):
        for key in list(part):
            if key.startswith(("mlflow.source", "mlflow.user", "mlflow.artifact", "mlflow.git")):
                del part[key]
    for assessment in info.get("assessments", []):
        assessment.update(create_time="2026-11-10T13:00:00.000Z", last_update_time=None)
    info["request_time"] = "2026-11-10T12:00:00.000Z"
    begin = min(int(span["start_time_unix_nano"]) for span in trace["data"]["spans"])
    shift = 1794312000 * 10**9 - begin
    for span in trace["data"]["spans"]:
        for key in ("start_time_unix_nano", "end_time_unix_nano"):
            span[key] = int(span[key]) + shift
        for event in span.get("events", []):
            event["attributes"].pop("exception.stacktrace", None)
    return trace


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, provider() as address:
        os.chdir(folder)
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.set_experiment("shop")
        mlflow.openai.autolog()
        os.environ |= {"OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "none"}
        answer("gpt-4.1-mini")
        with suppress(openai.RateLimitError):
            answer("overloaded")
        answer("gpt-4.1-mini", stream=True)
        mlflow.flush_trace_async_logging()
        found = mlflow.search_traces(return_type="list")
        human = AssessmentSource(source_type="HUMAN", source_id="u-42")
        judge = AssessmentSource(source_type="LLM_JUDGE", source_id="gpt-4.1")
        for name, value, source in (("helpful", True, human), ("grounded", 0.8, judge)):
            mlflow.log_feedback(
                trace_id=found[-1].info.trace_id, name=name, value=value, source=source,
                rationale="Clear.",
            )  # fmt: skip
        found = mlflow.search_traces(return_type="list")
        lines = [json.dumps(scrubbed(json.loads(trace.to_json()))) for trace in found]
        (HERE / "mlflow_openai.jsonl").write_text("\n".join([*lines, ""]))
        frame = mlflow.search_traces(return_type="pandas")
        row = json.loads(frame.tail(1).to_json(orient="records"))[0]
        row["trace"] = json.dumps(scrubbed(json.loads(row["trace"])))
        whole = json.loads(row["trace"])
        row |= {
            "request_time": 1794312000000,
            "tags": whole["info"]["tags"],
            "trace_metadata": whole["info"]["trace_metadata"],
            "spans": whole["data"]["spans"],
            "assessments": whole["info"]["assessments"],
        }
        (HERE / "mlflow_frame.jsonl").write_text(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
