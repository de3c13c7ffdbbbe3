"""The golden dataset: cases worth checking at every release."""

import polars as pl

from llmops_pipelines.tables.table import Column, Table

_CASE = (
    Column("case_id", pl.String, "Digest of question and contexts, first 16 hex digits."),
    Column("feature", pl.String, "Feature."),
    Column("question", pl.String, "What was asked, redacted."),
    Column("answer", pl.String, "What was answered, redacted."),
    Column("contexts", pl.List(pl.String), "Retrieved passages, redacted."),
    Column("why", pl.String, "Why it was chosen: low_score, disputed or bad_feedback."),
    Column("score", pl.Float64, "The score that made it a candidate.", nullable=True),
    Column("call_id", pl.String, "Where it came from."),
    Column("day", pl.Date, "Its day."),
)

GOLDEN_CANDIDATES = Table(
    name="golden_candidates",
    row="One judged call of the day worth keeping as a test case.",
    key=("case_id",),
    columns=tuple(column for column in _CASE if column.name != "day"),
)

GOLDEN_DATASET = Table(
    name="golden_dataset",
    row="One case of the current version of the golden dataset.",
    key=("case_id",),
    partitioned=False,
    columns=(
        *_CASE,
        Column("embedding", pl.List(pl.Float32), "Unit vector of the question."),
        Column("since_version", pl.String, "Version that brought it in."),
    ),
)
