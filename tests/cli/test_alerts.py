import json
import threading
from http.server import BaseHTTPRequestHandler

import pytest

from tests.cli.worlds import invoke
from tests.loopback import QuietHTTPServer


@pytest.fixture
def webhook():
    """A server on loopback; ``told`` holds what it got, ``status`` is what it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.told.append(json.loads(body))
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = QuietHTTPServer(("127.0.0.1", 0), Handler)
    server.told, server.status = [], 200
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def trial(url: str):
    return invoke("alerts", "test", environment={"LLMOPS_WEBHOOK_URL": url})


def test_a_test_message_arrives_and_says_that_it_is_one(webhook):
    run = trial(f"http://127.0.0.1:{webhook.server_port}/hook/secret")
    assert (run.returncode, run.stdout, run.stderr) == (0, "delivered: HTTP 200\n", "")
    (message,) = webhook.told
    assert "test" in message["text"]


def test_an_answer_that_is_no_success_is_a_failure(webhook):
    webhook.status = 403
    run = trial(f"http://127.0.0.1:{webhook.server_port}/hook/secret")
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "failed: HTTP 403\n")


def test_without_a_webhook_the_setting_is_named():
    run = trial("")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "no webhook: set LLMOPS_WEBHOOK_URL to the address alerts go to\n"


def test_an_address_is_never_repeated(webhook):
    port = webhook.server_port
    webhook.shutdown()
    webhook.server_close()
    unheard, unusable = f"http://127.0.0.1:{port}/hook/very-secret", "ftp://very-secret"
    for url, code, heading in (
        (unheard, 1, "failed: "),
        (unusable, 2, "the environment cannot be used:\nLLMOPS_WEBHOOK_URL: "),
    ):
        run = trial(url)
        assert run.returncode == code
        assert run.stderr.startswith(heading)
        assert "very-secret" not in run.stderr + run.stdout
