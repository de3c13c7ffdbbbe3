"""A day pulled the short way: an entry, a source that never really sleeps, the lines it gives."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import zstandard

from llmops_pipelines.adapters.pulling import Pace, Pulled, Source, Staging, open_source, pull_day
from llmops_pipelines.ingest import Pull
from tests.adapters.pulling.services import DAY

SECRETS = {"KEY": "sk", "PUBLIC": "pk"}


def entry(kind: str, url: str, **changes: Any) -> Pull:
    """An entry under ``pull:``."""
    keys = {"api_key_env": "KEY"} | (
        {"public_key_env": "PUBLIC"} if kind.startswith("langfuse") else {}
    )
    project = {"project": "shop"} if kind.startswith(("phoenix", "langsmith")) else {}
    return Pull(**{"name": "shop", "kind": kind, "url": url} | keys | project | changes)


class Waits(list[float]):
    """Stands for sleeping: the seconds asked for."""

    def pace(self, requests_per_minute: int | None = None) -> Pace:
        return Pace(requests_per_minute, sleep=self.append, clock=lambda: sum(self))


def source(wanted: Pull, waits: Waits | None = None) -> Source:
    """The source of an entry."""
    waits = Waits() if waits is None else waits
    return open_source(wanted, SECRETS, waits.pace(wanted.requests_per_minute))


def pulled(wanted: Source, folder: Path, day: date = DAY) -> Pulled:
    """A day downloaded from where the folder's staging file left off."""
    with Staging(folder / "day.sqlite", "the same") as staging:
        return pull_day(wanted, day, staging)


def lines(result: Pulled) -> list[dict[str, Any]]:
    """The records of a day's file."""
    text = zstandard.ZstdDecompressor().decompressobj().decompress(result.file.content)
    return [json.loads(line) for line in text.splitlines()]


def ids(result: Pulled) -> list[str]:
    """Their ids."""
    return [line["id"] for line in lines(result)]
