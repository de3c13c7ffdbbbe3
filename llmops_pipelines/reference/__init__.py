"""Files that people edit: parsing with errors that name file, line, field and accepted values."""

from llmops_pipelines.reference.documents import ReferenceFileError, parse_document

__all__ = ["ReferenceFileError", "parse_document"]
