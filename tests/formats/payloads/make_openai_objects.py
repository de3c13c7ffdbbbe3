"""Writes openai_responses.jsonl and openai_batch.jsonl: objects of the SDK's own models.

Run with openai 3.3. Every field is one that its models document; nothing is sent anywhere.
"""

import json
from pathlib import Path

from openai.types import CreateEmbeddingResponse
from openai.types.chat import ChatCompletion
from openai.types.responses import Response, ResponseCompletedEvent

HERE = Path(__file__).parent
SCHEMA = {"type": "object", "properties": {"total": {"type": "number"}}}


def response(**changes):
    usage = {
        "input_tokens": 1200,
        "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 0},
        "output_tokens": 300,
        "output_tokens_details": {"reasoning_tokens": 256},
        "total_tokens": 1500,
    }
    text = {"type": "output_text", "text": "It left on Monday.", "annotations": []}
    plain = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1794301502.0,
        "status": "completed",
        "model": "gpt-5-mini-2025-08-07",
        "output": [
            {"id": "rs_1", "type": "reasoning", "summary": []},
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [text],
            },
        ],
        "instructions": "Answer briefly.",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "default",
        "safety_identifier": "u-42",
        "previous_response_id": "resp_0",
        "metadata": {"feature": "support_assistant", "team": "customer-care"},
        "prompt": {"id": "pmpt_answer", "version": "3"},
        "text": {"format": {"type": "text"}},
        "usage": usage,
    }
    return Response.model_validate(plain | changes)


def message(*parts):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": list(parts),
    }


def responses():
    """Plain, refused, with tools, structured, cut short, filtered, failed, streamed."""
    yield response()
    yield response(id="resp_2", output=[message({"type": "refusal", "refusal": "I cannot."})])
    found = {"file_id": "file-9", "filename": "kb.md", "score": 0.83, "text": "Ships on Mondays."}
    yield response(
        id="resp_3",
        output=[
            {
                "id": "fs_1",
                "type": "file_search_call",
                "status": "completed",
                "queries": ["shipping day"],
                "results": [found],
            },
            {
                "id": "ws_1",
                "type": "web_search_call",
                "status": "completed",
                "action": {"type": "search", "query": "carrier strike"},
            },
            {
                "id": "fc_1",
                "type": "function_call",
                "call_id": "call_1",
                "name": "track",
                "arguments": '{"order":7}',
                "status": "completed",
            },
        ],
    )
    form = {"type": "json_schema", "name": "invoice", "schema": SCHEMA, "strict": True}
    total = {"type": "output_text", "text": '{"total": 7}', "annotations": []}
    yield response(id="resp_4", text={"format": form}, output=[message(total)])
    cut = {"reason": "max_output_tokens"}
    yield response(id="resp_5", status="incomplete", incomplete_details=cut)
    filtered = {"reason": "content_filter"}
    yield response(id="resp_6", status="incomplete", incomplete_details=filtered, output=[])
    error = {"code": "rate_limit_exceeded", "message": "Slow down."}
    yield response(id="resp_7", status="failed", error=error, output=[], usage=None)
    yield ResponseCompletedEvent(
        type="response.completed", sequence_number=9, response=response(id="resp_8")
    )


def completion():
    return ChatCompletion.model_validate(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1794301502,
            "model": "gpt-4.1-mini-2025-04-14",
            "service_tier": "default",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "logprobs": None,
                    "message": {"role": "assistant", "content": "An answer.", "refusal": None},
                }
            ],
            "usage": {
                "prompt_tokens": 512,
                "completion_tokens": 96,
                "total_tokens": 608,
                "prompt_tokens_details": {"cached_tokens": 128},
                "completion_tokens_details": {"reasoning_tokens": 16},
            },
        }
    )


def embedding():
    return CreateEmbeddingResponse.model_validate(
        {
            "object": "list",
            "model": "text-embedding-3-small",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
            "usage": {"prompt_tokens": 8, "total_tokens": 8},
        }
    )


def batch():
    """An answered request of each kind, a refused, an expired one, and a line of the input."""
    for place, body in enumerate((completion(), response(), embedding())):
        yield {
            "id": f"batch_req_{place}",
            "custom_id": f"row-{place}",
            "response": {"status_code": 200, "request_id": f"req_{place}", "body": plain(body)},
            "error": None,
        }
    wrong = {"message": "Too long.", "type": "invalid_request_error", "param": None}
    wrong["code"] = "context_length_exceeded"
    yield {
        "id": "batch_req_3",
        "custom_id": "row-3",
        "response": {"status_code": 400, "request_id": "req_3", "body": {"error": wrong}},
        "error": None,
    }
    expired = {"code": "batch_expired", "message": "This request could not be executed in time."}
    yield {"id": "batch_req_4", "custom_id": "row-4", "response": None, "error": expired}
    asked = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello?"}]}
    yield {
        "custom_id": "row-5",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": asked,
    }


def plain(found):
    return found if isinstance(found, dict) else found.model_dump(mode="json")


def write(name, records):
    lines = [json.dumps(plain(record)) + "\n" for record in records]
    (HERE / name).write_text("".join(lines))


if __name__ == "__main__":
    write("openai_responses.jsonl", responses())
    write("openai_batch.jsonl", batch())
