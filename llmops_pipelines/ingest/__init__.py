"""Landing: log files to redacted rows and texts per event day; a day to de-duplicated calls."""

from llmops_pipelines.ingest.day.asked import NO_CALL, unclaimed
from llmops_pipelines.ingest.day.day_pieces import PORTION, Dealing, dealt
from llmops_pipelines.ingest.day.evening import (
    LARGEST,
    Evening,
    evening_of,
    told_of_evening,
)
from llmops_pipelines.ingest.day.late_feedback import GIVEN, given_near, late_feedback
from llmops_pipelines.ingest.day.midnight import COLUMNS as EDGE
from llmops_pipelines.ingest.day.midnight import NEAR, Elsewhere, told_twice
from llmops_pipelines.ingest.day.rhythm import gaps
from llmops_pipelines.ingest.day.traces import traces
from llmops_pipelines.ingest.day.unique_rows import (
    CALL_PLACE,
    feedback,
    llm_calls,
    rejected_lines,
    texts_of,
    trace_steps,
    unaccounted_rows,
)
from llmops_pipelines.ingest.landing.group import LandedBatch
from llmops_pipelines.ingest.landing.landing import land
from llmops_pipelines.ingest.landing.log_index import (
    changed_files,
    current_files,
    current_rows,
    folded_index,
    unaccounted_files,
    updated_index,
)
from llmops_pipelines.ingest.landing.shaping import hidden
from llmops_pipelines.ingest.landing.tabling import LANDED_TABLES
from llmops_pipelines.ingest.log_files.files import LogFile
from llmops_pipelines.ingest.options import LandingOptions, key_id
from llmops_pipelines.ingest.privacy.contents import found_again
from llmops_pipelines.ingest.privacy.forgetting import (
    Subjects,
    respelled,
    session_digest,
    subjects_of,
    tombstones_of,
    traces_in,
    traces_of,
    without_comments,
    without_forgotten,
    without_labels,
)
from llmops_pipelines.ingest.privacy.labels import spellings
from llmops_pipelines.ingest.privacy.redaction import FindNames, Redaction, redact, redact_texts
from llmops_pipelines.ingest.pulls import Pull
from llmops_pipelines.ingest.sources import Source, Sources

__all__ = [
    "CALL_PLACE",
    "EDGE",
    "GIVEN",
    "LANDED_TABLES",
    "LARGEST",
    "NEAR",
    "NO_CALL",
    "PORTION",
    "Dealing",
    "Elsewhere",
    "Evening",
    "FindNames",
    "LandedBatch",
    "LandingOptions",
    "LogFile",
    "Pull",
    "Redaction",
    "Source",
    "Sources",
    "Subjects",
    "changed_files",
    "current_files",
    "current_rows",
    "dealt",
    "evening_of",
    "feedback",
    "folded_index",
    "found_again",
    "gaps",
    "given_near",
    "hidden",
    "key_id",
    "land",
    "late_feedback",
    "llm_calls",
    "redact",
    "redact_texts",
    "rejected_lines",
    "respelled",
    "session_digest",
    "spellings",
    "subjects_of",
    "texts_of",
    "told_of_evening",
    "told_twice",
    "tombstones_of",
    "trace_steps",
    "traces",
    "traces_in",
    "traces_of",
    "unaccounted_files",
    "unaccounted_rows",
    "unclaimed",
    "updated_index",
    "without_comments",
    "without_forgotten",
    "without_labels",
]
