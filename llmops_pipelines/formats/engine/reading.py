"""How one source is read: where each field stands in its records, in which unit, in which zone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llmops_pipelines.formats.engine.fields import FIELDS
from llmops_pipelines.formats.engine.paths import Path, parse_path, show_path

Record = dict[str, Any]
"""A JSON object as Python has it."""

Unpack = Callable[[Record], Iterable[Record]]
"""One logged record to its canonical records; none at all is a record that is ignored."""

StreamOf = Callable[[Record], Hashable | None]
"""Which stream a record is a piece of; None if of none. Asked of a log's records in their order."""


@dataclass(frozen=True)
class Place:
    """Where one field comes from: the first of ``paths`` that holds a value, else ``constant``.

    ``unit`` is s, ms, us or ns of a time or duration, usd or cents of a cost; ``values`` translates
    what the record says into what the field accepts (``{"OK": "ok"}``); ``decimal`` stands before
    the decimals of numbers as people write them (``1,234.5``), None where there are no such.
    """

    paths: tuple[Path, ...] = ()
    constant: str | None = None
    unit: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None

    @property
    def shown(self) -> str:
        """What an error message calls the field: the first path."""
        return show_path(self.paths[0]) if self.paths else "(constant)"


def at(*paths: str, unit: str | None = None) -> Place:
    """A place by its paths as text: ``at("timestamp", "time")``."""
    return Place(tuple(parse_path(path) for path in paths), unit=unit)


@dataclass(frozen=True)
class Reading:
    """Everything needed to read the records of one source.

    ``containers`` are the objects and lists that must not be anything else when they are there;
    ``free`` objects may hold anything: what is no text and no number there says nothing.
    ``second_hand``, ``of_any_model`` and ``enveloped`` as in ``LogFormat``. ``pinned`` is what
    people have said of a source, not what its records look like.
    """

    format: str
    fields: Mapping[str, Place]
    containers: tuple[Path, ...] = ()
    free: tuple[Path, ...] = ()
    zone: str = "UTC"
    unpack: Unpack | None = None
    dated_by_file: bool = False
    second_hand: bool = False
    of_any_model: bool = False
    enveloped: bool = False
    pinned: bool = field(default=False, compare=False)

    def place(self, name: str) -> Place:
        """Where ``name`` stands; nowhere if the source does not have it."""
        return self.fields.get(name, Place())

    def is_free(self, path: Path) -> bool:
        """Whether ``path`` leads into one of the ``free`` objects."""
        return any(path[: len(container)] == container for container in self.free)


@dataclass(frozen=True)
class LogFormat:
    """A known log format: how to recognise a record, and where its fields stand.

    Every record that it recognises has at least one of the keys ``marks``: without any of them a
    record need not be looked at. ``unpack`` turns a record that is not flat into canonical records,
    see ``unpacking``; ``needs`` names what a record must have, for people; ``dated_by_file`` says
    that records have no time of their own, so that the date in the file's path, else its
    modification time, dates them. ``second_hand`` says that a tool copied the counts from whoever
    made them: a total that contradicts them is a doubt, and no fault (``told_totals``).
    ``of_any_model`` says that other providers answer in it too, some without a place for reasoning.
    ``enveloped`` says that records are what a provider answers, bare or in our envelope: one that
    tells neither of a request nor of a response is no call.
    ``streams`` tells the pieces of streams apart, where each is a record: ``unpack`` is then given
    all of one as the list ``stream``.
    """

    name: str
    about: str
    recognises: Callable[[Mapping[str, Any]], bool]
    marks: tuple[str, ...] = ()
    fields: Mapping[str, Place] = field(default_factory=dict)
    containers: tuple[Path, ...] = ()
    free: tuple[Path, ...] = ()
    unpack: Unpack | None = None
    needs: tuple[str, ...] = ()
    dated_by_file: bool = False
    second_hand: bool = False
    of_any_model: bool = False
    enveloped: bool = False
    streams: Callable[[], StreamOf] | None = None

    def reading(self, overrides: Mapping[str, Place] | None = None, zone: str = "UTC") -> Reading:
        """How to read a source of this format; ``overrides`` come before its own places.

        Where the format unpacks its records, the paths of overrides are those of the canonical
        record (``metadata.tenant``), not of the logged one.
        """
        if self.unpack is not None:
            return self._canonical(overrides or {}, zone)
        fields = dict(self.fields)
        for name, place in (overrides or {}).items():
            own = self.fields.get(name, Place())
            fields[name] = replace(place, paths=(*place.paths, *own.paths))
        given = [path for place in (overrides or {}).values() for path in place.paths]
        containers = (*self.containers, *_containers(given))
        return Reading(
            self.name,
            fields,
            containers,
            self.free,
            zone,
            dated_by_file=self.dated_by_file,
            second_hand=self.second_hand,
            of_any_model=self.of_any_model,
            enveloped=self.enveloped,
        )

    def _canonical(self, overrides: Mapping[str, Place], zone: str) -> Reading:
        fields = {name: at(name) for name in FIELDS if name != "answered"}
        for name, place in overrides.items():
            fields[name] = replace(place, paths=(*place.paths, *at(name).paths))
        return Reading(
            self.name,
            fields,
            zone=zone,
            unpack=self.unpack,
            dated_by_file=self.dated_by_file,
            second_hand=self.second_hand,
            of_any_model=self.of_any_model,
            enveloped=self.enveloped,
        )


def _containers(paths: Iterable[Path]) -> list[Path]:
    """The objects and lists on the way to ``paths``, as far as no list position leads there."""
    found: dict[Path, None] = {}
    for path in paths:
        for end in range(1, len(path)):
            if not any(isinstance(step, int) for step in path[:end]):
                found[path[:end]] = None
    return list(found)
