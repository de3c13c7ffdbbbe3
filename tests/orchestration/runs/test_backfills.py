"""A command's runs as one backfill: open while it works, left alone by Dagster's own daemon."""

import logging
from datetime import date

import dagster as dg
import pytest
from dagster._core.execution.asset_backfill import AssetBackfillStatus
from dagster._core.execution.backfill import BulkActionStatus
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import (
    InProcessTestWorkspaceLoadTarget,
    create_test_daemon_workspace_context,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.backfill import execute_backfill_iteration

from llmops_pipelines.orchestration.runs.backfills import (
    Backfill,
    BackfillCanceledError,
    backfill_of,
    close_abandoned,
)
from tests.history import keep_open

DAYS = [date(2026, 6, day) for day in (1, 2, 3)]
KEY = dg.AssetKey("judged")
TAGS = {"llmops/by": "a test"}


@dg.asset(key=KEY, partitions_def=dg.DailyPartitionsDefinition("2026-06-01"))
def judged(context: dg.AssetExecutionContext) -> None:
    if context.partition_key == "2026-06-02":
        raise ValueError("no endpoint")


JOB = dg.define_asset_job("judge_job", [judged])
DEFINITIONS = dg.Definitions([judged], jobs=[JOB])


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def opened(instance, backfill_id="one"):
    return backfill_of(
        DEFINITIONS, instance, backfill_id, key=KEY, days=DAYS, title="t", tags=TAGS, run_config={}
    )


def run(backfill: Backfill, instance, day: date) -> None:
    backfill.begin(day)
    result = DEFINITIONS.resolve_job_def("judge_job").execute_in_process(
        partition_key=str(day), instance=instance, tags=backfill.run_tags, raise_on_error=False
    )
    backfill.end(day, well=result.success)


def shown(instance, backfill_id="one"):
    """Status, and how many days are done, failed and to come."""
    found = instance.get_backfill(backfill_id)
    (of_key,) = found.asset_backfill_data.get_backfill_status_per_asset_key(
        DEFINITIONS.resolve_asset_graph()
    )
    counts = of_key.partitions_counts_by_status
    states = (AssetBackfillStatus.MATERIALIZED, AssetBackfillStatus.FAILED)
    return found.status.value, *(counts[s] for s in (*states, AssetBackfillStatus.IN_PROGRESS))


def test_it_is_in_progress_from_the_start_and_ends_as_its_runs_did(instance):
    with opened(instance) as backfill:
        assert shown(instance) == ("REQUESTED", 0, 0, 3)
        run(backfill, instance, DAYS[0])
        run(backfill, instance, DAYS[1])
        assert shown(instance) == ("REQUESTED", 1, 0, 2)
        run(backfill, instance, DAYS[2])
    assert shown(instance) == ("COMPLETED_FAILED", 2, 1, 0)
    runs = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": "one"}))
    assert sorted(run.tags["dagster/partition"] for run in runs) == [str(day) for day in DAYS]
    assert instance.get_backfill("one").backfill_end_timestamp


def test_a_daemon_runs_none_of_it_a_second_time_and_what_it_closes_is_opened_again(tmp_path):
    keep_open(tmp_path)
    here = LoadableTargetOrigin(python_file=__file__, attribute="DEFINITIONS")
    target = InProcessTestWorkspaceLoadTarget(InProcessCodeLocationOrigin(here, location_name="x"))
    with (
        dg.DagsterInstance.from_config(str(tmp_path)) as instance,
        create_test_daemon_workspace_context(target, instance) as workspace,
    ):

        def tick():
            errors = execute_backfill_iteration(workspace, logging.getLogger("daemon"))
            assert not [error for error in errors if error]

        with opened(instance) as backfill:
            tick()
            assert shown(instance) == ("COMPLETED_FAILED", 0, 3, 0)
            run(backfill, instance, DAYS[0])
            tick()
            assert shown(instance) == ("REQUESTED", 1, 0, 2), "it sees what our runs brought"
            run(backfill, instance, DAYS[1])
            run(backfill, instance, DAYS[2])
            tick()
        assert shown(instance) == ("COMPLETED_FAILED", 2, 1, 0)
        assert instance.get_runs_count() == 3


def test_whoever_cancels_it_in_the_ui_stops_the_command(instance):
    def canceled_after_a_day():
        with opened(instance) as backfill:
            run(backfill, instance, DAYS[0])
            found = instance.get_backfill("one")
            instance.update_backfill(found.with_status(BulkActionStatus.CANCELING))
            run(backfill, instance, DAYS[1])

    with pytest.raises(BackfillCanceledError, match=r"before 2026-06-02; 1 of 3 day\(s\) are done"):
        canceled_after_a_day()
    assert shown(instance) == ("CANCELED", 1, 0, 0)
    assert instance.get_runs_count() == 1


def test_a_command_that_was_stopped_leaves_it_canceled_and_one_that_failed_failed(instance):
    def stopped_after_a_day():
        with opened(instance) as backfill:
            run(backfill, instance, DAYS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_after_a_day()
    assert shown(instance) == ("CANCELED", 1, 0, 0)
    with pytest.raises(OSError, match="full"), opened(instance, "two"):
        raise OSError("disk full")
    assert shown(instance, "two") == ("FAILED", 0, 0, 0)


def test_what_a_killed_command_left_open_is_closed_by_the_next_and_nothing_else_is(instance):
    killed = opened(instance)
    killed.__enter__()
    other = instance.get_backfill("one")._replace(backfill_id="of a person", tags={})
    instance.add_backfill(other)
    assert close_abandoned(instance, TAGS) == ["one"]
    assert instance.get_backfill("one").status is BulkActionStatus.FAILED
    assert instance.get_backfill("of a person").status is BulkActionStatus.REQUESTED
    killed.__exit__(None, None, None)
