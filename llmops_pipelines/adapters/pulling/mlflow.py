"""MLflow: traces of an experiment, each with its spans, as ``Trace.to_json`` writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from llmops_pipelines.adapters.pulling.calling import Caller, OverHttp, RefusedError
from llmops_pipelines.adapters.pulling.protocol import Count, Page, Record, bounds, moment_of

_IN_BATCHES: Final = ("TRACKING_STORE", "ARCHIVE_REPO")
"""Where spans lie that come for many traces at once; others are files, one per trace."""

_IDS_AT_ONCE: Final = 50
"""Ids stand in the address, which must not grow too long."""

_SUMS: Final = (
    ("TRACES", "trace_count", "COUNT"),
    ("TRACES", "total_tokens", "SUM"),
    ("SPANS", "span_count", "COUNT"),
    ("ASSESSMENTS", "assessment_count", "COUNT"),
    ("ASSESSMENTS", "assessment_value", "AVG"),
)
"""What changes with a trace; spans and people's assessments often come days after it."""

_MARK: Final = "{:.0f} traces, {:.0f} tokens, {:.0f} spans, {:.0f} assessments of {:.9g}"


class MLflow(OverHttp):
    """Traces of one experiment, oldest first."""

    def __init__(self, caller: Caller, experiment: str) -> None:
        super().__init__(caller)
        self._experiment = experiment
        self._id: str | None = None

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """Pages of traces that started on ``day``."""
        first, last = _milliseconds(day)
        place = {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": {"experiment_id": self._experiment_id()},
        }
        while True:
            asked = {
                "locations": [place],
                "filter": f"trace.timestamp_ms >= {first} AND trace.timestamp_ms <= {last}",
                "order_by": ["timestamp_ms ASC"],
            }
            if after is not None:
                asked["page_token"] = after
            path = "/api/3.0/mlflow/traces/search"
            answer = self._caller.page("POST", path, "max_results", after, json=asked)
            after = answer.get("next_page_token") or None
            infos = answer.get("traces", [])
            spans = self._spans(infos)
            bodies = [
                {"info": info, "data": {"spans": spans.get(info["trace_id"], [])}} for info in infos
            ]
            yield Page([self.record(body) for body in bodies], after)
            if after is None:
                return

    def count(self, day: date) -> Count:
        """Traces that the server counts on ``day``, and its sums; older servers do not count."""
        try:
            sums = [self._metric(day, *asked) for asked in _SUMS]
        except RefusedError as error:
            if error.status in (404, 405):
                return Count(None, None)
            raise
        return Count(int(sums[0]), _MARK.format(*sums))

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        info = body["info"]
        return Record(info["trace_id"], moment_of(info.get("request_time")), body)

    def _metric(self, day: date, view: str, name: str, how: str) -> float:
        first, last = _milliseconds(day)
        body = {
            "experiment_ids": [self._experiment_id()],
            "view_type": view,
            "metric_name": name,
            "aggregations": [{"aggregation_type": how}],
            "start_time_ms": first,
            "end_time_ms": last,
        }
        answer = self._caller.ask("POST", "/api/3.0/mlflow/traces/metrics", json=body)
        points = answer.get("data_points", [])
        return float(points[0]["values"].get(how) or 0) if points else 0.0

    def _spans(self, infos: list[dict[str, Any]]) -> dict[str, list[Any]]:
        """Spans by trace, from the database many at once, from files one by one."""
        spans: dict[str, list[Any]] = {}
        stored = [
            info["trace_id"]
            for info in infos
            if info.get("tags", {}).get("mlflow.trace.spansLocation") in _IN_BATCHES
        ]
        for start in range(0, len(stored), _IDS_AT_ONCE):
            ids = stored[start : start + _IDS_AT_ONCE]
            answer = self._caller.ask(
                "GET", "/api/3.0/mlflow/traces/batchGet", params={"trace_ids": ids}
            )
            for trace in answer.get("traces", []):
                found = [_as_written(span) for span in trace.get("spans", [])]
                spans[trace["trace_info"]["trace_id"]] = found
        for info in infos:
            if info["trace_id"] not in stored:
                spans[info["trace_id"]] = self._file(info["trace_id"])
        return spans

    def _file(self, trace_id: str) -> list[Any]:
        try:
            answer = self._caller.ask(
                "GET", "/ajax-api/2.0/mlflow/get-trace-artifact", params={"request_id": trace_id}
            )
        except RefusedError as error:
            if error.status in (400, 404):  # a trace that never ended has no file
                return []
            raise
        return list(answer.get("spans", []))

    def _experiment_id(self) -> str:
        if self._id is None:
            answer = self._caller.ask(
                "GET",
                "/api/2.0/mlflow/experiments/get-by-name",
                params={"experiment_name": self._experiment},
            )
            self._id = str(answer["experiment"]["experiment_id"])
        return self._id


def _milliseconds(day: date) -> tuple[int, int]:
    """First and last millisecond of ``day``."""
    start, end = bounds(day)
    return int(start.timestamp() * 1000), int(end.timestamp() * 1000) - 1


def _as_written(span: dict[str, Any]) -> dict[str, Any]:
    """A span of OTLP as MLflow's files have it: attributes by name, each value as JSON text."""
    status = span.get("status", {})
    return {
        "trace_id": span.get("trace_id"),
        "span_id": span.get("span_id"),
        "parent_span_id": span.get("parent_span_id"),
        "name": span.get("name"),
        "start_time_unix_nano": span.get("start_time_unix_nano"),
        "end_time_unix_nano": span.get("end_time_unix_nano"),
        "events": [
            {
                "name": event.get("name"),
                "time_unix_nano": event.get("time_unix_nano"),
                "attributes": _values(event.get("attributes", [])),
            }
            for event in span.get("events", [])
        ],
        "status": {
            "code": status.get("code", "STATUS_CODE_UNSET"),
            "message": status.get("message", ""),
        },
        "attributes": {
            name: json.dumps(value) for name, value in _values(span.get("attributes", [])).items()
        },
    }


def _values(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: _value(pair.get("value", {})) for pair in pairs}


def _value(value: dict[str, Any]) -> Any:
    """The one thing that an OTLP value holds; None where it is empty."""
    if "kvlist_value" in value:
        return _values(value["kvlist_value"].get("values", []))
    if "array_value" in value:
        return [_value(item) for item in value["array_value"].get("values", [])]
    return next(iter(value.values()), None)
