"""Format ``openai_responses``: OpenAI Responses API objects."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

OPENAI_RESPONSES: Final = LogFormat(
    name="openai_responses",
    about="OpenAI Responses API objects",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)
