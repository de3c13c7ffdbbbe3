"""What is no running text and may still name a person: names, tags and ids that applications chose.

Some take a mail address for the id of a session, or tag a call with its customer. Names and tags
are redacted like texts. An id has to tell rows apart and bring them together: it is hidden as a
whole, by a keyed hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from llmops_pipelines.ingest.digests import keyed_hashes
from llmops_pipelines.ingest.privacy.forgetting import SPELLINGS, session_digest
from llmops_pipelines.ingest.privacy.redaction import Redaction, redact
from llmops_pipelines.ingest.privacy.secret_shapes import SECRET_LITERALS

_NAMES: Final = (
    "name", "project", "team", "environment", "experiment_arm", "prompt_name", "feature"
)  # fmt: skip
_WORDS: Final = (
    "provider", "model", "model_requested", "service_tier", "prompt_version", "instrumentation",
    "finish_reason", "format_requested", "kind",
)  # fmt: skip
"""Versions and dates stand in these: they are searched only where more than digits may show."""
_IDS: Final = ("call_id", "trace_id", "parent_id", "about_call", "session_id", "response_id")
_TELLING: Final = ("secret", "email", "phone")
"""Kinds that show in an id by their form; digits alone are any number."""
_SUBJECTS: Final = {
    "user": ("user_id",),
    "session": ("session_id",),
    "trace": ("trace_id", "call_id", "about_call"),  # a call without a trace is its own
}
_SHOWN_BY: Final = ["@", "%40", "+", *SECRET_LITERALS]


def without_people(rows: pl.DataFrame, key: bytes, redaction: Redaction) -> pl.DataFrame:
    """``rows`` with names and tags redacted, and those ids hidden that hold personal data.

    Args:
        rows: Calls, steps or feedback as their format reads them.
        key: That users are hashed with.
        redaction: Its patterns are used; names of people are looked for in texts alone.
    """
    floor = Redaction(redaction.patterns)
    names, words, ids = (
        [rows[name] for name in which if name in rows.columns] for which in (_NAMES, _WORDS, _IDS)
    )
    tags = rows["tags"] if "tags" in rows.columns else pl.Series([], dtype=pl.List(pl.String))
    said = _changes([*names, tags.explode(empty_as_null=True)], floor)
    shown = _changes(words, floor, _SHOWN_BY)
    changed = [_changed(name, said) for name in names] + [_changed(word, shown) for word in words]
    changed += [hidden_ids(each, key) for each in ids]
    if "tags" in rows.columns and said.height:
        changed.append(tags.list.eval(pl.element().replace(said["text"], said["redacted"])))
    return rows.with_columns(changed)


def hidden_ids(ids: pl.Series, key: bytes) -> pl.Series:
    """``ids``, of which those that hold a secret, a mail address or a phone number are hashed."""
    maybe = ids.filter(ids.str.contains_any(_SHOWN_BY))
    if maybe.is_empty():
        return ids
    found = redact(maybe.unique())
    telling = found.filter(pl.sum_horizontal(_TELLING) > 0)["text"]
    if telling.is_empty():
        return ids
    return ids.replace(telling, "hidden:" + keyed_hashes(telling, key, 16))


def spellings(name: str, keys: Iterable[bytes]) -> set[str]:
    """How the id ``name`` may stand in the lake: as it is, or hidden by one of ``keys``."""
    return {name, *(hidden_ids(pl.Series([name]), key)[0] for key in keys)}


def other_spellings(
    frames: Iterable[pl.DataFrame], key: bytes, old_keys: Iterable[bytes]
) -> pl.DataFrame:
    """How users, sessions and traces of ``frames`` were known while one of ``old_keys`` hid them.

    Args:
        frames: Calls, steps or feedback as their format reads them, before anything is hidden.
        key: That hides them now.
        old_keys: Keys before it.

    Returns:
        ``SPELLINGS``; ids that no key hides are left out.
    """
    frames, found = list(frames), [pl.DataFrame(schema=SPELLINGS)]
    for old_key in old_keys:
        for kind, columns in _SUBJECTS.items():
            held = [frame[name] for frame in frames for name in columns if name in frame.columns]
            ids = pl.concat([pl.Series(dtype=pl.String), *held]).drop_nulls().unique()
            was, now = (_subjects(kind, ids, each) for each in (old_key, key))
            pairs = pl.DataFrame({"was": was, "subject": now}, schema=SPELLINGS.names()[1:])
            changed = pairs.filter(pl.col("was") != pl.col("subject"))
            found.append(changed.select(pl.lit(kind).alias("kind"), "was", "subject"))
    return pl.concat(found)


def _subjects(kind: str, ids: pl.Series, key: bytes) -> pl.Series:
    """``ids`` as tombstones name them."""
    if kind == "user":
        return keyed_hashes(ids, key, 16)
    names = hidden_ids(ids, key)
    if kind == "trace":
        return names
    hidden = names.filter(names != ids)
    return names.replace(hidden, [session_digest(name) for name in hidden.to_list()])


def _changes(
    columns: Iterable[pl.Series], redaction: Redaction, shown_by: list[str] | None = None
) -> pl.DataFrame:
    """What has to be changed in ``columns``, each text of which is looked at once."""
    distinct = [column.unique() for column in columns if column.null_count() < len(column)]
    held = pl.concat([pl.Series([], dtype=pl.String), *distinct]).drop_nulls().unique()
    if shown_by is not None:
        held = held.filter(held.str.contains_any(shown_by))
    return redact(held, redaction)


def _changed(names: pl.Series, changes: pl.DataFrame) -> pl.Series:
    return names.replace(changes["text"], changes["redacted"]) if changes.height else names
