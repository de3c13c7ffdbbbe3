"""One JSON message to a webhook, whose address is a secret and is never repeated."""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

REPLY_BYTES = 2_000
"""No more of a reply is read: enough for a service to say what is wrong."""

DETAIL_CHARS = 200


class Delivery(NamedTuple):
    """What became of one message. Neither part holds the address."""

    outcome: Literal["delivered", "failed"]
    detail: str


def post(url: str, payload: Mapping[str, Any], timeout: float = 10.0) -> Delivery:
    """Send ``payload`` as JSON, once. Whatever the far end does, this returns.

    Redirects are not followed: a message about the inside of a system goes where it was sent.
    Proxies of the environment are used, except for this machine itself.

    Args:
        url: ``http://`` or ``https://``, without user or password.
        payload: The message; it must be JSON.
        timeout: Seconds of silence to put up with while connecting or reading.

    Returns:
        ``delivered`` for a status of 2xx, else ``failed``; ``detail`` is the status, with the
        beginning of the reply where it failed, or what went wrong.

    Raises:
        TypeError: ``payload`` is not JSON (ValueError for a number JSON does not have).
    """
    if (address := _address(url)) is None:
        return Delivery(
            "failed",
            "the webhook's address cannot be used: give http:// or https://, a host, "
            "and neither user, password, spaces nor control characters",
        )
    request = urllib.request.Request(  # noqa: S310 - _address admits http and https only
        url,
        data=json.dumps(payload, allow_nan=False).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "llmops-pipelines"},
        method="POST",
    )
    try:
        with _opener(address).open(request, timeout=timeout) as reply:
            return Delivery("delivered", f"HTTP {reply.status}")
    except urllib.error.HTTPError as error:
        return Delivery("failed", _refusal(error, url))
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        # Never the exception's own text: some of them quote the address.
        return Delivery("failed", _fault(error, timeout))


def _opener(address: SplitResult) -> urllib.request.OpenerDirector:
    """HTTP and HTTPS only, without a handler that follows redirects."""
    opener = urllib.request.OpenerDirector()
    if not _is_this_machine(address.hostname or ""):
        opener.add_handler(urllib.request.ProxyHandler())
    opener.add_handler(urllib.request.HTTPHandler())
    opener.add_handler(urllib.request.HTTPSHandler())
    opener.add_handler(urllib.request.HTTPErrorProcessor())
    opener.add_handler(urllib.request.HTTPDefaultErrorHandler())
    return opener


def is_address(url: str) -> bool:
    """Whether a message can be posted to ``url`` at all."""
    return _address(url) is not None


def _address(url: str) -> SplitResult | None:
    """``url`` in its parts, None where it is no address to post to."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    clean = url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc
    return parts if usable and clean else None


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refusal(error: urllib.error.HTTPError, url: str) -> str:
    if 300 <= error.code < 400:
        return f"HTTP {error.code}: redirects are not followed; give the final address"
    try:
        with error:
            said = error.read1(REPLY_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError):
        said = ""
    said = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    for secret in _secrets(url):
        said = said.replace(secret, "***")
    return f"HTTP {error.code}: {said[:DETAIL_CHARS]}".rstrip(": ")


def _secrets(url: str) -> list[str]:
    """The parts of an address that a reply might echo, longest first."""
    parts = urlsplit(url)
    pieces = {url, parts.path, parts.query, parts.netloc, parts.hostname or ""}
    pieces |= {piece for piece in parts.path.split("/") if len(piece) >= 6}
    pieces |= {pair.partition("=")[2] for pair in parts.query.split("&")}
    pieces |= {unquote(piece) for piece in pieces}
    return sorted((piece for piece in pieces if len(piece) > 1), key=lambda p: (-len(p), p))


_FAULTS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "no answer within {timeout:g} s"),
    (ConnectionRefusedError, "connection refused: nothing listens at the webhook's address"),
    (socket.gaierror, "the webhook's host name is not known"),
    (ssl.SSLCertVerificationError, "TLS: the webhook's certificate cannot be verified"),
    (ssl.SSLError, "TLS: the webhook does not speak it as expected"),
    (ConnectionError, "the webhook broke off the connection or did not answer in HTTP"),
    (http.client.HTTPException, "the webhook broke off the connection or did not answer in HTTP"),
)


def _fault(error: Exception, timeout: float) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    for kind, text in _FAULTS:
        if isinstance(reason, kind):
            return text.format(timeout=timeout)
    return f"the webhook could not be reached ({type(reason).__name__})"
