"""Files that people edit: parsing with errors that name file, line, field and accepted values."""

from llmops_pipelines.reference.documents import ReferenceFileError, parse_document
from llmops_pipelines.reference.features import UNATTRIBUTED, AttributionRule, Feature, Features
from llmops_pipelines.reference.privacy import IdPattern, PrivacyRules

__all__ = [
    "UNATTRIBUTED",
    "AttributionRule",
    "Feature",
    "Features",
    "IdPattern",
    "PrivacyRules",
    "ReferenceFileError",
    "parse_document",
]
