"""Log records in the envelope: a call, a failed call, a step, a judgement by a user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from llmops_pipelines.sample_company.catalogue import Model
from llmops_pipelines.sample_company.exchange import Exchange

_ID_PREFIX = {"openai": "chatcmpl-", "anthropic": "msg_", "google": "gen-", "acme": "acme-"}

OUTAGE_ERRORS = (
    {"type": "service_unavailable", "message": "Overloaded, please try again.", "status": 503},
    {"type": "service_unavailable", "message": "upstream connect error", "status": 503},
    {"type": "timeout", "message": "Request timed out after 7 s.", "status": None},
)
BASE_ERROR_KINDS = (
    {"type": "rate_limit_exceeded", "message": "Rate limit reached for requests.", "status": 429},
    {"type": "server_error", "message": "The server had an error.", "status": 500},
    {"type": "timeout", "message": "Request timed out after 7 s.", "status": None},
    {"type": "rate_limit_exceeded", "message": "Rate limit reached for tokens.", "status": 429},
)
TIMEOUT_MS = 7000.0


@dataclass(frozen=True)
class Line:
    """One record, where it belongs, and what the truth needs to know of it."""

    at: datetime
    service: str
    kind: str
    feature: str
    record: dict[str, Any]
    cost: float | None = 0.0


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, cached ones within the prompt, reasoning within the completion."""

    prompt: int
    cached: int
    completion: int
    reasoning: int

    def as_json(self) -> dict[str, Any]:
        """The `usage` object of a chat completion."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }


def usage_of(exchange: Exchange, model: Model, rng: Random) -> Usage:
    """About one token per four characters and four per message; long prompts are partly cached."""
    chars = sum(len(message["content"]) for message in exchange.messages)
    prompt = chars // 4 + 4 * len(exchange.messages)
    cached = 0
    if prompt >= 256 and rng.random() < 0.4:
        cached = int(prompt * rng.uniform(0.3, 0.8)) // 128 * 128
    reasoning = rng.randrange(40, 190) if model.thinks and rng.random() < 0.3 else 0
    return Usage(prompt, cached, max(1, round(len(exchange.answer) / 4)) + reasoning, reasoning)


def timing(usage: Usage, model: Model, rng: Random) -> tuple[float, float]:
    """``(latency, time to first token)`` in ms, both log-normal around the model's pace."""
    ttft = model.ttft_ms * rng.lognormvariate(0, 0.3)
    pace = model.tokens_per_s * rng.lognormvariate(0, 0.2)
    return round(ttft + usage.completion / pace * 1000, 1), round(ttft, 1)


def stamp(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return at.isoformat(timespec="milliseconds") + "Z"


def request_of(exchange: Exchange, model: Model, *, streams: bool) -> dict[str, Any]:
    """The request body as it was sent."""
    body: dict[str, Any] = {
        "model": model.requested,
        "messages": exchange.messages,
        "stream": streams,
    }
    if exchange.response_format:
        body["response_format"] = exchange.response_format
    return body


def response_of(
    exchange: Exchange, model: Model, usage: Usage, at: datetime, rng: Random
) -> dict[str, Any]:
    """The chat completion as it came back."""
    return {
        "id": f"{_ID_PREFIX[model.provider]}{rng.getrandbits(72):018x}",
        "object": "chat.completion",
        "created": int(at.replace(tzinfo=UTC).timestamp()),
        "model": model.served,
        "choices": [
            {
                "index": 0,
                "finish_reason": exchange.finish_reason,
                "message": {"role": "assistant", "content": exchange.answer},
            }
        ],
        "usage": usage.as_json(),
        "service_tier": "default",
    }


def step_record(
    ids: dict[str, str], kind: str, name: str, at: datetime, latency_ms: float
) -> dict[str, Any]:
    """A step that is not a model call; ``ids`` names itself, its trace and its parent."""
    return {
        "kind": "step",
        **ids,
        "step": kind,
        "name": name,
        "timestamp": stamp(at),
        "latency_ms": latency_ms,
        "status": "ok",
    }
