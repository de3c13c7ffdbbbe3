"""What one log file would become, told without landing it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl

from llmops_pipelines import pricing
from llmops_pipelines.formats import FORMATS, connect
from llmops_pipelines.formats.engine.reading import Reading, Record
from llmops_pipelines.ingest.day.asked import NO_CALL
from llmops_pipelines.ingest.log_files.files import LogFile, read_content
from llmops_pipelines.ingest.log_files.lines import sample_lines
from llmops_pipelines.ingest.log_files.opening import Opened, open_content
from llmops_pipelines.ingest.log_files.other_providers import other_format
from llmops_pipelines.ingest.log_files.rewriting import object_in
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.previewing.field_paths import FieldPaths, field_paths
from llmops_pipelines.ingest.previewing.read_alone import distinct_calls, land_alone
from llmops_pipelines.tables import (
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_REJECTIONS,
    LANDED_STEPS,
    TOKEN_BUCKETS,
)

_SAMPLE: Final = 500
"""Records that are asked which of their paths are used."""
_SAMPLE_BYTES: Final = 16 * 2**20
_REASONS: Final = 20
_EXAMPLES: Final = 3
_VALUE: Final = r"'[^']*'|\d[\d,.]*"
"""What differs between rejections of the same kind."""

_TEXT_TOKENS: Final = tuple(name for name in TOKEN_BUCKETS if not name.startswith("audio_"))
TOKENS_TOLD: Final = (*_TEXT_TOKENS, "audio")
"""Keys of a preview's ``tokens``: the buckets, the two of audio together."""

_SHOWN: Final = (
    "source_line", "started_at", "feature", "provider", "model", "status", "error_class",
    "latency_ms", "uncached_input", "cache_read", "output_text", "reasoning", "cost",
)  # fmt: skip


@dataclass(frozen=True)
class Rejection:
    """One kind of reason: the sentence of the first line, how many lines, and which came first."""

    reason: str
    count: int
    first_line: int


@dataclass(frozen=True)
class Preview:
    """What the records of a file come to.

    ``calls`` are distinct ones, ``duplicates`` the rest; steps, feedback, rejected and ignored are
    records as logged; ``feedback_names`` says what was judged. ``tokens`` sums what is known;
    ``tokens_unknown`` counts calls without usage, ``tokens_doubted`` those whose tool logged a
    total that its own counts do not come to. ``cost`` (USD) is null where no call has a price;
    ``unpriced`` maps the reason to its successful calls. ``examples`` are the first calls, without
    texts and people.
    """

    format: str | None
    lines: int
    calls: int
    duplicates: int
    steps: int
    feedback: int
    feedback_names: dict[str, int]
    rejected: int
    ignored: int
    rejections: list[Rejection]
    first: datetime | None
    last: datetime | None
    models: dict[str, int]
    features: dict[str, int]
    tokens: dict[str, int]
    tokens_unknown: int
    tokens_doubted: int
    cost: Decimal | None
    cost_reported: Decimal | None
    unpriced: dict[str, int]
    paths: FieldPaths
    examples: pl.DataFrame

    @property
    def is_of_use(self) -> bool:
        """Whether anything of the file would be kept."""
        return self.calls + self.steps + self.feedback > 0


def preview(file: LogFile, options: LandingOptions, price_book: pl.DataFrame) -> Preview:
    """Land ``file`` as if nothing had landed before, and keep nothing.

    Args:
        file: The file, under the path it would have below the log root.
        options: As for ``land``; its sources decide how the file is read.
        price_book: ``PRICE_BOOK``.
    """
    (landed, steps, feedback, rejected), row = land_alone(
        file, options, (LANDED_CALLS, LANDED_STEPS, LANDED_FEEDBACK, LANDED_REJECTIONS)
    )
    asked = landed.filter(NO_CALL).height  # counts as ignored
    calls = pricing.price_tokens(distinct_calls(landed, steps, options.features), price_book)
    times = pl.concat(
        [landed["started_at"], steps["started_at"], feedback["given_at"].alias("started_at")]
    )
    opened = open_content(connect(), read_content(file), options)
    paths = FieldPaths({}, [])
    if isinstance(opened, Opened) and opened.tag is not None:
        paths = _paths(records_of(opened, _SAMPLE), opened.reading)
    unpriced = calls.filter((pl.col("status") == "ok") & pl.col("cost").is_null())
    return Preview(
        format=row["source_format"] and row["source_format"].split(":")[0],
        lines=row["lines"],
        calls=calls.height,
        duplicates=landed.height - asked - calls.height,
        steps=row["steps"],
        feedback=row["feedback"],
        feedback_names=_counted(feedback["name"].drop_nulls()),
        rejected=row["rejected"],
        ignored=row["ignored"],
        rejections=_rejections(rejected),
        first=_moment(times.min()),
        last=_moment(times.max()),
        models=_counted(calls["model"]),
        features=_counted(calls["feature"]),
        tokens={name: int(calls[name].sum()) for name in _TEXT_TOKENS}
        | {"audio": int(calls["audio_input"].sum()) + int(calls["audio_output"].sum())},
        tokens_unknown=calls.filter(pl.all_horizontal(pl.col(TOKEN_BUCKETS).is_null())).height,
        tokens_doubted=int(calls["tokens_doubted"].count()),
        cost=_total(calls["cost"]),
        cost_reported=_total(calls["cost_reported"]),
        unpriced=_counted(unpriced["unpriced_reason"]),
        paths=paths,
        examples=calls.sort("source_line", "source_record").head(_EXAMPLES).select(_SHOWN),
    )


def _paths(records: Sequence[Record], reading: Reading) -> FieldPaths:
    """Where what is made of ``records`` comes from, each read as the format that it is in."""
    by_format: dict[str | None, list[Record]] = {None: []}
    for record in records:
        by_format.setdefault(other_format(record, reading.format), []).append(record)
    own = field_paths(by_format.pop(None), reading)
    others = [field_paths(by_format[name], FORMATS[name].reading()) for name in by_format if name]
    if not others:
        return own
    mapped: dict[str, set[str]] = {}
    for found in (own, *others):
        for name, paths in found.mapped.items():
            mapped.setdefault(name, set()).update(paths)
    used = {path for paths in mapped.values() for path in paths}
    unused = {path for found in (own, *others) for path in found.dropped}
    return FieldPaths(
        {name: sorted(mapped[name]) for name in sorted(mapped)}, sorted(unused - used)
    )


def records_of(opened: Opened, count: int) -> list[Record]:
    """The first lines of a file that are JSON objects: ``count`` of them, or about 16 MB."""
    records: list[Record] = []
    held = 0
    for block in opened.blocks:
        for line in sample_lines([block], count - len(records)):
            held += len(line)
            if (record := object_in(line)) is not None:
                records.append(record)
            if held > _SAMPLE_BYTES:
                return records
        if len(records) >= count:
            break
    return records


def preview_json(found: Preview) -> dict[str, Any]:
    """The preview as one object that ``json.dumps`` takes."""
    return {
        "format": found.format,
        "rows": found.calls,
        "duplicates": found.duplicates,
        "steps": found.steps,
        "feedback": found.feedback,
        "feedback_names": found.feedback_names,
        "ignored": found.ignored,
        "rejected": found.rejected,
        "rejections": [vars(rejection) for rejection in found.rejections],
        "first": found.first and f"{found.first.isoformat()}Z",
        "last": found.last and f"{found.last.isoformat()}Z",
        "models": found.models,
        "features": found.features,
        "tokens": found.tokens,
        "tokens_unknown": found.tokens_unknown,
        "tokens_doubted": found.tokens_doubted,
        "cost_usd": None if found.cost is None else float(found.cost),
        "cost_reported_usd": None if found.cost_reported is None else float(found.cost_reported),
        "unpriced": sum(found.unpriced.values()),
        "unpriced_reasons": found.unpriced,
        "mapped": {
            name: paths[0] if len(paths) == 1 else paths
            for name, paths in found.paths.mapped.items()
        },
        "dropped": found.paths.dropped,
    }


def _rejections(rejected: pl.DataFrame) -> list[Rejection]:
    """Reasons that differ only in the values they show are one."""
    rows = (
        rejected.sort("source_line", "source_record")
        .group_by(pl.col("reason").str.replace_all(_VALUE, "…").alias("kind"), maintain_order=True)
        .agg(
            pl.col("reason").first(),
            count=pl.col("lines").sum(),
            first_line=pl.col("source_line").first(),
        )
        .sort("count", descending=True, maintain_order=True)
        .select("reason", "count", "first_line")
    )
    return [Rejection(*row) for row in rows.head(_REASONS).iter_rows()]


def _counted(values: pl.Series) -> dict[str, int]:
    """How often each value occurs, the most frequent first; null is ``unknown``."""
    counts = (
        values.fill_null("unknown").alias("value").value_counts().sort("count", "value",
        descending=[True, False])
    )  # fmt: skip
    return dict(counts.iter_rows())


def _total(amounts: pl.Series) -> Decimal | None:
    known: Iterable[Decimal] = amounts.drop_nulls().to_list()
    total = sum(known, Decimal(0))
    return total if amounts.null_count() < amounts.len() else None


def _moment(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else None
