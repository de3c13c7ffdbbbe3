"""Assertions of a ``promptfooconfig.yaml``, evaluated here: read as data, never run as code."""

from llmops_pipelines.judging.promptfoo.graded import Kind
from llmops_pipelines.judging.promptfoo.grading import FEATURE, Found, Result, Rule, grade
from llmops_pipelines.judging.promptfoo.outputs import Output, paired, read_outputs
from llmops_pipelines.judging.promptfoo.reading import Read, read_suite
from llmops_pipelines.judging.promptfoo.suite import (
    Assertion,
    AssertionSet,
    ConfigError,
    Finding,
    Suite,
    Test,
)

__all__ = [
    "FEATURE",
    "Assertion",
    "AssertionSet",
    "ConfigError",
    "Finding",
    "Found",
    "Kind",
    "Output",
    "Read",
    "Result",
    "Rule",
    "Suite",
    "Test",
    "grade",
    "paired",
    "read_outputs",
    "read_suite",
]
