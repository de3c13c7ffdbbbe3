"""Which requests a cache may answer, what they are compared by, and whom they are compared with."""

from __future__ import annotations

import polars as pl
from polars_hash import CryptographicHashingNameSpace

from llmops_pipelines.tables import INSTANT, MESSAGE, MONEY, REDACTION_KINDS

ASKED = pl.Schema(
    {
        "id": pl.String(),
        "at": INSTANT,
        "latency_ms": pl.Float64(),
        "feature": pl.String(),
        "scope": pl.String(),
        "messages": pl.List(MESSAGE),
        "answer": pl.String(),
        "status": pl.String(),
        "calls_tools": pl.Boolean(),
        "cost": MONEY,
        "group": pl.String(),
    }
)
"""One row is one request as it was logged. ``scope`` is what besides feature and system text must
be the same for an answer to be given again (tenant, prompt version, model, attached documents);
``group`` is the session or user it belongs to; null latencies and costs are unknown."""

CACHEABLE = pl.Schema(
    [
        *((name, ASKED[name]) for name in ("id", "at", "latency_ms", "feature", "answer", "cost")),
        *((name, pl.String()) for name in ("group", "namespace", "key", "only_exact")),
    ]
)
"""One row is one request that a cache may answer. ``key`` is what it is compared by, normalised;
``only_exact`` says why it is compared by equality alone, null where a vector stands for it."""

READ_BYTES = 500
"""Longer questions are compared by equality alone: a sentence embedding blurs them, reads no more
than 256 tokens, and takes longest for them."""

_MARKS = r"\[(?:" + "|".join(kind.upper() for kind in REDACTION_KINDS) + r")\]"


def cacheable(
    asked: pl.DataFrame, never: frozenset[str] = frozenset()
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part requests into those a cache may answer and those it may not.

    A key is the question, in Unicode's NFKC, lower case, white space as single spaces; with a
    history (more than one message besides the system text) it is the whole conversation, which is
    compared by equality alone: a vector hardly shows what the last turn changed.

    Args:
        asked: ``ASKED``.
        never: Features whose answers must not be given again, such as creative or personal ones.

    Returns:
        ``CACHEABLE`` in the order of time and id, and ``feature``, ``reason`` and ``requests`` for
        those left out.
    """
    role, content = pl.element().struct.field("role"), pl.element().struct.field("content")
    said = pl.col("messages").list.eval(pl.element().filter(~role.is_in(["system", "developer"])))
    system = pl.col("messages").list.eval(content.filter(role.is_in(["system", "developer"])))
    rows = asked.with_columns(
        said=said, system=system.list.join("\n"), turns=said.list.len()
    ).with_columns(
        key=normalised(
            pl.when(pl.col("turns") == 1)
            .then(pl.col("said").list.first().struct.field("content"))
            .otherwise(
                pl.col("said")
                .list.eval(pl.concat_str(role, content, separator=": "))
                .list.join("\n")
            )
        )
    )
    rows = rows.with_columns(
        reason=pl.when(~pl.col("id").is_first_distinct()).then(pl.lit("the same id again"))
        .when(pl.col("status") != "ok").then(pl.lit("failed"))
        .when(pl.col("key").fill_null("") == "").then(pl.lit("no text"))
        .when(pl.col("answer").fill_null("").str.strip_chars() == "").then(pl.lit("no answer"))
        .when(pl.col("calls_tools") | said.list.eval(role == "tool").list.any())
        .then(pl.lit("tools called"))
        .when(pl.col("feature").is_in(list(never))).then(pl.lit("feature not cacheable"))
        .when(pl.col("messages").list.eval(content.str.contains(_MARKS)).list.any())
        .then(pl.lit("redacted: cannot be compared")),
        only_exact=pl.when(pl.col("turns") > 1).then(pl.lit("history"))
        .when(pl.col("key").str.len_bytes() > READ_BYTES).then(pl.lit("long")),
        namespace=CryptographicHashingNameSpace(
            pl.concat_str("feature", pl.col("scope").fill_null(""), "system", separator="\x1f")
        ).sha2_256(),
    )  # fmt: skip
    out = rows.drop_nulls("reason").group_by("feature", "reason").agg(requests=pl.len())
    kept = rows.filter(pl.col("reason").is_null()).select(CACHEABLE.names()).sort("at", "id")
    return kept, out.sort("feature", "reason").cast({"requests": pl.Int64})


def normalised(text: pl.Expr) -> pl.Expr:
    """NFKC, lower case, white space as single spaces."""
    return (
        text.str.normalize("NFKC").str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    )


def logged_requests(calls: pl.DataFrame, texts: pl.DataFrame, costs: pl.DataFrame) -> pl.DataFrame:
    """``ASKED`` from the logs; a call without texts has no messages.

    Documents that a call was sent are part of its scope; those a retriever found are not, since
    they follow from the question and a cache stands before the retriever.

    Args:
        calls: ``LLM_CALLS``.
        texts: ``CALL_TEXTS``, one row per call at most.
        costs: ``CALL_COSTS``.
    """
    documents = pl.col("contexts").list.eval(pl.element().struct.field("content")).list.join("\x1e")
    scope = pl.concat_str(
        *(
            pl.col(name).fill_null("")
            for name in ("project", "environment", "prompt_name", "prompt_version",
                         "format_requested", "response_schema")
        ),
        pl.coalesce("model_requested", "model", pl.lit("")),
        pl.when(pl.col("context_steps").list.len() == 0).then(documents).fill_null(""),
        separator="\x1f",
    )  # fmt: skip
    return (
        calls.join(
            texts.select("call_id", "messages", "answer", "contexts", "response_schema"),
            on="call_id",
            how="left",
        )
        .join(costs.select("call_id", "cost"), on="call_id", how="left")
        .select(
            "latency_ms",
            "feature",
            "answer",
            "status",
            "cost",
            id="call_id",
            at="started_at",
            scope=scope,
            messages=pl.col("messages").fill_null([]),
            calls_tools=pl.col("tool_call_count") > 0,
            group=pl.coalesce("session_id", "user_hash"),
        )
        .select(ASKED.names())
    )
