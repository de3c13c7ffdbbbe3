"""Which catalogue price pays for which token bucket, and where one is missing, which stands in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from llmops_pipelines.tables import METERED

REQUEST = "request"
"""Bucket of a price per call."""

WEB_SEARCHES = "web_searches"
"""Bucket of a price per search of the web, which some answers need and all tiers pay in full."""

PER_THOUSAND = (REQUEST, WEB_SEARCHES)
"""Buckets quoted per 1,000; every other one is quoted per million."""

PRICED = (*METERED, REQUEST)
"""Every bucket that may have a price."""

CATALOGUE_KEYS: Mapping[str, tuple[str, ...]] = {
    "uncached_input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "output_text": ("output_mtok",),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
    "audio_input": ("input_audio_mtok", "input_mtok"),
    "audio_output": ("output_audio_mtok", "output_mtok"),
    REQUEST: ("requests_kcount",),
    WEB_SEARCHES: ("web_searches_kcount",),
}
"""Price keys of genai-prices per bucket, the most specific first: tokens that have no price of
their own are tokens of the wider kind, so an uncharged cache read is a read at the input price."""

STAND_INS: Mapping[str, str] = {
    "cache_read": "uncached_input",
    "cache_write_5m": "uncached_input",
    "cache_write_1h": "cache_write_5m",
    "audio_input": "uncached_input",
    "reasoning": "output_text",
    "audio_output": "output_text",
}


def complete(prices: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """``prices`` per bucket with the unlisted buckets filled by the same stand-ins.

    A bucket that has no stand-in stays out: its tokens have no price, which is not a price of 0.
    """
    full = dict(prices)
    for bucket, stand_in in STAND_INS.items():
        if bucket not in full and stand_in in full:
            full[bucket] = full[stand_in]
    return full
