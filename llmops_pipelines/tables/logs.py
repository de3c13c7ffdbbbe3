"""What was logged: calls, their texts, steps, traces, feedback, and what could not be read."""

import polars as pl

from llmops_pipelines.tables.table import INSTANT, MONEY, Column, Table

MESSAGE = pl.Struct({"role": pl.String, "content": pl.String})
CONTEXT = pl.Struct({"id": pl.String, "content": pl.String, "score": pl.Float64})
TOOL_CALL = pl.Struct({"name": pl.String, "arguments": pl.String})
REDACTION_KINDS = ("secret", "email", "card", "phone", "iban", "ip", "national_id", "name")
"""What can be taken out of a text; the marks left there are these names in capitals."""

REDACTIONS_BY_KIND = Column(
    "redactions_by_kind",
    pl.Struct(dict.fromkeys(REDACTION_KINDS, pl.Int32)),
    "Redactions by kind; null where a release before this column redacted.",
    nullable=True,
)
COPY = pl.Struct(
    {
        "source_format": pl.String,
        "project": pl.String,
        "trace_id": pl.String,
        "call_id": pl.String,
    }
)
SAID_BEFORE = pl.Struct(
    {
        "trace_id": pl.String,
        "parent_id": pl.String,
        "started_at": INSTANT,
        "feature": pl.String,
        "team": pl.String,
        "environment": pl.String,
        "session_id": pl.String,
        "prompt_name": pl.String,
        "prompt_version": pl.String,
        "experiment_arm": pl.String,
        "project": pl.String,
        "user_hash": pl.String,
    }
)
"""What the records of a trace say of it, its root or all others together."""
TRIED_BEFORE = pl.Struct(
    {
        "trace_id": pl.String,
        "request_digest": pl.String,
        "started_at": INSTANT,
        "attempt": pl.Int32,
        "call_id": pl.String,
    }
)
"""The last attempt of a request, which failed, with the call id of the first."""
TEXT_RECORD = pl.Struct({"record_digest": pl.String, "content_digest": pl.String})

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

METERED = (*TOKEN_BUCKETS, "web_searches")
"""What providers count and bill: tokens by bucket, and beside them searches of the web."""

WEB_SEARCHES = Column(
    "web_searches",
    pl.Int64,
    "Searches of the web that the provider made and bills beside the tokens; null where none were"
    " logged.",
    "searches",
    nullable=True,
)

_PROVENANCE = (
    Column("source_format", pl.String, "Log format that read the line."),
    Column("source_file", pl.String, "File, relative to the log root."),
    Column("source_line", pl.Int64, "Line in that file, from 1; a table's row is a line."),
    Column(
        "source_record",
        pl.Int64,
        "Record of that line, from 0: a line of OTLP holds many.",
        default=0,
    ),
    Column(
        "record_digest",
        pl.String,
        "SHA-256 of the raw line (of the record, where a line holds several), 32 hex digits.",
    ),
)

_PLACE = ("source_file", "source_line", "source_record")
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

TOKENS_DOUBTED = Column(
    "tokens_doubted",
    pl.Int64,
    "By how much the total that a tool logged exceeds the tokens of both sides, less than 0 where it"
    " falls short of them; null where it does not contradict them.",
    "tokens",
    nullable=True,
)

_USER_KEY = Column(
    "user_key",
    pl.String,
    "Key that made `user_hash`, by its first 8 hex digits of SHA-256; hashes of two keys differ for"
    " the same user.",
    nullable=True,
)

_CALL_COLUMNS = (
    Column("call_id", pl.String, "One model call, as its source names it, else its digest."),
    Column("trace_id", pl.String, "The request it belongs to; the call's own id if it has none."),
    Column("parent_id", pl.String, "Call or step that made it; null for a root.", nullable=True),
    Column("response_id", pl.String, "Provider's id of the response.", nullable=True),
    Column("project", pl.String, "Project or workspace of the source.", nullable=True),
    Column("name", pl.String, "What the application calls this call.", nullable=True),
    Column("instrumentation", pl.String, "Library that recorded it.", nullable=True),
    Column("started_at", INSTANT, "When the call began, UTC."),
    Column("feature", pl.String, "Product feature that made the call, else `unattributed`."),
    Column("team", pl.String, "Owner, from the record or features.yaml.", nullable=True),
    Column("environment", pl.String, "production, staging, ...", nullable=True),
    Column("tags", pl.List(pl.String), "Tags of the record.", default=()),
    Column("experiment_arm", pl.String, "Arm of the experiment it was part of.", nullable=True),
    Column("user_hash", pl.String, "Keyed hash of the user; never the user.", nullable=True),
    _USER_KEY,
    Column("session_id", pl.String, "Conversation the call is part of.", nullable=True),
    Column("provider", pl.String, "Who served it, as genai-prices spells it.", nullable=True),
    Column("model", pl.String, "Model that served it, else the one asked for.", nullable=True),
    Column("model_requested", pl.String, "Model asked for.", nullable=True),
    Column("service_tier", pl.String, "standard, flex, priority, ...", nullable=True),
    Column("is_batch", pl.Boolean, "Served through a batch endpoint."),
    Column("is_stream", pl.Boolean, "Answer was streamed.", nullable=True),
    Column("prompt_name", pl.String, "Prompt in the registry.", nullable=True),
    Column("prompt_version", pl.String, "Its version.", nullable=True),
    Column(
        "prompt_hash",
        pl.String,
        "SHA-256 of the prompt's template, else of its system text, 16 hex digits.",
        nullable=True,
    ),
    Column(
        "request_digest",
        pl.String,
        "SHA-256 over role and SHA-256 of each message sent, 16 hex digits: attempts share it.",
        nullable=True,
    ),
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
    TOKENS_DOUBTED,
    WEB_SEARCHES,
    Column("cost_reported", MONEY, "Cost the source claims; ours is apart.", "usd", nullable=True),
    Column("format_requested", pl.String, "text, json_object or json_schema.", nullable=True),
    Column("context_count", pl.Int32, "Retrieved contexts logged with the call."),
    Column("tool_call_count", pl.Int32, "Tools that the answer calls.", "calls", default=0),
    Column("question_chars", pl.Int64, "Length of the last user message.", "chars", nullable=True),
    Column("answer_chars", pl.Int64, "Length of the answer.", "chars", nullable=True),
    Column("redactions", pl.Int32, "Secrets and personal data taken out of its texts."),
    REDACTIONS_BY_KIND,
    Column(
        "content_digest",
        pl.String,
        "SHA-256 over those of the redacted texts, 32 hex digits; null without texts.",
        nullable=True,
    ),
    *_PROVENANCE,
)

LLM_CALLS = Table(
    name="llm_calls",
    row="One model call that started on the day, duplicates removed.",
    key=("call_id",),
    columns=(
        *_CALL_COLUMNS,
        Column(
            "retry_of",
            pl.String,
            "First attempt of the same logical request; null for a first attempt.",
            nullable=True,
        ),
        Column(
            "context_steps",
            pl.List(pl.String),
            "Retrieval steps of its trace whose documents are its contexts.",
            default=(),
        ),
        Column(
            "copies",
            pl.List(COPY),
            "Every record of this call, the kept one first: a wrapper or a second system logs"
            " a call again.",
            default=(),
        ),
        Column(
            "text_records",
            pl.List(TEXT_RECORD),
            "Records that hold its texts, messages first, where these were logged apart; null where"
            " the kept record holds them all.",
            nullable=True,
        ),
    ),
    version=4,
)

LANDED_CALLS = Table(
    name="landed_calls",
    row="One logged line that is a model call, duplicates included, as a landing batch read it.",
    key=("call_id", *_PLACE, "batch"),
    columns=(
        *_CALL_COLUMNS,
        _BATCH,
        Column(
            "only_asked",
            pl.Boolean,
            "Says what was asked, not what came of it: no call by itself, unless with status `error`,"
            " where no other record tells of it.",
            default=False,
        ),
    ),
    version=4,
)

CALL_TEXTS = Table(
    name="call_texts",
    row="The redacted texts of one landed call; its `record_digest` says of which line.",
    key=("call_id", *_PLACE, "batch"),
    version=2,
    columns=(
        _BATCH,
        Column("call_id", pl.String, "The call."),
        *_PROVENANCE[1:],
        Column("content_digest", pl.String, "SHA-256 over those of these texts, 32 hex digits."),
        Column("messages", pl.List(MESSAGE), "What the model was sent, oldest first."),
        Column("question", pl.String, "The last user message.", nullable=True),
        Column("answer", pl.String, "What the model replied.", nullable=True),
        Column("contexts", pl.List(CONTEXT), "Retrieved passages, best first."),
        Column(
            "tool_calls",
            pl.List(TOOL_CALL),
            "Tools that the answer calls, with arguments.",
            default=(),
        ),
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
        Column("team", pl.String, "Owner, where the step says so.", nullable=True),
        Column("environment", pl.String, "production, staging, ...", nullable=True),
        Column("user_hash", pl.String, "Keyed hash of the user; never the user.", nullable=True),
        _USER_KEY,
        Column("session_id", pl.String, "Conversation.", nullable=True),
        Column("prompt_name", pl.String, "Prompt in the registry.", nullable=True),
        Column("prompt_version", pl.String, "Its version.", nullable=True),
        Column("experiment_arm", pl.String, "Arm of the experiment.", nullable=True),
        Column("tags", pl.List(pl.String), "Tags of the step.", default=()),
        Column("project", pl.String, "Project or workspace of the source.", nullable=True),
        Column("document_count", pl.Int32, "Documents returned.", nullable=True),
        Column("input_chars", pl.Int64, "Length of what it was given.", "chars", nullable=True),
        Column("output_chars", pl.Int64, "Length of what it returned.", "chars", nullable=True),
        REDACTIONS_BY_KIND,
        *_PROVENANCE,
    ),
    version=2,
)
LANDED_STEPS = Table(
    "landed_steps",
    "One logged record that is a step, duplicates included.",
    ("step_id", *_PLACE, "batch"),
    (*TRACE_STEPS.columns, _BATCH),
    version=2,
)

STEP_TEXTS = Table(
    name="step_texts",
    row="The redacted documents that one landed retriever or reranker returned.",
    key=("step_id", *_PLACE, "batch"),
    columns=(
        _BATCH,
        Column("step_id", pl.String, "The step."),
        *_PROVENANCE[1:],
        Column("contexts", pl.List(CONTEXT), "Retrieved passages, best first."),
    ),
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
    row="One judgement by a user of the application, on the day of the call it speaks of; where that is not"
    " known, on the day it was given.",
    key=("feedback_id",),
    columns=(
        Column("feedback_id", pl.String, "One judgement."),
        Column("call_id", pl.String, "The call it speaks of.", nullable=True),
        Column("trace_id", pl.String, "The trace it speaks of.", nullable=True),
        Column(
            "name",
            pl.String,
            "What was judged, as the source names it: `helpful`, ...; null where it does not.",
            nullable=True,
        ),
        Column("given_at", INSTANT, "When it was given, UTC."),
        Column("rating", pl.Float64, "1 (bad) to 5 (good).", "stars", nullable=True),
        Column("comment", pl.String, "Redacted remark.", nullable=True),
        REDACTIONS_BY_KIND,
        *_PROVENANCE,
    ),
    version=3,
)
LANDED_FEEDBACK = Table(
    "landed_feedback",
    "One logged record that is feedback, duplicates included.",
    ("feedback_id", *_PLACE, "batch"),
    (*FEEDBACK.columns, _BATCH),
    version=3,
)

LATE_FEEDBACK = Table(
    name="late_feedback",
    row="One judgement that was given on another day than that of the call it speaks of; each of the two days"
    " has this row.",
    key=("given_on", "feedback_id", *_PLACE, "batch"),
    columns=(
        Column("given_on", pl.Date, "Day on which it was given: it does not count there."),
        Column("counts_on", pl.Date, "Day of the call it speaks of: it counts there."),
        Column("feedback_id", pl.String, "The judgement."),
        *_PROVENANCE[1:4],
        _BATCH,
    ),
)

REJECTED_LINES = Table(
    name="rejected_lines",
    row="One line that could not become a row. It is counted, never lost.",
    key=_PLACE,
    columns=(
        Column("source_file", pl.String, "File, relative to the log root."),
        Column("source_line", pl.Int64, "Line in that file, from 1; 0 for the file as a whole."),
        Column("source_record", pl.Int64, "Record of that line, from 0.", default=0),
        Column("feature", pl.String, "Its feature where that could be read, else `unattributed`."),
        Column("reason", pl.String, "What is wrong, with field and value, and what to do."),
        Column("record_digest", pl.String, "SHA-256 of the raw line, first 32 hex digits."),
        Column("size", pl.Int64, "Length of the line.", "bytes"),
        Column("lines", pl.Int64, "1, or all lines of a file no format can read.", "lines"),
    ),
    version=2,
)
LANDED_REJECTIONS = Table(
    "landed_rejections",
    REJECTED_LINES.row,
    (*REJECTED_LINES.key, "batch"),
    (*REJECTED_LINES.columns, _BATCH),
    version=2,
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
        Column("lines", pl.Int64, "Lines read; of a table, its rows.", "lines"),
        Column(
            "records",
            pl.Int64,
            "Records on them: one a line, or as many as it holds.",
            nullable=True,
        ),
        Column("calls", pl.Int64, "Records that are calls."),
        Column("steps", pl.Int64, "Records that are steps."),
        Column("feedback", pl.Int64, "Records that are feedback."),
        Column("rejected", pl.Int64, "Records that could not be read."),
        Column(
            "ignored",
            pl.Int64,
            "Blank lines, records a format declares irrelevant, and messages logged apart from their"
            " call.",
        ),
        Column("days", pl.List(pl.Date), "Event days its rows fall on."),
        Column("landed_at", INSTANT, "When it was landed, UTC."),
        Column("superseded", pl.Boolean, "A later version of the same file replaced its rows."),
    ),
    version=2,
)

LANDED_DAYS = Table(
    name="landed_days",
    row="One log file that holds rows of the day: what the day's tables are made from.",
    key=("source_file",),
    version=3,
    columns=(
        Column("source_file", pl.String, "File, relative to the log root."),
        Column("digest", pl.String, "SHA-256 of the file's bytes, first 32 hex digits."),
        Column("batch", pl.String, "Landing batch that holds its rows."),
        Column(
            "elsewhere",
            pl.List(pl.String),
            "Calls of it that the day before or after holds too, across midnight, and counts.",
            default=(),
        ),
        Column(
            "said_before",
            pl.List(SAID_BEFORE),
            "What the day before says of traces that go on in this file after midnight.",
            default=(),
        ),
        Column(
            "tried_before",
            pl.List(TRIED_BEFORE),
            "Requests of these traces whose last attempt failed on the day before.",
            default=(),
        ),
    ),
)
