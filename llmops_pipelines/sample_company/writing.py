"""Writes the sample: log files below one folder, the truth beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from llmops_pipelines.sample_company.collecting import Collector
from llmops_pipelines.sample_company.days import simulate_day
from llmops_pipelines.sample_company.drawing import stream
from llmops_pipelines.sample_company.rhythm import calls_by_day
from llmops_pipelines.sample_company.truth import Truth, rendered


@dataclass(frozen=True)
class SampleSummary:
    """What was written: calls, steps and feedback are unique, extra lines are counted apart."""

    out: Path
    truth: Path
    first: date
    last: date
    files: int
    bytes: int
    calls: int
    steps: int
    feedback: int
    duplicates: int
    malformed_lines: int
    events: int


def write_sample_logs(
    out: Path,
    *,
    days: int = 14,
    end: date,
    calls_per_day: int = 1500,
    seed: int = 7,
    truth: Path | None = None,
    on_day: Callable[[date], None] | None = None,
) -> SampleSummary:
    """Write the logs of a fictional shop for ``days`` days up to and including ``end``.

    Equal arguments give equal bytes. The events of ``EVENTS`` fall on the same days, counted
    from the first, whatever the seed; those beyond the last day are left out. A file of the same
    name is replaced, other files in ``out`` stay.

    Args:
        out: Log folder, made if it is missing; files lie in one folder per day.
        days: Days to write.
        end: Last day, UTC.
        calls_per_day: Model calls a day on average; weekends have 45 % of a weekday's. What a
            planned surge or the retries of an outage add comes on top.
        seed: Another seed gives other texts, users and times under the same events.
        truth: Where ``truth.json`` goes; beside ``out`` by default, never inside it.
        on_day: Called with each day once its files are written.

    Raises:
        ValueError: ``days`` or ``calls_per_day`` is below 1, or ``truth`` lies inside ``out``.
    """
    truth = _checked(out, days=days, calls_per_day=calls_per_day, truth=truth)
    calendar = [end - timedelta(days=ahead) for ahead in range(days - 1, -1, -1)]
    known = Truth(calendar, calls_per_day=calls_per_day, seed=seed)
    collector = Collector(end)
    files_written = bytes_written = 0
    for number, (day, calls) in enumerate(
        zip(calendar, calls_by_day(calendar, calls_per_day), strict=True), 1
    ):
        simulated = simulate_day(number, day, calls, seed)
        files = collector.files_of(simulated, stream(seed, day, "collecting"))
        known.add(simulated, files)
        for file in files:
            path = out / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            bytes_written += path.write_bytes(file.packed())
        files_written += len(files)
        if on_day:
            on_day(day)
    document = known.document(collector.late_files)
    truth.parent.mkdir(parents=True, exist_ok=True)
    truth.write_text(rendered(document), encoding="utf-8", newline="\n")
    return SampleSummary(
        out=out, truth=truth, first=calendar[0], last=end, files=files_written,
        bytes=bytes_written, calls=known.total("calls"), steps=known.total("steps"),
        feedback=known.total("feedback"), duplicates=known.total("duplicates"),
        malformed_lines=known.total("malformed_lines"), events=len(document["events"]),
    )  # fmt: skip


def _checked(out: Path, *, days: int, calls_per_day: int, truth: Path | None) -> Path:
    """The path of the truth, once the arguments are found usable."""
    if days < 1:
        raise ValueError(f"days is {days}; a sample needs at least 1 day, the fortnight has 14")
    if calls_per_day < 1:
        raise ValueError(
            f"calls_per_day is {calls_per_day}; a sample needs at least 1, the fortnight has 1500"
        )
    truth = truth or out.parent / "truth.json"
    if truth.resolve().is_relative_to(out.resolve()):
        raise ValueError(
            f"truth is {truth}, inside the log folder {out}: the pipeline would read the answers; "
            "choose a path outside, such as "
            f"{out.resolve().parent / 'truth.json'}"
        )
    return truth
