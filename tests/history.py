"""Dagster's history in SQLite files that stay open, which makes a night in this process cheaper.

Dagster opens a database anew for every event and writes each event of a run twice, more than half
of what a small night costs. Here one file holds the events and one the runs, with Dagster's own
tables and queries. Nights in processes of their own keep Dagster's defaults, as people have them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import sqlalchemy as db
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage

from llmops_pipelines.orchestration.runs.nightly import INSTANCE_CONFIG

_STORAGE = """\
event_log_storage: {{module: tests.history, class: OpenEventLog, config: {{base_dir: "{folder}"}}}}
run_storage: {{module: tests.history, class: OpenRuns, config: {{base_dir: "{folder}"}}}}
"""


def keep_open(home: Path) -> None:
    """Let the Dagster instance in ``home`` be one with an open history."""
    home.mkdir(parents=True, exist_ok=True)
    config = INSTANCE_CONFIG + _STORAGE.format(folder=home / "history")
    (home / "dagster.yaml").write_text(config)


class _Open:
    """A storage whose connections come from one pool."""

    _conn_string: str

    @cached_property
    def _engine(self) -> db.Engine:
        engine = db.create_engine(self._conn_string)

        @db.event.listens_for(engine, "connect")
        def hurry(connection, _):
            # Whoever pulls the plug while tests run may run them again.
            connection.execute("PRAGMA synchronous=OFF")

        return engine

    @contextmanager
    def connect(self) -> Iterator[db.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        self._engine.dispose()
        super().dispose()


class OpenRuns(_Open, SqliteRunStorage):
    @classmethod
    def from_config_value(cls, inst_data, config_value):
        return cls.from_local(inst_data=inst_data, **config_value)


class OpenEventLog(_Open, ConsolidatedSqliteEventLogStorage):
    def _connect(self):
        return self.connect()
