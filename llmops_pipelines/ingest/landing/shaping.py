"""Records that were read, as the rows that land: whose they are, and what is kept of them."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.ownership import with_team
from llmops_pipelines.ingest.digests import keyed_hashes
from llmops_pipelines.ingest.landing.attribution import attributed
from llmops_pipelines.ingest.landing.pieces import REJECTED
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.privacy.contents import (
    policies,
    redacted_comments,
    with_contents,
    with_documents,
)
from llmops_pipelines.ingest.privacy.redaction import Redaction, redact_texts
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    STEP_TEXTS,
    Table,
)


def _without_batch(*tables: Table) -> list[str]:
    names = dict.fromkeys(name for table in tables for name in table.schema.names())
    return [name for name in names if name != "batch"]


_CALLS: Final = ["file", *_without_batch(LANDED_CALLS, CALL_TEXTS)]
_STEPS: Final = ["file", *_without_batch(LANDED_STEPS, STEP_TEXTS)]


def landed_calls(calls: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    """Calls with their provenance as rows of ``LANDED_CALLS`` and ``CALL_TEXTS`` in one."""
    calls = _owned(calls, options).with_columns(
        call_id=pl.coalesce("call_id", "record_digest"),
        tool_call_count=pl.col("tool_calls").list.len().cast(pl.Int32),
    )
    calls = with_team(calls, options.features).with_columns(
        trace_id=pl.coalesce("trace_id", "call_id")
    )
    return with_contents(calls, options.features, options.redaction).select(_CALLS)


def landed_steps(steps: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    """Steps with their provenance as rows of ``LANDED_STEPS`` and ``STEP_TEXTS`` in one."""
    steps = _owned(steps, options).with_columns(step_id=pl.coalesce("call_id", "record_digest"))
    return with_documents(steps, options.features, options.redaction).select(_STEPS)


def landed_feedback(feedback: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    """Feedback with its provenance as rows of ``LANDED_FEEDBACK``."""
    policy = policies(feedback["feature"].fill_null(UNATTRIBUTED), options.features)
    return feedback.with_columns(
        redacted_comments(feedback["comment"], policy, options.redaction),
        feedback_id=pl.coalesce("call_id", "record_digest"),
        call_id="about_call",
        given_at="started_at",
    ).select("file", *_without_batch(LANDED_FEEDBACK))


def landed_rejections(rejected: pl.DataFrame, redaction: Redaction) -> pl.DataFrame:
    """Rejections with their provenance as ``REJECTED`` rows; of a reason only what may be shown."""
    return rejected.with_columns(
        redact_texts(rejected["feature"].fill_null(UNATTRIBUTED), redaction),
        reason=redact_texts(rejected["reason"], redaction),
        lines=pl.lit(1, pl.Int64),
    ).select(list(REJECTED))


def hidden(users: pl.Series, key: bytes) -> pl.Series:
    """The keyed hash of each user: HMAC-SHA256, first 16 hex digits; null stays null."""
    return keyed_hashes(users, key, 16).alias("user_hash")


def _owned(records: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    """``records`` with the feature that they are of, and their user hidden."""
    return attributed(records, options.features).with_columns(
        feature=pl.col("feature").fill_null(UNATTRIBUTED),
        user_hash=hidden(records["user_id"], options.hash_key),
        user_key=pl.when(pl.col("user_id").is_not_null()).then(pl.lit(options.key_id)),
    )
