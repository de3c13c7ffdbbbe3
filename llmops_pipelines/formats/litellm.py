"""Format ``litellm``: LiteLLM StandardLoggingPayload and SpendLogs rows."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

LITELLM: Final = LogFormat(
    name="litellm",
    about="LiteLLM StandardLoggingPayload and SpendLogs rows",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)
