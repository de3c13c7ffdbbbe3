"""LangSmith: feedback on the runs of one project; runs themselves have only its averages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from llmops_pipelines.adapters.pulling.calling import Caller, OverHttp
from llmops_pipelines.adapters.pulling.langsmith import session_id
from llmops_pipelines.adapters.pulling.protocol import Count, Page, Record, bounds, iso, moment_of


class LangSmithFeedback(OverHttp):
    """Feedback of one project, on the day that it was given.

    Pages go by position, and the server gives no sum to compare: a page is the last when it is
    empty, for a short one may also be what the server chose to give.
    """

    def __init__(self, caller: Caller, project: str) -> None:
        super().__init__(caller)
        self._project = project

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """Pages of feedback that was given on ``day``."""
        start, end = bounds(day)
        asked: dict[str, Any] = {
            "session": session_id(self._caller, self._project),
            "min_created_at": iso(start),
            "max_created_at": iso(end),
        }
        while True:
            asked["offset"] = int(after or 0)
            found = self._caller.page("GET", "/api/v1/feedback", "limit", after, params=asked)
            after = str(asked["offset"] + len(found)) if found else None
            yield Page([self.record(said) for said in found], after)
            if after is None:
                return

    def count(self, day: date) -> Count:  # noqa: ARG002 - a source is asked by day
        """Nothing: the server does not count feedback by the day it was given."""
        return Count(None, None)

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        return Record(body["id"], moment_of(body.get("created_at")), body)
