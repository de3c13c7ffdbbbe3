"""A day's landed rows to its calls, steps, feedback and rejected lines: each thing once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.asked import (
    NO_CALL,
    calls_and_asked,
    ids_of,
    with_asked,
    with_joined_texts,
)
from llmops_pipelines.ingest.day.attempts import linked
from llmops_pipelines.ingest.day.completeness import PLACE, fullest_first
from llmops_pipelines.ingest.day.evening import Evening
from llmops_pipelines.ingest.day.inheritance import INHERITED, inherit
from llmops_pipelines.ingest.day.named_calls import with_named_calls
from llmops_pipelines.ingest.day.ownership import with_team
from llmops_pipelines.ingest.day.retrieval import with_context_steps
from llmops_pipelines.ingest.day.same_calls import merged
from llmops_pipelines.ingest.day.wrappers import with_wrappers, wrappers
from llmops_pipelines.ingest.log_files.files import UNREADABLE
from llmops_pipelines.reference import UNATTRIBUTED, Features
from llmops_pipelines.tables import (
    FEEDBACK,
    LLM_CALLS,
    REJECTED_LINES,
    STEP_TEXTS,
    TOKEN_BUCKETS,
    TRACE_STEPS,
    Table,
)

Frame = pl.DataFrame | pl.LazyFrame

_CALL: Final = ["call_id", "source_file", "source_line", "record_digest"]
CALL_PLACE: Final = [*_CALL, "copies"]
"""The columns of ``LLM_CALLS`` that say which landed rows it holds."""


_ABOUT: Final = (
    "parent_id", "project", "name", "feature", "team", "environment", "experiment_arm", "user_hash",
    "user_key", "session_id", "provider", "model", "model_requested", "prompt_name",
    "prompt_version",
)  # fmt: skip
"""What any record of a call may say of it."""

_CAME: Final = (
    "response_id", "service_tier", "is_stream", "finish_reason", "ttft_ms", "cost_reported",
    "instrumentation",
)  # fmt: skip
"""What came of the call: told by the kept record, where that does not by one of the same status."""

_UNITS: Final = {
    "tokens": ((*TOKEN_BUCKETS, "tokens_doubted"), ("uncached_input", "output_text")),
    "time": (("started_at", "latency_ms"), ("latency_ms",)),
}
"""What is taken together from one record, and which of it shows that the record knows it: a log
record with the texts of a span says neither what it counted nor when it began."""

_WORTH: Final = ("status", "content_digest")


def llm_calls(
    landed: Frame,
    steps: pl.DataFrame | None = None,
    features: Features | None = None,
    evening: Evening | None = None,
) -> pl.DataFrame:
    """One row per call of the day, as ``LLM_CALLS``.

    Of the rows that share a ``call_id`` the one is kept that says most (``completeness``), in
    whatever order they come. Records of one call under several ids are merged (``same_calls``), and
    what only wraps a call is none (``wrappers``).
    What a call leaves open is taken from its trace (``inheritance``), contexts from the steps that
    retrieved them (``retrieval``), and attempts of one request are linked (``attempts``). Calls are
    told apart within a day: of those around midnight landing says which day counts them, and what
    those after it take over from the day before.

    Args:
        landed: ``LANDED_CALLS`` rows of one day that the index vouches for (``current_rows``).
        steps: ``TRACE_STEPS`` of the same day.
        features: Who owns a feature that a call takes over from its trace.
        evening: What the day before knows of traces that go on.
    """
    steps = TRACE_STEPS.empty() if steps is None else steps
    features = features or Features()
    landed, asked = calls_and_asked(_collected(landed).clone())
    calls = landed
    if not _ascends(landed["call_id"]):
        rows, others = _kept_calls(landed), _said_in_parts(landed)
        # Column by column, so that a day is held once and not twice.
        calls = pl.DataFrame([landed.drop_in_place(name).gather(rows) for name in landed.columns])
        calls = _completed(calls, others)
    calls = with_asked(calls, asked, features)
    wrapped = wrappers(calls, steps)
    if wrapped.height:
        calls = calls.join(wrapped, on="call_id", how="anti", maintain_order="left")
    calls = with_wrappers(merged(calls), wrapped)
    said = [evening.said] if evening else []
    calls = inherit(calls, [calls, wrapped, steps, *said], [*INHERITED, "user_hash"])
    calls = linked(with_team(calls, features), evening.tried if evening else None)
    return LLM_CALLS.require(with_context_steps(calls, steps))


def trace_steps(landed: Frame) -> pl.DataFrame:
    """One row per step of the day, as ``TRACE_STEPS``; of copies the latest that ended is kept."""
    rows = _collected(landed).with_columns(unended=pl.col("latency_ms").is_null())
    order = ["unended", "started_at", "record_digest"]
    return _kept(rows, TRACE_STEPS, order, [False, True, True])


def feedback(landed: Frame, calls: pl.LazyFrame | None = None) -> pl.DataFrame:
    """One row per judgement of the day, as ``FEEDBACK``; of copies the latest is kept.

    Args:
        landed: ``LANDED_FEEDBACK`` of the day.
        calls: ``LANDED_CALLS`` of the day: feedback may name their responses.
    """
    kept = _kept(_collected(landed), FEEDBACK, ["given_at", "record_digest"], [True, True])
    return kept if calls is None else with_named_calls(kept, calls)


def rejected_lines(landed: Frame, files: pl.DataFrame | None = None) -> pl.DataFrame:
    """The lines of the day that could not be read, as ``REJECTED_LINES``.

    Args:
        landed: ``LANDED_REJECTIONS`` of one day.
        files: ``LANDED_DAYS`` of the day: of files with the same bytes the lines of one count.
    """
    rows = _collected(landed)
    if files is not None:
        known = files.filter(pl.col("digest") != UNREADABLE).sort("source_file")
        copies = known.filter(~pl.col("digest").is_first_distinct())
        rows = rows.join(copies, on="source_file", how="anti")
    return _kept(rows, REJECTED_LINES, ["batch"], [False])


def unaccounted_rows(landed: Frame, calls: pl.DataFrame) -> pl.DataFrame:
    """Calls that landed on the day but are not in ``calls``, or are there without having landed.

    Args:
        landed: As for ``llm_calls``.
        calls: ``LLM_CALLS`` of the same day, as far as ``CALL_PLACE``.

    Returns:
        ``call_id``, ``source_file``, ``source_line`` and ``problem``; empty is what conservation
        demands: landed lines = calls + duplicates.
    """
    rows = _collected(landed.filter(~NO_CALL).select(_CALL))
    lost = rows.unique("call_id", keep="first", maintain_order=True).join(
        ids_of(calls), on="call_id", how="anti"
    )
    invented = calls.select(_CALL).join(rows, on=_CALL, how="anti")
    return (
        pl.concat(
            [
                lost.with_columns(problem=pl.lit("landed, but not among the calls")),
                invented.with_columns(problem=pl.lit("a call, but no landed line")),
            ]
        )
        .sort(_CALL)
        .drop("record_digest")
    )


def _kept(
    landed: pl.DataFrame, table: Table, order: list[str], descending: list[bool]
) -> pl.DataFrame:
    return table.require(_best(landed, table.key, order, descending))


def _best(
    landed: pl.DataFrame, key: Sequence[str], order: list[str], descending: list[bool]
) -> pl.DataFrame:
    """The first row of each ``key`` in ``order``; ties go to the first place it was logged."""
    place = [name for name in PLACE if name not in order]
    best = landed.sort(*order, *place, descending=[*descending, *(False for _ in place)])
    return best.unique(key, keep="first", maintain_order=True)


def _ascends(ids: pl.Series) -> bool:
    """Whether each id is greater than the one before: in order, and told once."""
    return bool((ids.slice(1) > ids.slice(0, max(ids.len() - 1, 0))).all())


def _kept_calls(landed: pl.DataFrame) -> pl.Series:
    """The rows of ``landed`` that are kept, one per call, in the order of ``call_id``."""
    rows = landed["call_id"].arg_sort()
    several = landed["call_id"].is_duplicated()
    if not several.any():
        return rows
    candidates = landed.with_row_index("row").filter(several)
    best = fullest_first(candidates).unique("call_id", keep="first", maintain_order=True)
    kept = (~several).scatter(best["row"], values=True)
    return rows.filter(kept.gather(rows))


def _said_in_parts(landed: pl.DataFrame) -> pl.DataFrame:
    """Who made a call and what of, where several different records tell of it: one row a call."""
    units = [name for names, _ in _UNITS.values() for name in names]
    asked = landed.select(
        "call_id", "record_digest", "only_asked", *_ABOUT, *_CAME, *units, *_WORTH, *PLACE
    ).filter(pl.col("call_id").is_duplicated())
    differ = pl.col("record_digest").min() != pl.col("record_digest").max()
    parts = asked.filter(differ.over("call_id")) if asked.height else asked
    said = (
        pl.col(name)
        .filter(pl.col(name).is_not_null() & (pl.col(name) != UNATTRIBUTED))
        .first()
        .alias(name)
        for name in _ABOUT
    )
    alike = (pl.col("status") == pl.col("status").first()) | pl.col("only_asked")
    came = (pl.col(name).filter(alike & pl.col(name).is_not_null()).first() for name in _CAME)
    together = (
        pl.struct(names)
        .filter(alike & pl.any_horizontal(pl.col(sign).is_not_null() for sign in signs))
        .first()
        .alias(unit)
        for unit, (names, signs) in _UNITS.items()
    )
    return (
        fullest_first(parts).group_by("call_id", maintain_order=True).agg(*said, *came, *together)
    )


def _completed(calls: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with what they leave open filled from other records of the same call.

    LangSmith's SDK sends a run when it begins and again when it ends, each time half of it.
    """
    if others.is_empty():
        return calls
    found = calls.select("call_id").join(others, on="call_id", how="left", maintain_order="left")
    return calls.with_columns(
        pl.when(pl.col(name).is_null() | (pl.col(name) == UNATTRIBUTED))
        .then(pl.coalesce(found[name], name))
        .otherwise(name)
        .alias(name)
        for name in _ABOUT
    ).with_columns(
        *(pl.coalesce(name, found[name]) for name in _CAME),
        *(
            pl.when(pl.all_horizontal(pl.col(sign).is_null() for sign in signs))
            .then(pl.coalesce(found[unit].struct.field(name), name))
            .otherwise(name)
            .alias(name)
            for unit, (names, signs) in _UNITS.items()
            for name in names
        ),
    )


def _collected(landed: Frame) -> pl.DataFrame:
    return landed.collect() if isinstance(landed, pl.LazyFrame) else landed


def texts_of(
    call_texts: pl.LazyFrame, calls: pl.LazyFrame, step_texts: pl.LazyFrame | None = None
) -> pl.LazyFrame:
    """The texts of exactly the records that ``calls`` kept, one row per call that has any.

    A call whose contexts its trace retrieved has those, in the order of its ``context_steps``.

    Args:
        call_texts: ``CALL_TEXTS`` of the same day, duplicates and superseded rows included.
        calls: ``LLM_CALLS``, all or some of a day's.
        step_texts: ``STEP_TEXTS`` of the same day.
    """
    step_texts = STEP_TEXTS.empty().lazy() if step_texts is None else step_texts
    call_texts = with_joined_texts(call_texts, calls)
    line = ["call_id", "source_file", "source_line", "record_digest", "content_digest"]
    kept = calls.filter(pl.col("content_digest").is_not_null()).select(line)
    used = (
        calls.filter(pl.col("context_steps").list.len() > 0)
        .select("call_id", step_id="context_steps")
        .explode("step_id")
        .with_row_index("order")
    )
    retrieved = (
        used.join(
            # Of a large day only the documents that these calls used are sorted.
            step_texts.join(used.select("step_id"), on="step_id", how="semi")
            .sort("batch", "source_line")
            .unique("step_id", keep="last", maintain_order=True)
            .select("step_id", "contexts"),
            on="step_id",
        )
        .sort("order")
        .group_by("call_id", maintain_order=True)
        .agg(retrieved=pl.col("contexts").explode())
    )
    return (
        call_texts.join(kept, on=line, how="semi")
        .sort("call_id", "batch")
        .unique("call_id", keep="last", maintain_order=True)
        .join(retrieved, on="call_id", how="left", maintain_order="left")
        .with_columns(contexts=pl.coalesce("retrieved", "contexts"))
        .drop("retrieved")
    )
