"""The region that a call's model was addressed in, where the address says so."""

from __future__ import annotations

import re
from typing import Final

from llmops_pipelines.pricing.book.rows import ANY

_ADDRESSES: Final = (
    re.compile(r"(?:^|/)(us|us-gov|eu|apac|jp|au|ca|global)\.[a-z]"),  # Bedrock's profiles
    re.compile(r"^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):"),
    re.compile(r"(?:^|/)locations/([a-z0-9-]+)/"),  # Vertex AI
)


def region_of(model: str | None) -> str:
    """The region in a logged name, as its host spells it; ``*`` where the name has none.

    ``eu.anthropic.claude-sonnet-4-5`` was asked of ``eu``, and
    ``projects/p/locations/europe-west1/publishers/...`` of ``europe-west1``.
    """
    name = (model or "").strip().lower()
    found = (address.search(name) for address in _ADDRESSES)
    return next((match[1] for match in found if match), ANY)
