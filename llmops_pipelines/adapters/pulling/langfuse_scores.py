"""Langfuse: scores through version 3 of their API (Cloud, or self-hosted from 3.179)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from llmops_pipelines.adapters.pulling.calling import OverHttp
from llmops_pipelines.adapters.pulling.protocol import Count, Page, Record, bounds, iso, moment_of


class LangfuseScores(OverHttp):
    """Scores of the project that the keys belong to, on the day that they were given."""

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """Pages of scores that were given on ``day``."""
        start, end = bounds(day)
        while True:
            asked = {
                "fromTimestamp": iso(start),
                "toTimestamp": iso(end),
                "fields": "details,subject",
            }
            if after is not None:
                asked["cursor"] = after
            path = "/api/public/v3/scores"
            answer = self._caller.page("GET", path, "limit", after, params=asked)
            after = (answer.get("meta") or {}).get("cursor") or None
            yield Page([self.record(score) for score in answer["data"]], after)
            if after is None:
                return

    def count(self, day: date) -> Count:  # noqa: ARG002 - a source is asked by day
        """Nothing: scores are counted by type, and not all types are."""
        return Count(None, None)

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        return Record(body["id"], moment_of(body.get("timestamp")), body)
