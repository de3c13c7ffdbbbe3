"""When to stop asking an endpoint that does not answer, and what to tell people then."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from llmops_pipelines.judging.judges.exchange import Reply

_REMEDY = {
    "http_401": "{key}: the endpoint does not accept the key",
    "http_403": "{key}: the key may not use this model",
    "http_200": "{url}, which as a rule ends in /v1: what answers there is no judge",
    "http_404": "{url} and {model}: the endpoint knows no such path or model",
}
_OF_ENVIRONMENT = {"url": "JUDGE_BASE_URL", "key": "JUDGE_API_KEY", "model": "JUDGE_MODEL"}
_OF_FILE = {
    "url": "its address in judges.yaml",
    "key": "the variable of its key in judges.yaml",
    "model": "its model there",
}
SLOW = (
    "A slow endpoint wants fewer requests at once (LLMOPS_JUDGE_MAX_IN_FLIGHT, or `concurrency` in "
    "judges.yaml), or more time (LLMOPS_JUDGE_ITEM_DEADLINE_S)"
)
_UNREACHABLE = "{url}: nothing answers there"


@dataclass
class Circuit:
    """Counts failures in a row, over all requests in flight.

    Before the first reply, ``dead_after`` connection failures or rejections in a row open it: the
    endpoint is not there, or not for us. Later, and for server errors, it takes a run of failures
    ``patience`` long, so that a blip that hits everything in flight at once does not end the run.
    Requests that arrived and had no reply in time may as well be too many for a slow endpoint: it
    takes ``most_late`` of them. What to look at is in judges.yaml where it ``named`` the endpoint.
    """

    dead_after: int
    patience: int
    most_late: int
    named: bool = False
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    _ever_answered: bool = False
    _in_a_row: int = 0

    def record(self, reply: Reply) -> None:
        """Take one reply into account; rate limits say nothing either way."""
        if reply.answered:
            self._ever_answered, self._in_a_row = True, 0
            return
        if reply.outcome == "http_429" or not _speaks_of_endpoint(reply):
            return
        self._in_a_row += 1
        early = not self._ever_answered and not reply.outcome.startswith("http_5")
        most = self.dead_after if early else self.patience
        if reply.late:
            most = self.most_late
        if self._in_a_row >= most:
            # Requests that are still under way end after these: one reason for all of them.
            what = _REMEDY.get(reply.outcome, _UNREACHABLE)
            where = _OF_FILE if self.named else _OF_ENVIRONMENT
            remedy = f"check {what.format(**where)}, then run again"
            self.reason = self.reason or (
                f"the judge endpoint failed {most} times in a row "
                f"({reply.outcome}{f': {reply.detail}' if reply.detail else ''}), so the rest "
                f"was not asked{f'. {SLOW}' if reply.late else f'; {remedy}'}"
            )
            self.opened.set()


def _speaks_of_endpoint(reply: Reply) -> bool:
    """Not a fault of one request, such as a prompt that is too long."""
    return reply.outcome in ("network", "timeout", *_REMEDY) or reply.outcome.startswith("http_5")
