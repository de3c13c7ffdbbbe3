"""What a batch endpoint is to us, whoever runs it: requests in files, replies in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Literal, Protocol

from llmops_pipelines.judging import Request, Returned

ApiName = Literal["openai", "anthropic"]


class BatchRefusedError(Exception):
    """The endpoint certainly did not take a batch; nothing will be billed. The message says why."""


class NoBatchApiError(BatchRefusedError):
    """The endpoint has no batch API at all."""


class BatchUnclearError(Exception):
    """No answer that can be trusted: whether something happened is to be looked up."""


class BatchGoneError(BatchUnclearError):
    """The endpoint does not know a batch or a file that it once named."""


@dataclass(frozen=True)
class Size:
    """Most that one batch may hold."""

    requests: int
    bytes: int


@dataclass(frozen=True)
class Seen:
    """What the endpoint says of a batch.

    ``answered`` is how many requests it has a completion of; null where it does not say.
    ``files`` are where results can be read.
    """

    batch_id: str
    state: str
    ended: bool
    ended_at: datetime | None = None
    total: int | None = None
    answered: int | None = None
    failed: int | None = None
    files: tuple[str, ...] = ()
    input_file: str | None = None
    detail: str | None = None


class BatchApi(Protocol):
    """Batches at one endpoint. Every method may raise `BatchUnclearError`."""

    name: ApiName
    size: Size

    def line(self, custom_id: str, request: Request) -> bytes:
        """One request as it stands in the file, with its line feed."""
        ...

    def submit(self, file: IO[bytes], key: str, ready: Callable[[], None]) -> Seen:
        """Submit the lines of ``file`` once, marked with our ``key`` where that can be.

        ``ready`` is called right before, after what may be uploaded for it: it writes the intention
        down, or raises what keeps the batch from being sent.

        Raises:
            BatchRefusedError: Certainly not submitted.
        """
        ...

    def find(self, key: str, custom_ids: Sequence[str], since: datetime) -> Seen | None:
        """The batch that was submitted as ``key`` after ``since``, or None if there is none.

        Raises:
            BatchUnclearError: It cannot be told yet.
        """
        ...

    def look(self, batch_id: str) -> Seen:
        """How far a batch is."""
        ...

    def results(self, seen: Seen) -> Iterator[Returned]:
        """The lines of all result files of a batch."""
        ...

    def cancel(self, batch_id: str) -> Seen:
        """Ask for the rest of a batch to be left; what is done is kept and billed."""
        ...

    def clear(self, file_id: str) -> None:
        """Delete an input file, which holds texts; that it is gone already is fine."""
        ...
