"""A provider's usage object to the canonical token fields, recognised by its keys.

The one place that knows how providers count. Two conventions are about: OpenAI and most others
count a prompt with its cached tokens, Anthropic and Bedrock count them apart. Tokens of a kind that
has no bucket (images that a model draws, cached audio, another model's tokens in the same object)
make their side unknown: a count that is missing is seen, one that is priced wrongly is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.records import as_list, at_path, first, without_nulls
from llmops_pipelines.formats.usage.counts import (
    adds_up,
    any_in,
    cache_writes,
    count_in,
    same_count,
    together,
)
from llmops_pipelines.formats.usage.usage_sdks import AI_SDK_KEYS, ai_sdk

_CACHES: Final = ("cache_read", "cache_write_5m", "cache_write_1h")
_INPUT: Final = ("input_tokens", "uncached_input", *_CACHES, "audio_input", "total_tokens")
_OUTPUT: Final = ("output_tokens", "reasoning", "audio_output", "total_tokens")
_CACHED: Final = (
    "cached_tokens", "prompt_cache_hit_tokens", "cached_prompt_text_tokens",
    "cache_read_input_tokens", "cache_read_tokens",
)  # fmt: skip
_CREATED: Final = ("cache_write_tokens", "cache_creation_tokens", "cache_creation")
_LIFETIMES: Final = (
    ("ephemeral_5m_input_tokens",),
    ("ephemeral_1h_input_tokens", "ephemeral_1hr_input_tokens"),  # as LangSmith's wrapper spells it
)
_ANTHROPIC: Final = frozenset({"cache_creation_input_tokens", "cache_read_input_tokens"})
_CACHE_NAMES: Final = {
    *_CACHED, *_CREATED, *_ANTHROPIC, "prompt_cache_miss_tokens", "cachedContentTokenCount",
    "cached_content_token_count", "cacheReadInputTokens", "cacheReadInputTokenCount",
    "cacheWriteInputTokens", "cacheWriteInputTokenCount", "cacheReadTokens", "cacheWriteTokens",
    "cachedInputTokens",
    "num_cached_tokens",  # Mistral's engine found them computed; they are billed like all others
}  # fmt: skip
"""Counts of cached tokens that a reader below looks at, or that say nothing more."""

OLLAMA: Final = ("prompt_eval_count", "eval_count")
"""Counts that an answer of Ollama's has beside its text."""

_PERPLEXITY: Final = ("citation_tokens", "num_search_queries", "search_context_size")
WEB_SEARCH_PATHS: Final = (
    ("server_tool_use", "web_search_requests"),
    ("server_tool_use_details", "web_search_requests"),
    ("num_search_queries",),
    ("server_side_tool_usage_details", "web_search_calls"),
    ("tool_calls_details", "search_web", "invocation"),
)
"""Where usage objects count searches of the web."""

_TIERS: Final = ("priority", "flex")
_SEEN: Final = ("IMAGE", "VIDEO")
_DRAWN: Final = (*_SEEN, "DOCUMENT")


class Usage(NamedTuple):
    """What a usage object says.

    ``family`` is the convention it is spelled in, None if it is none of those known; ``fields``
    are keys of ``FIELDS``; ``refused`` says why a side that was counted is left out of them.
    """

    family: str | None
    fields: Record
    refused: str | None = None


def usage_of(usage: Any) -> Usage:
    """Read a usage object: of OpenAI, Anthropic, Gemini, Bedrock, Cohere, Ollama, or their kin.

    Counts that are no counts are handed on as they are, so that the call is rejected by name.
    """
    if not isinstance(usage, dict) or not usage:
        return Usage(None, {})
    for family, keys, read in _FAMILIES:
        if any(key in usage for key in keys):
            fields, reasons = read(usage)
            reasons += _overlooked(usage)
            for _, side in reasons:
                fields = {name: value for name, value in fields.items() if name not in side}
            why = "; ".join(dict.fromkeys(why for why, _ in reasons)) or None
            beside = {"web_searches": searches_of(usage)}
            return Usage(family, without_nulls(fields | _cost(usage) | beside), why)
    return Usage(None, {}, f"usage: has none of the token counts known ({_keys(usage)})")


def _overlooked(usage: Mapping[str, Any]) -> _Refused:
    """Cached tokens under a name that nobody knows: they may be in the prompt or beside it."""
    return [
        (f"usage.{name[:40]}: is a count of cached tokens that is not known", _INPUT)
        for name, value in usage.items()
        if name not in _CACHE_NAMES
        and any_in(value)
        and "token" in name.lower().partition("cache")[2]
    ]


def tokens_of(usage: Any) -> Record:
    """What a usage object says of tokens and searches; empty where it is none."""
    return {name: said for name, said in usage_of(usage).fields.items() if name != "cost_reported"}


_Refused = list[tuple[str, tuple[str, ...]]]
_Read = tuple[Record, _Refused]


def _chat(usage: Mapping[str, Any]) -> _Read:
    """Chat completions and whoever speaks like them; embeddings have no completion."""
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    total = usage.get("total_tokens")
    details, made = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    reasoning = together(at_path(made, "reasoning_tokens") or usage.get("reasoning_tokens"))
    searches = any(key in usage for key in _PERPLEXITY)
    flat = "reasoning_tokens" in usage and total is None and details is None
    # xAI and Perplexity count the reasoning beside the completion, all others within it.
    if reasoning and (searches or flat or adds_up(total, prompt, completion, reasoning)):
        completion = together(completion, reasoning)
    fields, refused = _inclusive(usage, prompt, completion, details, made)
    fields |= {"reasoning": reasoning, "total_tokens": None if searches else total}
    # Gateways to Anthropic include its cached tokens, unless the numbers cannot be read so.
    cached = [fields[name] for name in _CACHES]
    more = (count_in(together(*cached)) or 0) > (count_in(prompt) or 0)
    if _ANTHROPIC & usage.keys() and (more or adds_up(total, prompt, completion, *cached)):
        fields["uncached_input"] = fields.pop("input_tokens")
        if not adds_up(total, prompt, completion, *cached):
            fields["total_tokens"] = None
    if any_in(usage.get("citation_tokens")):
        refused.append(("usage.citation_tokens: have no bucket", _OUTPUT))
    return fields, refused


def _responses(usage: Mapping[str, Any]) -> _Read:
    """The Responses API, Realtime and transcriptions (singular ``token``), LangChain's metadata."""
    details, tier = _untiered(usage.get("input_tokens_details", usage.get("input_token_details")))
    made, _ = _untiered(usage.get("output_tokens_details", usage.get("output_token_details")))
    prompt, total = usage.get("input_tokens"), usage.get("total_tokens")
    fields, refused = _inclusive(usage, prompt, usage.get("output_tokens"), details, made)
    cached = together(*(fields[name] for name in _CACHES))
    # Early LangChain counted the prompt as Anthropic does, without what its details say of caches.
    if "input_token_details" in usage and (count_in(cached) or 0) > (count_in(prompt) or 0):
        fields["uncached_input"], total = fields.pop("input_tokens"), None
    drawing = at_path(usage, "input_tokens_details", "image_tokens") is not None and made is None
    if any_in(at_path(details, "image_tokens")):
        refused.append(("usage.input_tokens_details.image_tokens: have no bucket", _INPUT))
    if drawing:
        refused.append(("usage.output_tokens: of a drawing have no bucket", _OUTPUT))
    return fields | {"total_tokens": total, "service_tier": tier}, refused


def _untiered(details: Any) -> tuple[Any, str | None]:
    """Details without the tier that LangChain puts before their names, and that tier."""
    for tier in _TIERS:
        if isinstance(details, dict) and any(str(name).startswith(tier) for name in details):
            plain = {str(name).removeprefix(f"{tier}_"): part for name, part in details.items()}
            return plain, tier
    return details, None


def _inclusive(usage: Mapping[str, Any], prompt: Any, answer: Any, of: Any, made: Any) -> _Read:
    """Counts of which ``of`` (the prompt) and ``made`` (the answer) are the parts."""
    cached = same_count(
        *(at_path(of, key) for key in (*_CACHED, "cache_read")),
        *(usage.get(key) for key in _CACHED),
    )
    created = same_count(
        *(at_path(of, key) for key in _CREATED),
        usage.get("cache_creation_input_tokens"),
        usage.get("cache_write_tokens"),
    )
    holders = (of, at_path(of, "cache_creation_token_details"), usage.get("cache_creation"))
    five, hour = cache_writes(
        created,
        *(same_count(*(at_path(at, key) for at in holders for key in keys)) for keys in _LIFETIMES),
    )
    audio = together(at_path(of, "audio_tokens"), at_path(of, "audio"))
    refused: _Refused = []
    cached_audio = at_path(of, "cached_tokens_details", "audio_tokens")
    if any_in(audio) and any_in(cached) and cached_audio != 0:
        refused.append(("usage: does not say apart which audio was cached", _INPUT))
    if any_in(at_path(made, "image_tokens")):
        refused.append(("usage: tokens of a drawn image have no bucket", _OUTPUT))
    fields = {
        "input_tokens": prompt,
        "cache_read": cached,
        "cache_write_5m": five,
        "cache_write_1h": hour,
        "audio_input": audio,
        "output_tokens": answer,
        "reasoning": together(at_path(made, "reasoning_tokens"), at_path(made, "reasoning")),
        "audio_output": together(at_path(made, "audio_tokens"), at_path(made, "audio")),
    }
    return fields, refused


def _anthropic(usage: Mapping[str, Any]) -> _Read:
    """Messages, on whichever cloud: ``input_tokens`` are those after the last cache breakpoint."""
    five, hour = cache_writes(
        usage.get("cache_creation_input_tokens"),
        at_path(usage, "cache_creation", "ephemeral_5m_input_tokens"),
        at_path(usage, "cache_creation", "ephemeral_1h_input_tokens"),
    )
    fields = {
        "uncached_input": usage.get("input_tokens"),
        "cache_read": usage.get("cache_read_input_tokens"),
        "cache_write_5m": five,
        "cache_write_1h": hour,
        "output_tokens": usage.get("output_tokens"),
        "reasoning": at_path(usage, "output_tokens_details", "thinking_tokens"),
    }
    beside = [
        str(turn.get("type"))[:40]
        for turn in as_list(usage.get("iterations"))
        if isinstance(turn, dict)
        and turn.get("type") != "message"
        and any(any_in(turn.get(key)) for key in ("input_tokens", "output_tokens"))
    ]
    # Compactions and advisors are billed on top of the totals, the latter at another model's price.
    why = "usage.iterations: were billed beside what the totals count"
    return fields, [(f"{why} ({beside[0]})", _INPUT + _OUTPUT)] if beside else []


def _gemini(usage: Mapping[str, Any]) -> _Read:
    """Gemini and Vertex: thoughts and prompts of tools are counted beside the other two."""
    usage = {_camel(key): value for key, value in usage.items()}
    prompted, made = usage.get("promptTokensDetails"), usage.get("candidatesTokensDetails")
    embedded, read = usage.get("promptTokenDetails"), usage.get("cacheTokensDetails")
    answers = (usage.get("candidatesTokenCount"), usage.get("responseTokenCount"))
    cached = usage.get("cachedContentTokenCount")
    audio = together(
        _modality(prompted, "AUDIO"), _modality(usage.get("toolUsePromptTokensDetails"), "AUDIO")
    )
    fields = {
        "input_tokens": together(
            usage.get("promptTokenCount"), usage.get("toolUsePromptTokenCount")
        ),
        "cache_read": cached,
        "audio_input": audio,
        "output_tokens": together(*answers, usage.get("thoughtsTokenCount")),
        "reasoning": usage.get("thoughtsTokenCount"),
        "audio_output": together(
            _modality(made, "AUDIO"), _modality(usage.get("responseTokensDetails"), "AUDIO")
        ),
        "total_tokens": usage.get("totalTokenCount"),
    }
    refused: _Refused = []
    if any_in(audio) and any_in(cached) and not as_list(read):
        refused.append(("usageMetadata: does not say apart which audio was cached", _INPUT))
    if any_in(_modality(read, "AUDIO")):
        refused.append(("usageMetadata: cached audio has no bucket", _INPUT))
    if any(any_in(_modality(embedded, kind)) for kind in (*_DRAWN, "AUDIO")):
        refused.append(("usageMetadata: only text of an embedding has a bucket", _INPUT))
    live = usage.get("responseTokenCount") is not None
    if live and any(any_in(_modality(prompted, kind)) for kind in _SEEN):
        refused.append(("usageMetadata: pictures shown in a Live session have no bucket", _INPUT))
    if any(any_in(_modality(made, kind)) for kind in _DRAWN):
        refused.append(("usageMetadata: tokens of drawn images have no bucket", _OUTPUT))
    return fields, refused


def _bedrock(usage: Mapping[str, Any]) -> _Read:
    """Converse, invocation metrics and Cursor: ``inputTokens`` leaves out the cached ones."""

    def of(name: str) -> Any:
        return usage.get(name, usage.get(f"{name[:-1]}Count"))

    given, made = of("inputTokens"), of("outputTokens")
    cached = first(of("cacheReadInputTokens"), usage.get("cacheReadTokens"))
    created = first(of("cacheWriteInputTokens"), usage.get("cacheWriteTokens"))
    kept = [item for item in as_list(usage.get("cacheDetails")) if isinstance(item, Mapping)]
    times = {
        ttl: together(*(item.get("inputTokens") for item in kept if item.get("ttl") == ttl))
        for ttl in ("5m", "1h")
    }
    five, hour = cache_writes(created, times["5m"], times["1h"])
    total = of("totalTokens")
    fields = {
        "uncached_input": given,
        "cache_read": cached,
        "cache_write_5m": five,
        "cache_write_1h": hour,
        "output_tokens": made,
        # Early responses left the cached tokens out of the total as well.
        "total_tokens": None if adds_up(total, given, made) else total,
    }
    return fields, []


def _cohere(usage: Mapping[str, Any]) -> _Read:
    """What was billed; the other counts include the vendor's own template."""
    billed, counted = usage.get("billed_units"), usage.get("tokens")
    told = next(
        (
            units
            for units in (billed, counted)
            if any(any_in(at_path(units, side)) for side in ("input_tokens", "output_tokens"))
        ),
        None,
    )
    fields = {
        "input_tokens": at_path(told, "input_tokens"),
        "output_tokens": at_path(told, "output_tokens"),
    }
    if told is counted:
        fields["cache_read"] = usage.get("cached_tokens")
    if any_in(at_path(billed, "image_tokens")):
        return fields, [("meta.billed_units.image_tokens: have no bucket", _INPUT)]
    if told is None:
        return {}, [(f"meta: is not billed by tokens ({_keys(billed)})", ())]
    if fields["output_tokens"] is None:  # embeddings
        fields["total_tokens"] = fields["input_tokens"]
    return fields, []


def _ollama(usage: Mapping[str, Any]) -> _Read:
    """What Ollama evaluated; a prompt that it remembered whole it leaves out."""
    prompt, answer = (usage.get(name) for name in OLLAMA)
    return {"input_tokens": prompt, "output_tokens": answer}, []


_FAMILIES: Final[tuple[tuple[str, tuple[str, ...], Callable[[Mapping[str, Any]], _Read]], ...]] = (
    ("openai_chat", ("prompt_tokens", "completion_tokens"), _chat),
    (
        "anthropic",
        (
            "cache_creation_input_tokens",
            "cache_read_input_tokens",
            "cache_creation",
            "server_tool_use",
        ),
        _anthropic,
    ),
    (
        "openai_responses",
        (
            "input_tokens_details", "output_tokens_details", "input_token_details",
            "output_token_details",
            # Pydantic AI and genai-prices: parts of the input, in OpenAI's convention.
            "cache_read_tokens", "cache_write_tokens",
        ),
        _responses,
    ),
    ("ai_sdk", AI_SDK_KEYS, lambda usage: (ai_sdk(usage), [])),
    (
        "gemini",
        (
            "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "prompt_token_count",
            "candidates_token_count", "total_token_count", "thoughtsTokenCount",
            "cachedContentTokenCount", "toolUsePromptTokenCount",
        ),
        _gemini,
    ),
    (
        "bedrock",
        ("inputTokens", "outputTokens", "inputTokenCount", "outputTokenCount"),
        _bedrock,
    ),
    ("cohere", ("billed_units", "tokens"), _cohere),
    ("ollama", OLLAMA, _ollama),
    # Without a word on caches, both conventions mean the same.
    ("openai_responses", ("total_tokens",), _responses),
    ("anthropic", ("input_tokens", "output_tokens"), _anthropic),
)  # fmt: skip
"""Name, keys that tell, and reader; the first that matches."""


def _modality(details: Any, kind: str) -> Any:
    """Tokens of one kind in Gemini's list of modalities, whose names may be objects' or plain."""
    found = [
        item.get("tokenCount", item.get("token_count"))
        for item in as_list(details)
        if isinstance(item, dict) and str(item.get("modality")).upper().endswith(kind)
    ]
    return together(*found)


def _camel(key: str) -> str:
    head, *rest = str(key).split("_")
    return head + "".join(word.title() for word in rest)


def _cost(usage: Mapping[str, Any]) -> Record:
    """OpenRouter and Perplexity say what they charge; with one's own key that is only their fee."""
    cost = usage.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    charged = isinstance(cost, (int, float)) and not isinstance(cost, bool)
    return {"cost_reported": cost} if charged and usage.get("is_byok") is not True else {}


def searches_of(usage: Mapping[str, Any]) -> Any:
    """Searches of the web that a usage counts: Anthropic's, OpenRouter's, Perplexity's, xAI's."""
    return first(*(at_path(usage, *path) for path in WEB_SEARCH_PATHS))


def _keys(units: Any) -> str:
    """Names that an object has, as far as they are names."""
    names = [key for key in units if key.isidentifier()] if isinstance(units, dict) else []
    return ", ".join(names[:5])[:120] or "nothing"
