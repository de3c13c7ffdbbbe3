"""Anthropic's Message Batches, by their documented fields.

Limits, states and results as documented at platform.claude.com/docs/en/build-with-claude/
batch-processing: at most 100,000 requests and 256 MB; results within 24 hours as JSON lines, in any
order, kept for 29 days. Only requests that succeeded are billed. A batch carries no metadata, so
one whose making went unanswered is known by the ids in its results, once it is over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import IO, Any, Final

from llmops_pipelines.adapters.endpoints.batch_api import (
    ApiName,
    BatchRefusedError,
    BatchUnclearError,
    NoBatchApiError,
    Seen,
    Size,
)
from llmops_pipelines.adapters.endpoints.judge_client import (
    MOST_TOKENS,
    Endpoint,
    clean,
    named,
    retry_after,
)
from llmops_pipelines.adapters.endpoints.patience import (
    NoAnswerError,
    RejectedError,
    knows_no_such_path,
    patiently,
    reads_a_batch,
)
from llmops_pipelines.judging import Reply, Request, Returned
from llmops_pipelines.judging.judges.exchange import whole_characters

VERSION: Final = "2023-06-01"

MOST = Size(100_000, 256 * 1000**2)
"""What a batch may hold, as documented."""

TIMEOUT_S, UPLOAD_TIMEOUT_S = 60.0, 900.0

_CLOCKS_DIFFER = timedelta(hours=1)
_PAGE = 100
_HEAD, _TAIL = b'{"requests":[', b"]}"


@lru_cache(maxsize=1)
def _transport() -> Any:
    """One for all endpoints: reading the certificates takes longer than most requests."""
    import httpx

    return httpx.Client()


class AnthropicBatches:
    """Batches over plain HTTP; nothing is repeated that could be done twice."""

    name: ApiName = "anthropic"

    def __init__(self, endpoint: Endpoint) -> None:
        self.size = MOST
        self._secret = endpoint.api_key
        self._root = f"{endpoint.base_url.rstrip('/')}/messages/batches"
        self._headers = {"x-api-key": endpoint.api_key, "anthropic-version": VERSION}

    def line(self, custom_id: str, request: Request) -> bytes:
        """One request as it stands in the file, with its line feed."""
        document = {"custom_id": custom_id, "params": _params(request)}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def submit(self, file: IO[bytes], key: str, ready: Callable[[], None]) -> Seen:  # noqa: ARG002
        """Make a batch of the lines of ``file``, once.

        Raises:
            BatchRefusedError: Certainly not submitted.
            NoBatchApiError: Nor can it ever be.
            BatchUnclearError: It may have been.
        """
        size = len(_HEAD) + len(_TAIL) + file.seek(0, 2)

        def create() -> Any:
            ready()
            file.seek(0)
            headers = {"content-type": "application/json", "content-length": str(size)}
            return self._json("POST", "", content=_body(file), headers=headers)

        try:
            return _seen(patiently(create, once=True))
        except BatchRefusedError as error:
            if knows_no_such_path(error):
                raise NoBatchApiError(str(error)) from error
            raise

    def find(self, key: str, custom_ids: Sequence[str], since: datetime) -> Seen | None:  # noqa: ARG002
        """The batch whose results are about ``custom_ids``.

        Raises:
            BatchUnclearError: One of as many requests was made since, and is not over yet.
        """
        for seen in self._since(since - _CLOCKS_DIFFER):
            if seen.total != len(custom_ids):
                continue
            if not seen.ended:
                raise BatchUnclearError(
                    f"{seen.batch_id} has as many requests; its results will tell whether it is it"
                )
            if next((one.custom_id for one in self.results(seen)), None) in custom_ids:
                return seen
        return None

    def look(self, batch_id: str) -> Seen:
        """How far a batch is."""
        return _seen(patiently(lambda: self._json("GET", f"/{batch_id}")))

    def results(self, seen: Seen) -> Iterator[Returned]:
        """The lines of its results, read as they come."""
        import httpx

        client, url = _transport(), f"{self._root}/{seen.batch_id}/results"

        def begin() -> Any:
            request = client.build_request("GET", url, headers=self._headers, timeout=TIMEOUT_S)
            try:
                response = client.send(request, stream=True)
                if response.is_error:
                    response.read()
                    raise self._rejection(response)
            except httpx.HTTPError as error:
                raise self._lost(error) from error
            return response

        response = patiently(begin)
        try:
            for line in response.iter_lines():
                if line.strip():
                    yield self._read(line)
        except httpx.HTTPError as error:
            raise BatchUnclearError(f"{type(error).__name__}: {error}") from error
        finally:
            response.close()

    def cancel(self, batch_id: str) -> Seen:
        """Ask for the rest of a batch to be left; what is done is kept and billed."""
        return _seen(patiently(lambda: self._json("POST", f"/{batch_id}/cancel")))

    def clear(self, file_id: str) -> None:
        """There is no input file."""

    def _since(self, oldest: datetime) -> Iterator[Seen]:
        """Batches made after ``oldest``, the newest first."""
        after = ""
        while True:
            path = f"?limit={_PAGE}" + (f"&after_id={after}" if after else "")
            page = patiently(lambda path=path: self._json("GET", path))  # type: ignore[misc]
            for document in _listed(page):
                if _moment(document["created_at"]) < oldest:
                    return
                yield _seen(document)
            if not page.get("has_more") or not page.get("last_id"):
                return
            after = page["last_id"]

    def _json(
        self,
        method: str,
        path: str,
        *,
        content: Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        import httpx

        seconds = TIMEOUT_S if content is None else UPLOAD_TIMEOUT_S
        try:
            response = _transport().request(
                method,
                f"{self._root}{path}",
                content=content,
                headers={**self._headers, **(headers or {})},
                timeout=seconds,
            )
            if response.is_error:
                raise self._rejection(response)
            return response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._lost(error) from error

    def _rejection(self, response: Any) -> RejectedError:
        try:
            error = response.json()["error"]
            told = f"{error['type']}: {error['message']}"
        except (ValueError, LookupError, TypeError):
            told = response.text
        return RejectedError(
            response.status_code,
            clean(told, self._secret),
            retry_after(response.headers),
        )

    def _lost(self, error: Exception) -> NoAnswerError:
        return NoAnswerError(clean(f"{type(error).__name__}: {error}", self._secret))

    def _read(self, line: str) -> Returned:
        try:
            document = json.loads(whole_characters(line))
            name, result = str(document["custom_id"]), document["result"]
            outcome = result["type"]
            if outcome == "succeeded":
                return Returned(name, _reply(result["message"]))
            error = (result.get("error") or {}).get("error") or {}
            told = [str(error[part]) for part in ("type", "message") if error.get(part)]
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return Returned(None, Reply("damaged", detail="no line of a result file"))
        detail = clean(": ".join(told) or f"the request was {outcome}", self._secret)
        return Returned(
            name, Reply(f"batch_{outcome}", detail=detail, retryable=True, billable=False)
        )


def _params(request: Request) -> dict[str, Any]:
    """The request as the Messages API takes it: its schema is that of a tool that must be used."""
    system = [m.content for m in request.messages if m.role == "system"]
    return {
        "model": request.model,
        "max_tokens": request.max_tokens,
        "system": "\n\n".join(system),
        "messages": [
            {"role": m.role, "content": m.content} for m in request.messages if m.role != "system"
        ],
        "tools": [
            {
                "name": request.schema_name,
                "description": "Takes the verdict.",
                "input_schema": dict(request.schema),
            }
        ],
        "tool_choice": {"type": "tool", "name": request.schema_name},
        **request.parameters,
    }


def _body(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of ``file`` as one document; the line feeds become commas and a blank."""
    yield _HEAD
    last = b""
    for line in file:
        if last:
            yield last[:-1] + b","
        last = line
    yield last[:-1] + b" "
    yield _TAIL


def _reply(message: Mapping[str, Any]) -> Reply:
    blocks = message["content"]
    used = [block["input"] for block in blocks if block.get("type") == "tool_use"]
    texts = [block["text"] for block in blocks if block.get("type") == "text"]
    text = json.dumps(used[0], ensure_ascii=False) if len(used) == 1 else "".join(texts)
    stopped = message.get("stop_reason")
    outcome = {"max_tokens": "truncated", "refusal": "refused"}.get(str(stopped), "ok")
    return Reply(
        outcome,
        text=text,
        model_served=named(message.get("model")),
        tokens=_tokens(message.get("usage")),
        request_id=named(message.get("id")),
    )


def _tokens(usage: Any) -> dict[str, int] | None:
    """Usage in disjoint buckets, as Anthropic's are; its output holds the thinking."""
    try:
        tokens = {
            "uncached_input": int(usage["input_tokens"]),
            "cache_read": int(usage.get("cache_read_input_tokens") or 0),
            "output_text": int(usage["output_tokens"]),
        }
        written = int(usage.get("cache_creation_input_tokens") or 0)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    tokens |= {"cache_write_5m": written} if written else {}
    return tokens if all(0 <= count < MOST_TOKENS for count in tokens.values()) else None


@reads_a_batch
def _listed(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The batches of one page of a list."""
    return [dict(document) for document in page["data"]]


@reads_a_batch
def _seen(document: Mapping[str, Any]) -> Seen:
    counts = document.get("request_counts") or {}
    ended = document["processing_status"] == "ended"
    left = [name for name in ("expired", "canceled") if ended and counts.get(name)]
    ended_at = document.get("ended_at")
    return Seen(
        batch_id=document["id"],
        state=left[0] if left else document["processing_status"],
        ended=ended,
        ended_at=_moment(ended_at) if ended_at else None,
        total=sum(counts.values()) if counts else None,
        answered=counts.get("succeeded"),
        failed=sum(counts.get(name, 0) for name in ("errored", "canceled", "expired")),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
