"""HTTP archives (HAR), as browsers and proxies record them: requests to models among all others.

A body is text inside what HTTP says of it. Headers, which hold keys, are left out.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, as_object, at_path, from_json, without_nulls
from llmops_pipelines.ingest.log_files.exchanges import exchanged, is_failure

_ASKING: Final = ("messages", "contents")
_ASKING_A_MODEL: Final = ("prompt", "input")
"""A request to a model holds one of these, the latter beside its name: failures of others are no
failed calls."""

_OF_HTTP: Final = ("response_body", "status_code")


def har_lines(objects: Sequence[str]) -> list[str] | None:
    """A line for each exchange of the archives that ``objects`` are; None where one is none.

    Exchanges that are no calls are blank lines, which count as ignored.
    """
    try:
        archives = [_entries(json.loads(text)) for text in objects]
    except (ValueError, RecursionError):
        return None
    if not archives or None in archives:
        return None
    calls = [_call(entry) for entries in archives for entry in entries or ()]
    return [json.dumps(call, separators=(",", ":")) if call else "" for call in calls]


def _entries(archive: Any) -> list[Record] | None:
    entries = as_list(at_path(archive, "log", "entries"))
    if not entries or not all("startedDateTime" in as_object(entry) for entry in entries):
        return None
    return [as_object(entry) for entry in entries]


def _call(entry: Record) -> Record | None:
    """An exchange as an envelope; None where no model was asked."""
    asked = from_json(at_path(entry, "request", "postData", "text"))
    if not isinstance(asked, dict) or not _asks_a_model(asked):
        return None
    told = without_nulls(
        {
            "timestamp": entry["startedDateTime"],
            "latency_ms": entry.get("time"),
            "request": asked,
        }
    )
    content = as_object(at_path(entry, "response", "content"))
    status = at_path(entry, "response", "status")
    call = exchanged(told | {"response_body": _text(content), "status_code": status})
    if call is None and (not status or is_failure(status)):  # 0: the connection broke
        call = told | {"error": without_nulls({"status": status or None, "message": "no answer"})}
    return call and {key: said for key, said in call.items() if key not in _OF_HTTP}


def _asks_a_model(body: Record) -> bool:
    names = (*_ASKING, *_ASKING_A_MODEL) if isinstance(body.get("model"), str) else _ASKING
    return any(name in body for name in names)


def _text(content: Record) -> Any:
    text = content.get("text")
    if content.get("encoding") != "base64" or not isinstance(text, str):
        return text
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
