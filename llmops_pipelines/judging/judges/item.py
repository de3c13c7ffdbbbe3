"""Items: the sampled calls as judges see them, and the digest of exactly what one judge sees."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import polars as pl

from llmops_pipelines.judging.judges.specs import JudgeSpec

DIGEST_DIGITS = 32

ITEM_SCHEMA = pl.Schema(
    [
        ("call_id", pl.String),
        ("trace_id", pl.String),
        ("feature", pl.String),
        ("question", pl.String),
        ("answer", pl.String),
        ("contexts", pl.List(pl.String)),
        ("reference", pl.String),
        ("alternative", pl.String),
    ]
)
"""One sampled call whose texts were kept, or one sample of a file."""


@dataclass(frozen=True)
class Item:
    """One content in front of one judge; ``repetition`` counts how often it was, from 0."""

    call_id: str
    digest: str
    question: str
    answer: str
    contexts: tuple[str, ...]
    reference: str = ""
    alternative: str = ""
    repetition: int = 0

    def shown(self, fields: Iterable[str]) -> dict[str, object]:
        """The values of ``fields``, by name, as a judge's prompt takes them."""
        return {name: getattr(self, name) for name in fields}


def items(sampled: pl.DataFrame | pl.LazyFrame, texts: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The sampled calls with their texts, by call id; calls without texts are left out.

    Args:
        sampled: ``SAMPLED_TRACES``.
        texts: ``CALL_TEXTS`` of exactly the kept lines; only the sampled calls' are read.

    Returns:
        `ITEM_SCHEMA`. Blank contexts are left out: they support nothing.
    """
    content = pl.element().struct.field("content")
    return (
        sampled.lazy()
        .select("call_id", "trace_id", "feature")
        .join(texts.lazy().select("call_id", "question", "answer", "contexts"), on="call_id")
        .with_columns(
            pl.col("contexts")
            .list.eval(content.filter(content.str.strip_chars().str.len_bytes() > 0))
            .fill_null([]),
            reference=pl.lit(None, pl.String),
            alternative=pl.lit(None, pl.String),
        )
        .select(ITEM_SCHEMA.names())
        .collect(engine="streaming")
        .cast(ITEM_SCHEMA)
        .sort("call_id")
    )


@dataclass(frozen=True)
class SlicedItems:
    """Items that are never held all at once: ``read`` gives them a slice at a time, ever again.

    A slice is an `ITEM_SCHEMA` frame; no call is in two of them. Slices are judged one after the
    other, so where money may run out half-way they should be drawn at random.
    """

    read: Callable[[], Iterator[pl.DataFrame]]

    def filter(self, *predicates: pl.Expr) -> SlicedItems:
        """Those of which all ``predicates`` are true."""
        return SlicedItems(lambda: (part.filter(*predicates) for part in self.read()))


Items = pl.DataFrame | SlicedItems


def slices(items: Items) -> Iterator[pl.DataFrame]:
    """``items`` frame by frame; a frame is one slice."""
    return iter([items]) if isinstance(items, pl.DataFrame) else items.read()


def calls_of(items: Items) -> pl.DataFrame:
    """``call_id`` of each item."""
    empty = pl.DataFrame(schema={"call_id": pl.String})
    return pl.concat([empty, *(part.select("call_id") for part in slices(items))])


def digests_of(items: Items, spec: JudgeSpec) -> pl.DataFrame:
    """``call_id`` and ``item_digest`` of each item: what is known of them without their texts."""
    return pl.concat(
        [
            pl.DataFrame(schema={"call_id": pl.String, "item_digest": pl.String}),
            *(with_digests(part, spec).select("call_id", "item_digest") for part in slices(items)),
        ]
    )


def with_digests(items: pl.DataFrame, spec: JudgeSpec) -> pl.DataFrame:
    """``items`` with ``item_digest``: SHA-256 of exactly what ``spec`` sees, 32 hex digits."""
    visible = items.select(sorted(set(spec.sees)))
    digests = [_digest(row) for row in visible.iter_rows(named=True)]
    return items.with_columns(item_digest=pl.Series(digests, dtype=pl.String))


def read_item(row: Mapping[str, Any], repetition: int = 0) -> Item:
    """The item in a row of `with_digests`."""
    return Item(
        call_id=row["call_id"],
        digest=row["item_digest"],
        question=row["question"] or "",
        answer=row["answer"] or "",
        contexts=tuple(row["contexts"]),
        reference=row["reference"] or "",
        alternative=row["alternative"] or "",
        repetition=repetition,
    )


def missing_field(item: Item, spec: JudgeSpec) -> str | None:
    """Why ``spec`` finds nothing to judge in ``item``, such as ``no_answer``; None if it does."""
    values = {**vars(item), "contexts": "".join(item.contexts)}
    return next((f"no_{name}" for name in spec.requires if not values[name].strip()), None)


def _digest(visible: Mapping[str, Any]) -> str:
    text = json.dumps(visible, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()[:DIGEST_DIGITS]
