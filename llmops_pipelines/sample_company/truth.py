"""What was planted, kept apart from the logs: events, counts, and which answers are grounded."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from typing import Any

from llmops_pipelines.sample_company.collecting import LateFile, LogFile
from llmops_pipelines.sample_company.days import DayOfCalls
from llmops_pipelines.sample_company.events import EVENTS, Event
from llmops_pipelines.sample_company.exchange import Manner

_GROUNDED_FEATURES = ("support_assistant", "call_summary")
_UNSUPPORTED = ("invented", "subtle")


class Truth:
    """Collects the truth day by day; ``document`` is what ``truth.json`` holds."""

    def __init__(self, days: list[date], *, calls_per_day: int, seed: int) -> None:
        self._days = days
        self._arguments = {"days": len(days), "end": str(days[-1]), "seed": seed}
        self._arguments["calls_per_day"] = calls_per_day
        self._by_day: list[dict[str, Any]] = []
        self._files: dict[str, dict[str, int]] = {}
        self._manners: dict[str, tuple[str, Manner]] = {}

    def add(self, simulated: DayOfCalls, files: list[LogFile]) -> None:
        """Take in one day: its lines by event day, its files by folder."""
        self._manners |= simulated.manners
        self._by_day.append(
            counts_of(simulated)
            | {
                "duplicates": sum(file.duplicates for file in files),
                "malformed_lines": sum(file.malformed for file in files),
                "lines_in_folder": sum(len(file.lines) for file in files),
            }
        )
        for file in files:
            self._files[file.path] = {
                "lines": len(file.lines),
                "duplicates": file.duplicates,
                "malformed": file.malformed,
            }

    def total(self, key: str) -> int:
        """One of the daily counts, summed over the days."""
        return sum(day[key] for day in self._by_day)

    def document(self, late_files: list[LateFile]) -> dict[str, Any]:
        """All of it, in the order in which a person would read it."""
        named = sorted(self._manners.items())
        return {
            "arguments": self._arguments,
            "events": [self._event(event) for event in EVENTS if event.days(len(self._days))],
            "days": self._by_day,
            "late_files": [
                {"path": f.path, "day": str(f.day), "calls": f.calls, "hold_back": f.hold_back}
                for f in late_files
            ],
            "files": self._files,
            "refused": [key for key, (_, manner) in named if manner == "refused"],
            "broken_json": [key for key, (_, manner) in named if manner == "broken"],
            "subtle": [key for key, (_, manner) in named if manner == "subtle"],
            "grounded": {
                key: manner not in _UNSUPPORTED
                for key, (feature, manner) in named
                if feature in _GROUNDED_FEATURES
            },
        }

    def _event(self, event: Event) -> dict[str, Any]:
        numbers = event.days(len(self._days))
        shown = [self._by_day[number - 1] for number in numbers]
        figures: dict[str, Any] = {}
        if event.feature:
            features = [day["features"].get(event.feature, {}) for day in shown]
            figures = {
                key: [feature.get(key, 0) for feature in features]
                for key in ("calls", "errors", "answers", "unsupported", "refused", "broken_json",
                            "unpriced_calls", "spend_usd")
            }  # fmt: skip
        else:
            figures = {
                key: [day[key] for day in shown]
                for key in ("lines_in_folder", "duplicates", "malformed_lines")
            }
        return {
            "name": event.name,
            "story": event.story,
            "feature": event.feature,
            "numbers": list(numbers),
            "days": [day["day"] for day in shown],
            "raises": list(event.raises),
            "may_raise": list(event.may_raise),
            "figures": figures,
        }


def counts_of(simulated: DayOfCalls) -> dict[str, Any]:
    """Calls, steps and feedback of one day, and per feature what happened to its calls."""
    kinds = Counter(line.kind for line in simulated.lines)
    features: dict[str, dict[str, Any]] = {}
    for line in simulated.lines:
        if line.kind != "call":
            continue
        counts = features.setdefault(line.feature, _no_counts())
        counts["calls"] += 1
        counts["errors"] += line.record["error"] is not None
        counts["retries"] += line.record["attempt"] > 1
        counts["unpriced_calls"] += line.cost is None
        counts["spend_usd"] += line.cost or 0.0
    for feature, manner in simulated.manners.values():
        counts = features[feature]
        counts["answers"] += 1
        counts["unsupported"] += manner in _UNSUPPORTED
        counts["refused"] += manner == "refused"
        counts["broken_json"] += manner == "broken"
    for counts in features.values():
        counts["spend_usd"] = round(counts["spend_usd"], 6)
    return {
        "number": simulated.number,
        "day": str(simulated.day),
        "calls": kinds["call"],
        "steps": kinds["step"],
        "feedback": kinds["feedback"],
        "spend_usd": round(sum(counts["spend_usd"] for counts in features.values()), 6),
        "features": features,
    }


def _no_counts() -> dict[str, Any]:
    return {
        "calls": 0, "errors": 0, "retries": 0, "unpriced_calls": 0, "spend_usd": 0.0, "answers": 0,
        "unsupported": 0, "refused": 0, "broken_json": 0,
    }  # fmt: skip


def rendered(document: dict[str, Any]) -> str:
    """The document as JSON, one entry of its long tables a line."""
    parts = []
    for key, value in document.items():
        if isinstance(value, dict) and len(value) > 8:
            rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            parts.append(f"{json.dumps(key)}: {{\n{rows}\n}}")
        elif isinstance(value, list) and value:
            rows = ",\n".join(f"  {json.dumps(v)}" for v in value)
            parts.append(f"{json.dumps(key)}: [\n{rows}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
