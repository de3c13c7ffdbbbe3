"""Phoenix: spans with their annotations through its REST API, counted through its GraphQL API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final
from urllib.parse import quote

from llmops_pipelines.adapters.pulling.calling import Caller, OverHttp
from llmops_pipelines.adapters.pulling.phoenix_annotations import Annotations
from llmops_pipelines.adapters.pulling.protocol import (
    Count,
    Page,
    PullError,
    Record,
    bounds,
    iso,
    moment_of,
)

_COUNT: Final = """
query($name: String!, $during: TimeRange!) {
  getProjectByName(name: $name) {
    recordCount(timeRange: $during)
    tokenCountTotal(timeRange: $during)
  }
}"""


class Phoenix(OverHttp):
    """Spans of one project, in the order they arrived, so that late ones come on a later page."""

    def __init__(self, caller: Caller, project: str) -> None:
        super().__init__(caller)
        self._project = project
        self._path = f"/v1/projects/{quote(project, safe='')}"
        self._annotations = Annotations(caller, project, self._path)

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """Pages of spans that started on ``day``."""
        start, end = bounds(day)
        names = self._annotations.names()
        while True:
            asked = {"start_time": iso(start), "end_time": iso(end), "sort": "id", "order": "asc"}
            if after is not None:
                asked["cursor"] = after
            path = f"{self._path}/spans"
            answer = self._caller.page("GET", path, "limit", after, params=asked)
            self._annotations.put(answer["data"], names)
            after = answer.get("next_cursor")
            yield Page([self.record(span) for span in answer["data"]], after)
            if after is None:
                return

    def count(self, day: date) -> Count:
        """Spans and tokens that the server counts on ``day``, and what was said of them."""
        start, end = bounds(day)
        during = {"start": iso(start), "end": iso(end)}
        body = {"query": _COUNT, "variables": {"name": self._project, "during": during}}
        answer = self._caller.ask("POST", "/graphql", json=body)
        if answer.get("errors"):
            return Count(None, None)  # an older server, without these sums
        project = answer["data"]["getProjectByName"]
        if project is None:
            raise PullError(f"Phoenix has no project {self._project!r}; check sources.yaml")
        spans, tokens = project["recordCount"], project["tokenCountTotal"]
        mark = f"{spans} spans, {tokens:.0f} tokens"
        if names := self._annotations.names():
            mark += f", annotations {self._annotations.digest(names, during)}"
        return Count(spans, mark)

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        return Record(body["context"]["span_id"], moment_of(body.get("start_time")), body)
