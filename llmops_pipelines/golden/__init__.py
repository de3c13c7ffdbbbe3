"""The golden dataset: candidates, near-duplicates, versions."""

from llmops_pipelines.golden.candidates import candidates
from llmops_pipelines.golden.content import case_id, to_jsonl, version_of
from llmops_pipelines.golden.release import Embed, GoldenRelease, release

__all__ = [
    "Embed",
    "GoldenRelease",
    "candidates",
    "case_id",
    "release",
    "to_jsonl",
    "version_of",
]
