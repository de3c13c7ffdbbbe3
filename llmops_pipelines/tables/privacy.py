"""Who was forgotten, what was taken out, and what grew too old."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, Column, Table

TOMBSTONES = Table(
    name="tombstones",
    row="One user, session or trace of which no text is written any more. Append-only.",
    key=("kind", "subject"),
    partitioned=False,
    volatile=("forgotten_at",),
    columns=(
        Column("kind", pl.String, "user, session or trace."),
        Column(
            "subject",
            pl.String,
            "Keyed hash of the user, SHA-256 of the session's id (16 hex digits), or the trace's id.",
        ),
        Column("forgotten_at", INSTANT, "When, UTC."),
        Column(
            "command",
            pl.String,
            "What asked for it, without the person's id; `landing`: a trace of theirs that came later.",
        ),
    ),
)

ERASURES = Table(
    name="erasures",
    row="What one command took out of one table or kind of file. Append-only.",
    key=("erasure", "place"),
    partitioned=False,
    volatile=("erased_at",),
    columns=(
        Column("erasure", pl.String, "One run of the command."),
        Column("command", pl.String, "`llmops forget ...`, or `retention`."),
        Column(
            "place",
            pl.String,
            "Table, or kind of file: reports, golden files, unfinished files, warehouse.",
        ),
        Column("rows", pl.Int64, "Rows deleted or blanked, or files removed."),
        Column("erased_at", INSTANT, "When, UTC."),
    ),
)
