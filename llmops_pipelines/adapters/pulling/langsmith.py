"""LangSmith: runs through version 1 of its API, whose records are those of its exports."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from llmops_pipelines.adapters.pulling.calling import Caller, OverHttp
from llmops_pipelines.adapters.pulling.protocol import (
    Count,
    Page,
    PullError,
    Record,
    bounds,
    iso,
    moment_of,
)

# Without links to stored blobs: they are signed anew each time, so no file would stay the same.
_FIELDS: Final = (
    "id", "trace_id", "parent_run_id", "parent_run_ids", "dotted_order", "session_id", "name",
    "run_type", "start_time", "end_time", "first_token_time", "status", "error", "inputs",
    "outputs", "extra", "tags", "feedback_stats", "prompt_tokens", "completion_tokens",
    "total_tokens", "prompt_token_details", "completion_token_details", "prompt_cost",
    "completion_cost", "total_cost", "prompt_cost_details", "completion_cost_details",
    "price_model_id", "reference_example_id",
)  # fmt: skip
_SUMS: Final = ("run_count", "total_tokens", "total_cost", "feedback_stats")


class LangSmith(OverHttp):
    """Runs of one project, oldest first."""

    def __init__(self, caller: Caller, project: str) -> None:
        super().__init__(caller)
        self._project = project
        self._session: str | None = None

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """Pages of runs that started on ``day``."""
        while True:
            asked = {**self._window(day), "select": _FIELDS, "order": "asc"}
            if after is not None:
                asked["cursor"] = after
            answer = self._caller.page("POST", "/api/v1/runs/query", "limit", after, json=asked)
            after = (answer.get("cursors") or {}).get("next") or None
            yield Page([self.record(run) for run in answer["runs"]], after)
            if after is None:
                return

    def count(self, day: date) -> Count:
        """Runs, tokens, cost and feedback that the server counts on ``day``."""
        stats = self._caller.ask("POST", "/api/v1/runs/stats", json=self._window(day))
        mark = json.dumps([stats.get(name) for name in _SUMS], sort_keys=True)
        return Count(stats.get("run_count"), mark)

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        return Record(body["id"], moment_of(body.get("start_time")), body)

    def _window(self, day: date) -> dict[str, Any]:
        start, end = (iso(moment) for moment in bounds(day))
        if self._session is None:
            self._session = session_id(self._caller, self._project)
        # `start_time` alone spares the server older partitions; the filter draws the exact bounds.
        during = f'and(gte(start_time, "{start}"), lt(start_time, "{end}"))'
        return {"session": [self._session], "start_time": start, "filter": during}


def session_id(caller: Caller, project: str) -> str:
    """The id of a project, which the API calls a session.

    Raises:
        PullError: There is none of that name, or the server refuses.
    """
    found = caller.ask("GET", "/api/v1/sessions", params={"name": project, "limit": 1})
    if not found:
        raise PullError(f"LangSmith has no project {project!r}; check sources.yaml")
    return str(found[0]["id"])
