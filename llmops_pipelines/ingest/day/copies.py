"""Which records are one call, logged more than once under different ids.

Six signs, from the surest to the weakest:

1. the provider's response id is the same, and no library logged it for two calls side by side (of
   one call it may log a span and an event): a server that repeats its ids has not answered once;
   nor has one that received other counts, unless the total of a record says that its own are
   incomplete, or two libraries of one process sent as much and differ by one received token, one
   record within the other in time (Traceloop adds a token to streams of Anthropic);
2. in one trace, one record lies within the other in time, with the same model and tokens, and is
   its child or was written by another library; of calls that failed and so have no tokens, one is
   the other's child, with the same model, written by another library;
3. in two formats, the same model and tokens at the same time, or the same messages that failed,
   and nothing else comes in question; of several with the same messages as well, as many in one
   format as in the other;
4. two libraries of one process wrote them, in traces of their own (LangChain's callbacks and the
   SDK below them), one within the other in time, with the same model and tokens, or the same
   failure, and nothing else comes in question;
5. of a stream, one record ends as it begins, without id and tokens, and the other, of the same
   messages and model, begins then: by one library that logs it twice (Logfire), or by two, of
   which the upper only hands the stream on (LlamaIndex); or two libraries of one process saw all
   of it, one within the other in time, and one of them without id and tokens, as many by one as by
   the other or one alone (the instrumentation of OpenAI below LangChain's, where it reads no
   counts of a stream);
6. a gateway answered out of its cache, and in another format a call of the same messages and model,
   which the application cannot tell from a bought one, began then, as many in one format as in the
   other or one alone.

Calls that merely look alike (parallel samples of one prompt) have response ids of their own, or
come from one library: they stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.likeness import (
    BEGUN,
    CACHED,
    CLOSE_S,
    COUNTED,
    FAILED,
    OF_SDK,
    RECEIVED,
    SAME_RESPONSE_S,
    SENT,
    SILENT,
    STREAMS_TWICE,
    kin,
    nested,
    not_two_errors,
    not_two_requests,
    not_two_responses,
    one_model,
    one_more,
    seconds_apart,
)

_CROWD: Final = 20


def copies_in(calls: pl.DataFrame) -> Iterable[tuple[int, int]]:
    """Places in ``calls`` of two records that are one call."""
    seen = calls.select(
        "response_id",
        "trace_id",
        "call_id",
        "parent_id",
        "source_format",
        "instrumentation",
        "project",
        "started_at",
        "status",
        "error_class",
        "request_digest",
        "is_stream",
        library=pl.col("instrumentation").fill_null(""),
        timed=pl.col("latency_ms").is_not_null(),
        model=pl.coalesce("model", "model_requested"),
        asked=pl.coalesce("model_requested", "model"),
        ended_at=pl.col("started_at")
        + pl.duration(microseconds=(pl.col("latency_ms").fill_null(0) * 1000).cast(pl.Int64)),
        sent=SENT,
        received=RECEIVED,
        doubted=pl.col("tokens_doubted").is_not_null(),
        begun=BEGUN,
        cached=CACHED,
    ).with_row_index("row")
    found = [*_by_response(seen), *_by_trace(seen), *_around(seen)]
    if seen["source_format"].n_unique() > 1:
        found += _by_time(seen)
    if seen["library"].n_unique() > 1:
        found += _in_one_process(seen)
    found += _begun(seen)
    return [*found, *_cached(seen, found)]


def _by_response(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    key = "response_id"
    rows = seen.filter(pl.col(key).is_not_null() & (pl.len().over(key) > 1))
    if rows.is_empty():
        return ()
    one_library = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(f"{name}_right"))
        for name in ("source_format", "instrumentation")
    )
    timed = pl.col("timed") & pl.col("timed_right")
    event = (pl.col("timed") != pl.col("timed_right")) & pl.all_horizontal(
        pl.col(side) == pl.col(f"{side}_right") for side in ("sent", "received")
    )
    twofold = (timed & nested() & (pl.col("trace_id") == pl.col("trace_id_right"))) | kin() | event
    pairs = rows.join(rows, on=key, suffix="_right").filter(pl.col("row") < pl.col("row_right"))
    repeating = pairs.filter(one_library, ~twofold.fill_null(value=False)).select(key).unique()
    return (
        pairs.join(repeating, on=key, how="anti")
        .filter(
            seconds_apart() <= SAME_RESPONSE_S,
            (pl.col("received") == pl.col("received_right")).fill_null(value=True)
            | (pl.col("doubted") | pl.col("doubted_right"))
            | (~one_library & timed & nested() & one_more()).fill_null(value=False),
        )
        .select("row", "row_right")
        .sort("row", "row_right")
        .iter_rows()
    )


def _by_trace(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    keys = ["trace_id", "sent", "received"]
    rows = seen.filter(COUNTED & (pl.len().over(keys) > 1))
    related = kin() | pl.col("instrumentation").ne_missing(pl.col("instrumentation_right"))
    return _joined(rows, keys, nested(), related, one_model(), not_two_responses())


def _around(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    """Records with neither id nor tokens, and the record below that another library wrote of them.

    Both failed, or the one below is of the provider's SDK: an instrumentation that loses a stream
    knows what was asked, and the SDK what it came to.
    """
    rows = seen.filter(SILENT)
    if rows.is_empty() or seen["instrumentation"].n_unique() < 2:
        return ()
    inner = seen.filter(pl.col("parent_id").is_not_null())
    failed = (pl.col("status") == "error") & (pl.col("status_right") == "error")
    only = pl.len().over("row_right") == 1
    return (
        inner.join(
            rows,
            left_on=["trace_id", "parent_id"],
            right_on=["trace_id", "call_id"],
            suffix="_right",
        )
        .filter(
            pl.col("instrumentation").ne_missing(pl.col("instrumentation_right")),
            (SILENT & failed & nested()) | (only & COUNTED & OF_SDK).fill_null(value=False),
            one_model(),
        )
        .select("row", "row_right")
        .sort("row", "row_right")
        .iter_rows()
    )


def _by_time(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    keys = ["sent", "received"]
    rows = seen.filter(COUNTED & (pl.col("source_format").n_unique().over(keys) > 1))
    yield from _by_messages(rows, [*keys, "request_digest"], not_two_responses())
    yield from _only_twins(rows, keys, "source_format", not_two_responses())
    yield from _by_messages(seen.filter(FAILED), ["request_digest"], not_two_errors())


def _by_messages(
    rows: pl.DataFrame, keys: list[str], condition: pl.Expr, writer: str = "source_format"
) -> Iterable[tuple[int, int]]:
    """Pairs whose messages agree too: those tell apart what was asked within the same seconds."""
    rows = rows.filter(
        pl.col("request_digest").is_not_null(), pl.col(writer).n_unique().over(keys) > 1
    )
    in_order = list(_in_order(rows, keys, condition, writer))
    yield from in_order
    rest = _without(rows, in_order)
    yield from _only_twins(_sparse(rest, keys), keys, writer, condition)


def _without(rows: pl.DataFrame, pairs: Iterable[tuple[int, int]]) -> pl.DataFrame:
    return rows.filter(~pl.col("row").is_in([row for pair in pairs for row in pair]))


def _in_order(
    rows: pl.DataFrame, keys: list[str], condition: pl.Expr, by: str
) -> Iterable[tuple[int, int]]:
    """Calls that one writer has as often as the other until a pause: first with first.

    Which of them is which does not matter to any sum, since their ``keys`` are equal.
    """
    writer = pl.col(by)
    pause = pl.col("started_at").diff().over(keys) > pl.duration(milliseconds=int(CLOSE_S * 1000))
    run = [*keys, "run"]
    runs = (
        rows.sort("started_at", "call_id")
        .with_columns(run=pause.fill_null(value=False).cum_sum().over(keys))
        .with_columns(often=pl.len().over(*run, writer))
        .filter(
            writer.n_unique().over(run) > 1,
            pl.col("often").n_unique().over(run) == 1,
        )
        .with_columns(place=pl.int_range(pl.len()).over(*run, writer))
    )
    fits = (seconds_apart() <= CLOSE_S) & one_model() & condition
    return (
        runs.join(runs, on=[*run, "place"], suffix="_right", nulls_equal=True)
        .filter(writer < pl.col(f"{by}_right"))
        .filter(fits.all().over(run))
        .select("row", "row_right")
        .sort("row", "row_right")
        .iter_rows()
    )


def _in_one_process(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    """What two libraries of a process wrote: calls by their counts, failures by their class."""
    rows = seen.filter("timed")
    process = ["source_format", "project"]
    counted, failed = rows.filter(COUNTED), rows.filter(FAILED)
    keys = [*process, "sent", "received"]
    # Of calls side by side with equal counts their messages tell which is which.
    apart = nested() & not_two_responses()
    yield from _by_messages(counted, [*keys, "request_digest"], apart, writer="library")
    yield from _by_libraries(counted, keys, not_two_responses())
    # In a storm of failures their messages tell which is which; an SDK's own record has none.
    keys = [*process, "request_digest"]
    told = list(_by_messages(failed, keys, nested() & not_two_errors(), writer="library"))
    yield from told
    rest = _without(failed, told)
    alike = list(_by_libraries(rest, [*process, "error_class"], not_two_requests()))
    yield from alike
    yield from _by_libraries(_without(rest, alike), process, not_two_requests() & not_two_errors())
    succeeded = rows.filter(pl.col("status") == "ok")
    asked = succeeded.join(succeeded.filter("begun"), on=keys, how="semi", nulls_equal=True)
    blind = nested() & pl.any_horizontal(pl.col("begun", "begun_right"))
    yield from _by_messages(asked, keys, blind, writer="library")


def _begun(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    """Streams that one record saw beginning, and another what came of them, one to one."""
    told = seen.filter("timed", pl.col("request_digest").is_not_null())
    begun, streams = told.filter("begun"), told.filter("is_stream", ~pl.col("begun"))
    if begun.is_empty() or streams.is_empty():
        return
    keys = ["source_format", "project", "request_digest"]
    slot = pl.col("ended_at").dt.truncate("2s")
    near = [begun.with_columns(slot=slot + pl.duration(seconds=2 * step)) for step in (0, 1)]
    writers = [pl.col("instrumentation"), pl.col("instrumentation_right")]
    pairs = (
        pl.concat(near)
        .join(
            streams.with_columns(slot=pl.col("started_at").dt.truncate("2s")),
            on=[*keys, "slot"],
            suffix="_right",
            nulls_equal=True,
        )
        .filter(
            (pl.col("started_at_right") - pl.col("ended_at")).is_between(
                pl.duration(), pl.duration(milliseconds=int(CLOSE_S * 1000))
            ),
            writers[0].ne_missing(writers[1]) | writers[0].str.starts_with(STREAMS_TWICE),
            one_model(),
        )
        .sort("started_at_right", "ended_at", "row")
    )
    taken: set[int] = set()
    for pair in pairs.select("row", "row_right").iter_rows():
        if taken.isdisjoint(pair):
            taken.update(pair)
            yield pair


def _cached(seen: pl.DataFrame, found: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Answers out of a gateway's cache, and what others logged of them.

    ``found`` are other pairs: of what they put together one record stands for all, and what goes
    with another record of the gateway is a call that was bought.
    """
    told = seen.filter(pl.col("request_digest").is_not_null())
    hits = told.filter("cached")
    if hits.is_empty():
        return ()
    gateways = pl.col("source_format").is_in(hits["source_format"].unique().implode())
    of_gateway = seen.select(gateways).to_series()
    bought = [one for one, other in found if of_gateway[other]]
    out = [*bought, *(other for _, other in found)]
    others = told.filter(~gateways, ~pl.col("row").is_in(out))
    asked = others.join(hits, on="request_digest", how="semi")
    return _by_messages(pl.concat([hits, asked]), ["request_digest"], not_two_responses())


def _by_libraries(
    rows: pl.DataFrame, keys: list[str], condition: pl.Expr
) -> Iterable[tuple[int, int]]:
    rows = rows.filter(pl.col("library").n_unique().over(keys) > 1)
    return _only_twins(_sparse(rows, keys), keys, "library", nested(), condition)


def _sparse(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """Without those of which so many look alike at once that each has more than one candidate."""
    return rows.filter(pl.len().over(*keys, pl.col("started_at").dt.truncate("2s")) <= _CROWD)


def _only_twins(
    rows: pl.DataFrame, keys: list[str], writer: str, *conditions: pl.Expr
) -> Iterable[tuple[int, int]]:
    """Pairs of equal ``keys`` by two writers, neither with a second candidate by the other's."""
    slot = pl.col("started_at").dt.truncate("2s")
    near = pl.concat(
        [rows.with_columns(slot=slot + pl.duration(seconds=2 * step)) for step in (-1, 0, 1)]
    )
    found = (
        rows.with_columns(slot=slot)
        .join(near, on=[*keys, "slot"], suffix="_right", nulls_equal=True)
        .filter(
            pl.col(writer) != pl.col(f"{writer}_right"),
            seconds_apart() <= CLOSE_S,
            one_model(),
            *conditions,
        )
        .unique(["row", "row_right"])
    )
    # Each pair stands there from both sides, so that all candidates of either are counted.
    lonely = found.filter(
        pl.len().over("row", f"{writer}_right") == 1,
        pl.len().over("row_right", writer) == 1,
    ).filter(pl.col("row") < pl.col("row_right"))
    return lonely.select("row", "row_right").sort("row", "row_right").iter_rows()


def _joined(rows: pl.DataFrame, keys: list[str], *conditions: pl.Expr) -> Iterable[tuple[int, int]]:
    if rows.is_empty():
        return ()
    return (
        rows.join(rows, on=keys, suffix="_right")
        .filter(pl.col("row") < pl.col("row_right"), *conditions)
        .select("row", "row_right")
        .sort("row", "row_right")
        .iter_rows()
    )
