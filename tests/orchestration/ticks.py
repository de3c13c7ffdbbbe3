"""A world of automation ticks: what landed, what was computed, and what is asked for next.

Nothing is computed here. Runs tell the instance that something was, with the data versions that a
test gives them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import dagster as dg

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
        self._run(
            [
                *(self._computed("landed_days", day, version) for day in days),
                self._computed("landing", None, version),
                self._checked(self.key("landing"), "every_line_is_accounted_for", accounted, None),
            ]
        )

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
            computed = sorted(names - stopped)
            self._run(
                [
                    *(self._computed(name, day, version) for name in computed),
                    *(
                        self._checked(check.asset_key, check.name, check.name not in failing, day)
                        for name in computed
                        for check in self.graph.get(self.key(name)).check_keys
                    ),
                ]
            )

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

    def settle(self, version: str = "1") -> Asked:
        """Tick and compute until nothing is asked for; all that was asked for on the way."""
        everything: Asked = {}
        for _ in range(8):
            asked = self.tick()
            if not asked:
                return everything
            self.compute(asked, version)
            for day, names in asked.items():
                everything.setdefault(day, set()).update(names)
        raise AssertionError(f"after eight ticks there is still something asked for: {asked}")

    def _computed(self, name: str, day: str | None, version: str) -> dg.AssetMaterialization:
        version = f"{name} of {day}, {version}"
        return dg.AssetMaterialization(
            self.key(name), partition=day, tags={"dagster/data_version": version}
        )

    def _checked(
        self, key: dg.AssetKey, name: str, passed: bool, day: str | None
    ) -> dg.AssetCheckEvaluation:
        target = None
        return dg.AssetCheckEvaluation(
            asset_key=key,
            check_name=name,
            passed=passed,
            blocking=True,
            partition=day,
            target_materialization_data=target,
        )

    def _run(self, events: Sequence[object]) -> None:
        """A run in which ``events`` happened."""

        @dg.op
        def happen():
            yield from events
            yield dg.Output(None)

        @dg.job
        def run():
            happen()

        run.execute_in_process(instance=self.instance, run_config=QUIET, raise_on_error=False)
