"""An OpenAI-compatible judge in a process of its own, so that what it costs is not measured.

It says of every answer that it is grounded, after ``--latency-ms``. ``--faults`` makes shares of
its replies HTTP 429, HTTP 500 and malformed, chosen by the request's number, so that every run
meets the same. ``GET /stats`` tells how many requests came and how many went wrong.
`python benchmarks/judge_endpoint.py [--latency-ms 100] [--faults 0.025,0.025,0.02]`
"""

import argparse
import asyncio
import contextlib
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

VERDICT = {
    "claims": [{"claim": "Refunds take five days.", "supported": True}],
    "grounded": True,
    "reason": "the documents say so",
}
ANSWER = json.dumps(VERDICT)


def completion(text: str) -> bytes:
    """A reply as the chat-completions API words it."""
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1767225600,
            "model": "bench-judge-2026-01-01",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960},
        }
    ).encode()


def http(status: str, body: bytes, more: str = "") -> bytes:
    """A whole HTTP/1.1 response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nx-request-id: req-1\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


GOOD = http("200 OK", completion(ANSWER))
MALFORMED = http("200 OK", completion(ANSWER[:40]))
LIMITED = http("429 Too Many Requests", b'{"error": {"message": "slow down"}}')
BROKEN = http("500 Internal Server Error", b'{"error": {"message": "overloaded"}}')


class Endpoint:
    """Counts requests and chooses what each is answered with."""

    def __init__(self, latency_s: float, shares: tuple[float, float, float]) -> None:
        self.latency_s = latency_s
        self.shares = shares
        self.requests = 0
        self.faults = 0
        self.draws = random.Random(7)

    def reply(self) -> bytes:
        """What the next request is answered with."""
        self.requests += 1
        draw = self.draws.random()
        for share, reply in zip(self.shares, (LIMITED, BROKEN, MALFORMED), strict=True):
            if draw < share:
                self.faults += 1
                return reply
            draw -= share
        return GOOD

    def stats(self) -> bytes:
        """What happened so far."""
        return http(
            "200 OK", json.dumps({"requests": self.requests, "faults": self.faults}).encode()
        )


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request, each after the latency."""
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.received[:end]).lower()
            _, _, length = head.partition(b"content-length:")
            whole = end + 4 + int(length.split(b"\r\n")[0] or 0)
            if len(self.received) < whole:
                return
            del self.received[:whole]
            if head.startswith(b"get"):
                self.transport.write(self.endpoint.stats())
                continue
            later = asyncio.get_running_loop().call_later
            later(self.endpoint.latency_s, self.answer, self.endpoint.reply())

    def answer(self, reply: bytes) -> None:
        """Write ``reply`` unless the client has gone."""
        if not self.transport.is_closing():
            self.transport.write(reply)


async def serve(latency_ms: float, shares: tuple[float, float, float]) -> None:
    endpoint = Endpoint(latency_ms / 1_000, shares)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(endpoint), "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def counted(url: str) -> dict[str, int]:
    """Requests and faults so far of the endpoint at ``url``."""
    with urlopen(f"{url}/stats") as response:
        found: dict[str, int] = json.load(response)
    return found


@contextmanager
def endpoint(latency_ms: float, faults: str = "0,0,0") -> Iterator[str]:
    """The root URL of an endpoint that runs until the block ends."""
    import subprocess
    import sys

    process = subprocess.Popen(
        [sys.executable, str(Path(__file__)), "--latency-ms", str(latency_ms), "--faults", faults],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=100)
    parser.add_argument("--faults", default="0,0,0", help="shares of 429, 500 and malformed")
    asked = parser.parse_args()
    limited, broken, malformed = (float(share) for share in asked.faults.split(","))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(asked.latency_ms, (limited, broken, malformed)))


if __name__ == "__main__":
    main()
