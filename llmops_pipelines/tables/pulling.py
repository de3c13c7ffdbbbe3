"""Days of logs that were downloaded from services which keep them behind an API."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, Column, Table

PULLED_LOGS = Table(
    name="pulled_logs",
    row="One source on one day: what was downloaded, and what its server says there is.",
    key=("source",),
    version=2,
    volatile=("checked_at", "seconds", "requests", "retries"),
    columns=(
        Column("source", pl.String, "Name of the entry under `pull:` in sources.yaml."),
        Column(
            "kind",
            pl.String,
            "phoenix, langfuse, langfuse_scores, langsmith, langsmith_feedback, mlflow or"
            " litellm_postgres.",
        ),
        Column(
            "outcome",
            pl.String,
            "pulled; unchanged (the server's count and sums are those of the last download); kept"
            " (the server no longer has some records of the file, which stay in it); failed.",
        ),
        Column("error", pl.String, "What went wrong, without any text of the logs.", nullable=True),
        Column("file", pl.String, "The day's file below the log root.", nullable=True),
        Column("digest", pl.String, "SHA-256 of its lines, 32 hex digits.", nullable=True),
        Column(
            "asked",
            pl.String,
            "Digest of kind, address, project and experiment that the file was asked for by.",
            nullable=True,
        ),
        Column("pages", pl.Int64, "Pages of its download."),
        Column("records", pl.Int64, "Records in the file, each once."),
        Column("server_count", pl.Int64, "Records the server counts.", nullable=True),
        Column("duplicates", pl.Int64, "Records that came on more than one page."),
        Column("outside", pl.Int64, "Records sent, and left out: they began on another day."),
        Column("mark", pl.String, "The server's count and sums, to tell a change.", nullable=True),
        Column("pulled_at", INSTANT, "When it was downloaded, UTC.", nullable=True),
        Column("checked_at", INSTANT, "When the server was last asked, UTC."),
        Column("seconds", pl.Float64, "How long asking and downloading took.", "s"),
        Column("requests", pl.Int64, "Requests sent, repeated ones included."),
        Column("retries", pl.Int64, "Requests that had to be repeated."),
    ),
)
