"""HTTP calls that are repeated, slowed down and made smaller before they are given up."""

from __future__ import annotations

import ipaddress
import random
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from llmops_pipelines.adapters.pulling.protocol import CursorGoneError, PullError

if TYPE_CHECKING:
    import httpx

ATTEMPTS: Final = 7
"""So often one page is asked for; waits in between add up to two minutes at most."""

LONGEST_WAIT_S: Final = 300.0
"""A server that wants a longer pause is left alone until the next run."""

_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 0.5, 30.0
_FIRST_LIMITED_S: Final = 4.0
"""Limits are mostly of a minute: waits after them have to outlive one."""

_AGAIN: Final = frozenset({408, 425, 429, *range(500, 600)} - {501, 505})
_KEY_REFUSED, _UNKNOWN, _LIMITED = (401, 403), 404, 429
_CURSOR_GONE: Final = (400, 404, 410, 422)


class Pace:
    """Waits, and how many requests and repetitions there were."""

    def __init__(
        self,
        requests_per_minute: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 60 / requests_per_minute if requests_per_minute else 0.0
        self._next = 0.0
        self._sleep, self._clock = sleep, clock
        self.requests = self.retries = 0

    def take_turn(self) -> None:
        """Wait until the next request may be sent, and count it."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._interval
        self.requests += 1

    def back_off(
        self, attempt: int, asked_s: float | None = None, *, limited: bool = False
    ) -> None:
        """Wait before attempt ``attempt`` + 1: as long as was asked, else longer each time.

        The wait without a wish is drawn at random, so that many clients do not come back at once.
        A wish for less is no leave to hurry: it is rounded down, or from a clock that goes wrong.
        """
        first = _FIRST_LIMITED_S if limited and asked_s is None else _FIRST_BACK_OFF_S
        longest = min(first * 2**attempt, _LONGEST_BACK_OFF_S)
        drawn = random.uniform(longest / 2, longest)  # noqa: S311 - no secret hangs on it
        self.retries += 1
        self._sleep(max(drawn, asked_s or 0.0))


class Caller:
    """Asks one service for JSON.

    Args:
        name: What people call the source; for messages.
        url: Root of the service.
        client: From ``open_client``, with the service's credentials.
        pace: How often it may be asked.
        size: Records per page; it shrinks where the server fails under it.
        remedy: What to do where the server refuses the key.
    """

    def __init__(
        self, name: str, url: str, client: httpx.Client, pace: Pace, size: int, remedy: str
    ) -> None:
        self._name, self._url, self._client, self._pace = name, url, client, pace
        self._size, self._remedy = size, remedy

    def page(self, method: str, path: str, size_name: str, cursor: str | None, **asked: Any) -> Any:
        """One page: ``asked`` holds ``params`` or ``json``, into which the page size is put.

        Raises:
            CursorGoneError: The server refuses ``cursor``.
            PullError: The server refuses, or fails again and again.
        """
        try:
            return self._call(method, path, size_name, asked)
        except RefusedError as error:
            if cursor is not None and error.status in _CURSOR_GONE:
                raise CursorGoneError(str(error)) from error
            raise

    def ask(self, method: str, path: str, **asked: Any) -> Any:
        """One answer that has no pages.

        Raises:
            PullError: The server refuses, or fails again and again.
        """
        return self._call(method, path, None, asked)

    def close(self) -> None:
        """Close the connections that were kept."""
        self._client.close()

    def _call(self, method: str, path: str, size_name: str | None, asked: Mapping[str, Any]) -> Any:
        import httpx

        failure, remedy = "", _KEPT
        for attempt in range(ATTEMPTS):
            sized = self._sized(size_name, asked)
            self._pace.take_turn()
            try:
                answer = self._client.request(method, self._url + path, **sized)
                if answer.status_code not in _AGAIN:
                    return self._content(answer, path)
                failure, wait, remedy = f"HTTP {answer.status_code}", _wished(answer), _KEPT
                overtaxed, limited = answer.status_code >= 500, answer.status_code == _LIMITED
            except (httpx.TransportError, httpx.DecodingError, ValueError) as error:
                failure, wait, overtaxed, limited = type(error).__name__, None, True, False
                remedy = _NOBODY if isinstance(error, httpx.ConnectError) else _KEPT
            if wait is not None and wait > LONGEST_WAIT_S:
                raise PullError(
                    f"{self._name}: {self._url}{path} asks to wait {wait:,.0f} s ({failure}); it is"
                    " tried again by the next run; lower requests_per_minute in sources.yaml"
                )
            if size_name and overtaxed and attempt >= 1:
                self._size = max(1, self._size // 2)
            if attempt + 1 < ATTEMPTS:
                self._pace.back_off(attempt, wait, limited=limited)
        raise PullError(
            f"{self._name}: {self._url}{path} failed {ATTEMPTS} times, last with {failure}; "
            f"{remedy}"
        )

    def _sized(self, size_name: str | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        if size_name is None:
            return dict(asked)
        ((place, values),) = asked.items()
        return {place: {**values, size_name: self._size}}

    def _content(self, answer: httpx.Response, path: str) -> Any:
        status = answer.status_code
        place = f"{self._name}: {self._url}{path} answers HTTP {status}"
        if 200 <= status < 300:
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise RefusedError(f"{place} with a web page; {_NO_SERVICE}", status)
            return answer.json()
        if 300 <= status < 400:
            raise RefusedError(
                f"{place}; redirects are not followed: give the final address", status
            )
        remedies = {**dict.fromkeys(_KEY_REFUSED, self._remedy), _UNKNOWN: _NO_SUCH}
        raise RefusedError(f"{place}; {remedies.get(status, _NOT_UNDERSTOOD)}", status)


class OverHttp:
    """What all sources that ask over HTTP have in common."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def close(self) -> None:
        """Close the connections that were kept."""
        self._caller.close()


_KEPT: Final = "pages that arrived are kept, and the next run goes on from there"
_NOBODY: Final = "check host and port of url in sources.yaml, and that the service runs"
_NO_SERVICE: Final = (
    "give the service's root as url in sources.yaml, past any page that asks to log in"
)
_NO_SUCH: Final = (
    "check url, and project or experiment, in sources.yaml, and that the server's version has this"
    " API"
)
_NOT_UNDERSTOOD: Final = "check url in sources.yaml; or the server's version has another API"


class RefusedError(PullError):
    """An answer that repeating will not change."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def open_client(url: str, timeout_s: float, headers: Mapping[str, str]) -> httpx.Client:
    """A client that keeps connections, follows no redirects and asks this machine directly."""
    import httpx

    return httpx.Client(
        headers={"User-Agent": "llmops-pipelines", **headers},
        timeout=timeout_s,
        verify=_certificates(),
        trust_env=not _is_this_machine(urlsplit(url).hostname or ""),
    )


@cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust; read from disk once, which takes long."""
    import httpx

    return httpx.create_ssl_context()


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _wished(answer: httpx.Response) -> float | None:
    """Seconds that ``Retry-After`` asks for, given in seconds or as a date; None without it."""
    asked = answer.headers.get("Retry-After", "").strip()
    if asked.isdigit():
        return float(asked)
    try:
        return max(0.0, (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
