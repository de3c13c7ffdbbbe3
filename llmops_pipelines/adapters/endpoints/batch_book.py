"""Where batches of judge requests are written down, and what happened to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import polars as pl

from llmops_pipelines.adapters.endpoints.batch_api import (
    Seen,
)
from llmops_pipelines.judging import (
    BatchItem,
    KnownOfBatch,
    RubricJudge,
)
from llmops_pipelines.tables import JUDGE_BATCHES


class Book(Protocol):
    """Where batches of one day's calls are written down, and the ledger they feed."""

    def items(self, batch: str) -> pl.DataFrame:
        """``JUDGE_BATCH_ITEMS`` of one batch."""
        ...

    def judges(self, spec_ids: Iterable[str]) -> dict[str, RubricJudge]:
        """The judges of these specs, by id."""
        ...

    def known(self, asked: Mapping[str, BatchItem], batch: str) -> KnownOfBatch:
        """What the ledger holds of these requests."""
        ...

    def keep_items(self, items: pl.DataFrame, batch: str) -> None:
        """Write down the requests of a batch."""
        ...

    def note(self, event: pl.DataFrame) -> bool:
        """Write down one row of ``JUDGE_BATCHES``; False if it stands there already."""
        ...

    def append(self, verdicts: pl.DataFrame, attempts: pl.DataFrame) -> None:
        """Append to the ledger, at once and for good."""
        ...


# Submitting


def event_frame(row: Mapping[str, Any], event: str, **more: Any) -> pl.DataFrame:
    """One row of ``JUDGE_BATCHES``."""
    names = JUDGE_BATCHES.schema.names()
    full: dict[str, Any] = dict.fromkeys(names) | dict(row) | more | {"event": event}
    schema = JUDGE_BATCHES.schema
    return JUDGE_BATCHES.require(pl.DataFrame([{n: full[n] for n in names}], schema=schema))


def seen_as(seen: Seen) -> dict[str, Any]:
    """What the endpoint says of a batch, in columns of ``JUDGE_BATCHES``."""
    return {
        "batch_id": seen.batch_id,
        "file_id": seen.input_file,
        "state": seen.state,
        "detail": seen.detail,
    }
