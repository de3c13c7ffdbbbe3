"""Doing something at an endpoint again where that can do no harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from llmops_pipelines.adapters.endpoints.batch_api import (
    BatchGoneError,
    BatchRefusedError,
    BatchUnclearError,
)

TRIES = 4
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0

Told = TypeVar("Told")


class RejectedError(Exception):
    """The endpoint answered, with an error status."""

    def __init__(self, status: int, told: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"http_{status}: {told}")
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def certain(self) -> bool:
        """Whether the endpoint certainly did nothing."""
        return 400 <= self.status < 500 and self.status != 408


class NoAnswerError(Exception):
    """The connection broke, or no answer came in time."""


def reads_a_batch(read: Callable[[Any], Told]) -> Callable[[Any], Told]:
    """``read``, for which an answer that looks like nothing documented is unclear, not fatal."""

    @wraps(read)
    def guarded(answer: Any) -> Told:
        try:
            return read(answer)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise BatchUnclearError("what answered is no batch, though it says success") from error

    return guarded


def knows_no_such_path(error: Exception) -> bool:
    """Whether what `patiently` raised says that the endpoint does not offer what was asked for."""
    cause = error.__cause__
    return isinstance(cause, RejectedError) and cause.status in (404, 405, 501)


def patiently(deed: Callable[[], Told], *, once: bool = False) -> Told:
    """The result of ``deed``, which is tried again after a pause.

    With ``once`` it is so only where the endpoint refused it for its pace: a lost answer may have
    been a yes.

    Raises:
        BatchRefusedError: With ``once``: the endpoint said no.
        BatchGoneError: There is no such thing.
        BatchUnclearError: No answer, or none that tells.
    """
    for number in range(1, TRIES + 1):
        asked: float | None = None
        try:
            return deed()
        except RejectedError as error:
            again = error.status == 429 or not (error.certain or once)
            if not again or number == TRIES or "insufficient_quota" in str(error):
                if once and error.certain:
                    raise BatchRefusedError(str(error)) from error
                gone = BatchGoneError if error.status == 404 else BatchUnclearError
                raise gone(str(error)) from error
            asked = error.retry_after_s
        except NoAnswerError as error:
            if once or number == TRIES:
                raise BatchUnclearError(str(error)) from error
        time.sleep(_pause(number, asked))
    raise AssertionError("every try returns or raises")


def _pause(number: int, asked: float | None) -> float:
    backoff: float = FIRST_PAUSE_S * 2 ** (number - 1)
    return min(max(asked or 0.0, backoff), LONGEST_PAUSE_S)
