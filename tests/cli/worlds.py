"""Data folders with few calls in them, and `llmops` as people run it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from llmops_pipelines.cli import app
from llmops_pipelines.definitions import Settings
from tests.history import keep_open

DAY = date(2026, 6, 2)
NOW = "2026-06-03T02:00:00Z"
_OURS = ("LLMOPS_", "JUDGE_", "DAGSTER_")


def call(number: int, **changes: Any) -> dict[str, Any]:
    """A successful, priced call on ``DAY``; ``changes`` replace its keys."""
    return {
        "id": f"c-{number}",
        "timestamp": f"{DAY}T09:{number % 60:02d}:00Z",
        "feature": "chat",
        "latency_ms": 400.0,
        "provider": "openai",
        "contexts": [{"id": "kb-1", "content": "Parcels travel three days. Returns are free."}],
        "request": {
            "model": "gpt-4.1-mini",
            "messages": [{"role": "user", "content": f"How long does parcel {number} travel?"}],
        },
        "response": {
            "model": "gpt-4.1-mini-2025-04-14",
            "choices": [
                {
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "Parcels travel three days."},
                }
            ],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
        },
        "error": None,
        **changes,
    }


def usage(prompt: Any, completion: Any) -> dict[str, Any]:
    """The response of ``call`` with other token counts."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return call(0)["response"] | {"usage": counts}


def text(*records: Any) -> bytes:
    """Records as lines; bytes as they stand."""
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n"
        for record in records
    )


def data_folder(
    root: Path,
    logs: Mapping[str, bytes],
    reference: Mapping[str, str] | None = None,
    *,
    shared: bool = False,
) -> Path:
    """A data folder with these log files and reference files; the others are `init`'s.

    One that processes of their own work on is ``shared``: its Dagster history is an ordinary one.
    """
    if not shared:
        keep_open(root / ".dagster")
    for folder, files in (("logs", logs), ("reference", reference or {})):
        for name, content in files.items():
            file = root / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def settings(root: Path, **changes: Any) -> Settings:
    """Settings for the folder at ``root`` the morning after ``DAY``."""
    return Settings(**{"data": root, "now": NOW} | changes)


class Said(NamedTuple):
    """What a command that ran in this process left: exit code and both streams."""

    returncode: int
    stdout: str
    stderr: str


def invoke(*arguments: object, environment: Mapping[str, str] | None = None) -> Said:
    """Run `llmops` in this process, which is faster than ``llmops``."""
    unset = dict.fromkeys(name for name in os.environ if name.startswith(_OURS))
    result = CliRunner(env=unset | {"LLMOPS_NOW": NOW} | dict(environment or {})).invoke(
        app, list(map(str, arguments))
    )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def llmops(
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """Run `llmops` in a process of its own, in an environment without settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return subprocess.run(
        [sys.executable, "-m", "llmops_pipelines.cli", *map(str, arguments)],
        env=kept | {"COLUMNS": "200", "LLMOPS_NOW": NOW} | dict(environment or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
