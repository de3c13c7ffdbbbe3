"""A reading narrowed to what a chunk of lines can hold: keys that nowhere occur are not asked for.

A format places a field at every path where some version of some library puts it; the lines of one
source use a few of them. What a chunk costs grows with the paths asked for, so the others go.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import Final

import polars as pl

from llmops_pipelines.formats.engine.fields import FIELDS
from llmops_pipelines.formats.engine.paths import Path
from llmops_pipelines.formats.engine.reading import Reading

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.-]+")
"""Keys that every encoder spells alike; others may be escaped, and always count as there."""

_SPELLED_OTHERWISE: Final = r'\\u00[2-7][0-9A-Fa-f][^"]*"\s*:'
"""A key in which a plain character is escaped: no look for the key itself finds it."""

_SAMPLE: Final = 8


def narrowed(reading: Reading, raw: pl.Series) -> Reading:
    """``reading`` without the paths that no line of ``raw`` (JSON text) can lead to.

    A container keeps one path below it, so that it can still be seen to be none, and what is only
    asked to be there or not is always asked. Lines that escape plain characters in keys are not
    narrowed for: what a line gives must not depend on the lines it is read with.
    """
    if _spelled_otherwise(raw):
        return reading
    paths = [path for place in reading.fields.values() for path in place.paths]
    keys = {step for path in paths for step in path if isinstance(step, str)}
    present = _occurring(keys, raw)
    kept = {path for path in paths if all(key in present for key in path if isinstance(key, str))}
    asked = _only_present(reading)
    for container in chain(reading.containers, asked):
        below = [path for path in paths if len(path) > len(container)]
        below = [path for path in below if path[: len(container)] == container]
        if below and present.issuperset(container) and kept.isdisjoint(below):
            kept.add(below[0])
    kept.update(asked)
    fields = {
        name: replace(place, paths=tuple(path for path in place.paths if path in kept))
        for name, place in reading.fields.items()
    }
    return replace(reading, fields=fields)


def _spelled_otherwise(raw: pl.Series) -> bool:
    # As a pattern: a literal is searched for at half the speed.
    escaped = raw.filter(raw.str.contains(r"\\u00"))
    return bool(escaped.str.contains(_SPELLED_OTHERWISE).any())


def _only_present(reading: Reading) -> list[Path]:
    """Paths of which only the presence is asked."""
    return [
        path
        for name, place in reading.fields.items()
        if FIELDS[name] == "presence"
        for path in place.paths
    ]


def _occurring(keys: set[str], raw: pl.Series) -> set[str]:
    """Those of ``keys`` that occur in ``raw``, as keys or otherwise."""
    open_ = {key for key in keys if _PLAIN.fullmatch(key)}
    found = keys - open_
    lines = raw
    while open_ and lines.len():
        sample = "\n".join(lines.head(_SAMPLE).to_list())
        said = {key for key in open_ if f'"{key}"' in sample}
        found |= said
        open_ -= said
        spelled = sorted(f'"{key}"' for key in open_)
        lines = lines.filter(lines.str.contains_any(spelled)) if spelled else lines.clear()
    return found
