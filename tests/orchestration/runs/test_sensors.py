"""Sensors and schedule: what they ask for, tell, and leave alone."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from llmops_pipelines.definitions import resources_of
from llmops_pipelines.orchestration.graph import schedules
from llmops_pipelines.orchestration.runs import sensors
from llmops_pipelines.orchestration.runs.acting import FIRST_PAUSE, MAX_ATTEMPTS
from llmops_pipelines.tables import (
    ALERTS,
    DELIVERIES,
    HEURISTIC_SCORES,
    JUDGE_SCORES,
    LLM_CALLS,
    ROLLBACKS,
    RULE_EVALUATIONS,
    SAMPLED_TRACES,
)
from tests.batch_stub import BatchStub
from tests.incidents.factories import alert, alerts, decided, evaluated, evaluations, rollbacks
from tests.judge_stub import JudgeStub
from tests.loopback import closed_port
from tests.orchestration.batch_worlds import MODEL, World
from tests.orchestration.folders import DAY, NEXT, Folder, calls_of
from tests.orchestration.hook import Hook

LANDING = sensors.landing_sensor(60)
MORNING = datetime.fromisoformat("2026-11-12T06:00:00")
OLD = date(2026, 11, 4)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path).with_reference()


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def hook():
    with Hook() as hook:
        yield hook


@pytest.fixture
def tick(folder, instance):
    """Let a sensor look, once, at a time of day."""

    def look(sensor, now=MORNING, **settings):
        resources = vars(resources_of(folder.at(now=now.isoformat(), **settings)))
        wanted = {name: resources[name] for name in sensor.required_resource_keys}
        return sensor(dg.build_sensor_context(instance, resources=wanted))

    return look


def ran(instance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    """The run asked for was launched, and is now in this state."""
    instance.add_run(dg.DagsterRun(job_name="job", tags=request.tags, status=status))


def later(**pause) -> datetime:
    """The clock of the machine, by which runs end, and some time after that."""
    return datetime.now(UTC).replace(tzinfo=None) + timedelta(**pause)


# Landing


def test_an_empty_log_folder_asks_for_nothing_and_says_where_it_looked(tick, folder):
    skipped = tick(LANDING)
    assert skipped.skip_message == f"no new or changed file below {folder.root / 'logs'}"


def test_a_new_file_asks_for_a_landing_and_a_landed_one_does_not(tick, folder):
    folder.log("one.jsonl", calls_of(DAY, 1))
    assert isinstance(tick(LANDING), dg.RunRequest)
    assert folder.run("land_job").success
    assert isinstance(tick(LANDING), dg.SkipReason)


def test_a_changed_file_asks_for_a_landing_under_another_key(tick, folder):
    folder.log("one.jsonl", calls_of(DAY, 1))
    first = tick(LANDING)
    assert tick(LANDING).run_key == first.run_key
    folder.log("one.jsonl", calls_of(DAY, 1, 2))
    assert tick(LANDING).run_key != first.run_key


def test_days_that_a_dying_landing_left_unreported_ask_for_another(tick, folder):
    folder.lake.store.put("unreported_days.json", b'["2026-11-10"]')
    assert isinstance(tick(LANDING), dg.RunRequest)


@pytest.mark.parametrize("status", ["NOT_STARTED", "STARTING", "STARTED", "CANCELING"])
def test_a_landing_under_way_is_not_joined_by_another(tick, folder, instance, status):
    folder.log("one.jsonl", calls_of(DAY, 1))
    ran(instance, tick(LANDING), dg.DagsterRunStatus[status])
    assert "under way" in tick(LANDING).skip_message


def test_a_failed_landing_is_tried_again_under_a_new_key_and_ever_more_seldom(
    tick, folder, instance
):
    folder.log("one.jsonl", calls_of(DAY, 1))
    keys = []
    for pause in (0, 1, 2, 4):
        due = later(minutes=pause, seconds=1)
        request = tick(LANDING, now=due)
        keys.append(request.run_key)
        ran(instance, request, dg.DagsterRunStatus.FAILURE)
        waiting = tick(LANDING, now=due)
        assert "did not settle this" in waiting.skip_message
    assert len(set(keys)) == 4
    assert isinstance(tick(LANDING, now=later(minutes=61)), dg.RunRequest)


# Alerts


def tell(folder, *rows) -> None:
    """Changes of alert states were recorded."""
    for (day,), changes in alerts(*rows).partition_by("day", as_dict=True).items():
        folder.lake.write(ALERTS, changes, day=day)


def opened(day: date = NEXT, **changes):
    return alert("ok", "critical", day, **changes)


def test_without_a_webhook_the_reason_names_the_remedy(tick, folder):
    tell(folder, opened())
    skipped = tick(sensors.alert_sensor)
    assert skipped.skip_message.startswith("no webhook: set LLMOPS_WEBHOOK_URL")
    assert folder.lake.read(DELIVERIES).is_empty()


def test_each_change_of_state_is_told_once_with_its_stable_key(tick, folder, hook):
    tell(folder, opened(), opened(scope="chat", alert_key="error_rate:chat"))
    assert tick(sensors.alert_sensor, webhook_url=hook.url).skip_message == "2 notification(s) sent"
    assert tick(sensors.alert_sensor, webhook_url=hook.url).skip_message == "0 notification(s) sent"
    assert sorted(hook.keys) == ["error_rate:chat", f"error_rate:search:{NEXT}:ok:critical"]
    assert {message["text"][:8] for message in hook.received} == {"CRITICAL"}
    outcomes = folder.lake.read(DELIVERIES)["outcome"].to_list()
    assert outcomes == ["delivered", "delivered"]


def test_the_clearing_of_an_alert_is_told_too(tick, folder, hook):
    tell(folder, alert("ok", "critical", DAY), alert("critical", "ok", NEXT))
    tick(sensors.alert_sensor, webhook_url=hook.url)
    assert [message["to"] for message in hook.received] == ["critical", "ok"]


def test_a_rollback_is_told_once_and_a_refusal_is_not(tick, folder, hook):
    moved = decided("rolled_back", NEXT)
    refused = decided("refused", NEXT, scope="call_summary")
    folder.lake.write(ROLLBACKS, rollbacks(moved, refused).drop("day"), day=NEXT)
    folder.lake.write(ROLLBACKS, rollbacks(decided("dry_run", OLD)).drop("day"), day=OLD)
    tick(sensors.alert_sensor, webhook_url=hook.url)
    tick(sensors.alert_sensor, webhook_url=hook.url)
    (message,) = hook.received
    assert message["text"] == (
        "ROLLED BACK: support_answer of support_assistant from version 4 to 3: worse"
    )
    assert message["key"] == f"rollback:support_answer:{NEXT}:4:3:rolled_back"


def test_a_failed_delivery_is_tried_again_a_few_times_and_then_left(tick, folder, hook):
    tell(folder, opened())
    hook.status = 503
    now = MORNING
    for attempt in range(MAX_ATTEMPTS + 2):
        tick(sensors.alert_sensor, now=now, webhook_url=hook.url)
        tick(sensors.alert_sensor, now=now + timedelta(seconds=30), webhook_url=hook.url)
        now += FIRST_PAUSE * 4**attempt
    assert len(hook.received) == MAX_ATTEMPTS
    assert folder.lake.read(DELIVERIES)["outcome"].to_list() == ["failed"] * MAX_ATTEMPTS
    assert folder.lake.read(DELIVERIES)["detail"].to_list() == ["HTTP 503"] * MAX_ATTEMPTS


def test_a_delivery_that_succeeds_at_last_ends_the_attempts(tick, folder, hook):
    tell(folder, opened())
    hook.status = 500
    tick(sensors.alert_sensor, webhook_url=hook.url)
    hook.status = 200
    for minutes in (1, 10, 100):
        tick(sensors.alert_sensor, now=MORNING + timedelta(minutes=minutes), webhook_url=hook.url)
    assert len(hook.received) == 2


def test_backfilled_and_old_changes_are_never_told(tick, folder, hook):
    tell(folder, opened(backfilled=True), opened(OLD, alert_key="old"))
    tick(sensors.alert_sensor, webhook_url=hook.url)
    assert hook.received == []


def test_a_change_that_was_not_told_in_time_is_not_told_late(tick, folder, hook):
    tell(folder, opened(DAY))
    tick(sensors.alert_sensor, now=MORNING + timedelta(days=2), webhook_url=hook.url)
    assert hook.received == []


def test_an_old_alert_that_still_holds_is_told_once_however_long_it_lasts(tick, folder, hook):
    tell(folder, opened(OLD, backfilled=True, alert_key="old"))
    for back in range(10):
        day = NEXT + timedelta(days=back)
        folder.lake.write(RULE_EVALUATIONS, evaluations(evaluated("critical", 0.2)), day=day)
        now = datetime.combine(day, datetime.min.time()) + timedelta(days=1, hours=6)
        tick(sensors.alert_sensor, now=now, webhook_url=hook.url)
    assert len(hook.received) == 1
    assert "told late" in hook.received[0]["summary"]


# Rollbacks


def breach(folder, day: date = NEXT, *scopes: str) -> None:
    """A rule that rolls back is critical."""
    rows = [
        evaluated("critical", 0.2, rule="hallucination_rate", scope=scope)
        for scope in scopes or ["support_assistant"]
    ]
    folder.lake.write(RULE_EVALUATIONS, evaluations(*rows), day=day)


def test_a_critical_rule_that_rolls_back_asks_for_one_run_of_its_day(tick, folder):
    breach(folder, NEXT, "support_assistant", "call_summary")
    (request,) = tick(sensors.rollback_sensor).run_requests
    assert request.partition_key == str(NEXT)
    assert request.run_key == (
        f"roll back:{NEXT}:hallucination_rate:call_summary,hallucination_rate:support_assistant:0"
    )


def test_what_was_decided_and_what_is_old_asks_for_nothing(tick, folder):
    breach(folder, NEXT)
    breach(folder, OLD)
    folder.lake.write(ROLLBACKS, rollbacks(decided("dry_run", NEXT)).drop("day"), day=NEXT)
    assert tick(sensors.rollback_sensor).skip_message == "no alert asks for a rollback"


def test_warnings_and_rules_without_the_action_ask_for_nothing(tick, folder):
    rows = [
        evaluated("warning", rule="hallucination_rate", scope="support_assistant"),
        evaluated("critical", rule="error_rate", scope="support_assistant"),
    ]
    folder.lake.write(RULE_EVALUATIONS, evaluations(*rows), day=NEXT)
    assert isinstance(tick(sensors.rollback_sensor), dg.SkipReason)


def test_a_rollback_under_way_is_waited_for_and_a_failed_one_asked_for_again(
    tick, folder, instance
):
    breach(folder, later().date() - timedelta(days=1))
    (request,) = tick(sensors.rollback_sensor, now=later()).run_requests
    ran(instance, request, dg.DagsterRunStatus.STARTED)
    assert "under way" in tick(sensors.rollback_sensor, now=later()).skip_message
    for run in instance.get_runs():
        instance.delete_run(run.run_id)
    ran(instance, request, dg.DagsterRunStatus.FAILURE)
    assert "did not settle" in tick(sensors.rollback_sensor, now=later()).skip_message
    (again,) = tick(sensors.rollback_sensor, now=later(minutes=2)).run_requests
    assert (request.run_key[-2:], again.run_key[-2:]) == (":0", ":1")


# Failures, schedule


def test_a_failed_run_is_told_with_its_job_day_and_steps(folder, instance, hook):
    folder.log("one.jsonl", calls_of(DAY, 1))
    folder.run("land_job", instance=instance)
    broken = folder.root / f"lake/landed_days/day={DAY}/part.parquet"
    broken.write_bytes(b"no Parquet")
    result = folder.run("nightly_job", "llm_calls", "feedback", day=DAY, instance=instance)
    assert not result.success
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failure_sensor",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=next(
            event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"
        ),
        resources={"webhook": resources_of(folder.at(webhook_url=hook.url)).webhook},
    ).for_run_failure()
    sensors.run_failure_sensor(context)
    (message,) = hook.received
    assert message["key"] == f"run:{result.run_id}"
    assert message["text"].startswith(f"llmops: nightly_job failed for {DAY} in ")
    assert {"llm_calls", "feedback"} <= set(message["text"].split(" in ")[1].split(", "))


def test_a_backfills_run_that_was_killed_is_told_with_its_days(instance, hook, folder):
    run = instance.create_run_for_job(
        dg.GraphDefinition(name="__ASSET_JOB").to_job(),
        status=dg.DagsterRunStatus.STARTED,
        tags={
            "dagster/asset_partition_range_start": "2026-11-20",
            "dagster/asset_partition_range_end": "2026-11-22",
        },
    )
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failure_sensor",
        dagster_instance=instance,
        dagster_run=run,
        dagster_event=instance.report_run_failed(run),
        resources={"webhook": resources_of(folder.at(webhook_url=hook.url)).webhook},
    ).for_run_failure()
    sensors.run_failure_sensor(context)
    (message,) = hook.received
    assert message["text"] == (
        "llmops: a run of assets failed for 2026-11-20 to 2026-11-22 in no step: "
        "it could not begin, or was killed"
    )


def test_the_nightly_schedule_runs_yesterday_at_two_utc():
    schedule = schedules.nightly_schedule("nightly", tenant="acme")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    context = dg.build_schedule_context(
        scheduled_execution_time=datetime.fromisoformat("2026-03-01T02:00:00+00:00")
    )
    request = schedule(context)
    assert request.partition_key == "2026-02-28"
    assert request.run_key == "nightly:2026-02-28"
    assert request.tags["llmops/tenant"] == "acme"


def test_sensors_that_cost_nothing_run_as_soon_as_the_daemon_does():
    states = {sensor.name: sensor.default_status for sensor in [LANDING, *sensors.SENSORS]}
    assert set(states.values()) == {dg.DefaultSensorStatus.RUNNING}


def test_the_lake_reads_only_days_that_are_there(folder):
    tell(folder, opened(DAY), opened(NEXT))
    window = [OLD, DAY, NEXT, date(2026, 11, 20)]
    assert folder.lake.read(ALERTS, window)["day"].to_list() == [DAY, NEXT]
    assert folder.lake.read(ALERTS, [OLD]).is_empty()
    assert isinstance(folder.lake.read(ALERTS, []), pl.DataFrame)


# Judge batches


def test_a_batch_that_is_over_has_its_day_collected_and_judged_anew(tick, folder, instance):
    with BatchStub() as stub:
        world = World(folder.root / "lake", stub)
        judge = {"judge_base_url": stub.base_url, "judge_model": MODEL, "judge_batch": "openai"}
        sensor = sensors.judge_batches_sensor
        assert tick(sensor, **judge).skip_message == "no batch is open"
        world.run()
        assert "are those of a file" in tick(sensor, **judge).skip_message
        for table in (LLM_CALLS, SAMPLED_TRACES, HEURISTIC_SCORES):
            folder.lake.write(table, table.empty(), day=DAY)
        assert f"of {DAY}: validating, 0 of 8 done" in tick(sensor, **judge).skip_message
        stub.finish()
        (request,) = tick(sensor, **judge).run_requests
        assert request.partition_key == str(DAY)
        ran(instance, request, dg.DagsterRunStatus.STARTED)
        assert "is under way" in tick(sensor, **judge).skip_message
        # The day's sample is empty by now: what is paid for is taken in all the same.
        assert folder.run("collect_job", day=DAY, **judge).success
        assert world.verdicts.height == 6
        assert folder.lake.stored(JUDGE_SCORES, DAY) is not None
        assert tick(sensor, **judge).skip_message == "no batch is open"


# Verdicts that are owed


def test_what_failed_is_asked_for_again_once_a_night_until_it_is_there(tick, folder, instance):
    folder.edit("features.yaml", "features: {assistant: {judging: judge}}\n")
    folder.log("a.jsonl", calls_of(DAY, 1, 2, feature="assistant", contexts=["Paid."]))
    sensor = sensors.owed_verdicts_sensor
    dead = {"judge_base_url": f"http://127.0.0.1:{closed_port()}/v1", "judge_model": "judge-1"}
    assert "names a judge" in tick(sensor).skip_message
    assert tick(sensor, **dead).skip_message == "no judge owes a verdict"
    folder.night(**dead)
    owed = folder.lake.read(JUDGE_SCORES, [DAY]).filter(outcome="failed")
    assert set(owed["metric"]) == {"groundedness"}
    assert "04:00 UTC" in tick(sensor, now=MORNING.replace(hour=3), **dead).skip_message
    (request,) = tick(sensor, **dead).run_requests
    assert (request.partition_key, request.run_key) == (str(DAY), f"owed:{DAY}:2026-11-12")
    ran(instance, request, dg.DagsterRunStatus.SUCCESS)
    assert tick(sensor, **dead).skip_message == (
        f"verdicts of {DAY} are owed, and were asked for today"
    )
    tomorrow = MORNING + timedelta(days=1)
    (again,) = tick(sensor, now=tomorrow, **dead).run_requests
    assert again.run_key == f"owed:{DAY}:2026-11-13"
    too_late = tick(sensor, now=MORNING + timedelta(days=20), **dead)
    assert too_late.skip_message == "no judge owes a verdict"
    with JudgeStub() as stub:
        live = {"judge_base_url": stub.base_url, "judge_model": "judge-1"}
        assert folder.run("judge_job", day=DAY, **live).success
        assert tick(sensor, now=tomorrow, **live).skip_message == "no judge owes a verdict"
    scores = folder.lake.read(JUDGE_SCORES, [DAY])
    assert scores.filter(outcome="failed").is_empty()
    assert set(owed["metric"]) <= set(scores.filter(outcome="scored")["metric"])
