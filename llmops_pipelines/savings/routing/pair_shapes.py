"""Tables of routing results as others write them, brought into the columns of paired outcomes.

A table is *paired* (a column per side, under whatever name), *wide* (columns per model) or *long*
(a row per question and model). Which model is small and which large no table of the last two kinds
says: that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.savings.routing.outcomes import PAIRED, REQUIRED, OutcomesError, number

_TEXT: Final = (
    "text", "prompt", "question", "query", "user_input", "input", "instruction", "request",
    "user_query", "messages", "problem",
)  # fmt: skip
_ID: Final = (
    "id", "question_id", "query_id", "sample_id", "prompt_id", "global_index", "example_id",
    "item_id", "uid", "gid", "idx", "index",
)  # fmt: skip
_GROUP: Final = (
    "group", "subject", "category", "dataset", "dataset_name", "benchmark", "eval_name", "task",
    "task_name", "task_id", "source", "data_source", "domain", "cluster_id", "feature",
)  # fmt: skip
_MODEL: Final = ("model", "model_name", "model_id", "llm", "served_model", "router_model")
_SCORES: Final = (
    "score", "correct", "is_correct", "quality", "rating", "reward", "performance", "accuracy",
    "scores", "passed", "success_score",
)  # fmt: skip
_COSTS: Final = (
    "cost", "inference_cost", "cost_usd", "total_cost", "usd", "price", "costs", "cost_dollars",
)  # fmt: skip
_SIDES: Final[Mapping[str, tuple[str, ...]]] = {
    "weak": ("weak", "small", "cheap"),
    "strong": ("strong", "large", "expensive", "big"),
}
_NAMED: Final = 8
"""Models that a message names."""


class Shaped(NamedTuple):
    """A table with columns of ``PAIRED``, and from which of its own each of them came."""

    rows: pl.DataFrame
    read_as: dict[str, str]
    """Column of ``PAIRED`` to what it was, for those that had another name."""


def as_paired(given: pl.DataFrame, *, weak: str | None = None, strong: str | None = None) -> Shaped:
    """Columns of ``PAIRED``, as far as ``given`` has them under these or usual other names.

    Args:
        given: One row per question, or per question and model.
        weak: Name of the small model, where columns or rows are named after models.
        strong: Name of the large one.

    Raises:
        OutcomesError: Nothing in it is a text or a score, or two models must be named.
    """
    columns = set(given.columns)
    if (weak is None) != (strong is None):
        raise OutcomesError("name both models: --weak NAME --strong NAME")
    if weak is not None and weak == strong:
        raise OutcomesError(f"--weak and --strong are both {weak!r}; name two models")
    own = {name: name for name in PAIRED.names() if name in columns}
    if weak is None and set(REQUIRED) <= set(own):
        return Shaped(given, {})
    common = {
        name: column
        for name, names in (("text", _TEXT), ("id", _ID), ("group", _GROUP))
        if (column := own.get(name) or _first(given, names))
    }
    model = _first(given, _MODEL)
    if weak is not None and strong is not None:
        sides = {"weak": weak, "strong": strong}
        if model and {weak, strong} <= set(given[model].cast(pl.String).to_list()):
            return _from_long(given, common, model, sides)
        return _shaped(given, common | own | _of_models(given, sides, model))
    found = own | common | dict(_of_sides(given))
    if missing := [name for name in REQUIRED if name not in found]:
        raise OutcomesError(_unread(given, missing, model))
    return _shaped(given, found)


def _shaped(given: pl.DataFrame, found: Mapping[str, str]) -> Shaped:
    told = {name: column for name, column in found.items() if name != column}
    rows = given.select(pl.col(column).alias(name) for name, column in found.items())
    return _with_sources(Shaped(rows, told))


def _with_sources(shaped: Shaped) -> Shaped:
    """Groups by what ids begin with, where nothing else says them: ``AIME_106`` is of ``AIME``."""
    rows = shaped.rows
    if "group" in rows.columns or "id" not in rows.columns:
        return shaped
    sources = rows["id"].cast(pl.String).str.extract(r"^(.*[^\d_./:-])[_./:-]+\d+$")
    if sources.null_count() or not 2 <= sources.n_unique() <= rows.height // 2:
        return shaped
    told = shaped.read_as | {"group": f"what {shaped.read_as.get('id', 'id')} begins with"}
    return Shaped(rows.with_columns(sources.alias("group")), told)


def _first(given: pl.DataFrame, names: tuple[str, ...]) -> str | None:
    """The first of ``names`` that is a column, however it is written, and holds something."""
    spelled = {_plain(column): column for column in reversed(given.columns)}
    return next(
        (
            spelled[name]
            for name in names
            if name in spelled and given[spelled[name]].null_count() < given.height
        ),
        None,
    )


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _of_sides(given: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Columns that name the side: ``weak_correct``, ``score_large``, ``cheap.cost``."""
    for side, words in _SIDES.items():
        for kind, kinds in (("score", _SCORES), ("cost", _COSTS)):
            names = tuple(
                name
                for word in words
                for known in kinds
                for name in (f"{known}_{word}", f"{word}_{known}", f"{word}_model_{known}")
            )
            if found := _first(given, names):
                yield f"{kind}_{side}", found


def _of_models(given: pl.DataFrame, sides: Mapping[str, str], model: str | None) -> dict[str, str]:
    """Columns that are named after the two models; a model's own name alone is its score.

    Raises:
        OutcomesError: Neither a column nor a row, as ``model`` names them, is of one of the two.
    """
    found: dict[str, str] = {}
    for side, name in sides.items():
        for kind, kinds in (("score", _SCORES), ("cost", _COSTS)):
            mine = _plain(name)
            names = [joined for known in kinds for joined in (f"{known}_{mine}", f"{mine}_{known}")]
            names += [mine] if kind == "score" else []
            if column := _first(given, tuple(names)):
                found[f"{kind}_{side}"] = column
        if f"score_{side}" not in found:
            known = _models(given, model)
            of = f"no row of {model} {name!r}" if model else f"no column with scores of {name!r}"
            raise OutcomesError(f"{of}; it has {_named(known) or 'columns of no model'}")
    return found


def _from_long(
    given: pl.DataFrame, common: Mapping[str, str], model: str, sides: Mapping[str, str]
) -> Shaped:
    """Rows of both models side by side; a question that one of them did not answer has no score.

    Answers of one model to one question count with their mean. An id that a model has several texts
    of (the turns of a conversation) tells questions apart together with the text.
    """
    score, cost = _first(given, _SCORES), _first(given, _COSTS)
    if score is None or "text" not in common:
        lacking, names = ("text", _TEXT) if score else ("score", _SCORES)
        raise OutcomesError(
            f"no column is a {lacking}; the columns are {', '.join(given.columns)}; "
            + (
                "put the question that the models were asked"
                if score
                else "put what an answer is worth"
            )
            + f" into one called {lacking} ({', '.join(names[1:])} are taken for it, too)"
        )
    taken = {"score": score} | ({"cost": cost} if cost else {})
    own = given.select(
        pl.col(model).cast(pl.String).alias("model"),
        *(pl.col(column).alias(f"common_{part}") for part, column in common.items()),
        *(number(given[column]).alias(part) for part, column in taken.items()),
    ).filter(pl.col("model").is_in(list(sides.values())))
    key = _key(own, common)
    answers = own.group_by("model", *key, maintain_order=True).agg(
        pl.col(f"common_{part}" for part in common if f"common_{part}" not in key).first(),
        pl.col(taken).mean(),
        answers=pl.len(),
    )
    halves = {
        side: answers.filter(model=name).select(
            pl.struct(key).alias("key"),
            *(f"common_{part}" for part in common),
            *(pl.col(part).alias(f"{part}_{side}") for part in taken),
        )
        for side, name in sides.items()
    }
    both = halves["strong"].join(halves["weak"], on="key", how="full", coalesce=True)
    most = int(answers["answers"].max())  # type: ignore[arg-type]
    repeated = f", mean of up to {most:,} answers" if most > 1 else ""
    rows = both.select(
        *(pl.coalesce(f"common_{part}", f"common_{part}_right").alias(part) for part in common),
        *(f"{part}_{side}" for part in taken for side in sides),
    )
    told = {name: column for name, column in common.items() if name != column}
    told |= {
        f"{part}_{side}": f"{column} of {name}{repeated}"
        for part, column in taken.items()
        for side, name in sides.items()
    }
    return _with_sources(Shaped(rows, told))


def _key(own: pl.DataFrame, common: Mapping[str, str]) -> list[str]:
    """Columns by which the answers of two models are of one question."""
    if "id" not in common:
        return ["common_text"]
    texts = own.group_by("model", "common_id").agg(n=pl.col("common_text").n_unique())
    return ["common_id", "common_text"] if (texts["n"] > 1).any() else ["common_id"]


def _unread(given: pl.DataFrame, missing: list[str], model: str | None) -> str:
    return (
        f"no column {', '.join(missing)}{_models_told(given, model)}; the columns are "
        f"{', '.join(given.columns) or 'none'}; expected {', '.join(PAIRED)} (those besides "
        f"{', '.join(REQUIRED)} may be missing), or columns or rows named after models and --weak "
        "NAME --strong NAME"
    )


def _models_told(given: pl.DataFrame, model: str | None) -> str:
    """Which models the table seems to be about, where they have to be named."""
    names = _models(given, model)
    if len(names) < 2:
        return ""
    what = f"a row per question and model: {model}" if model else "columns per model"
    return (
        f"; it has {what} ({_named(names)}): say which is the small and which the large one with "
        "--weak NAME --strong NAME"
    )


def _models(given: pl.DataFrame, model: str | None) -> list[str]:
    """What rows are of, or what columns of scores and costs are named after, sides left out."""
    if model is not None:
        return given[model].cast(pl.String).drop_nulls().unique().sort().to_list()
    starts = [f"{name}_" for name in (*_SCORES, *_COSTS)]
    ends = {
        parts[0]: None
        for column in given.columns
        if len(parts := re.split(r"[|:.](?=[^|:.]*$)", column)) > 1
        and _plain(parts[1]) in (*_SCORES, *_COSTS)
    }  # gpt-4|total_cost
    parts = [
        re.split(r"[_.|/: ]", column, maxsplit=1)
        for column in given.columns
        if any(_plain(column).startswith(start) for start in starts)
    ]
    sides = {word for words in _SIDES.values() for word in words}
    named = [part[1] for part in parts if len(part) > 1] + list(ends)
    return sorted({name for name in named if name not in sides})


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
