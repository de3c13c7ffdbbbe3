"""Make ``langfuse.jsonl``: rows as Langfuse's API gives them, built with its SDK's own models.

Run with langfuse 5.0.4, langchain-core 1.8.3 and openai 3.57.0, in an environment of their own;
nothing is asked. The token counts are what its OpenAI wrapper and its LangChain handler make of the
same response: the former includes cached tokens, the latter counts them beside.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from langfuse.api import ObservationV2, ScoreV3_Boolean, ScoreV3_Numeric
from langfuse.langchain.CallbackHandler import _parse_usage_model
from langfuse.openai import _parse_usage
from loopback import COMPLETION
from openai.types import CompletionUsage

HERE = Path(__file__).parent
BEGAN = datetime(2026, 11, 10, 9, 15, 2, 123000, tzinfo=UTC)
MESSAGES = [{"role": "user", "content": "When does it ship?"}]
CHAIN = {"input_tokens": 120, "output_tokens": 30, "total_tokens": 150,
         "input_token_details": {"cache_read": 64, "audio": 0},
         "output_token_details": {"reasoning": 10, "audio": 0}}  # fmt: skip


def _observation(name: str, kind: str, after: float, **fields: Any) -> dict[str, Any]:
    began = BEGAN + timedelta(seconds=after)
    row = ObservationV2(
        id=f"obs-{name}",
        trace_id="trace-1",
        project_id="project-1",
        start_time=began,
        end_time=began + timedelta(seconds=1),
        type=kind,
        name=name,
        environment="production",
        user_id="u-42",
        session_id="s-7",
        trace_name="answer",
        tags=["feature:support"],
        latency=1.0,
        **{"level": "DEFAULT", "is_root_observation": name == "answer", **fields},
    )
    return json.loads(row.model_dump_json(by_alias=True, exclude_none=True))


def _score(model: Any, name: str, **fields: Any) -> dict[str, Any]:
    row = model(
        id=f"score-{name}",
        project_id="project-1",
        name=name,
        timestamp=BEGAN,
        created_at=BEGAN,
        updated_at=BEGAN,
        environment="production",
        **fields,
    )
    return json.loads(row.model_dump_json(by_alias=True, exclude_none=True))


def _wrapper_usage() -> dict[str, int]:
    """The wrapper's counts, with its details named as the server flattens them."""
    usage = _parse_usage(CompletionUsage.model_validate(COMPLETION["usage"]))
    given, outgoing = usage.pop("prompt_tokens_details"), usage.pop("completion_tokens_details")
    return {
        **usage,
        **{f"input_{name}": count for name, count in given.items()},
        **{f"output_{name}": count for name, count in outgoing.items()},
    }


def main() -> None:
    """Write the rows."""
    said = {"role": "assistant", "content": "It ships on Monday."}
    generation = {
        "input": json.dumps(MESSAGES),
        "output": json.dumps(said),
        "model": "gpt-4.1-mini-2025-04-14",
        "parent_observation_id": "obs-answer",
    }
    subject = {"kind": "observation", "id": "obs-wrapper", "traceId": "trace-1"}
    rows = [
        _observation("answer", "SPAN", 0, input="When does it ship?", output=said["content"]),
        _observation(
            "search",
            "RETRIEVER",
            0.1,
            parent_observation_id="obs-answer",
            output=json.dumps([{"id": "kb-7", "content": "Orders ship on Mondays.", "score": 0.9}]),
        ),
        _observation(
            "wrapper",
            "GENERATION",
            0.2,
            usage_details=_wrapper_usage(),
            cost_details={"total": 0.0002},
            total_cost=0.0002,
            completion_start_time=BEGAN + timedelta(seconds=0.45),
            prompt_name="support_answer",
            prompt_version=3,
            **generation,
        ),
        _observation("chain", "GENERATION", 0.3, usage_details=_parse_usage_model(CHAIN),
                     **generation),
        _observation(
            "limited",
            "GENERATION",
            0.4,
            level="ERROR",
            status_message="Error code: 429 - Slow down.",
            **generation | {"output": None},
        ),
        _score(ScoreV3_Boolean, "helpful", value=True, source="API", subject=subject),
        _score(ScoreV3_Numeric, "faithfulness", value=0.4, source="EVAL", subject=subject),
    ]  # fmt: skip
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (HERE / "langfuse.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
