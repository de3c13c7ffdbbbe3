"""What was logged: calls, their texts, steps, traces, feedback, and what could not be read."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, MONEY, Column, Table

MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})
CONTEXT = pl.Struct({"id": pl.String, "content": pl.String, "score": pl.Float64})

TOKEN_BUCKETS = (
    "uncached_input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output_text",
    "reasoning",
    "audio_input",
    "audio_output",
)
"""Disjoint: they add up to the source's total, so no token is charged twice."""

_PROVENANCE = (
    Column("source_format", pl.String, "Log format that read the line."),
    Column("source_file", pl.String, "File, relative to the log root."),
    Column("source_line", pl.Int64, "Line in that file, from 1."),
    Column("record_digest", pl.String, "SHA-256 of the raw line, first 32 hex digits."),
)

_BATCH = Column("batch", pl.String, "Landing batch that read the line.")

_TOKENS = tuple(
    Column(bucket, pl.Int64, description, "tokens", nullable=True)
    for bucket, description in zip(
        TOKEN_BUCKETS,
        (
            "Prompt tokens at the full rate; null when the source recorded no usage.",
            "Prompt tokens read from the provider's cache.",
            "Prompt tokens written to the cache for 5 minutes.",
            "Prompt tokens written to the cache for an hour.",
            "Completion tokens a reader sees.",
            "Completion tokens spent on reasoning.",
            "Prompt tokens of audio.",
            "Completion tokens of audio.",
        ),
        strict=True,
    )
)

_CALL_COLUMNS = (
    Column("call_id", pl.String, "One model call, as its source names it, else its digest."),
    Column("trace_id", pl.String, "The request it belongs to; the call's own id if it has none."),
    Column("parent_id", pl.String, "Call or step that made it; null for a root.", nullable=True),
    Column("started_at", INSTANT, "When the call began, UTC."),
    Column("feature", pl.String, "Product feature that made the call, else `unattributed`."),
    Column("team", pl.String, "Owner, from the record or features.yaml.", nullable=True),
    Column("environment", pl.String, "production, staging, ...", nullable=True),
    Column("user_hash", pl.String, "Keyed hash of the user; never the user.", nullable=True),
    Column("session_id", pl.String, "Conversation the call is part of.", nullable=True),
    Column("provider", pl.String, "Who served it, as genai-prices spells it.", nullable=True),
    Column("model", pl.String, "Model that served it, else the one asked for.", nullable=True),
    Column("model_requested", pl.String, "Model asked for.", nullable=True),
    Column("service_tier", pl.String, "standard, flex, priority, ...", nullable=True),
    Column("is_batch", pl.Boolean, "Served through a batch endpoint."),
    Column("is_stream", pl.Boolean, "Answer was streamed.", nullable=True),
    Column("prompt_name", pl.String, "Prompt in the registry.", nullable=True),
    Column("prompt_version", pl.String, "Its version.", nullable=True),
    Column("attempt", pl.Int32, "1 for the first try, 2 for the first retry, ...", "calls"),
    Column("status", pl.String, "`ok` or `error`."),
    Column(
        "error_class",
        pl.String,
        "timeout, rate_limit, context_length, content_filter, auth, server, network or other.",
        nullable=True,
    ),
    Column("finish_reason", pl.String, "Why the model stopped.", nullable=True),
    Column("latency_ms", pl.Float64, "Request to last token.", "ms", nullable=True),
    Column("ttft_ms", pl.Float64, "Request to first token.", "ms", nullable=True),
    *_TOKENS,
    Column("cost_reported", MONEY, "Cost the source claims; ours is apart.", "usd", nullable=True),
    Column("format_requested", pl.String, "text, json_object or json_schema.", nullable=True),
    Column("context_count", pl.Int32, "Retrieved contexts logged with the call."),
    Column("question_chars", pl.Int64, "Length of the last user message.", "chars", nullable=True),
    Column("answer_chars", pl.Int64, "Length of the answer.", "chars", nullable=True),
    Column("redactions", pl.Int32, "Secrets and personal data taken out of its texts."),
    Column(
        "content_digest",
        pl.String,
        "SHA-256 of the redacted texts, 32 hex digits; null without texts.",
        nullable=True,
    ),
    *_PROVENANCE,
)

LLM_CALLS = Table(
    name="llm_calls",
    row="One model call that started on the day, duplicates removed.",
    key=("call_id",),
    columns=_CALL_COLUMNS,
)

LANDED_CALLS = Table(
    name="landed_calls",
    row="One logged line that is a model call, duplicates included, as a landing batch read it.",
    key=("call_id", "source_file", "source_line", "batch"),
    columns=(*_CALL_COLUMNS, _BATCH),
)

CALL_TEXTS = Table(
    name="call_texts",
    row="The redacted texts of one landed call; its `record_digest` says of which line.",
    key=("call_id", "source_file", "source_line", "batch"),
    columns=(
        _BATCH,
        Column("call_id", pl.String, "The call."),
        Column("record_digest", pl.String, "The line it was read from."),
        Column("source_file", pl.String, "File, relative to the log root."),
        Column("source_line", pl.Int64, "Line in that file, from 1."),
        Column("content_digest", pl.String, "SHA-256 of these texts, 32 hex digits."),
        Column("messages", pl.List(MESSAGE), "What the model was sent, oldest first."),
        Column("question", pl.String, "The last user message.", nullable=True),
        Column("answer", pl.String, "What the model replied.", nullable=True),
        Column("contexts", pl.List(CONTEXT), "Retrieved passages, best first."),
        Column("response_schema", pl.String, "JSON schema asked for, as JSON.", nullable=True),
    ),
)

TRACE_STEPS = Table(
    name="trace_steps",
    row="One step of a trace that is not a model call: retriever, tool, guardrail, parser, ...",
    key=("step_id",),
    columns=(
        Column("step_id", pl.String, "One step."),
        Column("trace_id", pl.String, "The request it belongs to."),
        Column("parent_id", pl.String, "Call or step that made it.", nullable=True),
        Column("kind", pl.String, "retriever, reranker, tool, guardrail, parser, chain or agent."),
        Column("name", pl.String, "What the application calls it.", nullable=True),
        Column("started_at", INSTANT, "When it began, UTC."),
        Column("latency_ms", pl.Float64, "How long it took.", "ms", nullable=True),
        Column("status", pl.String, "`ok` or `error`."),
        Column("feature", pl.String, "Feature of its trace, else `unattributed`."),
        Column("document_count", pl.Int32, "Documents returned.", nullable=True),
        *_PROVENANCE,
    ),
)
LANDED_STEPS = Table(
    "landed_steps",
    "One logged line that is a step, duplicates included.",
    ("step_id", "source_file", "source_line", "batch"),
    (*TRACE_STEPS.columns, _BATCH),
)

TRACES = Table(
    name="traces",
    row="One request of a user to the application; it holds one or more calls.",
    key=("trace_id",),
    columns=(
        Column("trace_id", pl.String, "One request."),
        Column("root_call_id", pl.String, "The root's final call: the answer a user saw."),
        Column("started_at", INSTANT, "When its first call began, UTC."),
        Column("feature", pl.String, "Feature of the root."),
        Column("team", pl.String, "Owner.", nullable=True),
        Column("prompt_name", pl.String, "Prompt of the root call.", nullable=True),
        Column("prompt_version", pl.String, "Its version.", nullable=True),
        Column("model", pl.String, "Model of the root call.", nullable=True),
        Column("user_hash", pl.String, "Keyed hash of the user.", nullable=True),
        Column("session_id", pl.String, "Conversation.", nullable=True),
        Column("call_count", pl.Int32, "Model calls, failed and repeated ones included."),
        Column("step_count", pl.Int32, "Other steps."),
        Column("status", pl.String, "`ok` when the root call succeeded, else `error`."),
        Column("has_text", pl.Boolean, "Whether the root call's texts were kept."),
    ),
)

FEEDBACK = Table(
    name="feedback",
    row="One judgement by a user of the application.",
    key=("feedback_id",),
    columns=(
        Column("feedback_id", pl.String, "One judgement."),
        Column("call_id", pl.String, "The call it speaks of.", nullable=True),
        Column("trace_id", pl.String, "The trace it speaks of.", nullable=True),
        Column("given_at", INSTANT, "When it was given, UTC."),
        Column("rating", pl.Float64, "1 (bad) to 5 (good).", "stars", nullable=True),
        Column("comment", pl.String, "Redacted remark.", nullable=True),
        *_PROVENANCE,
    ),
)
LANDED_FEEDBACK = Table(
    "landed_feedback",
    "One logged line that is feedback, duplicates included.",
    ("feedback_id", "source_file", "source_line", "batch"),
    (*FEEDBACK.columns, _BATCH),
)

REJECTED_LINES = Table(
    name="rejected_lines",
    row="One line that could not become a row. It is counted, never lost.",
    key=("source_file", "source_line"),
    columns=(
        Column("source_file", pl.String, "File, relative to the log root."),
        Column("source_line", pl.Int64, "Line in that file, from 1; 0 for the file as a whole."),
        Column("feature", pl.String, "Its feature where that could be read, else `unattributed`."),
        Column("reason", pl.String, "What is wrong, with field and value, and what to do."),
        Column("record_digest", pl.String, "SHA-256 of the raw line, first 32 hex digits."),
        Column("size", pl.Int64, "Length of the line.", "bytes"),
        Column("lines", pl.Int64, "1, or all lines of a file no format can read.", "lines"),
    ),
)
LANDED_REJECTIONS = Table(
    "landed_rejections",
    REJECTED_LINES.row,
    (*REJECTED_LINES.key, "batch"),
    (*REJECTED_LINES.columns, _BATCH),
)

LOG_INDEX = Table(
    name="log_index",
    row="One log file as it was landed; a file that changed is landed anew under a new digest.",
    key=("source_file", "digest"),
    partitioned=False,
    volatile=("landed_at",),
    columns=(
        Column("source_file", pl.String, "File, relative to the log root."),
        Column("digest", pl.String, "SHA-256 of the file's bytes, first 32 hex digits."),
        Column("size", pl.Int64, "Size on disk.", "bytes"),
        Column("modified_ns", pl.Int64, "Modification time, ns since 1970."),
        Column("batch", pl.String, "Landing batch that holds its rows."),
        Column("source_format", pl.String, "Format it was read as.", nullable=True),
        Column("lines", pl.Int64, "Lines read.", "lines"),
        Column("calls", pl.Int64, "Lines that are calls.", "lines"),
        Column("steps", pl.Int64, "Lines that are steps.", "lines"),
        Column("feedback", pl.Int64, "Lines that are feedback.", "lines"),
        Column("rejected", pl.Int64, "Lines that could not be read.", "lines"),
        Column("ignored", pl.Int64, "Blank lines and records a format declares irrelevant."),
        Column("days", pl.List(pl.Date), "Event days its rows fall on."),
        Column("landed_at", INSTANT, "When it was landed, UTC."),
        Column("superseded", pl.Boolean, "A later version of the same file replaced its rows."),
    ),
)

LANDED_DAYS = Table(
    name="landed_days",
    row="One log file that holds rows of the day: what the day's tables are made from.",
    key=("source_file",),
    columns=(
        Column("source_file", pl.String, "File, relative to the log root."),
        Column("digest", pl.String, "SHA-256 of the file's bytes, first 32 hex digits."),
        Column("batch", pl.String, "Landing batch that holds its rows."),
    ),
)
