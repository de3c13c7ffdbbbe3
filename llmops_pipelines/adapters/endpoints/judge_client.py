"""Any OpenAI-compatible endpoint as a judge: requests out, replies and failure classes back.

Retries, money and records are the executor's: one HTTP request per question. The ``openai`` client
says where to send it and with which headers, once. What it does for each request (options as a
model, headers anew, a reply as a model, errors as classes) costs a CPU-second in a thousand and
more, so requests go to aiohttp, which is beneath its transport, and replies are read from the raw
body (decision 16).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson

from llmops_pipelines.judging import Ask, Reply, Request, ResponseFormat, WeighedToken
from llmops_pipelines.judging.judges.exchange import whole_characters

_RETRYABLE = {408, 409, 425, 429}
_REASONING_MODEL = re.compile(r"^(?:o\d|gpt-[5-9]|gpt-1\d|codex)", re.IGNORECASE)
_SECRET = re.compile(r"\bsk-[\w*.-]{6,}|\bBearer\s+\S{6,}")
_DETAIL_CHARS = 300
_KEY_CHARS = 8
MOST_TOKENS = 2**40
"""More than any request has: a count of so many is none."""
_ALTERNATIVES = 5
"""Tokens weighed per place; some endpoints refuse to tell more."""


@dataclass(frozen=True)
class Endpoint:
    """Where a judge is asked. The key is never shown."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    name: str = "judge"
    response_format: ResponseFormat = "json_schema"
    """How it is held to JSON; a preflight finds out."""

    @property
    def configured(self) -> bool:
        """Whether there is anything to ask: a URL and a model; a key alone is nothing."""
        return bool(self.base_url and self.model)

    @property
    def named(self) -> bool:
        """Whether judges.yaml says where it is, and not the environment."""
        return self.name != Endpoint.name


def client_versions() -> dict[str, str]:
    """Versions of what carries requests and replies."""
    return {"openai": metadata.version("openai")}


@asynccontextmanager
async def open_judge(endpoint: Endpoint, *, concurrency: int) -> AsyncIterator[Ask]:
    """A coroutine that asks ``endpoint``, for the event loop that is running.

    Args:
        endpoint: Where.
        concurrency: Most requests at once: as many connections are kept open.
    """
    import aiohttp
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    # Without TLS there is nothing to verify, and reading the certificates takes as long as ninety
    # judgements; so a redirect to where there would be something is not followed.
    secure = not endpoint.base_url.startswith("http://")
    trusted = httpx2.create_ssl_context(verify=secure)
    async with AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key or "none",
        max_retries=0,
        http_client=DefaultAioHttpClient(verify=trusted),
    ) as client:
        url = f"{client.base_url}chat/completions"
        known = {**client.default_headers, "Authorization": f"Bearer {client.api_key}"}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=concurrency, ssl=trusted),
        headers={name: value for name, value in known.items() if isinstance(value, str)},
        cookie_jar=aiohttp.DummyCookieJar(),
        proxy=_proxy(url),
    ) as session:

        async def ask(request: Request, seconds: float) -> Reply:
            started = time.perf_counter()
            body = orjson.dumps(completion_body(request, endpoint.response_format))
            timeout = aiohttp.ClientTimeout(None, seconds, seconds, seconds)
            try:
                async with session.post(
                    url, data=body, timeout=timeout, allow_redirects=secure
                ) as response:
                    content = await response.read()
            except (aiohttp.ClientError, OSError) as error:
                return _lost(error, seconds, endpoint.api_key, _elapsed(started))
            if response.ok:
                return _read(content, response.headers, _elapsed(started))
            detail = clean(_message(content) or str(response.reason), endpoint.api_key)
            return _rejection(response.status, response.headers, detail, _elapsed(started))

        yield ask


def _proxy(url: str) -> str | None:
    """The proxy that the environment names for ``url``, as HTTPS_PROXY and NO_PROXY do."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def completion_body(request: Request, response_format: ResponseFormat) -> dict[str, Any]:
    """The request as the chat-completions API takes it."""
    by_schema = response_format == "json_schema"
    messages = request.messages if by_schema else request.told_in_words()
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [{"role": m.role, "content": m.content} for m in messages],
    }
    if by_schema:
        schema = {"name": request.schema_name, "schema": dict(request.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif response_format == "json_object":
        body["response_format"] = {"type": "json_object"}
    if request.weighs:
        body |= {"logprobs": True, "top_logprobs": _ALTERNATIVES}
    if _REASONING_MODEL.match(request.model.rsplit("/", 1)[-1]):
        # Reasoning models know neither `max_tokens` nor a temperature other than their own.
        return {**body, "max_completion_tokens": request.max_tokens}
    return {**body, "max_tokens": request.max_tokens, **request.parameters}


def _read(content: bytes, headers: Mapping[str, str], latency_ms: float) -> Reply:
    """A reply that came with status 200, whatever it holds."""
    try:
        body = orjson.loads(content)
    except ValueError:
        body = _read_patiently(content)
    return read_completion(body, request_id=headers.get("x-request-id"), latency_ms=latency_ms)


def _read_patiently(content: bytes) -> Any:
    """A body that orjson refuses for half a character in it; None where it is no JSON."""
    try:
        return orjson.loads(whole_characters(content.decode()))
    except ValueError:
        return None


def read_completion(body: Any, *, request_id: str | None, latency_ms: float | None) -> Reply:
    """A chat completion, or whatever stands in its place."""
    try:
        choice = body["choices"][0]
        message = choice["message"]
        finish, text = choice.get("finish_reason"), message.get("content")
        refusal = message.get("refusal")
    except (LookupError, TypeError, AttributeError):
        return Reply(
            "http_200",
            detail="status 200, but the body is no chat completion",
            request_id=request_id,
            latency_ms=latency_ms,
            retryable=True,
        )
    outcome, detail = "ok", None
    if refusal or finish == "content_filter":
        outcome, detail = "refused", str(refusal or "content filter")[:_DETAIL_CHARS]
    elif finish == "length":
        outcome = "truncated"
    return Reply(
        outcome,
        text=text if isinstance(text, str) else "",
        detail=detail,
        model_served=named(body.get("model")),
        tokens=_tokens(body.get("usage")),
        request_id=request_id or named(body.get("id")),
        latency_ms=latency_ms,
        tokens_weighed=_weighed(choice.get("logprobs")),
    )


def named(value: Any) -> str | None:
    """A name as an endpoint tells it; what is none is not told."""
    return value if isinstance(value, str) else None


def _weighed(logprobs: Any) -> tuple[WeighedToken, ...] | None:
    """The reply token by token; None where the endpoint does not tell, or not as documented."""
    try:
        return (
            tuple(
                WeighedToken(str(token["token"]), _likely(token)) for token in logprobs["content"]
            )
            or None
        )
    except (TypeError, LookupError, ValueError):
        return None


def _likely(token: Mapping[str, Any]) -> tuple[tuple[str, float], ...]:
    """What nearly stood there, and what stands there.

    A server that holds its replies to a schema tells what the model liked best without it: the
    token that it wrote need not be among those.
    """
    liked = tuple((str(o["token"]), float(o["logprob"])) for o in token["top_logprobs"])
    written = str(token["token"])
    if any(text == written for text, _ in liked):
        return liked
    return (*liked, (written, float(token["logprob"])))


def _tokens(usage: Any) -> dict[str, int] | None:
    """Usage in disjoint buckets; None where the endpoint did not count."""
    if not isinstance(usage, dict):
        return None
    try:
        prompt, completion = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
        cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
        reasoning = int((usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if not (0 <= cached <= prompt < MOST_TOKENS and 0 <= reasoning <= completion < MOST_TOKENS):
        return None
    return {
        "uncached_input": prompt - cached,
        "cache_read": cached,
        "output_text": completion - reasoning,
        "reasoning": reasoning,
    }


def _rejection(status: int, headers: Mapping[str, str], detail: str, latency_ms: float) -> Reply:
    quota = "insufficient_quota" in detail
    return Reply(
        f"http_{status}",
        detail=detail,
        request_id=headers.get("x-request-id"),
        latency_ms=latency_ms,
        retry_after_s=retry_after(headers),
        retryable=(status in _RETRYABLE or status >= 500) and not quota,
        billable=False,
    )


def _lost(error: BaseException, seconds: float, secret: str, latency_ms: float) -> Reply:
    """A request without a reply, and whether it can have reached the endpoint."""
    import aiohttp

    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    outcome, detail = "network", f"{type(chain[-1]).__name__}: {chain[-1]}"
    if any(isinstance(link, TimeoutError) for link in chain):
        outcome, detail = "timeout", f"no reply in {seconds:.0f} s"
    unreached = (
        aiohttp.NonHttpUrlClientError,
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        aiohttp.InvalidURL,
    )
    return Reply(
        outcome,
        detail=clean(detail, secret),
        latency_ms=latency_ms,
        retryable=True,
        billable=not any(isinstance(link, unreached) for link in chain),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the endpoint asks to wait, in any of the three spellings in use."""
    if (milliseconds := headers.get("retry-after-ms")) is not None:
        return _seconds(milliseconds, 1_000)
    after = headers.get("retry-after")
    if after is None:
        return None
    if (seconds := _seconds(after, 1)) is not None:
        return seconds
    try:
        return max(parsedate_to_datetime(after).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None


def _seconds(text: str, per_second: float) -> float | None:
    try:
        value = float(text) / per_second
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _message(content: bytes) -> str:
    """What the endpoint says about a rejected request: OpenAI's code and message, or its text."""
    try:
        body = json.loads(content)
        error = body.get("error", body)
        parts = [str(error[key]) for key in ("code", "message") if error.get(key)]
    except (ValueError, AttributeError, TypeError, RecursionError):
        parts = []
    return ": ".join(parts) or content.decode(errors="replace")


def clean(text: str, secret: str) -> str:
    """One line without keys; what is short, such as the `none` of a local server, is no key."""
    if len(secret) >= _KEY_CHARS:
        text = text.replace(secret, "***")
    return " ".join(_SECRET.sub("***", text).split())[:_DETAIL_CHARS]


def _elapsed(started: float) -> float:
    return (time.perf_counter() - started) * 1_000
