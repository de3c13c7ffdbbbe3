"""One call that was logged more than once, under different ids: found, and merged into one row.

A call is logged again by a wrapper (an SDK's own span inside an instrumentation's) or by a second
system (a gateway and a tracing tool). Counted twice, it would double spend. Five signs, from the
surest to the weakest:

1. the provider's response id is the same, and no library logged it for two calls side by side (of
   one call it may log a span and an event): a server that repeats its ids has not answered once;
   nor has one that received other counts, unless
   the total of a record says that its own are incomplete, or two libraries of one process sent as
   much and differ by one received token, one record within the other in time (Traceloop adds a
   token to streams of Anthropic);
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
   which the upper only hands the stream on (LlamaIndex).

Calls that merely look alike (parallel samples of one prompt) have response ids of their own, or
come from one library: they stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars as pl

from llmops_pipelines.ingest.day.completeness import fullest_first
from llmops_pipelines.tables import COPY, LANDED_CALLS, TOKEN_BUCKETS

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

BEGUN: Final = (
    pl.all_horizontal(pl.col(name).is_null() for name in ("response_id", *TOKEN_BUCKETS))
    & (pl.col("status") == "ok")
    & pl.col("latency_ms").is_not_null()
)
"""Calls of which nothing is known but that they were made and did not fail."""

STREAMS_TWICE: Final = "logfire."
"""How libraries are called that log a stream as it begins and again when it is over."""

OF_SDK: Final = pl.col("instrumentation").str.starts_with("com.anthropic.sdk")
"""Records that a provider's SDK writes of its own calls, without texts."""

_CROWD: Final = 20

_TRACERS: Final = (
    "openinference", "otel_genai", "langfuse", "langsmith", "mlflow", "weave", "opik",
)  # fmt: skip

PRECEDENCE: Final[Mapping[str, tuple[str, ...]]] = {
    "cost_reported": ("litellm", "helicone", "portkey", "kong"),
    "latency_ms": _TRACERS,
    "ttft_ms": _TRACERS,
    "feature": ("langfuse", "langsmith", "openinference", "otel_genai", "mlflow", "weave", "opik"),
    "prompt_name": ("langfuse", "langsmith", "openinference", "otel_genai", "mlflow"),
    "prompt_version": ("langfuse", "langsmith", "openinference", "otel_genai", "mlflow"),
}
"""Whose word counts first for a field: gateways know money, the application knows itself. Formats
that are not named, and fields that are not listed, go by how complete the record is."""

_OF_KEPT: Final = (
    "call_id", "trace_id", "parent_id", "status", "error_class", "context_count",
    "tool_call_count", "question_chars", "answer_chars", "redactions", "content_digest",
    "source_format", "source_file", "source_line", "source_record", "record_digest", "attempt",
    "text_records",
)  # fmt: skip
"""Not filled from other records: they say where the kept record lies and what it says."""

_SNAPSHOT: Final = (
    r"^[-@:](?:latest|v[0-9]+(?::[0-9]+)?"
    r"|[0-9]{3,8}(?:-[0-9]{2}-[0-9]{2})?(?:-v[0-9]+(?::[0-9]+)?)?)$"
)
"""What a snapshot's name has after its alias (`gpt-4o-mini`, `-2024-07-18`): a date or a version,
and nothing else. One record of a call may know the snapshot of which another names the alias."""

_GATEWAYS_OWN: Final = r"^chatcmpl-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
"""Ids that LiteLLM makes up for answers that it puts into OpenAI's shape."""

_COPY: Final = [field.name for field in COPY.fields]
_UNKNOWN_FEATURE: Final = "unattributed"


def merged(calls: pl.DataFrame) -> pl.DataFrame:
    """``calls`` with every call once, and ``copies``: all records of it, the kept one first.

    The kept record is the one that says most (``completeness``); what it leaves null is filled from
    the others, field by field in the order of ``PRECEDENCE``. Token counts are taken together from
    the record that breaks them down furthest, of those whose total does not contradict them.

    Args:
        calls: Landed calls with distinct ``call_id``.

    Returns:
        In the order of ``calls``.
    """
    alone = pl.concat_list(pl.struct(_COPY)).alias("copies")
    group = groups(calls.height, list(_pairs(calls)))
    if group is None:
        return calls.with_columns(alone)
    rows = calls.with_row_index("row").with_columns(pl.Series("place", group, dtype=pl.Int64))
    several = pl.len().over("place") > 1
    whole = _merge(rows.filter(several))
    single = rows.filter(~several).with_columns(alone).select(whole.columns)
    return pl.concat([single, whole]).sort("row").drop("row")


def _pairs(calls: pl.DataFrame) -> Iterable[tuple[int, int]]:
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
        timed=pl.col("latency_ms").is_not_null(),
        model=pl.coalesce("model", "model_requested"),
        asked=pl.coalesce("model_requested", "model"),
        ended_at=pl.col("started_at")
        + pl.duration(microseconds=(pl.col("latency_ms").fill_null(0) * 1000).cast(pl.Int64)),
        sent=SENT,
        received=RECEIVED,
        doubted=pl.col("tokens_doubted").is_not_null(),
        begun=BEGUN,
    ).with_row_index("row")
    yield from _by_response(seen)
    yield from _by_trace(seen)
    yield from _around(seen)
    if seen["source_format"].n_unique() > 1:
        yield from _by_time(seen)
    if seen["instrumentation"].drop_nulls().n_unique() > 1:
        yield from _in_one_process(seen)
    yield from _begun(seen)


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
    nested = (timed & _nested() & (pl.col("trace_id") == pl.col("trace_id_right"))) | _kin() | event
    pairs = rows.join(rows, on=key, suffix="_right").filter(pl.col("row") < pl.col("row_right"))
    repeating = pairs.filter(one_library, ~nested.fill_null(value=False)).select(key).unique()
    return (
        pairs.join(repeating, on=key, how="anti")
        .filter(
            apart() <= SAME_RESPONSE_S,
            (pl.col("received") == pl.col("received_right")).fill_null(value=True)
            | (pl.col("doubted") | pl.col("doubted_right"))
            | (~one_library & timed & _nested() & _one_more()).fill_null(value=False),
        )
        .select("row", "row_right")
        .sort("row", "row_right")
        .iter_rows()
    )


def _by_trace(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    keys = ["trace_id", "sent", "received"]
    rows = seen.filter(COUNTED & (pl.len().over(keys) > 1))
    related = _kin() | pl.col("instrumentation").ne_missing(pl.col("instrumentation_right"))
    return _joined(rows, keys, _nested(), related, one_model(), _not_two_responses())


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
            (SILENT & failed & _nested()) | (only & COUNTED & OF_SDK).fill_null(value=False),
            one_model(),
        )
        .select("row", "row_right")
        .sort("row", "row_right")
        .iter_rows()
    )


def _by_time(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    keys = ["sent", "received"]
    rows = seen.filter(COUNTED & (pl.col("source_format").n_unique().over(keys) > 1))
    yield from _by_messages(rows, [*keys, "request_digest"], _not_two_responses())
    yield from _only_twins(rows, keys, "source_format", _not_two_responses())
    yield from _by_messages(seen.filter(FAILED), ["request_digest"], _not_two_errors())


def _by_messages(
    rows: pl.DataFrame, keys: list[str], condition: pl.Expr
) -> Iterable[tuple[int, int]]:
    """Pairs whose messages agree too: those tell apart what was asked within the same seconds."""
    rows = rows.filter(
        pl.col("request_digest").is_not_null(), pl.col("source_format").n_unique().over(keys) > 1
    )
    in_order = list(_in_order(rows, keys, condition))
    yield from in_order
    rest = rows.filter(~pl.col("row").is_in([row for pair in in_order for row in pair]))
    yield from _only_twins(_sparse(rest, keys), keys, "source_format", condition)


def _in_order(rows: pl.DataFrame, keys: list[str], condition: pl.Expr) -> Iterable[tuple[int, int]]:
    """Calls that one format has as often as the other until a pause: first with first.

    Which of them is which does not matter to any sum, since their ``keys`` are equal.
    """
    writer = pl.col("source_format")
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
    fits = (apart() <= CLOSE_S) & one_model() & condition
    return (
        runs.join(runs, on=[*run, "place"], suffix="_right")
        .filter(writer < pl.col("source_format_right"))
        .filter(fits.all().over(run))
        .select("row", "row_right")
        .sort("row", "row_right")
        .iter_rows()
    )


def _in_one_process(seen: pl.DataFrame) -> Iterable[tuple[int, int]]:
    """What two libraries of a process wrote: calls by their counts, failures by their class."""
    rows = seen.filter(pl.col("timed") & pl.col("instrumentation").is_not_null())
    process = ["source_format", "project"]
    counted, failed = rows.filter(COUNTED), rows.filter(FAILED)
    yield from _by_libraries(counted, [*process, "sent", "received"], _not_two_responses())
    alike = list(_by_libraries(failed, [*process, "error_class"], _not_two_requests()))
    yield from alike
    rest = failed.filter(~pl.col("row").is_in([row for pair in alike for row in pair]))
    yield from _by_libraries(rest, process, _not_two_requests() & _not_two_errors())


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


def _by_libraries(
    rows: pl.DataFrame, keys: list[str], condition: pl.Expr
) -> Iterable[tuple[int, int]]:
    rows = rows.filter(pl.col("instrumentation").n_unique().over(keys) > 1)
    return _only_twins(_sparse(rows, keys), keys, "instrumentation", _nested(), condition)


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
            pl.col("row") < pl.col("row_right"),
            pl.col(writer) != pl.col(f"{writer}_right"),
            apart() <= CLOSE_S,
            one_model(),
            *conditions,
        )
        .unique(["row", "row_right"])
    )
    lonely = found.filter(
        pl.len().over("row", f"{writer}_right") == 1,
        pl.len().over("row_right", writer) == 1,
    )
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


def _nested() -> pl.Expr:
    """One record lies within the other in time, as far as clocks are rounded."""
    slack = pl.duration(milliseconds=50)
    within = (pl.col("started_at_right") >= pl.col("started_at") - slack) & (
        pl.col("ended_at_right") <= pl.col("ended_at") + slack
    )
    around = (pl.col("started_at") >= pl.col("started_at_right") - slack) & (
        pl.col("ended_at") <= pl.col("ended_at_right") + slack
    )
    return within | around


def _one_more() -> pl.Expr:
    """In one format, as much was sent, and one record received a token more."""
    more = pl.col("received") - pl.col("received_right")
    return (
        (pl.col("source_format") == pl.col("source_format_right"))
        & (pl.col("sent") == pl.col("sent_right"))
        & (more.abs() == 1)
    )


def _kin() -> pl.Expr:
    """One record is the other's child."""
    return (
        (pl.col("parent_id_right") == pl.col("call_id"))
        | (pl.col("parent_id") == pl.col("call_id_right"))
    ).fill_null(value=False)


def apart() -> pl.Expr:
    """Seconds between the starts of two joined records."""
    between = pl.col("started_at") - pl.col("started_at_right")
    return between.dt.total_microseconds().abs() / 1e6


def one_model() -> pl.Expr:
    """The models agree; one may be the alias of the other's snapshot."""
    names = [pl.col(name) for name in ("model", "asked", "model_right", "asked_right")]
    ours, theirs = names[:2], names[2:]
    same = [one == other for one in ours for other in theirs]
    longer = [
        long.str.strip_prefix(short).str.contains(_SNAPSHOT) for one in ours for other in theirs
        for long, short in ((one, other), (other, one))
    ]  # fmt: skip
    return pl.any_horizontal(*same, *longer).fill_null(value=False)


def _not_two_responses() -> pl.Expr:
    """No two ids of a provider; a gateway's own says nothing of the provider's."""
    ids = [pl.col(name) for name in ("response_id", "response_id_right")]
    own, others = (each.str.contains(_GATEWAYS_OWN) for each in ids)
    return ((ids[0] == ids[1]) | (own != others)).fill_null(value=True)


def _not_two_requests() -> pl.Expr:
    """No two requests; an SDK's own record of a failure has no messages."""
    return (pl.col("request_digest") == pl.col("request_digest_right")).fill_null(value=True)


def _not_two_errors() -> pl.Expr:
    """No two classes of error; an SDK's own record may tell too little for any."""
    classes = [pl.col(name).replace("other", None) for name in ("error_class", "error_class_right")]
    return (classes[0] == classes[1]).fill_null(value=True)


def groups(count: int, pairs: Sequence[tuple[int, int]]) -> list[int] | None:
    """The first member of each row's group, by row; None where no row has another beside it."""
    if not pairs:
        return None
    first = list(range(count))

    def root(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = first[row]
        return row

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        first[high] = low
    return [root(row) for row in range(count)]


def _merge(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per ``place`` of ``rows``; the kept one, which says most, gives ``row``."""
    detail = pl.sum_horizontal((pl.col(name) > 0).fill_null(value=False) for name in TOKEN_BUCKETS)
    known = pl.col("uncached_input").is_not_null() & pl.col("output_text").is_not_null()
    certain = pl.col("tokens_doubted").is_null()
    # Whoever saw a stream begin does not know that it broke off.
    misled = BEGUN & (pl.col("status") == "error").any().over("place")
    fullest = (known.cast(pl.Int32) * 200 + certain.cast(pl.Int32) * 100 + detail).arg_max()
    counted = (*TOKEN_BUCKETS, "tokens_doubted")
    own = {*_OF_KEPT, *counted, "tags", "is_batch", "batch", "only_asked"}
    filled = [name for name in LANDED_CALLS.schema if name not in own]
    return (
        fullest_first(rows)
        .sort(misled, maintain_order=True)
        .group_by("place", maintain_order=True)
        .agg(
            pl.col("row").first(),
            *(pl.col(name).first() for name in _OF_KEPT),
            *(pl.col(name).get(fullest) for name in counted),
            *(_first_known(name) for name in filled),
            pl.col("is_batch").any(),
            pl.col("tags").explode().drop_nulls().unique(maintain_order=True),
            copies=pl.struct(_COPY),
        )
        .drop("place")
    )


def _first_known(name: str) -> pl.Expr:
    says = pl.col(name).is_not_null()
    if name == "model":
        alias = pl.col(name).drop_nulls().first()
        agree = pl.col(name).filter(
            pl.col(name).str.strip_prefix(alias).str.contains(_SNAPSHOT) | (pl.col(name) == alias)
        )
        return agree.sort_by(agree.str.len_chars(), maintain_order=True).last().alias(name)
    if name == "feature":
        says &= pl.col(name) != _UNKNOWN_FEATURE
    candidates: list[pl.Expr] = [
        pl.col(name).filter(says & (pl.col("source_format") == source)).first()
        for source in PRECEDENCE.get(name, ())
    ]
    return pl.coalesce(*candidates, pl.col(name).filter(says).first(), pl.col(name).first()).alias(
        name
    )
