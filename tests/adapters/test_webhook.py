"""Messages to a real server on loopback: what arrives, what goes wrong, and what stays secret."""

import http.server
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from llmops_pipelines.adapters.webhook import Delivery, post
from tests.loopback import QuietHTTPServer

PATH = "/services/T0SECRET/B0SECRET/xyzzy-token"
MESSAGE = {"text": "error_rate: sales_email 7.9 %", "key": "k-1"}

Handler = http.server.BaseHTTPRequestHandler


class Seen(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def server(answer: Callable[[Handler], None]) -> Iterator[tuple[str, list[Seen]]]:
    """A webhook on loopback that answers with ``answer``: its address, and what reached it."""
    seen: list[Seen] = []

    class Hook(Handler):
        def do_POST(self):  # noqa: N802 - the name http.server calls
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(Seen(self.command, self.path, dict(self.headers), body))
            answer(self)

        do_GET = do_POST  # noqa: N815 - the same

        def log_message(self, *_):
            pass

    hook = QuietHTTPServer(("127.0.0.1", 0), Hook)
    hook.daemon_threads = True
    thread = threading.Thread(target=hook.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{hook.server_port}{PATH}", seen
    finally:
        hook.shutdown()
        thread.join()
        hook.server_close()


def reply(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_message_arrives_as_json_by_post():
    with server(reply(200, b"ok")) as (url, seen):
        assert post(url, MESSAGE) == Delivery("delivered", "HTTP 200")
    (request,) = seen
    assert (request.method, request.path) == ("POST", PATH)
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == MESSAGE


def test_text_beyond_ascii_arrives_as_it_was():
    with server(reply(200)) as (url, seen):
        post(url, {"text": "Qualität ≥ 60 % 🙂"})
    assert json.loads(seen[0].body) == {"text": "Qualität ≥ 60 % 🙂"}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_delivered(status):
    with server(reply(status)) as (url, _):
        assert post(url, MESSAGE) == Delivery("delivered", f"HTTP {status}")


def test_a_server_error_is_failed_with_what_the_server_said():
    with server(reply(500, b"invalid_payload\r\nsee\tdocs")) as (url, _):
        assert post(url, MESSAGE) == Delivery("failed", "HTTP 500: invalid_payload see docs")


def test_an_error_without_a_word_is_its_status():
    with server(reply(404)) as (url, _):
        assert post(url, MESSAGE) == Delivery("failed", "HTTP 404")


def test_one_message_is_sent_once_even_when_it_fails():
    with server(reply(503)) as (url, seen):
        post(url, MESSAGE)
    assert len(seen) == 1


def test_silence_is_failed_after_the_timeout():
    release = threading.Event()
    with server(lambda _: release.wait(20)) as (url, _):
        try:
            assert post(url, MESSAGE, timeout=0.2) == Delivery("failed", "no answer within 0.2 s")
        finally:
            release.set()


def test_an_error_whose_text_never_comes_is_still_its_status():
    release = threading.Event()

    def answer(handler: Handler) -> None:
        handler.send_response(500)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        release.wait(20)

    with server(answer) as (url, _):
        try:
            assert post(url, MESSAGE, timeout=0.2) == Delivery("failed", "HTTP 500")
        finally:
            release.set()


def test_nobody_listening_is_connection_refused():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}{PATH}", MESSAGE) == Delivery(
        "failed", "connection refused: nothing listens at the webhook's address"
    )


def test_an_unknown_host_is_named_as_such_without_its_name(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known: hooks.example")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    assert post(f"https://hooks.example{PATH}", MESSAGE) == Delivery(
        "failed", "the webhook's host name is not known"
    )


def test_tls_to_a_server_without_it_is_failed():
    with server(reply(200)) as (url, _):
        assert post(url.replace("http:", "https:"), MESSAGE, timeout=5) == Delivery(
            "failed", "TLS: the webhook does not speak it as expected"
        )


@pytest.mark.parametrize("nonsense", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_an_answer_that_is_not_http_is_failed(nonsense):
    def answer(handler: Handler) -> None:
        handler.wfile.write(nonsense)
        handler.close_connection = True

    with server(answer) as (url, _):
        assert post(url, MESSAGE) == Delivery(
            "failed", "the webhook broke off the connection or did not answer in HTTP"
        )


def test_a_certificate_nobody_vouches_for_is_failed(monkeypatch):
    def self_signed(*_, **__):
        raise ssl.SSLCertVerificationError(f"self-signed certificate for {PATH}")

    monkeypatch.setattr(socket, "create_connection", self_signed)
    assert post(f"https://127.0.0.1:9{PATH}", MESSAGE) == Delivery(
        "failed", "TLS: the webhook's certificate cannot be verified"
    )


@pytest.mark.parametrize(("status", "outcome"), [(200, "delivered"), (500, "failed")])
def test_a_huge_reply_is_not_read(status, outcome):
    chunks: list[int] = []

    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        try:
            while len(chunks) < 10_000:
                handler.wfile.write(b"x" * 100_000)
                chunks.append(1)
        except OSError:
            handler.close_connection = True

    with server(answer) as (url, _):
        delivery = post(url, MESSAGE)
    assert delivery.outcome == outcome
    assert len(delivery.detail) < 250
    assert len(chunks) < 10_000  # the sender was cut off long before its gigabyte


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status):
    with (
        server(reply(200)) as (elsewhere, seen),
        server(reply(status, Location=elsewhere)) as (
            url,
            _,
        ),
    ):
        assert post(url, MESSAGE) == Delivery(
            "failed", f"HTTP {status}: redirects are not followed; give the final address"
        )
    assert seen == []


def test_a_redirect_to_nonsense_is_no_accident():
    with server(reply(302, Location="http://[::bad")) as (url, _):
        assert post(url, MESSAGE).detail.startswith("HTTP 302")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.slack.com/services/T/B/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "data:text/plain,x",
        "http://",
        "http:///x",
        "http://127.0.0.1:99999/x",
        "http://127.0.0.1:0/x",
        "http://127.0.0.1:abc/x",
        "http://[::1/x",
        "http://me:pw-s3cret@127.0.0.1/x",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/a\r\nHost: evil",
        "http://127.0.0.1/ä",
    ],
)
def test_what_is_no_web_address_is_refused_without_repeating_it(url):
    assert post(url, MESSAGE) == Delivery(
        "failed",
        "the webhook's address cannot be used: give http:// or https://, a host, "
        "and neither user, password, spaces nor control characters",
    )


def test_a_server_that_repeats_the_address_does_not_get_it_into_the_detail():
    def echo(handler: Handler) -> None:
        host = handler.headers["Host"]
        said = f"no such hook: http://{host}{PATH} ({PATH}, xyzzy-token, B0SECRET at {host})"
        reply(404, said.encode())(handler)

    with server(echo) as (url, _):
        detail = post(url, MESSAGE).detail
    assert detail == "HTTP 404: no such hook: *** (***, ***, *** at ***)"


def test_a_token_in_the_query_is_a_secret_too():
    with server(reply(403, b"bad token s%C3%A4sam or s\xc3\xa4sam")) as (url, _):
        assert post(f"{url}?token=s%C3%A4sam", MESSAGE).detail == "HTTP 403: bad token *** or ***"


def test_nothing_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    with server(reply(500, b"no")) as (url, _):
        post(url, MESSAGE)
    assert not [record for record in caplog.records if "SECRET" in record.getMessage()]


def test_this_machine_is_reached_without_the_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with server(reply(200)) as (url, _):
        assert post(url, MESSAGE).outcome == "delivered"
        assert post(url.replace("127.0.0.1", "localhost"), MESSAGE).outcome == "delivered"


def test_a_message_that_is_not_json_is_the_callers_mistake():
    with server(reply(200)) as (url, seen), pytest.raises(TypeError):
        post(url, {"text": object()})
    assert seen == []


def test_an_unforeseen_fault_is_named_by_its_kind_only(monkeypatch):
    def broken(*_, **__):
        raise OSError("http://secret")

    monkeypatch.setattr(socket, "create_connection", broken)
    assert post(f"http://127.0.0.1:9{PATH}", MESSAGE) == Delivery(
        "failed", "the webhook could not be reached (OSError)"
    )
