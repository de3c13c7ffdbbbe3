"""Files that people edit: parsing with errors that name file, line, field and accepted values."""

from llmops_pipelines.reference.documents import (
    ReferenceFileError,
    document_text,
    parse_document,
)
from llmops_pipelines.reference.features import (
    NIGHTLY_RAGAS,
    UNATTRIBUTED,
    AttributionRule,
    Feature,
    Features,
    RagasMetric,
)
from llmops_pipelines.reference.privacy import IdPattern, PrivacyRules
from llmops_pipelines.reference.spelling import Mention, names_like, unknown_mentions

__all__ = [
    "NIGHTLY_RAGAS",
    "UNATTRIBUTED",
    "AttributionRule",
    "Feature",
    "Features",
    "IdPattern",
    "Mention",
    "PrivacyRules",
    "RagasMetric",
    "ReferenceFileError",
    "document_text",
    "names_like",
    "parse_document",
    "unknown_mentions",
]
