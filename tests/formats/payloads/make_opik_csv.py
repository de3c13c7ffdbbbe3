"""Make ``opik_export.csv``: what ``opik export --format csv`` writes of a trace with two spans.

Run with opik 2.2.122: its own models, flattened and written by its own code.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from opik.cli.exports.utils import trace_to_csv_rows, write_csv_data
from opik.rest_api.types.feedback_score_public import FeedbackScorePublic
from opik.rest_api.types.span_public import SpanPublic
from opik.rest_api.types.trace_public import TracePublic

BEGAN = datetime(2026, 11, 10, 9, 15, 2, 123000, tzinfo=UTC)
ENDED = BEGAN + timedelta(seconds=2)
SCORE = FeedbackScorePublic(name="helpful", value=1.0, source="ui", created_at=ENDED)
TRACE = TracePublic(
    id="0198-trace",
    name="answer",
    start_time=BEGAN,
    end_time=ENDED,
    input={"question": "Isn't it late?"},
    output={"answer": "On its way."},
    metadata={"feature": "support"},
    tags=["beta"],
    feedback_scores=[SCORE],
    thread_id="th-7",
)


def span(name: str, said: str, cached: int) -> dict[str, object]:
    message = {"role": "assistant", "content": said}
    return SpanPublic(
        id=name,
        trace_id=TRACE.id,
        name="chat_completion_create",
        type="llm",
        start_time=BEGAN,
        end_time=ENDED,
        input={"messages": [{"role": "user", "content": 'Isn\'t it "late"?'}]},
        output={"choices": [{"index": 0, "finish_reason": "stop", "message": message}]},
        metadata={"created_from": "openai"},
        model="gpt-4.1-mini-2025-04-14",
        provider="openai",
        usage={
            "prompt_tokens": 120,
            "completion_tokens": 30,
            "total_tokens": 150,
            "original_usage.prompt_tokens": 120,
            "original_usage.completion_tokens": 30,
            "original_usage.prompt_tokens_details.cached_tokens": cached,
        },
        total_estimated_cost=0.001,
        ttft=300.0,
    ).model_dump()


if __name__ == "__main__":
    spans = [span("0198-first", "On its way.", 64), span("0198-second", "Tomorrow.", 0)]
    data = {"trace": TRACE.model_dump(), "spans": spans}
    write_csv_data(data, Path(__file__).parent / "opik_export.csv", trace_to_csv_rows)
