"""What records tell by which they are one call, or are not: counts, models, ids, times."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.formats.dialects import OF_SDKS
from llmops_pipelines.tables import TOKEN_BUCKETS

CLOSE_S: Final = 2.0
"""Clocks of two systems that log one call differ by less."""

SAME_RESPONSE_S: Final = 600.0
"""A response id that comes back later than this belongs to a server that repeats its ids."""

SENT: Final = pl.sum_horizontal(
    "uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input",
    ignore_nulls=False,
)  # fmt: skip
"""Tokens of a prompt; null where one of its buckets is not known."""

RECEIVED: Final = pl.sum_horizontal("output_text", "reasoning", "audio_output", ignore_nulls=False)
"""Tokens of an answer; null where one of its buckets is not known."""

COUNTED: Final = (pl.col("sent") + pl.col("received") > 0).fill_null(value=False)
"""Calls whose tokens are known, as ``sent`` and ``received``."""

SILENT: Final = pl.col("response_id").is_null() & (pl.col("sent") + pl.col("received")).is_null()
"""Calls of which neither the response nor the tokens are known."""

FAILED: Final = SILENT & (pl.col("status") == "error")
"""Failures that nothing but their time and class tells apart."""

BARE: Final = pl.all_horizontal(pl.col(name).is_null() for name in ("response_id", *TOKEN_BUCKETS))
"""Calls without a response id and without any count."""

BEGUN: Final = BARE & (pl.col("status") == "ok") & pl.col("latency_ms").is_not_null()
"""Calls of which nothing is known but that they were made and did not fail."""

CACHED: Final = pl.col("tags").list.contains("cache_hit").fill_null(value=False)
"""Answers out of a gateway's cache: they bought no tokens, whatever was counted elsewhere."""

STREAMS_TWICE: Final = "logfire."
"""How libraries are called that log a stream as it begins and again when it is over."""

OF_SDK: Final = pl.col("instrumentation").str.starts_with(OF_SDKS)
"""Records that a provider's SDK writes of its own calls, without texts; null without a library."""

SNAPSHOT: Final = (
    r"^[-@:](?:latest|v[0-9]+(?::[0-9]+)?"
    r"|[0-9]{3,8}(?:-[0-9]{2}-[0-9]{2})?(?:-v[0-9]+(?::[0-9]+)?)?)$"
)
"""What a snapshot's name has after its alias (`gpt-4o-mini`, `-2024-07-18`): a date or a version,
and nothing else. One record of a call may know the snapshot of which another names the alias."""

_GATEWAYS_OWN: Final = r"^chatcmpl-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""Ids that LiteLLM makes up for answers that it puts into OpenAI's shape."""


def seconds_apart() -> pl.Expr:
    """Seconds between the starts of two joined records."""
    between = pl.col("started_at") - pl.col("started_at_right")
    return between.dt.total_microseconds().abs() / 1e6


def one_model() -> pl.Expr:
    """The models agree; one may be the alias of the other's snapshot."""
    names = [pl.col(name) for name in ("model", "asked", "model_right", "asked_right")]
    ours, theirs = names[:2], names[2:]
    same = [one == other for one in ours for other in theirs]
    longer = [
        long.str.strip_prefix(short).str.contains(SNAPSHOT) for one in ours for other in theirs
        for long, short in ((one, other), (other, one))
    ]  # fmt: skip
    return pl.any_horizontal(*same, *longer).fill_null(value=False)


def nested() -> pl.Expr:
    """One record lies within the other in time, as far as clocks are rounded."""
    slack = pl.duration(milliseconds=50)
    within = (pl.col("started_at_right") >= pl.col("started_at") - slack) & (
        pl.col("ended_at_right") <= pl.col("ended_at") + slack
    )
    around = (pl.col("started_at") >= pl.col("started_at_right") - slack) & (
        pl.col("ended_at") <= pl.col("ended_at_right") + slack
    )
    return within | around


def one_more() -> pl.Expr:
    """In one format, as much was sent, and one record received a token more."""
    more = pl.col("received") - pl.col("received_right")
    return (
        (pl.col("source_format") == pl.col("source_format_right"))
        & (pl.col("sent") == pl.col("sent_right"))
        & (more.abs() == 1)
    )


def kin() -> pl.Expr:
    """One record is the other's child."""
    return (
        (pl.col("parent_id_right") == pl.col("call_id"))
        | (pl.col("parent_id") == pl.col("call_id_right"))
    ).fill_null(value=False)


def not_two_responses() -> pl.Expr:
    """No two ids of a provider; a gateway's own says nothing of the provider's."""
    ids = [pl.col(name) for name in ("response_id", "response_id_right")]
    own, others = (each.str.contains(_GATEWAYS_OWN) for each in ids)
    return ((ids[0] == ids[1]) | (own != others)).fill_null(value=True)


def not_two_requests() -> pl.Expr:
    """No two requests; an SDK's own record of a failure has no messages."""
    return (pl.col("request_digest") == pl.col("request_digest_right")).fill_null(value=True)


def not_two_errors() -> pl.Expr:
    """No two classes of error; an SDK's own record may tell too little for any."""
    classes = [pl.col(name).replace("other", None) for name in ("error_class", "error_class_right")]
    return (classes[0] == classes[1]).fill_null(value=True)
