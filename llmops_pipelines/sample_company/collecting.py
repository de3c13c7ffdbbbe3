"""How a day's lines reach the log folder: by service and shift, late, twice, or damaged."""

from __future__ import annotations

import gzip
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from llmops_pipelines.sample_company.catalogue import SERVICES
from llmops_pipelines.sample_company.damage import dump, malformed_line
from llmops_pipelines.sample_company.days import DayOfCalls
from llmops_pipelines.sample_company.drawing import count_of
from llmops_pipelines.sample_company.events import (
    DUPLICATES,
    LATE_CALLS,
    LATE_FILE,
    REDELIVERED_CALLS,
    REDELIVERY,
    Conditions,
)
from llmops_pipelines.sample_company.records import Line

_UNTOUCHED_HEAD = 3
"""Lines at the top of a file that stay whole, as the format is read from them."""


@dataclass
class LogFile:
    """One file: its path below the log folder, its lines, how many of them are extra or broken."""

    path: str
    lines: list[bytes] = field(default_factory=list)
    duplicates: int = 0
    malformed: int = 0

    def packed(self) -> bytes:
        """The bytes on disk; compressed as the extension says, without a time stamp."""
        text = b"".join(line + b"\n" for line in self.lines)
        if self.path.endswith(".gz"):
            return gzip.compress(text, compresslevel=6, mtime=0)
        if self.path.endswith(".zst"):
            import zstandard

            return zstandard.ZstdCompressor(level=3).compress(text)
        return text


@dataclass(frozen=True)
class LateFile:
    """A file whose calls belong to an earlier day than its neighbours."""

    path: str
    day: date
    calls: int
    hold_back: bool


class Collector:
    """Sorts lines into files; keeps what arrives on a later day than it was logged."""

    def __init__(self, last: date) -> None:
        self._last = last
        self._waiting: dict[date, list[tuple[str, bytes]]] = defaultdict(list)
        self._late: dict[date, list[LogFile]] = defaultdict(list)
        self.late_files: list[LateFile] = []

    def files_of(self, simulated: DayOfCalls, rng: Random) -> list[LogFile]:
        """The files of the day's folder, by path."""
        day = simulated.day
        lines, late = self._set_late_apart(simulated, rng)
        if late:
            self._late[self._next(day)].append(late)
        files = _regular_files(day, lines)
        self._resend(day, lines, files, rng)
        for path, text in self._waiting.pop(day, []):
            _slip_in(files[path], text, rng)
            files[path].duplicates += 1
        _damage(lines, list(files.values()), Conditions(simulated.number).malformed(), rng)
        arrived = [*files.values(), *self._late.pop(day, [])]
        return sorted((file for file in arrived if file.lines), key=lambda file: file.path)

    def _set_late_apart(
        self, simulated: DayOfCalls, rng: Random
    ) -> tuple[list[Line], LogFile | None]:
        number, day = simulated.number, simulated.day
        if number not in (REDELIVERY.day, LATE_FILE.day):
            return simulated.lines, None
        hold_back = number == LATE_FILE.day
        folder = self._next(day)
        path = (
            f"{folder}/late-backoffice-{day}.jsonl"
            if hold_back
            else f"{folder}/backoffice-redelivered-{day}.jsonl.gz"
        )
        single = [
            place
            for place, line in enumerate(simulated.lines)
            if line.feature in ("ticket_triage", "invoice_extraction")
            and line.kind == "call"
            and line.record["error"] is None
            and line.record["attempt"] == 1
        ]
        wanted = LATE_CALLS if hold_back else REDELIVERED_CALLS
        chosen = set(rng.sample(single, min(wanted, len(single) // 2)))
        if not chosen:
            return simulated.lines, None
        self.late_files.append(LateFile(path, day, len(chosen), hold_back))
        kept = [line for place, line in enumerate(simulated.lines) if place not in chosen]
        late = LogFile(path, [dump(simulated.lines[place].record) for place in sorted(chosen)])
        return kept, late

    def _resend(self, day: date, lines: list[Line], files: dict[str, LogFile], rng: Random) -> None:
        """A share of the lines is sent again: to another file of the day, or on the next day."""
        for line in rng.sample(lines, count_of(len(lines), DUPLICATES, rng)):
            following = self._next(day)
            text = dump(line.record)
            if following > day and rng.random() < 0.5:
                self._waiting[following].append((_path(line, following), text))
                continue
            own = _path(line, day)
            others = [path for path in sorted(files) if path != own]
            path = rng.choice(others or [own])
            _slip_in(files[path], text, rng)
            files[path].duplicates += 1

    def _next(self, day: date) -> date:
        return min(day + timedelta(days=1), self._last)


def _path(line: Line, folder: date) -> str:
    extension, shifts = SERVICES[line.service]
    opened = max(shift for shift in shifts if shift <= line.at.hour)
    return f"{folder}/{line.service}-{opened:02d}.{extension}"


def _regular_files(day: date, lines: list[Line]) -> dict[str, LogFile]:
    files: dict[str, LogFile] = {}
    for service, (extension, shifts) in SERVICES.items():
        for shift in shifts:
            path = f"{day}/{service}-{shift:02d}.{extension}"
            files[path] = LogFile(path)
    for line in lines:
        files[_path(line, day)].lines.append(dump(line.record))
    return files


def _slip_in(file: LogFile, text: bytes, rng: Random) -> None:
    head = min(_UNTOUCHED_HEAD, len(file.lines))
    file.lines.insert(rng.randrange(head, len(file.lines) + 1), text)


def _damage(lines: list[Line], files: list[LogFile], share: float, rng: Random) -> None:
    """Add unusable lines until they make ``share`` of all; files get them by their length."""
    calls = [line for line in lines if line.kind == "call"]
    filled = [file for file in files if file.lines]
    if not calls:
        return
    total = sum(len(file.lines) for file in filled)
    for _ in range(count_of(total, share / (1 - share), rng)):
        (file,) = rng.choices(filled, [len(file.lines) for file in filled])
        _slip_in(file, malformed_line(rng, rng.choice(calls).record), rng)
        file.malformed += 1
