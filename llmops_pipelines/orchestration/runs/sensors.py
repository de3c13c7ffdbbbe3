"""Sensors: new logs land, changed days are recomputed, people are told, prompts roll back."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta

import dagster as dg
from dagster._core.definitions.assets.job.asset_job import IMPLICIT_ASSET_JOB_NAME
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from llmops_pipelines import ingest
from llmops_pipelines.adapters import webhook as webhooks
from llmops_pipelines.orchestration.graph.jobs import COLLECT, JUDGE, LAND, ROLL_BACK
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    Judge,
    LakeResource,
    LogFolder,
    Policy,
    ReferenceFolder,
    Webhook,
)
from llmops_pipelines.orchestration.graph.staleness import owing_days
from llmops_pipelines.orchestration.judging.batches import LakeBook, look_at_open, open_days
from llmops_pipelines.orchestration.judging.endpoints import read_judges, somebody_judges
from llmops_pipelines.orchestration.judging.judging import endpoints_of
from llmops_pipelines.orchestration.landing.landing import log_index, unreported_days
from llmops_pipelines.orchestration.runs.acting import notify, rollback_requests
from llmops_pipelines.tables import SAMPLED_TRACES

KEY_TAG = "llmops/request"
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

_OWED_FROM_HOUR = 4
"""Two hours after the nightly schedule, whose day is judged first."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)

automation_sensor = dg.AutomationConditionSensorDefinition(
    "automation_sensor",
    target=dg.AssetSelection.all(),
    # A backfill would compute several days in one run, which then share one data version.
    emit_backfills=False,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Recomputes the days whose content changed, late files included.",
)


def _together(
    answers: Sequence[dg.RunRequest | dg.SkipReason], nothing: str
) -> dg.SensorResult | dg.SkipReason:
    """All runs that are asked for; else why the first waits, else that there is ``nothing``."""
    requests = [answer for answer in answers if isinstance(answer, dg.RunRequest)]
    if requests:
        return dg.SensorResult(run_requests=requests)
    waiting = [answer for answer in answers if isinstance(answer, dg.SkipReason)]
    return waiting[0] if waiting else dg.SkipReason(nothing)


def _request(
    context: dg.SensorEvaluationContext, clock: Clock, key: str, partition_key: str | None = None
) -> dg.RunRequest | dg.SkipReason:
    """A run request for ``key``, again under a new run key once an earlier run of it is over.

    A run key is used up for ever, even by a launch that failed; so it carries the attempt. Where
    earlier runs did not settle the matter, the next one waits twice as long as the one before.
    """
    records = context.instance.get_run_records(dg.RunsFilter(tags={KEY_TAG: key}))
    if any(record.dagster_run.status in _UNFINISHED for record in records):
        return dg.SkipReason(f"a run for this is under way ({key})")
    if records:
        pause = min(_FIRST_PAUSE * 2 ** (len(records) - 1), _LONGEST_PAUSE)
        ended = max(record.update_timestamp for record in records)
        due = (ended.astimezone(UTC) if ended.tzinfo else ended).replace(tzinfo=None) + pause
        if clock.now() < due:
            return dg.SkipReason(
                f"{len(records)} run(s) did not settle this ({key}); the next is due at "
                f"{due:%Y-%m-%d %H:%M} UTC"
            )
    return dg.RunRequest(
        run_key=f"{key}:{len(records)}", partition_key=partition_key, tags={KEY_TAG: key}
    )


def landing_sensor(interval_seconds: int) -> dg.SensorDefinition:
    """Looks for new log files every so often; on an object store every look costs a listing."""

    @dg.sensor(
        name="landing_sensor",
        job=LAND,
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Lands log files that are new or changed.",
    )
    def sensor(
        context: dg.SensorEvaluationContext,
        lake: LakeResource,
        logs: LogFolder,
        reference: ReferenceFolder,
        clock: Clock,
    ) -> dg.RunRequest | dg.SkipReason:
        """One landing run for all files that are new or changed since the last one."""
        changed = ingest.changed_files(
            logs.files(),
            log_index(lake.open()),
            reference.read("sources.yaml", ingest.Sources),
        )
        # A landing that died may have left days that it did not report.
        left = unreported_days(lake.open())
        if not changed and not left:
            return dg.SkipReason(f"no new or changed file below {logs.root}")
        files = [f"{file.path}|{file.size}|{file.modified_ns}" for file in changed]
        state = "\n".join([*files, *map(str, left)])
        return _request(context, clock, "land:" + hashlib.sha256(state.encode()).hexdigest()[:16])

    return sensor


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the webhook of every change of an alert's state, once.",
)
def alert_sensor(
    context: dg.SensorEvaluationContext,
    lake: LakeResource,
    reference: ReferenceFolder,
    webhook: Webhook,
    clock: Clock,
    policy: Policy,
) -> dg.SkipReason:
    """Posts what has not been delivered yet; it launches no run."""
    if not webhook.url:
        return dg.SkipReason("no webhook: set LLMOPS_WEBHOOK_URL, then try `llmops alerts test`")
    sent = notify(lake.open(), reference, webhook, clock, policy)
    for delivery in sent:
        context.log.info(f"{delivery.alert_key}: {delivery.outcome} ({delivery.detail})")
    return dg.SkipReason(f"{len(sent)} notification(s) sent")


@dg.sensor(
    job=ROLL_BACK,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for a decision about each alert whose rule rolls prompts back.",
)
def rollback_sensor(
    context: dg.SensorEvaluationContext,
    lake: LakeResource,
    reference: ReferenceFolder,
    clock: Clock,
    policy: Policy,
) -> dg.SensorResult | dg.SkipReason:
    """One run per day that has undecided rollbacks."""
    answers = [
        _request(context, clock, f"roll back:{wanted.day}:{wanted.key}", str(wanted.day))
        for wanted in rollback_requests(lake.open(), reference, clock, policy)
    ]
    return _together(answers, "no alert asks for a rollback")


@dg.sensor(
    job=COLLECT,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks at open judge batches and asks for the days whose results are ready.",
)
def judge_batches_sensor(
    context: dg.SensorEvaluationContext,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
) -> dg.SensorResult | dg.SkipReason:
    """One run per day with batches that are over; it collects them and states the scores anew."""
    answers, told = [], []
    endpoints = endpoints_of(judge, read_judges(reference))
    for day, _ in open_days(lake.open()):
        if lake.open().stored(SAMPLED_TRACES, day) is None:
            # Samples of a file: no day's scores rest on them, and `llmops score` waits for them.
            told.append(
                f"batches of {day} are those of a file; `llmops batches collect` takes them"
            )
            continue
        standing = look_at_open(LakeBook(lake.open(), day), endpoints, clock.now())
        told += [f"{one.batch} of {day}: {one.state}, {one.told}" for one in standing]
        ready = sorted(one.batch for one in standing if one.ready or one.over)
        if ready:
            state = hashlib.sha256("\n".join(ready).encode()).hexdigest()[:16]
            answers.append(_request(context, clock, f"collect:{day}:{state}", str(day)))
    return _together(answers, "; ".join(told) or "no batch is open")


@dg.sensor(
    job=JUDGE,
    minimum_interval_seconds=600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Once a night asks again for verdicts that failed or were over budget.",
)
def owed_verdicts_sensor(
    context: dg.SensorEvaluationContext,
    lake: LakeResource,
    reference: ReferenceFolder,
    judge: Judge,
    clock: Clock,
) -> dg.SensorResult | dg.SkipReason:
    """One run a night per recent day on which judges owe verdicts, the latest day first.

    The night's own day has the money first; what is then left, or still fails, waits for the next.
    """
    now = clock.now()
    if now.hour < _OWED_FROM_HOUR:
        return dg.SkipReason(f"what judges owe is asked for from {_OWED_FROM_HOUR:02}:00 UTC on")
    if not somebody_judges(reference, judge):
        return dg.SkipReason("no feature names a judge that can be asked")
    today, store = now.date(), lake.open()
    recent = [today - timedelta(days=back) for back in range(1, judge.judge_within_days + 1)]
    owing = owing_days(store, recent)
    keys = {day: f"owed:{day}:{today}" for day in owing}
    requests = [
        dg.RunRequest(run_key=key, partition_key=str(day), tags={KEY_TAG: key})
        for day, key in keys.items()
        if not context.instance.get_run_records(dg.RunsFilter(tags={KEY_TAG: key}), limit=1)
    ]
    if requests:
        return dg.SensorResult(run_requests=requests)
    return dg.SkipReason(
        f"verdicts of {', '.join(map(str, owing))} are owed, and were asked for today"
        if owing
        else "no judge owes a verdict"
    )


@dg.run_failure_sensor(
    name="run_failure_sensor",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells the webhook that a run failed: a silent pipeline is an incident.",
)
def run_failure_sensor(context: dg.RunFailureSensorContext, webhook: Webhook) -> None:
    """Names the job, the day and the steps that failed; never log text."""
    if webhook.url:
        run = context.dagster_run
        steps = ", ".join(event.step_key or "?" for event in context.get_step_failure_events())
        where = steps or "no step: it could not begin, or was killed"
        name = "a run of assets" if run.job_name == IMPLICIT_ASSET_JOB_NAME else run.job_name
        webhooks.post(
            webhook.url,
            {
                "text": f"llmops: {name} failed for {_days(run.tags)} in {where}",
                "key": f"run:{run.run_id}",
            },
        )


def _days(tags: Mapping[str, str]) -> str:
    """The day of a run, or the first and last of a backfill's."""
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG), tags.get(ASSET_PARTITION_RANGE_END_TAG)
    if first and last and first != last:
        return f"{first} to {last}"
    return tags.get(PARTITION_NAME_TAG) or first or "no partition"


SENSORS = [
    automation_sensor,
    alert_sensor,
    rollback_sensor,
    judge_batches_sensor,
    owed_verdicts_sensor,
    run_failure_sensor,
]
"""All but ``landing_sensor``, whose interval is a setting."""
