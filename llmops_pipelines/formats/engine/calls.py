"""Raw fields of model calls to canonical columns."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.formats.engine.decoding import decode
from llmops_pipelines.formats.engine.errors import ERROR_CLASSES, classify_errors
from llmops_pipelines.formats.engine.faults import Fault, Sorted, says, sort_out
from llmops_pipelines.formats.engine.fields import FIELDS
from llmops_pipelines.formats.engine.reading import Place, Reading
from llmops_pipelines.formats.engine.times import Limits
from llmops_pipelines.formats.engine.tokens import token_buckets, token_faults
from llmops_pipelines.formats.engine.told_totals import with_told_totals
from llmops_pipelines.tables import MONEY, NO_PROVIDER, PROVIDER_OF

_OTHER: Final = (
    "kind", "step_kind", "step_name", "document_count", "input_chars", "output_chars",
    "about_call", "rating", "thumb", "comment",
)  # fmt: skip
_FIELDS: Final = [name for name in FIELDS if name not in _OTHER]

_OK: Final = ("ok", "success", "succeeded", "completed", "complete", "done")
_FAILED: Final = (
    "error",
    "failure",
    "failed",
    "fail",
    "exception",
    "timeout",
    "cancelled",
    "canceled",
)
_NO_ERROR: Final = ("{}", "[]", '""', "false", "null")


_TELLS_OF_A_CALL: Final = [
    f"raw:{name}"
    for name in (
        "model", "model_requested", "finish_reason", "answer", "question", "system",
        "error_class", "error_code", "error_message", "cost_reported", "charged",
        "input_tokens", "output_tokens", "total_tokens",
    )
]  # fmt: skip

_TELLING_LISTS: Final = ("messages", "contexts", "tool_calls")


def read_calls(raw: pl.DataFrame, reading: Reading, limits: Limits) -> Sorted:
    """Type, check and normalise calls: one row per line, faulty ones with all their reasons."""
    decoded = decode(raw, reading, _FIELDS)
    frame = decoded.frame.with_columns(_status())
    frame = with_told_totals(frame, reading)
    frame = frame.with_columns(_error_class(frame))
    faults = [
        *decoded.faults,
        *time_faults(reading, limits),
        *_status_faults(reading),
        *(_envelope_faults(reading) if reading.enveloped else []),
        Fault(
            pl.col("attempt") < 1,
            pl.lit(f"{reading.place('attempt').shown}: is below 1; the first try is 1"),
        ),
        *token_faults({name: reading.place(name).shown for name in FIELDS}),
    ]
    good, bad = sort_out(frame, faults)
    failed = pl.col("status") == "error"
    after = _milliseconds_after_start
    return Sorted(
        good.with_columns(
            provider=_provider(),
            model=pl.coalesce("model", "model_requested"),
            is_batch=pl.col("is_batch").fill_null(value=False),
            attempt=pl.col("attempt").fill_null(1).clip(1, 2**31 - 1).cast(pl.Int32),
            cost_reported=pl.coalesce("cost_reported", _charged()),
            latency_ms=pl.coalesce("latency_ms", after("ended_at")),
            ttft_ms=pl.coalesce("ttft_ms", after("first_token_at")),
            messages=_messages() if _asks(reading) else pl.col("messages").fill_null([]),
            contexts=pl.col("contexts").fill_null([]),
            tags=pl.col("tags").fill_null([]).list.drop_nulls(),
            tool_calls=_tool_calls(),
            **token_buckets(failed),
        ),
        bad,
    )


def _envelope_faults(reading: Reading) -> list[Fault]:
    """An application's own line among its calls, of which no word speaks of a model's."""
    said = [pl.col(name).is_not_null() for name in _TELLS_OF_A_CALL]
    listed = [pl.col(name).list.len().fill_null(0) > 0 for name in _TELLING_LISTS]
    answered = pl.col("answered").fill_null(value=False)
    if reading.unpack is None:  # formats that unpack call every record one
        said.append(pl.col("kind").is_not_null())
    return [
        Fault(
            ~pl.any_horizontal(*said, *listed, answered, has_error()),
            pl.lit("record: holds no request, response, model, usage or error: it is no call"),
        )
    ]


def time_faults(reading: Reading, limits: Limits) -> list[Fault]:
    """What can be wrong with ``started_at`` beyond its spelling."""
    time, value, place = pl.col("started_at"), pl.col("raw:started_at"), reading.place("started_at")
    missing = "is missing; log when the call began, such as 2026-11-10T09:15:02Z"
    early = (
        f"is before {limits.earliest:%Y-%m-%d}, where the lake begins; check the unit, or move the"
        " start"
    )
    late = (
        "is more than a day in the future; check clock, unit and zone, or if it is right deliver"
        " the file again under another name once that day has come"
    )
    return [
        Fault(value.is_null() | (value == ""), pl.lit(f"{place.shown}: {missing}")),
        Fault(time > limits.latest, says(place, value, late)),
        Fault(time < limits.earliest, says(place, value, early)),
    ]


def has_error() -> pl.Expr:
    """Whether the record carries an error that says something."""
    return pl.col("error").is_not_null() & ~pl.col("error").is_in(_NO_ERROR)


def said_status() -> pl.Expr:
    """``ok`` or ``error`` where the record's own status says so, else null."""
    word = pl.col("status").str.to_lowercase()
    http = word.cast(pl.Int64, strict=False)
    return (
        pl.when(word.is_in(_OK) | http.is_between(200, 299))
        .then(pl.lit("ok"))
        .when(word.is_in(_FAILED) | _is_http_failure(word))
        .then(pl.lit("error"))
    )


def _is_http_failure(word: pl.Expr) -> pl.Expr:
    return word.cast(pl.Int64, strict=False).is_between(400, 599)


def _status() -> list[pl.Expr]:
    """The outcome, and the HTTP status and the error's code where only the status told them."""
    said, word = said_status(), pl.col("status").str.to_lowercase()
    signs = has_error()
    for name in ("error_class", "error_code", "error_message"):
        signs = signs | pl.col(name).is_not_null()
    signs = signs | _is_http_failure(pl.col("error_status")).fill_null(value=False)
    instead = _is_text("said_instead").fill_null(value=False)
    unanswered = pl.col("answered").fill_null(value=True).not_() | (
        instead & pl.all_horizontal(pl.col("answer", "finish_reason").is_null())
    )
    return [
        pl.when(said == "error")
        .then(said)
        .when(has_error() | (said.is_null() & (signs | unanswered)))
        .then(pl.lit("error"))
        .otherwise(pl.lit("ok"))
        .alias("status"),
        pl.coalesce("error_status", word.cast(pl.Int64, strict=False).cast(pl.String)).alias(
            "error_status"
        ),
        pl.coalesce("error_code", "raw:status").alias("error_code"),  # THROTTLED, timeout
        pl.coalesce(
            "error_message",
            *(pl.when(_is_text(name)).then(name) for name in ("error", "said_instead")),
        ).alias("error_message"),
    ]


def _is_text(name: str) -> pl.Expr:
    """Whether what is kept as JSON is a text."""
    return pl.col(name).str.starts_with('"')


def _status_faults(reading: Reading) -> list[Fault]:
    value = pl.col("raw:status")
    place = reading.place("status")
    known = [*_OK, *_FAILED, *place.values]
    spelled = value.str.to_lowercase()
    http = spelled.cast(pl.Int64, strict=False).is_between(200, 599)
    return [
        Fault(
            value.is_not_null()
            & ~spelled.is_in(known)
            & ~value.is_in(known)
            & http.fill_null(value=False).not_(),
            says(
                place,
                value,
                "is no known status; accepted are ok, error, an HTTP status, or what `values` of"
                " its source in sources.yaml translates",
            ),
        )
    ]


def _error_class(frame: pl.DataFrame) -> pl.Series:
    """``error_class`` of the failed calls, null for the others."""
    failed = frame["status"] == "error"
    classes = pl.Series("error_class", [None], dtype=pl.String).new_from_index(0, frame.height)
    if not failed.any():
        return classes
    found = classify_errors(frame.filter(failed))
    given = frame.filter(failed)["error_class"]
    found = found.zip_with(~given.is_in(ERROR_CLASSES).fill_null(value=False), given)
    return classes.scatter(failed.arg_true(), found)


def _provider() -> pl.Expr:
    """The name that all spellings of a provider share; null where the source knows none."""
    spelled = pl.col("provider").str.to_lowercase()
    return pl.when(~spelled.is_in(NO_PROVIDER)).then(spelled.replace(PROVIDER_OF))


def _charged() -> pl.Expr:
    """What the provider charged: a number (OpenRouter), or the total of an object (Perplexity)."""
    total = pl.col("charged").str.json_path_match("$.total_cost")
    said = pl.when(pl.col("charged").str.starts_with("{")).then(total).otherwise("charged")
    cost = said.cast(MONEY, strict=False)
    return pl.when((cost >= 0) & pl.col("own_key").ne_missing("true")).then(cost)


def _milliseconds_after_start(name: str) -> pl.Expr:
    elapsed = (pl.col(name) - pl.col("started_at")).dt.total_microseconds() / 1000
    return pl.when(elapsed >= 0).then(elapsed)


def _tool_calls() -> pl.Expr:
    """Name and arguments of each tool called, wherever OpenAI's function object put them."""
    call, called = pl.element(), pl.element().struct.field("function")
    return (
        pl.col("tool_calls")
        .fill_null([])
        .list.eval(
            pl.struct(
                pl.coalesce(
                    field_of(name) for field_of in (call.struct.field, called.struct.field)
                ).alias(name)
                for name in ("name", "arguments")
            )
        )
    )


def _asks(reading: Reading) -> bool:
    return any(reading.place(name) != Place() for name in ("question", "system"))


def _messages() -> pl.Expr:
    """The messages; where a source has only a question, that one, after its system text."""

    def alone(role: str) -> pl.Expr:
        content = pl.col({"user": "question"}.get(role, role))
        return pl.when(content.is_not_null()).then(
            pl.concat_list(pl.struct(role=pl.lit(role), content=content))
        )

    empty = pl.lit([], pl.List(pl.Struct({"role": pl.String, "content": pl.String})))
    built = pl.concat_list(alone("system").fill_null(empty), alone("user").fill_null(empty))
    return pl.when(pl.col("messages").is_not_null()).then("messages").otherwise(built)
