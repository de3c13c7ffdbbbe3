"""Files that people edit: parsing with errors that name file, line, field and accepted values."""

from llmops_pipelines.reference.documents import ReferenceFileError, parse_document
from llmops_pipelines.reference.features import UNATTRIBUTED, AttributionRule, Feature, Features

__all__ = [
    "UNATTRIBUTED",
    "AttributionRule",
    "Feature",
    "Features",
    "ReferenceFileError",
    "parse_document",
]
