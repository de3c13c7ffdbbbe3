"""Annotations of Phoenix: what people and judges said of spans and of whole traces."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from llmops_pipelines.adapters.pulling.calling import Caller, RefusedError

_IDS_AT_ONCE: Final = 100
"""Ids stand in the address, which must not grow too long."""

_NAMES: Final = """
query($name: String!) {
  getProjectByName(name: $name) { spanAnnotationNames traceAnnotationNames }
}"""
_SUMMARY: Final = """
query($name: String!, $during: TimeRange!, $annotation: String!) {
  getProjectByName(name: $name) {
    KINDAnnotationSummary(annotationName: $annotation, timeRange: $during) {
      count meanScore labelFractions { label fraction }
    }
  }
}"""

Names = Mapping[str, Sequence[str]]
"""Names of annotations in use by what they are about: ``span`` or ``trace``."""


class Annotations:
    """Annotations of one project; ``path`` is its root in the REST API."""

    def __init__(self, caller: Caller, project: str, path: str) -> None:
        self._caller, self._project, self._path = caller, project, path

    def names(self) -> Names:
        """Names of annotations in use; none where an older server does not tell."""
        body = {"query": _NAMES, "variables": {"name": self._project}}
        answer = self._caller.ask("POST", "/graphql", json=body)
        project = None if answer.get("errors") else answer["data"]["getProjectByName"]
        if project is None:
            return {}
        found = {kind: sorted(project[f"{kind}AnnotationNames"]) for kind in ("span", "trace")}
        return {kind: names for kind, names in found.items() if names}

    def put(self, spans: Sequence[dict[str, Any]], names: Names) -> None:
        """Put into each span what was said of it, and into a root what was said of its trace."""
        for kind in names:
            about = [span for span in spans if kind == "span" or span.get("parent_id") is None]
            said = self._said(kind, [_id(span, kind) for span in about])
            for span in about:
                if found := said.get(_id(span, kind)):
                    span.setdefault("annotations", []).extend(found)

    def digest(self, names: Names, during: Mapping[str, str]) -> str:
        """A digest of the server's sums of what was said of the spans of a time."""
        sums = [
            [kind, name, self._summary(kind, name, during)]
            for kind in names
            for name in names[kind]
        ]
        return hashlib.sha256(orjson.dumps(sums)).hexdigest()[:16]

    def _summary(self, kind: str, name: str, during: Mapping[str, str]) -> Any:
        asked = {"name": self._project, "during": during, "annotation": name}
        body = {"query": _SUMMARY.replace("KIND", kind), "variables": asked}
        answer = self._caller.ask("POST", "/graphql", json=body)
        found = answer["data"]["getProjectByName"][f"{kind}AnnotationSummary"]
        if found is None:
            return None
        mean = found["meanScore"]
        labels = sorted((of["label"], round(of["fraction"], 9)) for of in found["labelFractions"])
        return [found["count"], None if mean is None else round(mean, 9), labels]

    def _said(self, kind: str, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """Annotations by what they are about, oldest first."""
        said = defaultdict(list)
        for start in range(0, len(ids), _IDS_AT_ONCE):
            for annotation in self._pages(kind, ids[start : start + _IDS_AT_ONCE]):
                said[annotation[f"{kind}_id"]].append(annotation)
        for found in said.values():
            found.sort(key=lambda annotation: (annotation["created_at"], annotation["id"]))
        return said

    def _pages(self, kind: str, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
        asked: dict[str, Any] = {f"{kind}_ids": list(ids)}
        while True:
            try:
                answer = self._caller.page(
                    "GET", f"{self._path}/{kind}_annotations", "limit", None, params=asked
                )
            except RefusedError as error:
                if error.status == 404:  # all of them were deleted meanwhile
                    return
                raise
            yield from answer["data"]
            if not answer.get("next_cursor"):
                return
            asked["cursor"] = answer["next_cursor"]


def _id(span: Mapping[str, Any], kind: str) -> str:
    return str(span["context"][f"{kind}_id"])
