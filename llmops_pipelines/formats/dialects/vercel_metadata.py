"""What spans of Vercel's AI SDK carry beside their own attributes, in both of its dialects."""

from __future__ import annotations

from typing import Any, Final

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_name, as_object, first, tokens

CONTEXT: Final = "ai.settings.context"
"""What the application said of a call, since version 7."""

REASONING: Final = "ai.usage.outputTokenDetails.reasoningTokens"


_MADE_UP: Final = ("aitxt-", "aiobj-")
"""How ids begin that the SDK gives to answers without one, such as Gemini's."""


def providers_id(value: Any) -> str | None:
    """The id of an answer, if its provider gave it: another log of the call knows no other."""
    name = as_name(value)
    return None if name is None or name.startswith(_MADE_UP) else name


def provider_metadata(says: Record) -> list[Record]:
    """What each provider, or gateway, said beside its answer."""
    return [
        as_object(said) for said in as_object(says.get("ai.response.providerMetadata")).values()
    ]


def charged(says: Record) -> Any:
    """USD that Vercel's gateway or OpenRouter charged; 0 was paid with a key of one's own."""
    for said in provider_metadata(says):
        cost = tokens(first(said.get("cost"), as_object(said.get("usage")).get("cost")))
        try:
            if float(cost) != 0:
                return cost
        except (TypeError, ValueError):
            continue
    return None


def providers_usage(says: Record) -> Record:
    """The provider's own usage object; of Bedrock only its counts of cached tokens."""
    said = provider_metadata(says)
    return as_object(first(*(one.get(name) for one in said for name in ("usage", "usageMetadata"))))
