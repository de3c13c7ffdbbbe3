"""The Batch API of OpenAI, and of endpoints that offer the same.

Limits, states and files as documented at developers.openai.com/api/docs/guides/batch: a file of at
most 50,000 requests and 200 MB; results within 24 hours in an output file and an error file, in any
order; what was not reached by then stands in the error file as ``batch_expired``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import IO, Any, Final, TypeVar

from llmops_pipelines.adapters.endpoints.batch_api import (
    ApiName,
    BatchRefusedError,
    BatchUnclearError,
    NoBatchApiError,
    Seen,
    Size,
)
from llmops_pipelines.adapters.endpoints.judge_client import (
    Endpoint,
    clean,
    completion_body,
    read_completion,
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

MARK = "llmops_batch"
"""The key of a batch's metadata under which our own id stands."""

_PATH: Final = "/v1/chat/completions"
MOST = Size(50_000, 200 * 1000**2)
"""What a file may hold, as documented."""

TIMEOUT_S, UPLOAD_TIMEOUT_S = 60.0, 900.0

_ENDED = ("completed", "failed", "expired", "cancelled")
_CLOCKS_DIFFER = timedelta(hours=1)
_PAGE = 100

Told = TypeVar("Told")


@lru_cache(maxsize=1)
def _transport() -> Any:
    """One for all endpoints: reading the certificates takes longer than most requests."""
    from openai import DefaultHttpxClient

    return DefaultHttpxClient()


class OpenAIBatches:
    """Batches through the ``openai`` package; it repeats nothing that could be done twice."""

    name: ApiName = "openai"

    def __init__(self, endpoint: Endpoint) -> None:
        from openai import OpenAI

        self.size = MOST
        self._secret = endpoint.api_key
        self._response_format = endpoint.response_format
        self._client = OpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or "none",
            max_retries=0,
            timeout=TIMEOUT_S,
            http_client=_transport(),
        )

    def line(self, custom_id: str, request: Request) -> bytes:
        """One request as it stands in the file, with its line feed."""
        document = {
            "custom_id": custom_id,
            "method": "POST",
            "url": _PATH,
            "body": completion_body(request, self._response_format),
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    def submit(self, file: IO[bytes], key: str, ready: Callable[[], None]) -> Seen:
        """Upload ``file`` and make a batch of it, once.

        An upload that fails is repeated: a file that nobody uses costs nothing. Making the batch is
        repeated only where the endpoint says that it did not.

        Raises:
            BatchRefusedError: Certainly not submitted.
            NoBatchApiError: Nor can it ever be.
            BatchUnclearError: It may have been.
        """

        def upload() -> Any:
            file.seek(0)
            return self._client.files.create(
                file=(f"{key}.jsonl", file, "application/jsonl"),
                purpose="batch",
                timeout=UPLOAD_TIMEOUT_S,
            )

        try:
            uploaded = patiently(self._told(upload))
        except BatchUnclearError as error:
            refused = NoBatchApiError if knows_no_such_path(error) else BatchRefusedError
            raise refused(f"its file could not be uploaded: {error}") from error
        if not isinstance(getattr(uploaded, "id", None), str) or uploaded.object != "file":
            raise NoBatchApiError("its file was uploaded, and what answered is no file")

        def create() -> Any:
            ready()
            return self._client.batches.create(
                completion_window="24h",
                endpoint=_PATH,
                input_file_id=uploaded.id,
                metadata={MARK: key},
            )

        try:
            return _seen(patiently(self._told(create), once=True))
        except BatchUnclearError:
            raise
        except Exception:
            self.clear(uploaded.id)  # nobody will use it, and it holds texts
            raise

    def find(self, key: str, custom_ids: Sequence[str], since: datetime) -> Seen | None:  # noqa: ARG002
        """The batch whose metadata holds ``key``; batches are listed newest first."""
        oldest = (since - _CLOCKS_DIFFER).replace(tzinfo=UTC).timestamp()

        def search() -> Seen | None:
            for batch in _listed(self._client):
                if (batch.metadata or {}).get(MARK) == key:
                    return _seen(batch)
                if batch.created_at < oldest:
                    return None
            return None

        return patiently(self._told(search))

    def look(self, batch_id: str) -> Seen:
        """How far a batch is."""
        return _seen(patiently(self._told(lambda: self._client.batches.retrieve(batch_id))))

    def results(self, seen: Seen) -> Iterator[Returned]:
        """The lines of output and error file; neither need exist."""
        for file in seen.files:
            # A line at a time: a file may hold 50,000 replies.
            with self._open(file) as response:
                for line in response.iter_lines():
                    if line.strip():
                        yield self._read(line)

    def cancel(self, batch_id: str) -> Seen:
        """Ask for the rest of a batch to be left; what is done is kept and billed."""
        return _seen(patiently(self._told(lambda: self._client.batches.cancel(batch_id))))

    def clear(self, file_id: str) -> None:
        """Delete an input file, which holds texts; that it is gone already is fine."""
        import openai

        try:
            self._client.files.delete(file_id)
        except openai.OpenAIError:
            return

    def _open(self, file: str) -> Any:
        """The content of a file as a context that streams it."""
        return _Streamed(self, file)

    def _read(self, line: str) -> Returned:
        try:
            document = json.loads(whole_characters(line))
            name, response = document["custom_id"], document.get("response") or {}
            status, body = response.get("status_code"), response.get("body")
            error = document.get("error") or {}
            request_id = response.get("request_id")
            if status == 200 and not error:
                reply = read_completion(body, request_id=request_id, latency_ms=None)
                return Returned(str(name), reply)
            told = error or (body or {}).get("error") or {}
            outcome = f"http_{status}" if status else str(error.get("code") or "failed")
            parts = [str(told[part]) for part in ("code", "message") if told.get(part)]
            parts = [part for part in parts if part != outcome]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return Returned(None, Reply("damaged", detail="no line of a result file"))
        return Returned(
            str(name),
            Reply(
                outcome,
                detail=clean(": ".join(parts) or "no reason given", self._secret),
                request_id=request_id,
                retryable=True,
                billable=False,
            ),
        )

    def _told(self, deed: Callable[[], Told]) -> Callable[[], Told]:
        """``deed``, with the package's errors as ours."""
        import openai

        def told() -> Told:
            try:
                return deed()
            except openai.APIStatusError as error:
                raise RejectedError(
                    error.status_code,
                    clean(error.message, self._secret),
                    retry_after(error.response.headers),
                ) from error
            except (openai.APIConnectionError, openai.APIResponseValidationError) as error:
                raise NoAnswerError(
                    clean(f"{type(error).__name__}: {error}", self._secret)
                ) from error

        return told


class _Streamed:
    """A file's content, line by line; what breaks while it is read is unclear, not fatal."""

    def __init__(self, batches: OpenAIBatches, file: str) -> None:
        self._batches, self._file = batches, file

    def __enter__(self) -> _Streamed:
        client = self._batches._client
        self._manager = client.files.with_streaming_response.content(self._file)
        self._response = patiently(self._batches._told(self._manager.__enter__))
        return self

    def iter_lines(self) -> Iterator[str]:
        """The lines as far as they come.

        Raises:
            BatchUnclearError: The transfer broke off.
        """
        import httpx2
        import openai

        try:
            yield from self._response.iter_lines()
        except (httpx2.HTTPError, openai.OpenAIError) as error:
            raise BatchUnclearError(f"{type(error).__name__}: {error}") from error

    def __exit__(self, *failure: Any) -> None:
        self._manager.__exit__(*failure)


@reads_a_batch
def _listed(client: Any) -> Any:
    """All batches, the newest first; what holds no list does not say that there are none."""
    page = client.batches.list(limit=_PAGE)
    if page.data is None:
        raise TypeError
    return page


@reads_a_batch
def _seen(batch: Any) -> Seen:
    counts = batch.request_counts
    ended_at = batch.completed_at or batch.expired_at or batch.cancelled_at or batch.failed_at
    errors = (batch.errors.data or []) if batch.errors else []
    return Seen(
        batch_id=batch.id,
        state=batch.status,
        ended=batch.status in _ENDED,
        ended_at=datetime.fromtimestamp(ended_at, UTC).replace(tzinfo=None) if ended_at else None,
        total=counts.total if counts else None,
        answered=counts.completed if counts else None,
        failed=counts.failed if counts else None,
        files=tuple(file for file in (batch.output_file_id, batch.error_file_id) if file),
        input_file=batch.input_file_id,
        detail="; ".join(f"{error.code}: {error.message}" for error in errors[:3]) or None,
    )
