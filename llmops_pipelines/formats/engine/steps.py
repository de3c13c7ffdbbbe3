"""Raw fields of trace steps and of feedback to canonical columns."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.formats.engine.calls import has_error, said_status, time_faults
from llmops_pipelines.formats.engine.decoding import decode
from llmops_pipelines.formats.engine.faults import Fault, Sorted, says, sort_out
from llmops_pipelines.formats.engine.reading import Reading
from llmops_pipelines.formats.engine.times import Limits

_STEP: Final = (
    "call_id", "trace_id", "parent_id", "project", "started_at", "ended_at", "feature", "team",
    "environment", "tags", "experiment_arm", "user_id", "session_id", "prompt_name",
    "prompt_version", "latency_ms", "status", "error", "step_kind", "step_name", "name",
    "document_count", "input_chars", "output_chars", "contexts",
)  # fmt: skip
_FEEDBACK: Final = (
    "call_id", "about_call", "trace_id", "name", "started_at", "feature", "rating", "thumb",
    "comment",
)  # fmt: skip
_THUMBS: Final = {"up": 5.0, "down": 1.0}


def read_steps(raw: pl.DataFrame, reading: Reading, limits: Limits) -> Sorted:
    """Steps of a trace that are not model calls; ``call_id`` is the step's own id."""
    decoded = decode(raw, reading, _STEP)
    said = said_status()
    faults = [
        *decoded.faults,
        *time_faults(reading, limits),
        _missing(reading, "trace_id", "a step belongs to a trace"),
        _missing(
            reading, "step_kind", "say retriever, reranker, tool, guardrail, parser, chain or agent"
        ),
        Fault(
            pl.col("status").is_not_null() & said.is_null(),
            says(
                reading.place("status"),
                pl.col("raw:status"),
                "is no known status; use ok or error",
            ),
        ),
    ]
    good, bad = sort_out(decoded.frame, faults)
    documents = pl.col("contexts").list.len().cast(pl.Int64)
    returned = pl.when(documents > 0).then(documents)
    elapsed = (pl.col("ended_at") - pl.col("started_at")).dt.total_microseconds() / 1000
    return Sorted(
        good.with_columns(
            latency_ms=pl.coalesce("latency_ms", pl.when(elapsed >= 0).then(elapsed)),
            status=pl.when(has_error()).then(pl.lit("error")).otherwise(said.fill_null("ok")),
            kind=pl.col("step_kind").str.to_lowercase(),
            name=pl.coalesce("step_name", "name"),
            tags=pl.col("tags").fill_null([]).list.drop_nulls(),
            contexts=pl.col("contexts").fill_null([]),
            document_count=pl.coalesce("document_count", returned).cast(pl.Int32, strict=False),
        ),
        bad,
    )


def read_feedback(raw: pl.DataFrame, reading: Reading, limits: Limits) -> Sorted:
    """What users thought: a rating of 1 to 5, a thumb (up is 5, down is 1), a comment."""
    decoded = decode(raw, reading, _FEEDBACK)
    thumb = pl.col("thumb").str.to_lowercase()
    about = [reading.place(name).shown for name in ("about_call", "trace_id")]
    said = [reading.place(name) for name in ("rating", "thumb", "comment")]
    faults = [
        *decoded.faults,
        *time_faults(reading, limits),
        Fault(
            ~pl.col("rating").is_between(1, 5),
            says(said[0], pl.col("raw:rating"), "is not between 1 and 5; scale it"),
        ),
        Fault(
            ~thumb.is_in(list(_THUMBS)),
            says(said[1], pl.col("raw:thumb"), "is neither up nor down"),
        ),
        Fault(
            pl.all_horizontal(pl.col("raw:rating", "raw:thumb", "raw:comment").is_null()),
            pl.lit(
                f"{said[0].shown}: is missing, and so are {said[1].shown} and {said[2].shown};"
                " log one of them"
            ),
        ),
        Fault(
            pl.all_horizontal(pl.col("raw:about_call", "raw:trace_id").is_null()),
            pl.lit(f"{about[0]}: is missing, and so is {about[1]}; say what the feedback is about"),
        ),
    ]
    good, bad = sort_out(decoded.frame, faults)
    return Sorted(
        good.with_columns(
            rating=pl.coalesce("rating", thumb.replace_strict(_THUMBS, default=None))
        ),
        bad,
    )


def _missing(reading: Reading, name: str, why: str) -> Fault:
    return Fault(
        pl.col(f"raw:{name}").is_null(), pl.lit(f"{reading.place(name).shown}: is missing; {why}")
    )
