"""A real daemon: a file that arrives late changes the tables of its day, and of no other."""

import json
from datetime import date, timedelta

import pytest

from llmops_pipelines.cli.folder import prepare
from llmops_pipelines.cli.night import night
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.tables import CALL_COSTS, FEATURE_COSTS, LLM_CALLS, SERVICE_HEALTH
from tests.orchestration.servers import eventually, running, tool

DAYS = [date(2026, 11, 3), date(2026, 11, 4)]
NOW = "2026-11-05T06:00:00+00:00"
ROW_TABLES = (LLM_CALLS, CALL_COSTS, FEATURE_COSTS, SERVICE_HEALTH)


def call(name: str, day: date, minute: int) -> str:
    """One logged line."""
    return json.dumps(
        {
            "id": name,
            "timestamp": f"{day}T09:{minute:02}:00Z",
            "feature": "support_assistant",
            "latency_ms": 900.0,
            "request": {
                "model": "gpt-4.1-mini",
                "messages": [{"role": "user", "content": f"Where is parcel {name}?"}],
            },
            "response": {
                "object": "chat.completion",
                "model": "gpt-4.1-mini-2025-04-14",
                "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"content": "On its way."}}
                ],
                "usage": {"prompt_tokens": 40, "completion_tokens": 8, "total_tokens": 48},
            },
        }
    )


def calls_of(lake: Lake) -> list[int]:
    return [lake.read(LLM_CALLS, [day]).height for day in DAYS]


def priced_calls(lake: Lake) -> list[int]:
    return [lake.read(FEATURE_COSTS, [day])["calls"].sum() for day in DAYS]


def files_of(lake: Lake, day: date) -> list[bytes | None]:
    return [lake.store.read(f"{table.name}/day={day}/part.parquet") for table in ROW_TABLES]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_daemon_lands_a_late_file_and_recomputes_exactly_its_day(tmp_path, monkeypatch):
    data, log = tmp_path / "data", tmp_path / "daemon.log"
    settings = Settings(data=data, start=DAYS[0] - timedelta(days=1), now=NOW)
    prepare(settings)
    for day in DAYS:
        lines = [call(f"{day}-{number}", day, number) for number in range(5)]
        (data / "logs" / f"{day}.jsonl").write_text("\n".join(lines))
    monkeypatch.setenv("LLMOPS_START", str(settings.start))
    monkeypatch.setenv("LLMOPS_NOW", NOW)
    lake = resources_of(settings).lake.open()
    assert night(settings, None, None, as_json=True) == 0
    assert calls_of(lake) == [5, 5]
    other = files_of(lake, DAYS[1])
    (data / "logs" / "late.jsonl").write_text(call("late", DAYS[0], 59))
    with running([tool("dagster-daemon"), "run", "-w", "workspace.yaml"], data, log):
        eventually(lambda: priced_calls(lake) == [6, 5], seconds=300, log=log)
    assert calls_of(lake) == [6, 5]
    assert files_of(lake, DAYS[1]) == other
