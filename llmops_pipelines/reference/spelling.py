"""Names of features and teams that a file mentions and nobody has: most likely mistyped."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

import polars as pl

NO_SUCH_NAME: Final = "no such name"

UNKNOWN: Final = pl.Schema(dict.fromkeys(("place", "name", "did_you_mean"), pl.String))


class Mention(NamedTuple):
    """A name, or glob of names, that stands at a place of a file, such as ``rules.x.scopes``."""

    place: str
    name: str


def names_like(name: str, known: Collection[str]) -> str:
    """Up to three of ``known`` that are spelled much like ``name``, by commas."""
    return ", ".join(get_close_matches(name, sorted(known))) or NO_SUCH_NAME


def unknown_mentions(mentions: Iterable[Mention], known: Collection[str]) -> pl.DataFrame:
    """Those of ``mentions`` that no known name fits.

    Returns:
        ``UNKNOWN``, in the order of ``mentions``; ``did_you_mean`` as ``names_like`` tells it.
    """
    rows = [
        (place, name, names_like(name, known))
        for place, name in mentions
        if not any(fnmatchcase(each, name) for each in known)
    ]
    return pl.DataFrame(rows, schema=UNKNOWN, orient="row")
