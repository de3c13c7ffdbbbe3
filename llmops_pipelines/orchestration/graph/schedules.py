"""The nightly schedule: yesterday, at 02:00 UTC."""

from datetime import timedelta

import dagster as dg

from llmops_pipelines.orchestration.graph.jobs import NIGHTLY

NIGHTLY_CRON = "0 2 * * *"
_ONE_DAY = timedelta(days=1)


def nightly_schedule(name: str, tenant: str) -> dg.ScheduleDefinition:
    """Runs the nightly job for the day that ended two hours ago."""

    @dg.schedule(
        name=name,
        job=NIGHTLY,
        cron_schedule=NIGHTLY_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every night at 02:00 UTC: evaluates and reports yesterday.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        yesterday = (context.scheduled_execution_time - _ONE_DAY).date().isoformat()
        return dg.RunRequest(
            run_key=f"{name}:{yesterday}",
            partition_key=yesterday,
            tags={"llmops/tenant": tenant} if tenant else {},
        )

    return schedule
