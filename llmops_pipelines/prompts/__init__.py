"""The prompt registry: versions, active label, rollback."""

from llmops_pipelines.prompts.file import Activation, PromptFile, PromptVersion, previous_active
from llmops_pipelines.prompts.registry import UnknownVersionError, activate, render

__all__ = [
    "Activation",
    "PromptFile",
    "PromptVersion",
    "UnknownVersionError",
    "activate",
    "previous_active",
    "render",
]
