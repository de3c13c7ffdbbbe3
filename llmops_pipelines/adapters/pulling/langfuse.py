"""Langfuse: observations through version 2 of its API (Cloud, or self-hosted from version 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from llmops_pipelines.adapters.pulling.calling import OverHttp
from llmops_pipelines.adapters.pulling.protocol import Count, Page, Record, bounds, iso, moment_of

_FIELDS: Final = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
_SUMS: Final = (("count", "count"), ("totalTokens", "sum"), ("totalCost", "sum"))


class Langfuse(OverHttp):
    """Observations of the project that the keys belong to."""

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """Pages of observations that started on ``day``."""
        start, end = bounds(day)
        while True:
            asked = {"fromStartTime": iso(start), "toStartTime": iso(end), "fields": _FIELDS}
            if after is not None:
                asked["cursor"] = after
            path = "/api/public/v2/observations"
            answer = self._caller.page("GET", path, "limit", after, params=asked)
            after = (answer.get("meta") or {}).get("cursor") or None
            yield Page([self.record(observation) for observation in answer["data"]], after)
            if after is None:
                return

    def count(self, day: date) -> Count:
        """Observations, tokens and cost that the server counts on ``day``."""
        start, end = bounds(day)
        query = {
            "view": "observations",
            "metrics": [{"measure": name, "aggregation": how} for name, how in _SUMS],
            "fromTimestamp": iso(start),
            "toTimestamp": iso(end),
        }
        answer = self._caller.ask(
            "GET", "/api/public/v2/metrics", params={"query": json.dumps(query)}
        )
        row: dict[str, Any] = next(iter(answer["data"]), {})
        sums = [row.get(f"{how}_{name}") for name, how in _SUMS]
        # Counts of ClickHouse come as text.
        count = int(sums[0]) if sums[0] is not None else 0 if not row else None
        return Count(count, json.dumps(sums))

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        return Record(body["id"], moment_of(body.get("startTime")), body)
