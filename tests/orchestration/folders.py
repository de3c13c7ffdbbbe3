"""A data folder of a few handwritten calls, and the shortest ways to land and compute it."""

import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from llmops_pipelines.cli.folder import default_reference
from llmops_pipelines.definitions import Settings, build_definitions, resources_of
from llmops_pipelines.orchestration.runs.nightly import (
    Night,
    NightlyRunner,
    open_instance,
    run_night,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from tests.history import keep_open
from tests.ingest.worlds import call, lines

DAY, NEXT = date(2026, 11, 10), date(2026, 11, 11)
NOW = "2026-11-12T06:00:00"

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
NOBODY = {"judge_base_url": "", "judge_api_key": "", "judge_model": "", "webhook_url": ""}


def calls_of(day: date, *numbers: int, **changes: Any) -> bytes:
    """Lines of a log: successful calls of ``day``, one minute apart."""
    return lines(*(call(n, timestamp=f"{day}T09:{n % 60:02d}:00Z", **changes) for n in numbers))


@dataclass
class Folder:
    """A data folder at ``root``. The clock stands at ``NOW``; nobody is judged or told.

    One that processes of their own work on is ``shared``: its Dagster history is an ordinary one.
    """

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)
    shared: bool = False
    _definitions: dict[str, dg.Definitions] = field(default_factory=dict)

    def at(self, **changes: Any) -> Settings:
        """Settings of the folder."""
        start = {"data": self.root, "now": NOW, "user_hash_key": "k", "start": date(2026, 11, 1)}
        return Settings(**NOBODY | start | self.settings | changes)

    def __post_init__(self) -> None:
        if not self.shared:
            keep_open(self.root / ".dagster")

    @property
    def lake(self) -> Lake:
        return resources_of(self.at()).lake.open()

    def with_reference(self) -> "Folder":
        """The same, with the reference files that `llmops init` writes."""
        shutil.copytree(default_reference(), self.root / "reference", dirs_exist_ok=True)
        return self

    def log(self, name: str, content: bytes) -> Path:
        """Put a file into the landing zone."""
        file = self.root / "logs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return file

    def edit(self, name: str, text: str) -> None:
        """Write a reference file."""
        file = self.root / "reference" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def definitions(self, **changes: Any) -> dg.Definitions:
        """The folder's code location, loaded once per set of settings."""
        key = repr(sorted(changes.items()))
        if key not in self._definitions:
            self._definitions[key] = build_definitions(self.at(**changes))
        return self._definitions[key]

    def run(
        self,
        job: str,
        *names: str,
        day: date | None = None,
        instance: dg.DagsterInstance | None = None,
        **changes: Any,
    ) -> dg.ExecuteInProcessResult:
        """Run a job, or only some assets of it with their checks."""
        prefix = changes.get("key_prefix", "").split("/") if changes.get("key_prefix") else []
        return (
            self.definitions(**changes)
            .resolve_job_def(job)
            .execute_in_process(
                instance=instance,
                partition_key=str(day) if day else None,
                asset_selection=[dg.AssetKey([*prefix, name]) for name in names] or None,
                run_config=QUIET,
                raise_on_error=False,
            )
        )

    def night(self, first: date | None = None, last: date | None = None, **changes: Any) -> Night:
        """What `llmops nightly` does, in this process and without its printing."""
        settings = self.at(**changes)
        resources = resources_of(settings)
        with open_instance(settings.home) as instance:
            runner = NightlyRunner(self.definitions(**changes), instance, lambda _: None)
            return run_night(runner, resources, first=first, last=last)
