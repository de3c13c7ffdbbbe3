"""A world of automation ticks: what landed, what was computed, and what is asked for next.

Nothing is computed here. Runs tell the instance that something was, with the data versions that a
test gives them.
"""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.errors import DagsterAssetCheckFailedError

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
NOON = datetime.fromisoformat("2026-11-22T12:00:00+00:00")

Asked = dict[str | None, set[str]]
"""What a tick requests: day, or None for assets without days, to names of assets."""


class Ticks:
    """The automation sensor's view of one instance, tick by tick."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance, prefix=()):
        self.definitions = definitions
        self.instance = instance
        self.graph = definitions.resolve_asset_graph()
        self.prefix = list(prefix)
        self.now = NOON
        self.cursor = None

    def key(self, name: str) -> dg.AssetKey:
        return dg.AssetKey([*self.prefix, name])

    def land(self, *days: str, version: str = "1", accounted: bool = True) -> None:
        """A landing run is over that changed the content of ``days``."""
        check = dg.AssetCheckKey(self.key("landing"), "every_line_is_accounted_for")

        def happened():
            for day in days:
                yield self._computed("landed_days", day, version)
                yield self._computed("late_feedback", day, version)
            yield self._computed("landing", None, version)
            yield self._checked(check, accounted, None)

        self._run(happened())

    def move_feedback(self, day: str, version: str) -> None:
        """A landing run is over that brought feedback from another day on calls of ``day``."""
        self._run([self._computed("late_feedback", day, version)])

    def compute(self, asked: Asked, version: str = "1", failing: Iterable[str] = ()) -> None:
        """The runs for ``asked`` are over; the blocking checks named in ``failing`` failed.

        What lies downstream of a failed check was not computed.
        """
        stopped = set[str]()
        for check in failing:
            (key,) = {key for key in self.graph.asset_check_keys if key.name == check}
            below = dg.AssetSelection.assets(key.asset_key).downstream(include_self=False)
            stopped |= {found.path[-1] for found in below.resolve(self.graph)}
        for day, names in sorted(asked.items(), key=str):
            self._run(self._happened(sorted(names - stopped), day, version, set(failing)))

    def price_calls_anew(self, version: str) -> None:
        self._run([self._computed("price_book", None, version)])

    def edit(self, name: str, version: str) -> None:
        """Somebody changed a reference file, and the change was observed."""
        key = dg.AssetKey([*self.prefix, "reference", name])
        self._run([dg.AssetObservation(key, tags={"dagster/data_version": version})])

    def tick(self) -> Asked:
        """What the sensor asks for half a minute later."""
        self.now += timedelta(seconds=30)
        result = dg.evaluate_automation_conditions(
            self.definitions, self.instance, cursor=self.cursor, evaluation_time=self.now
        )
        self.cursor = result.cursor
        asked: Asked = {}
        for key in self.graph.materializable_asset_keys:
            for day in result.get_requested_partitions(key):
                asked.setdefault(day, set()).add(key.path[-1])
        return asked

    def _computed(self, name: str, day: str | None, version: str) -> dg.AssetMaterialization:
        version = f"{name} of {day}, {version}"
        return dg.AssetMaterialization(
            self.key(name), partition=day, tags={"dagster/data_version": version}
        )

    def _happened(
        self, names: list[str], day: str | None, version: str, failing: set[str]
    ) -> Iterator[object]:
        for name in names:
            yield self._computed(name, day, version)
            for check in sorted(self.graph.get(self.key(name)).check_keys):
                yield self._checked(check, check.name not in failing, day)

    def _checked(
        self, check: dg.AssetCheckKey, passed: bool, day: str | None
    ) -> dg.AssetCheckEvaluation:
        (target,) = self.instance.fetch_materializations(
            dg.AssetRecordsFilter(check.asset_key, asset_partitions=[day] if day else None), limit=1
        ).records
        return dg.AssetCheckEvaluation(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=passed,
            blocking=self.graph.get(check).blocking,
            partition=day,
            target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
                storage_id=target.storage_id, run_id=target.run_id, timestamp=target.timestamp
            ),
        )

    def _run(self, events: Iterable[object]) -> None:
        """A run in which ``events`` happened."""

        @dg.op
        def happen():
            yield from events
            yield dg.Output(None)

        @dg.job
        def run():
            happen()

        with contextlib.suppress(DagsterAssetCheckFailedError):
            run.execute_in_process(instance=self.instance, run_config=QUIET)
