"""The sample company on disk, nights run over it, and who listens on loopback."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler
from io import StringIO
from pathlib import Path
from typing import Any, Self

import dagster as dg
import polars as pl
import yaml

from llmops_pipelines.cli.folder import prepare
from llmops_pipelines.cli.night import night
from llmops_pipelines.definitions import Settings, build_definitions, resources_of
from llmops_pipelines.orchestration.runs.nightly import NightlyRunner, open_instance
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.sample_company import write_sample_logs
from llmops_pipelines.tables import TABLES, Table
from tests.history import keep_open
from tests.loopback import QuietHTTPServer
from tests.sample_company.sample import Sample

Digests = dict[tuple[str, date], str]

SOME_TIME = datetime.fromisoformat("2026-01-01")
"""For what does not look at the clock."""

NOBODY: dict[str, Any] = {
    "lake": "",
    "logs": "",
    "reference": "",
    "judge_base_url": "",
    "judge_api_key": "",
    "judge_model": "",
    "webhook_url": "",
    "rollback": False,
}
"""No judge, no webhook, no folders elsewhere, whatever the environment of the tests says."""


@dataclass(frozen=True)
class World:
    """A data folder below ``root``; logs wait in ``root/sent`` until they arrive."""

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        keep_open(self.data / ".dagster")

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def sent(self) -> Path:
        return self.root / "sent"

    @property
    def lake(self) -> Lake:
        return resources_of(self.at(SOME_TIME)).lake.open()

    def at(self, now: datetime, **settings: Any) -> Settings:
        """Settings with the clock stopped at ``now``."""
        return Settings(
            **{
                **NOBODY,
                "data": self.data,
                "user_hash_key": "k",
                **self.settings,
                **settings,
                "now": now.isoformat(),
            }
        )

    def arrive(self, *paths: str) -> None:
        """Files, or whole folders, come into the log folder."""
        for path in paths:
            source, target = self.sent / path, self.data / "logs" / path
            for file in sorted(source.rglob("*")) if source.is_dir() else [source]:
                place = target / file.relative_to(source) if source.is_dir() else target
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, place)

    def night(
        self,
        now: datetime,
        *,
        since: date | None = None,
        until: date | None = None,
        **settings: Any,
    ) -> dict[str, Any]:
        """``llmops nightly --json``: what it printed, and its exit code under ``code``."""
        printed = StringIO()
        with redirect_stdout(printed):
            code = night(self.at(now, **settings), since, until, as_json=True)
        return {**json.loads(printed.getvalue()), "code": code}

    def compute_again(self, day: date, now: datetime, *names: str, **settings: Any) -> None:
        """The assets called ``names`` of ``day``, stale or not."""
        placed = self.at(now, **settings)
        with open_instance(placed.home) as instance:
            runner = NightlyRunner(build_definitions(placed), instance, lambda _: None)
            runner.execute("nightly_job", day, [dg.AssetKey(name) for name in names])
        assert runner.failures == []

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Let ``change`` work on a reference file; the default one if there is none yet."""
        prepare(self.at(SOME_TIME))
        file = self.data / "reference" / name
        document = yaml.safe_load(file.read_text())
        change(document)
        file.write_text(yaml.safe_dump(document, sort_keys=False))

    def reference(self, name: str) -> dict[str, Any]:
        return yaml.safe_load((self.data / "reference" / name).read_text())

    def read(self, table: Table, *days: date) -> pl.DataFrame:
        """Rows of ``days``, of all days if none is named."""
        return self.lake.read(table, list(days) or None)

    def digests(self) -> Digests:
        """Content of every partition of every table."""
        lake = self.lake
        return {
            (table.name, day): stored.digest
            for table in TABLES.values()
            if table.partitioned
            for day in lake.days(table)
            if (stored := lake.stored(table, day))
        }

    def report(self, day: date) -> str:
        return (self.data / "lake" / "reports" / f"{day}.html").read_text(encoding="utf-8")

    def branch(self, root: Path, **settings: Any) -> World:
        """A copy that goes its own way from here, under other settings."""
        shutil.copytree(self.root, root, symlinks=True)
        return World(root, {**self.settings, **settings})

    def check_outcomes(self, check: str) -> dict[str, dg.AssetCheckEvaluation]:
        """The last evaluation of an asset check on each day, by ISO day."""
        outcomes = {}
        with open_instance(self.data / ".dagster") as instance:
            for run in reversed(instance.get_runs()):
                day = run.tags.get("dagster/partition")
                records = instance.all_logs(
                    run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
                )
                for record in records if day else []:
                    evaluation = record.dagster_event.asset_check_evaluation_data
                    if evaluation.check_name == check:
                        outcomes[day] = evaluation
        return outcomes


@dataclass(frozen=True)
class Written:
    """What ``write_sample_logs`` wrote, read back and taken out of everybody's reach."""

    world: World
    sample: Sample

    @property
    def truth(self) -> dict[str, Any]:
        return self.sample.truth

    @cached_property
    def days(self) -> list[date]:
        return [date.fromisoformat(day["day"]) for day in self.truth["days"]]

    def day(self, number: int) -> date:
        """Day ``number`` of the sample, from 1."""
        return self.days[number - 1]

    def morning(self, number: int, *, later: int = 0) -> datetime:
        """Three o'clock after day ``number``, or ``later`` days after that."""
        return datetime.combine(self.day(number) + timedelta(days=1 + later), time(3))

    def event(self, name: str) -> dict[str, Any]:
        return self.sample.event(name)


def write_fortnight(root: Path, *, end: date, calls_per_day: int, days: int = 14) -> Written:
    """The sample below ``root/sent``; its truth is read and its file removed."""
    world, truth = World(root), root / "truth.json"
    write_sample_logs(
        world.sent, days=days, end=end, calls_per_day=calls_per_day, seed=7, truth=truth
    )
    sample = Sample.read(world.sent, truth)
    truth.unlink()
    return Written(world, sample)


def scale_budgets(world: World, factor: float) -> None:
    """Budgets for other traffic than the default files are made for."""

    def scale(document: dict[str, Any]) -> None:
        for budget in [*document["features"].values(), document["total"]]:
            budget["daily_usd"] = round(budget["daily_usd"] * factor, 6)

    world.edit("budgets.yaml", scale)


def strings_of(frame: pl.DataFrame) -> Iterable[str]:
    """Every text in a frame, those within lists and structs too."""
    for series in frame:
        yield from _strings(series)


def _strings(series: pl.Series) -> Iterable[str]:
    match series.dtype:
        case pl.String:
            yield from series.drop_nulls().unique()
        case pl.List():
            yield from _strings(series.explode().drop_nulls())
        case pl.Struct():
            yield from strings_of(series.struct.unnest())


@dataclass
class Inbox:
    """A webhook: keeps what is posted to it."""

    received: list[dict[str, Any]] = field(default_factory=list)

    def __enter__(self) -> Self:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.received.append(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = QuietHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def told(self, rule: str = "") -> list[str]:
        """Keys of the messages, of one rule or of all."""
        return [message["key"] for message in self.received if message["key"].startswith(rule)]
