"""The nightly run in one process: land, then compute what is missing or outdated, day by day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import dagster as dg

from llmops_pipelines.orchestration.graph.all_resources import Resources
from llmops_pipelines.orchestration.graph.staleness import DailyAsset, daily_assets, stale_assets
from llmops_pipelines.orchestration.judging.endpoints import somebody_judges
from llmops_pipelines.orchestration.judging.entailment import days_without_entailment
from llmops_pipelines.orchestration.landing.pulling import days_due
from llmops_pipelines.orchestration.money.invoices import invoices_changed
from llmops_pipelines.orchestration.runs.acting import Delivered, notify, rollback_requests
from llmops_pipelines.orchestration.runs.launcher import this_process
from llmops_pipelines.orchestration.runs.stopping import listening_for_stops
from llmops_pipelines.orchestration.savings.caching import cache_outdated
from llmops_pipelines.orchestration.savings.endpoint_savings import batches_outdated
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.locks import alone
from llmops_pipelines.reference import Features, PrivacyRules
from llmops_pipelines.tables import (
    INVOICE_RECONCILIATION,
    JUDGE_SCORES,
    LANDED_DAYS,
    PULLED_LOGS,
    ROLLBACKS,
)

FINISHED = ("sampled_traces", "cost_anomalies")
"""Sampling, what is unusual of a day, and all that rests on them waits for the day's end."""

APART = (ROLLBACKS.name, PULLED_LOGS.name)
"""Tables that are not computed from the logs of their day."""

BOOKS = ("business_days", "cost_adjustments", "monthly_costs")
"""What is known of all months together."""

INVOICED = INVOICE_RECONCILIATION.name
"""What providers bill, held against what was logged."""

JUDGED = ("judge_coverage", "judge_bridges")
"""What is known of all judges on all days together."""

REPLAYED = (
    "routing_policies",
    "semantic_cache_savings",
    "prompt_cache_savings",
    "compression_savings",
    "batch_savings",
    "savings_plan",
)
"""What the last days would have cost otherwise."""

CHARTS = "cost_charts"

OWED = "unfinished_night"
"""Stands in the lake from before the first day is computed until what has no days is, too: a night
that was stopped in between would never be caught up with, since no day of it is outdated."""

INSTANCE_CONFIG = """\
# The Dagster instance of this data folder: history of runs, sensors and schedules.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    # Days one after the other, oldest first: the state of an alert rests on the day before. A
    # larger number computes a long history sooner; each run may hold an embedding model in memory.
    max_concurrent_runs: 1
  pools:
    # Landing twice at once would read the same files twice.
    default_limit: 1
    granularity: op
run_launcher:
  # Dagster's own, and it sees that the process of a run is gone.
  module: llmops_pipelines.orchestration.runs.launcher
  class: LocalRunLauncher
run_monitoring:
  # A worker that was killed leaves its run "started" for ever; this ends it.
  enabled: true
  poll_interval_seconds: 30
  start_timeout_seconds: 300
  max_runtime_seconds: 21600
run_retries:
  # Such a run goes on from where it was, once; one with a failed step does not.
  enabled: true
  max_retries: 1
  retry_on_asset_or_op_failure: false
"""

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Progress(NamedTuple):
    """What is being done: a phase, and how many of how many of its parts are over."""

    phase: str
    done: int
    total: int


class Failure(NamedTuple):
    """A run that failed: its day (None for landing), the step and the error's first line."""

    day: date | None
    step: str
    error: str
    run_id: str


class Finding(NamedTuple):
    """A check that did not pass: its name, and what it found when and how often."""

    check: str
    told: str


class Night(NamedTuple):
    """What a nightly run did."""

    days: list[date]
    computed: dict[date, int]
    failures: list[Failure]
    delivered: list[Delivered]
    findings: list[Finding] = []  # noqa: RUF012 - nobody appends to it
    replayed: bool = False
    """No day was computed, but what has no days was: marks or prices changed, or it was owed."""


def open_instance(home: Path) -> dg.DagsterInstance:
    """The Dagster instance in ``home``, made with our defaults if there is none."""
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    # Two processes that make Dagster's databases at the same time fail each other.
    with alone(home / "making.lock"):
        if not config.exists():
            config.write_text(INSTANCE_CONFIG)
        return dg.DagsterInstance.from_config(str(home))


class NightlyRunner:
    """Runs jobs of a code location in this process, so that the UI shows them as ordinary runs."""

    def __init__(
        self,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._definitions = definitions
        self._instance = instance
        self._on_progress = on_progress
        self._specs = list(definitions.resolve_all_asset_specs())
        self.failures: list[Failure] = []
        self._findings: dict[str, list[str]] = {}

    @property
    def findings(self) -> list[Finding]:
        """Every check that did not pass, once, with what it said first."""
        return [
            Finding(check, told[0] + (f" (and {len(told) - 1:,} more)" if len(told) > 1 else ""))
            for check, told in self._findings.items()
        ]

    def execute(
        self,
        job: str,
        day: date | None = None,
        keys: Sequence[dg.AssetKey] | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        on_step: Callable[[str], None] = lambda _: None,
    ) -> bool:
        """Run ``job``, or only ``keys`` of it, for ``day``; failures are kept, not raised.

        ``config`` is the run's, ``tags`` come on top of those that say who ran it. ``on_step`` is
        told each step as it begins.

        Blocking checks of what ``keys`` read are run again with them: a day whose check failed is
        not continued by the next night.

        Raises:
            KeyboardInterrupt: Somebody stopped the run; Dagster alone would go on with the next.
        """
        whole = self._definitions.resolve_job_def(job)
        wanted = (
            whole.get_subset(
                asset_selection=set(keys),
                asset_check_selection=self._checks(keys),
            )
            if keys
            else whole
        )
        run_id = str(uuid4())
        self._instance.add_event_listener(run_id, partial(_tell_start, on_step))
        with listening_for_stops() as stops:
            result = wanted.execute_in_process(
                instance=self._instance,
                partition_key=day.isoformat() if day else None,
                run_config={**QUIET, **(config or {})},
                raise_on_error=False,
                tags={"llmops/by": "llmops nightly", **this_process(), **(tags or {})},
                run_id=run_id,
            )
            if stops.any():
                raise KeyboardInterrupt
        if not result.success:
            self.failures += _failures(result, day)
        for event in result.get_asset_check_evaluations():
            if not event.passed:
                self._findings.setdefault(event.check_name, []).append(_told(event, day))
        return bool(result.success)

    def pull(self, days: Sequence[date]) -> bool:
        """Download ``days`` from the services under ``pull:`` in sources.yaml, oldest first."""
        well = True
        for done, day in enumerate(days):
            self._on_progress(Progress(f"downloading {day}", done, len(days)))
            well = self.execute("pull_job", day) and well
        if days:
            self._on_progress(Progress("downloaded", len(days), len(days)))
        return well

    def land(self) -> bool:
        """Land new files and refresh the prices."""
        self._on_progress(Progress("reading new logs", 0, 1))
        landed = self.execute("land_job")
        priced = self.execute("nightly_job", keys=self.keys("price_book"))
        self._on_progress(Progress("reading new logs", 1, 1))
        return landed and priced

    def compute(
        self,
        lake: Lake,
        days: Sequence[date],
        today: date,
        *,
        judge_from: date | None = None,
        unjudged: Collection[date] = (),
        anew: Collection[str] = (),
    ) -> dict[date, int]:
        """Compute what is stale of ``days``, oldest first; map each day to assets computed.

        From ``judge_from`` on a judge may be asked: days on which it owes verdicts are stale too.
        On days that are ``unjudged`` verdicts are computed whatever the lake says, and so are
        tables named in ``anew`` on all, and what rests on them.
        """
        assets = [asset for asset in daily_assets(self._specs) if asset.table not in APART]
        computed: dict[date, int] = {}
        for done, day in enumerate(days):
            wanted = assets if day < today else _without(assets, FINISHED)
            judging = judge_from is not None and day >= judge_from
            told = {*anew, JUDGE_SCORES.name} if day in unjudged else anew
            if stale := stale_assets(lake, wanted, day, judging=judging, anew=told):
                self._on_progress(Progress(f"computing {day}", done, len(days)))
                self.execute("nightly_job", day, [asset.key for asset in stale])
                computed[day] = len(stale)
        self._on_progress(Progress("computed", len(days), len(days)))
        return computed

    def finish(self, resources: Resources) -> list[Delivered]:
        """What the sensors would do now: tell people, and decide about rollbacks.

        What tells of rollbacks was made before they were decided, and is made again.
        """
        lake, reference = resources.lake.open(), resources.reference
        clock, policy = resources.clock, resources.policy
        delivered = notify(lake, reference, resources.webhook, clock, policy)
        telling = [
            asset.key for asset in daily_assets(self._specs) if ROLLBACKS.name in asset.windows
        ]
        for wanted in rollback_requests(lake, reference, clock, policy):
            if self.execute("roll_back_job", wanted.day):
                self.execute("nightly_job", wanted.day, telling)
        return delivered + notify(lake, reference, resources.webhook, clock, policy)

    def refresh(self, *names: str) -> bool:
        """Recompute assets that have no days; whether all of it went well."""
        begun: list[str] = []

        def tell(step: str) -> None:
            if step in names:  # else one of its checks
                self._on_progress(Progress(f"computing {step}", len(begun), len(names)))
                begun.append(step)

        keys = [key for name in names for key in self.keys(name)]
        well = self.execute("nightly_job", keys=keys, on_step=tell)
        self._on_progress(Progress("computed", len(begun), len(names)))
        return well

    def keys(self, name: str) -> list[dg.AssetKey]:
        """Keys of the asset called ``name``, below whatever prefix."""
        return [spec.key for spec in self._specs if spec.key.path[-1] == name]

    def _checks(self, keys: Sequence[dg.AssetKey]) -> set[dg.AssetCheckKey]:
        """All checks of ``keys``, and the blocking ones of what they read."""
        graph = self._definitions.resolve_asset_graph()
        # A check of a day cannot be run where there is no day.
        read = {
            parent
            for key in keys
            for parent in graph.get(key).parent_keys
            if graph.get(key).is_partitioned or not graph.get(parent).is_partitioned
        } - set(keys)
        guards = {check for key in read for check in graph.get(key).check_keys}
        return {check for key in keys for check in graph.get(key).check_keys} | {
            check for check in guards if graph.get(check).blocking
        }


def run_night(
    runner: NightlyRunner,
    resources: Resources,
    *,
    first: date | None = None,
    last: date | None = None,
    anew: Collection[str] = (),
) -> Night:
    """Everything that is new or changed from ``first`` to ``last``, by default all landed days.

    Tables named in ``anew`` are computed again on all of these days.
    """
    lake, reference, judge = resources.lake.open(), resources.reference, resources.judge
    today = resources.clock.today()
    due = days_due(lake, reference, today, date.fromisoformat(resources.policy.start))
    runner.pull([day for day in due if (first or day) <= day <= (last or day)])
    runner.land()
    days = [
        day
        for day in lake.days(LANDED_DAYS)
        if (first is None or day >= first) and day <= min(last or today, today)
    ]
    recently = today - timedelta(days=judge.judge_within_days)
    judge_from = recently if somebody_judges(reference, judge) else None
    features = reference.read("features.yaml", Features)
    unjudged = days_without_entailment(
        lake, features, judge.entailment_model, [day for day in days if day >= recently]
    )
    owed = lake.store.read(OWED) is not None
    lake.store.put(OWED, b"")
    computed = runner.compute(
        lake, days, today, judge_from=judge_from, unjudged=unjudged, anew=anew
    )
    delivered = runner.finish(resources)
    if reference.read("privacy.yaml", PrivacyRules).retention_days:
        runner.refresh("erasures")
    if computed or owed:
        if runner.refresh(
            "golden_dataset", *REPLAYED, *BOOKS, INVOICED, CHARTS, *JUDGED, "warehouse"
        ):
            lake.store.delete(OWED)
        return Night(days, computed, runner.failures, delivered, runner.findings, not computed)
    lake.store.delete(OWED)
    replayed = batches_outdated(lake, features) or cache_outdated(lake, features)
    if replayed:
        runner.refresh(*REPLAYED, "warehouse")
    if invoices_changed(lake, resources.invoices.files()):
        runner.refresh(INVOICED)
    return Night(days, computed, runner.failures, delivered, runner.findings, replayed)


def _without(assets: Sequence[DailyAsset], roots: Collection[str]) -> list[DailyAsset]:
    """``assets`` without ``roots`` and all that rests on them."""
    dropped = set(roots)
    kept = []
    for asset in assets:
        if asset.table in dropped or dropped & set(asset.windows):
            dropped.add(asset.table)
        else:
            kept.append(asset)
    return kept


def _tell_start(on_step: Callable[[str], None], event: dg.EventLogEntry) -> None:
    if event.dagster_event_type is dg.DagsterEventType.STEP_START and event.step_key:
        on_step(event.step_key)


def _failures(result: Any, day: date | None) -> list[Failure]:
    failed = [
        Failure(day, event.step_key or "run", _first_line(event.event_specific_data), result.run_id)
        for event in result.all_events
        if event.event_type_value == "STEP_FAILURE"
    ]
    return failed or [Failure(day, "run", "did not start; see the Dagster UI", result.run_id)]


def _told(event: dg.AssetCheckEvaluation, day: date | None) -> str:
    """What a check says, and the first of its faults."""
    faults = event.metadata.get("faults")
    records = faults.records if isinstance(faults, dg.TableMetadataValue) else ()
    first = (
        ", ".join(f"{name} {value}" for name, value in records[0].data.items()) if records else ""
    )
    said = f"{event.description or 'did not pass'}{f': {first}' if first else ''}"
    return f"{day}: {said}" if day else said


def _first_line(data: Any) -> str:
    """What the step raised, not Dagster's wrapper around it."""
    error = getattr(data, "error", None)
    while error and error.cause and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return error.message.strip().split("\n")[0][:500] if error else "failed"
