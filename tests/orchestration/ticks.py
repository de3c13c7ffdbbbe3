"""A world of automation ticks: what landed, what was computed, and what is asked for next.

Nothing is computed here. Runs are reported to the instance as finished, with the data versions that
a test gives them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import dagster as dg

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
        self._report(dg.AssetMaterialization(self.key("landing")))
        self._check(self.key("landing"), "every_line_is_accounted_for", passed=accounted)
        for day in days:
            self._materialize("landed_days", day, version)

    def compute(self, asked: Asked, version: str = "1", failing: Iterable[str] = ()) -> None:
        """The runs for ``asked`` are over; the blocking checks named in ``failing`` failed.

        What lies downstream of a failed check was not computed.
        """
        for day, names in sorted(asked.items(), key=str):
            stopped = set[str]()
            for check in failing:
                (owner,) = {key for key in self.graph.asset_check_keys if key.name == check}
                stopped |= self._downstream(owner.asset_key)
            for name in sorted(names - stopped):
                self._materialize(name, day, version)
                for check in self.graph.get(self.key(name)).check_keys:
                    self._check(
                        check.asset_key, check.name, passed=check.name not in failing, day=day
                    )

    def price_calls_anew(self, version: str) -> None:
        self._materialize("price_book", None, version)

    def edit(self, name: str, version: str) -> None:
        """Somebody changed a reference file, and the change was observed."""
        key = dg.AssetKey([*self.prefix, "reference", name])
        self._report(dg.AssetObservation(key, tags={"dagster/data_version": version}))

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

    def _materialize(self, name: str, day: str | None, version: str) -> None:
        self._report(
            dg.AssetMaterialization(
                self.key(name),
                partition=day,
                tags={"dagster/data_version": f"{name} of {day}, {version}"},
            )
        )

    def _check(self, key: dg.AssetKey, name: str, *, passed: bool, day: str | None = None) -> None:
        self._report(
            dg.AssetCheckEvaluation(
                asset_key=key, check_name=name, passed=passed, blocking=True, partition=day
            )
        )

    def _report(self, event) -> None:
        self.instance.report_runless_asset_event(event)

    def _downstream(self, key: dg.AssetKey) -> set[str]:
        below = dg.AssetSelection.assets(key).downstream(include_self=False)
        return {found.path[-1] for found in below.resolve(self.graph)}
