"""A batch's worth of lines to landed rows: provenance, owner, hidden user, texts as allowed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import duckdb
import polars as pl

from llmops_pipelines.formats import Reading, read_lines
from llmops_pipelines.ingest.contents import policies, redacted_comments, with_contents
from llmops_pipelines.ingest.lines import Block, Refused, line_frame, too_long
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.redaction import redact_texts
from llmops_pipelines.reference import UNATTRIBUTED
from llmops_pipelines.tables import INSTANT


@dataclass(frozen=True)
class Piece:
    """Lines of one file on their way into a batch."""

    file: int
    path: str
    reading: Reading
    block: Block | Refused


class Part(NamedTuple):
    """Rows of one batch, each with ``file`` (its number in the landing group) and provenance.

    ``rejected`` has the time of its record where that was readable, else null; ``seen`` holds file,
    line and time of every readable line, from which the days of the others are told.
    """

    calls: pl.DataFrame
    steps: pl.DataFrame
    feedback: pl.DataFrame
    rejected: pl.DataFrame
    ignored: pl.DataFrame


_REJECTED = pl.Schema(
    {
        "file": pl.Int64, "source_file": pl.String, "source_line": pl.Int64, "feature": pl.String,
        "reason": pl.String, "record_digest": pl.String, "size": pl.Int64, "started_at": INSTANT,
    }
)  # fmt: skip


def read_part(
    connection: duckdb.DuckDBPyConnection, pieces: Sequence[Piece], options: LandingOptions
) -> Part:
    """Read all ``pieces``, those of one reading together, whatever number of files they come from."""
    groups: dict[int, list[Piece]] = {}
    refused: list[Piece] = []
    for piece in pieces:
        if isinstance(piece.block, Refused):
            refused.append(piece)
        else:
            groups.setdefault(id(piece.reading), []).append(piece)
    parts = [_read_group(connection, group, options) for group in groups.values()]
    parts.append(_empty_part(_refusals(refused)))
    return Part(
        *(pl.concat(frames, how="diagonal") for frames in zip(*parts, strict=True))
    )


def _read_group(
    connection: duckdb.DuckDBPyConnection, pieces: Sequence[Piece], options: LandingOptions
) -> Part:
    reading = pieces[0].reading
    lines = _lines(pieces)
    readable = ~pl.col("blank") & pl.col("raw").is_not_null() & (pl.col("size") <= options.max_line_bytes)
    rows = read_lines(connection, lines.filter(readable).select("n", "raw"), reading, options.limits)
    where = lines.select("n", "file", "source_file", source_line="line", record_digest="digest")
    where = where.with_columns(source_format=pl.lit(reading.format))

    def placed(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(where, on="n", how="left", maintain_order="left").drop("n")

    unread = lines.filter(~pl.col("blank") & ~readable).select(
        "n",
        reason=pl.when(pl.col("size") > options.max_line_bytes)
        .then(pl.col("size").map_elements(lambda size: too_long(size, options.max_line_bytes), pl.String))
        .otherwise(pl.lit("line: is not UTF-8; write logs as UTF-8")),
    )
    rejected = pl.concat([rows.rejected, unread], how="diagonal").join(
        lines.select("n", "size"), on="n", how="left"
    )
    return Part(
        _landed_calls(placed(rows.calls), options),
        placed(rows.steps).with_columns(pl.col("feature").fill_null(UNATTRIBUTED)),
        _landed_feedback(placed(rows.feedback), options),
        _with_features(placed(rejected)),
        lines.filter("blank").group_by("file").agg(ignored=pl.len().cast(pl.Int64)),
    )


def _lines(pieces: Sequence[Piece]) -> pl.DataFrame:
    """All lines of ``pieces``, numbered by ``n``."""
    frames = [
        line_frame(piece.block).with_columns(
            file=pl.lit(piece.file, pl.Int64), source_file=pl.lit(piece.path)
        )
        for piece in pieces
        if isinstance(piece.block, Block)
    ]
    return pl.concat(frames, rechunk=False).with_row_index("n").with_columns(pl.col("n").cast(pl.Int64))


def _landed_calls(calls: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    digest = pl.col("record_digest")
    calls = calls.with_columns(
        feature=pl.col("feature").fill_null(UNATTRIBUTED), call_id=pl.coalesce("call_id", digest)
    )
    owners = {name: options.features.of(name).team for name in calls["feature"].unique().to_list()}
    calls = calls.with_columns(
        trace_id=pl.coalesce("trace_id", "call_id"),
        team=pl.coalesce(
            "team", pl.col("feature").replace_strict(owners, return_dtype=pl.String, default=None)
        ),
        user_hash=hidden(calls["user_id"], options.hash_key),
    )
    return with_contents(calls, options.features)


def _landed_feedback(feedback: pl.DataFrame, options: LandingOptions) -> pl.DataFrame:
    policy = policies(feedback["feature"].fill_null(UNATTRIBUTED), options.features)
    return feedback.with_columns(redacted_comments(feedback["comment"], policy))


def _with_features(rejected: pl.DataFrame) -> pl.DataFrame:
    return rejected.with_columns(
        pl.col("feature").fill_null(UNATTRIBUTED), reason=redact_texts(rejected["reason"])
    ).select(_REJECTED.names())


def hidden(users: pl.Series, key: bytes) -> pl.Series:
    """The keyed hash of each user: HMAC-SHA256, first 16 hex digits; null stays null."""
    known = users.drop_nulls().unique().to_list()
    hashes: Mapping[str, str] = {
        user: hmac.new(key, user.encode(), hashlib.sha256).hexdigest()[:16] for user in known
    }
    return users.replace_strict(hashes, return_dtype=pl.String, default=None).alias("user_hash")


def _refusals(refused: Sequence[Piece]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (piece.file, piece.path, block.line, UNATTRIBUTED, block.reason, block.digest, block.size, None)
            for piece in refused
            if isinstance(block := piece.block, Refused)
        ],
        schema=_REJECTED,
        orient="row",
    )


def _empty_part(rejected: pl.DataFrame) -> Part:
    nothing = pl.DataFrame()
    return Part(nothing, nothing, nothing, rejected, pl.DataFrame(schema={"file": pl.Int64, "ignored": pl.Int64}))
