"""An entry for sources.yaml, guessed from the names and values of unknown records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, Final, NamedTuple

import orjson

from llmops_pipelines.formats import FORMATS, connect
from llmops_pipelines.formats.engine.fields import FIELDS
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.ingest.landing.event_days import file_day
from llmops_pipelines.ingest.log_files.carried import carried_records
from llmops_pipelines.ingest.log_files.enclosed import enclosed_records
from llmops_pipelines.ingest.log_files.files import LogFile, read_content
from llmops_pipelines.ingest.log_files.opening import Unknown, open_content
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.previewing.guesses import CHECKS, Guess, model_guess, time_guess
from llmops_pipelines.ingest.previewing.preview import records_of
from llmops_pipelines.ingest.previewing.profiles import Profile, profiles
from llmops_pipelines.ingest.previewing.proposal_text import proposal_text
from llmops_pipelines.ingest.previewing.synonyms import LOOSE, SYNONYMS
from llmops_pipelines.ingest.previewing.token_guesses import settle_tokens, told_by_sum
from llmops_pipelines.ingest.sources import Source, Sources
from llmops_pipelines.reference import parse_document

_SAMPLE: Final = 5_000
_LONGEST: Final = 600
"""Seconds that the middle call takes at most."""
_DATE: Final = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{8}")
_TIME_OF_DAY: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?")
_TELLING: Final = ("model", "model_requested", "input_tokens", "output_tokens", "answer")
"""Fields of which a record of a call has one."""
_TOLD: Final = (
    *_TELLING, "uncached_input", "total_tokens", "messages", "question", "error_class",
    "error_code", "error_message", "cost_reported",
)  # fmt: skip
"""Fields without any of which a record is likely something else, such as a tool's."""


class NoMappingError(ValueError):
    """No mapping can be proposed; the message says why and what to do."""


class Proposal(NamedTuple):
    """An entry that reads its file, and the YAML that says it with its evidence."""

    source: Source
    text: str


def propose(file: LogFile, options: LandingOptions) -> Proposal:
    """Guess where the fields stand in the records of ``file``.

    Raises:
        NoMappingError: It holds no records, or needs no mapping.
    """
    records = _unwrapped(_records(file, options), options)
    found = profiles(records)
    guesses = guess(found, options)
    if guesses.keys().isdisjoint(_TELLING) and (inner := _carried(records)):
        records, found = inner, profiles(inner)
        guesses = guess(found, options)
    if "started_at" not in guesses:
        guesses = {"started_at": _day_of(file, found, options), **guesses}
    placed = {id(made.profile) for made in guesses.values()}
    left = [profile for profile in found if id(profile) not in placed]
    alike = {id(profile): name for _, name, profile in _candidates(left)}
    taken = {source.name for source in options.sources.sources}
    text = proposal_text(
        file.path, guesses, left, alike,
        count=len(records), silent=_silent(guesses), taken=taken,
    )  # fmt: skip
    (source,) = parse_document(text, Sources, file="proposal").sources
    return Proposal(source, text)


def guess(found: Sequence[Profile], options: LandingOptions) -> dict[str, Guess]:
    """Each field that can be placed with its guess, in the order of ``FIELDS``.

    A path fills one field. Surer names choose first, fields in the order of the synonyms.
    """
    guesses: dict[str, Guess] = {}
    taken: set[int] = set()
    spelled: dict[str, str] = {}
    for rank, name, profile in sorted(_candidates(found), key=lambda candidate: candidate[0]):
        if name in guesses or id(profile) in taken or not _spells_alike(profile, spelled):
            continue
        made = CHECKS[name](profile, options)
        if made is None:
            continue
        if rank and _loosely(name, profile):
            made.review = made.review or "the name may mean something else"
        guesses[name] = made
        taken.add(id(profile))
        spelled.update({str(step).lower(): str(step) for step in profile.path})
    _look_at_values(found, guesses, taken, options)
    guesses = settle_tokens(guesses)
    _settle_times(guesses)
    _doubt_lists(found, guesses)
    return {name: guesses[name] for name in FIELDS if name in guesses}


def _silent(guesses: Mapping[str, Guess]) -> int:
    """Records that hold nothing of a model's call, where the others do."""
    told = [
        made.profile.values
        for name, made in guesses.items()
        if name in _TOLD and made.profile is not None
    ]
    return sum(all(value is None for value in values) for values in zip(*told, strict=True))


def _records(file: LogFile, options: LandingOptions) -> list[dict[str, Any]]:
    entry = options.sources.of(file.path)
    if entry is None:
        known = open_content(connect(), read_content(file), options)
        if not isinstance(known, Unknown) and known.tag is not None:
            raise NoMappingError(
                f"is read as {known.tag} without a mapping; leave --write-mapping away"
            )
    asked = Source.model_validate(
        {"name": "asked", "match": file.path, "format": "mapped", "fields": {"started_at": "x"}}
    )
    mapped = replace(options, sources=Sources(sources=[asked]))
    opened = open_content(connect(), read_content(file), mapped)
    if isinstance(opened, Unknown):
        raise NoMappingError(opened.reason.removeprefix("file: "))
    records = records_of(opened, _SAMPLE)
    if not records:
        raise NoMappingError(
            "holds no JSON objects and no table, which is all that can be mapped; export it as"
            f" NDJSON, CSV or Parquet. Formats known: {', '.join(FORMATS)}"
        )
    return records


def _unwrapped(records: list[Record], options: LandingOptions) -> list[Record]:
    """What a file's only record encloses, where that record is an answer, without a time itself."""
    if len(records) > 1:
        return records
    own = [
        profile for profile in profiles(records) if all(isinstance(k, str) for k in profile.path)
    ]
    timed = any(time_guess(profile, options) for profile in own)
    inner = [] if timed else enclosed_records([json.dumps(records[0])])
    return [json.loads(record) for record in inner] or records


def _carried(records: Sequence[Record]) -> list[Record]:
    """The objects that a collector's records carry, whatever they are."""
    return carried_records(map(orjson.dumps, records), lambda _: "mapped")


def _candidates(found: Sequence[Profile]) -> Iterator[tuple[int, str, Profile]]:
    """Every field that a path's name may mean, with how far down the list the name stands."""
    for order, (name, synonyms) in enumerate(SYNONYMS.items()):
        for profile in found:
            ranks = [
                synonyms.index(called) * 10 + depth
                for depth, called in enumerate(profile.names)
                if called in synonyms
            ]
            if ranks:
                yield min(ranks) * 100 + len(profile.path) * 10 + order // 10, name, profile


def _loosely(name: str, profile: Profile) -> bool:
    surest = next(called for called in profile.names if called in SYNONYMS[name])
    return surest in LOOSE.get(name, ())


def _spells_alike(profile: Profile, spelled: Mapping[str, str]) -> bool:
    """Whether no key of the path differs only in case from one that is used already."""
    return all(spelled.get(str(step).lower(), str(step)) == str(step) for step in profile.path)


def _look_at_values(
    found: Sequence[Profile], guesses: dict[str, Guess], taken: set[int], options: LandingOptions
) -> None:
    """Times, models and sums of tokens tell themselves, whatever they are called."""
    free = [profile for profile in found if id(profile) not in taken]
    told = {"started_at": _told_time, "model": _told_model}
    for name, tell in told.items():
        made = next(filter(None, (tell(profile, options) for profile in free)), None)
        if name not in guesses and made is not None:
            made.review = "the values say so, the name does not"
            guesses[name] = made
            free = [profile for profile in free if profile is not made.profile]
    if not {"input_tokens", "output_tokens", "total_tokens"} & set(guesses):
        guesses.update(told_by_sum(free))


def _told_time(profile: Profile, options: LandingOptions) -> Guess | None:
    small = profile.are_numbers and max(filter(None, profile.numbers), default=0) < 1e9
    return None if small else time_guess(profile, options)


def _told_model(profile: Profile, options: LandingOptions) -> Guess | None:
    made = model_guess(profile, options)
    return made if made is not None and made.evidence.split(" ", 1)[0] != "0" else None


def _day_of(file: LogFile, found: Sequence[Profile], options: LandingOptions) -> Guess:
    day = file_day(file, options.start, options.moment.date())
    return Guess(
        None,
        "the file's own date",
        f"{_why_no_time(found)}. Until then every call is dated to this day",
        constant=f"{day}T00:00:00Z",
    )


_OF_ONE_CALL: Final = (
    "call_id", "started_at", "model", "input_tokens", "uncached_input", "output_tokens",
)  # fmt: skip


def _doubt_lists(found: Sequence[Profile], guesses: Mapping[str, Guess]) -> None:
    """Say where a record lists several calls, of which a path reaches only the first."""
    longest = {
        profile.path: max(len(value) for value in profile.known if isinstance(value, list))
        for profile in found
        if any(isinstance(value, list) for value in profile.known)
    }
    for name in _OF_ONE_CALL:
        made = guesses.get(name)
        if made is None or made.profile is None:
            continue
        path = made.profile.path
        held = [path[:depth] for depth, step in enumerate(path) if isinstance(step, int)]
        most = max((longest.get(holder, 0) for holder in held), default=0)
        if most > 1:
            made.review = (
                f"lists up to {most:,}, of which only the first is read: export one a line"
            )


def _why_no_time(found: Sequence[Profile]) -> str:
    """Why no path says when a call began, and what to do."""
    names = set(SYNONYMS["started_at"])
    counting = (each.shown for each in found if names & set(each.names) and each.are_numbers)
    if clock := next(counting, None):
        return (
            f"{clock} counts from a beginning that it does not name; add it to each when exporting"
        )
    day, hour = (
        next((each.shown for each in found if _all_are(spelling, each)), None)
        for spelling in (_DATE, _TIME_OF_DAY)
    )
    if day and hour:
        return f"{day} is the date and {hour} the time of day; export both in one field (date time)"
    if day:
        return f"{day} is a date without a time of day; export both in one field (date time)"
    return "no path holds a date; log when a call began"


def _all_are(spelling: re.Pattern[str], profile: Profile) -> bool:
    return profile.are_texts and all(spelling.fullmatch(text.strip()) for text in profile.texts)


def _settle_times(guesses: dict[str, Guess]) -> None:
    """Let the times of a call say the unit of its latency, and check it against its first token."""
    took, start, end = (guesses.get(name) for name in ("latency_ms", "started_at", "ended_at"))
    first = guesses.get("ttft_ms")
    if first and took and first.review and not took.review and took.unit:
        first.unit, first.review = took.unit, "the name does not say the unit; as the latency's"
    scale = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    if took and took.profile and took.review and start and start.profile:
        unit = start.profile.unit  # what counts its start so, mostly counts so how long it took
        if unit in scale and 1e-3 <= median(took.profile.known_numbers) * scale[unit] <= _LONGEST:
            took.unit = unit
    if not (took and took.profile and start and start.profile and end and end.profile):
        return
    if len(start.profile.known) != len(end.profile.known) or took.unit is None:
        return
    elapsed = (end.profile.times - start.profile.times).dt.total_microseconds().drop_nulls() / 1e6
    numbers = took.profile.known_numbers
    seconds = elapsed.median()
    if isinstance(seconds, (int, float)) and seconds > 0:
        best = min(scale, key=lambda unit: abs(median(numbers) * scale[unit] / seconds - 1))
        if 0.8 < median(numbers) * scale[best] / seconds < 1.25:
            took.unit, took.review = best, ""
            took.evidence += ", agrees with end less start"
