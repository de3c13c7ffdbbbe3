"""The calls that a router makes for itself: what routing costs before it saves anything."""

from __future__ import annotations

import polars as pl

_NAMED = r"(?i)(?:^|[^a-z])rout(?:er|ing)(?:[^a-z]|$)"
"""`router`, `llm_router`, `routing-classifier`; not `reroute`, not `/route/list`."""


def is_routers_own() -> pl.Expr:
    """Whether a row of ``LLM_CALLS`` is a router's own call: its name, feature or a tag says so."""
    named = pl.any_horizontal(
        pl.col("name").str.contains(_NAMED).fill_null(value=False),
        pl.col("feature").str.contains(_NAMED),
        pl.col("tags").list.eval(pl.element().str.contains(_NAMED)).list.any().fill_null(False),
    )
    return named.alias("is_routers_own")
