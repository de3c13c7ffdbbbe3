"""Messages that were logged apart from their call, joined to it when the day is put together.

OpenTelemetry's older instrumentations log each message of a call as a record of its own, which an
exporter may write to another file than the answer and the span, in any order. Such a record says
neither how the call went nor what it counted: it is no call, and gives its messages to the call of
the same span that knows none. Texts stay where they landed, so that they are erased there;
``text_records`` says in which records a call's texts lie.

LangSmith's SDK sends a run when it begins, with its messages, and again when it ends. The first is
only asked too, but says that a call was made: where the second never comes it is a failed one.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.ingest.digests import sha256
from llmops_pipelines.ingest.privacy.contents import policies
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import REDACTION_KINDS, TEXT_RECORD

_SPAN: Final = ["call_id", "trace_id"]
_TEXTS_OF: Final = (
    "call_id", "source_file", "source_line", "record_digest", "content_digest", "text_records",
)  # fmt: skip
_TEXT: Final = pl.struct("record_digest", "content_digest")


NO_CALL: Final = pl.col("only_asked") & (pl.col("status") == "ok")
"""Messages alone. What was only asked and failed is a call that began."""


def calls_and_asked(landed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Those of ``landed`` (``LANDED_CALLS``) that are calls, and those that are only asked.

    A call that only began is both: the former where nothing else tells of it.
    """
    asked = landed["only_asked"]
    return (landed.filter(~NO_CALL), landed.filter(asked)) if asked.any() else (landed, landed[:0])


def with_asked(calls: pl.DataFrame, asked: pl.DataFrame, features: Features) -> pl.DataFrame:
    """``calls`` with ``text_records``: null, or where the texts of a call lie that took messages.

    A call that knows messages keeps its own. Any other takes those of all records of its span, in
    the order of time, each record once. A feature that keeps no texts takes none.

    Args:
        calls: ``LANDED_CALLS`` columns, ``call_id`` distinct.
        asked: ``LANDED_CALLS`` of the same day that are only asked.
        features: What may be kept of a feature's texts.
    """
    none = calls.with_columns(text_records=pl.lit(None, pl.List(TEXT_RECORD)))
    if asked.is_empty():
        return none
    silent = calls.filter(
        pl.col("request_digest").is_null() & (policies(calls["feature"], features) != "none")
    ).select(*_SPAN, own=pl.when(pl.col("content_digest").is_not_null()).then(_TEXT))
    found = (
        asked.filter(pl.col("request_digest").is_not_null())
        .sort("started_at", "source_file", "source_line", "source_record", "batch")
        .unique([*_SPAN, "record_digest"], keep="first", maintain_order=True)
        .join(silent, on=_SPAN, maintain_order="left")
    )
    if found.is_empty():
        return none
    return _joined(calls, _together(found))


def with_joined_texts(call_texts: pl.LazyFrame, calls: pl.LazyFrame) -> pl.LazyFrame:
    """``call_texts`` and, for each of ``calls`` whose texts lie in several records, those as one.

    Args:
        call_texts: ``CALL_TEXTS`` of a day, or some of its columns.
        calls: ``LLM_CALLS``, all or some of that day's.
    """
    if "text_records" not in calls.collect_schema():
        return call_texts
    spread = calls.filter(pl.col("text_records").is_not_null()).select(*_TEXTS_OF).collect()
    if spread.is_empty():
        return call_texts
    columns = call_texts.collect_schema().names()
    pieces = spread.select("call_id", "text_records").with_row_index("call").explode("text_records")
    last = pl.all().exclude("call_id", "messages", "question", "place").last()
    joined = (
        pieces.unnest("text_records")
        .with_row_index("place")
        .lazy()
        .join(call_texts, on=["call_id", "record_digest", "content_digest"])
        .sort("place", "batch")
        .unique("place", keep="last", maintain_order=True)
        .group_by("call_id", maintain_order=True)
        .agg(
            last,
            pl.col("question").drop_nulls().last(),
            *(_whole(name) for name in ("messages",) if name in columns),
        )
        .drop(name for name in _TEXTS_OF if name in columns and name != "call_id")
        .join(spread.lazy(), on="call_id")
        .select(columns)
    )
    return pl.concat([call_texts, joined])


def unclaimed(landed: pl.LazyFrame, calls: pl.DataFrame) -> pl.DataFrame:
    """Records of a day that are only asked, and whose span no call of the day is.

    Args:
        landed: ``LANDED_CALLS`` of the day.
        calls: ``copies`` of ``LLM_CALLS`` of the same day.

    Returns:
        ``call_id``, ``source_file`` and ``source_line``.
    """
    return (
        landed.filter("only_asked")
        .select("call_id", "source_file", "source_line")
        .collect()
        .join(ids_of(calls), on="call_id", how="anti")
        .sort("call_id", "source_file", "source_line")
    )


def ids_of(calls: pl.DataFrame) -> pl.DataFrame:
    """``call_id`` of all records that were made ``calls``: whatever a call was logged as.

    Args:
        calls: ``LLM_CALLS``, as far as ``copies``.
    """
    return calls.select(call_id=pl.col("copies").explode().struct.field("call_id")).drop_nulls()


def _whole(name: str) -> pl.Expr:
    return pl.col(name).explode(keep_nulls=False, empty_as_null=False)


def _together(found: pl.DataFrame) -> pl.DataFrame:
    """What the records of each span come to, one row a span."""
    of_texts = pl.col("content_digest").is_not_null()
    kinds = (
        pl.col("redactions_by_kind").struct.field(kind).sum().cast(pl.Int32)
        for kind in REDACTION_KINDS
    )
    several = pl.len() > 1
    digests = pl.col("request_digest")
    return (
        found.group_by("call_id", maintain_order=True)
        .agg(
            pl.col("own").first(),
            pl.col("question_chars").drop_nulls().last(),
            pl.col("prompt_hash").drop_nulls().first(),
            pl.col("redactions").sum().cast(pl.Int32),
            request_digest=pl.when(~several).then(digests.first()),
            requests=digests.str.join("\x1c"),
            kinds=pl.struct(kinds),
            texts=_TEXT.filter(of_texts),
        )
        .with_columns(
            pl.coalesce("request_digest", sha256(pl.col("requests")).str.slice(0, 16)),
            text_records=pl.when(pl.col("own").is_not_null())
            .then(pl.col("texts").list.concat(pl.concat_list("own")))
            .otherwise("texts"),
        )
        .drop("own", "requests", "texts")
        .filter(pl.col("text_records").list.len() > 0)
        .with_columns(content_digest=_content_digest())
    )


def _content_digest() -> pl.Expr:
    """The digest of the records' texts: of one record its own, of several one over theirs."""
    each = pl.col("text_records").list.eval(pl.element().struct.field("content_digest"))
    over_all = sha256(each.list.join("\x1c")).str.slice(0, 32)
    return pl.when(each.list.len() == 1).then(each.list.first()).otherwise(over_all)


def _joined(calls: pl.DataFrame, taken: pl.DataFrame) -> pl.DataFrame:
    more = calls.select("call_id").join(taken, on="call_id", how="left", maintain_order="left")
    took = more["text_records"].is_not_null()
    kinds = (
        (pl.col("redactions_by_kind").struct.field(kind).fill_null(0) + pl.lit(added))
        .cast(pl.Int32)
        .alias(kind)
        for kind, added in zip(
            REDACTION_KINDS, more["kinds"].struct.unnest().get_columns(), strict=True
        )
    )
    return calls.with_columns(
        more["text_records"],
        pl.coalesce(more["content_digest"], "content_digest").alias("content_digest"),
        *(
            pl.coalesce(name, more[name]).alias(name)
            for name in ("question_chars", "prompt_hash", "request_digest")
        ),
        redactions=pl.col("redactions") + more["redactions"].fill_null(0),
        redactions_by_kind=pl.when(took).then(pl.struct(kinds)).otherwise("redactions_by_kind"),
    )
