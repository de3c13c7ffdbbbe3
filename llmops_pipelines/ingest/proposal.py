"""An entry for sources.yaml, guessed from the names and values of unknown records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final, NamedTuple

import polars as pl

from llmops_pipelines.formats import FORMATS, connect
from llmops_pipelines.formats.calls import said_status
from llmops_pipelines.formats.fields import FIELDS
from llmops_pipelines.ingest.days import file_day
from llmops_pipelines.ingest.files import LogFile, read_content
from llmops_pipelines.ingest.opening import Unknown, open_content
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.preview import records_of
from llmops_pipelines.ingest.profiles import Profile, profiles
from llmops_pipelines.ingest.proposal_text import proposal_text
from llmops_pipelines.ingest.sources import Source, Sources
from llmops_pipelines.ingest.synonyms import LOOSE, SYNONYMS
from llmops_pipelines.ingest.token_guesses import settle_tokens
from llmops_pipelines.reference import parse_document

_HOLD: Final = 8 * 2**20
_SAMPLE: Final = 5_000
_WORDS: Final = 50
"""Distinct values up to which text is a word of a vocabulary, such as a feature."""
_BAD: Final = ("fail", "err", "timeout", "cancel", "denied", "reject", "abort", "exceed", "limit")


_BOTH: Final[Mapping[str, tuple[str, ...]]] = {
    one: pair
    for pair in (("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("1", "0"))
    for one in pair
}
"""The other word of a flag may come yet."""
_MOST_CALLS: Final = 100
"""Calls of one request on average, beyond which an id is none of requests."""


class NoMappingError(ValueError):
    """No mapping can be proposed; the message says why and what to do."""


@dataclass
class Guess:
    """Where one field probably stands, why, and what a person should look at (``review``)."""

    profile: Profile | None
    evidence: str
    review: str = ""
    unit: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    constant: str | None = None


class Proposal(NamedTuple):
    """An entry that reads its file, and the YAML that says it with its evidence."""

    source: Source
    text: str


def propose(file: LogFile, options: LandingOptions) -> Proposal:
    """Guess where the fields stand in the records of ``file``.

    Raises:
        NoMappingError: It holds no records, or needs no mapping.
    """
    records = _records(file, options)
    found = profiles(records)
    guesses = guess(found, options)
    if "started_at" not in guesses:
        guesses = {"started_at": _day_of(file, found, options), **guesses}
    placed = {id(made.profile) for made in guesses.values()}
    left = [profile for profile in found if id(profile) not in placed]
    taken = {source.name for source in options.sources.sources}
    text = proposal_text(file.path, guesses, left, count=len(records), taken=taken)
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
        made = _CHECKS[name](profile, options)
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
    return {name: guesses[name] for name in FIELDS if name in guesses}


def _records(file: LogFile, options: LandingOptions) -> list[dict[str, Any]]:
    entry = options.sources.of(file.path)
    if entry is None:
        known = open_content(connect(), read_content(file, hold=_HOLD), options)
        if not isinstance(known, Unknown) and known.tag is not None:
            raise NoMappingError(
                f"is read as {known.tag} without a mapping; leave --write-mapping away"
            )
    asked = Source.model_validate(
        {"name": "asked", "match": file.path, "format": "mapped", "fields": {"started_at": "x"}}
    )
    options = LandingOptions(**{**vars(options), "sources": Sources(sources=[asked])})
    opened = open_content(connect(), read_content(file, hold=_HOLD), options)
    if isinstance(opened, Unknown):
        raise NoMappingError(opened.reason.removeprefix("file: "))
    records = records_of(opened, _SAMPLE)
    if not records:
        raise NoMappingError(
            "holds no JSON objects and no table, which is all that can be mapped; export it as"
            f" NDJSON, CSV or Parquet. Formats known: {', '.join(FORMATS)}"
        )
    return records


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
    return profile.names[-1] in LOOSE.get(name, ())


def _spells_alike(profile: Profile, spelled: Mapping[str, str]) -> bool:
    """Whether no key of the path differs only in case from one that is used already."""
    return all(spelled.get(str(step).lower(), str(step)) == str(step) for step in profile.path)


def _look_at_values(
    found: Sequence[Profile], guesses: dict[str, Guess], taken: set[int], options: LandingOptions
) -> None:
    """Times and models tell themselves, whatever they are called."""
    free = [profile for profile in found if id(profile) not in taken]
    if "started_at" not in guesses:
        for profile in free:
            numeric = profile.are_numbers and max(filter(None, profile.numbers), default=0) < 1e9
            if not numeric and (made := _time(profile, options)) is not None:
                made.review = "the values are times, the name does not say of what"
                guesses["started_at"] = made
                return


def _day_of(file: LogFile, found: Sequence[Profile], options: LandingOptions) -> Guess:
    day = file_day(file, options.start, options.moment.date())
    clock = next(
        (profile.shown for profile in found
         if set(profile.names) & set(SYNONYMS["started_at"]) and profile.are_numbers),
        None,
    )  # fmt: skip
    why = (
        f"{clock} counts from a beginning that it does not name; add it to each when exporting"
        if clock
        else "no path holds a date; log when a call began"
    )
    return Guess(
        None,
        "the file's own date",
        f"{why}. Until then every call is dated to this day",
        constant=f"{day}T00:00:00Z",
    )


def _time(profile: Profile, options: LandingOptions) -> Guess | None:
    times = profile.times
    believed = times.is_between(options.limits.earliest, options.limits.latest).fill_null(False)
    if believed.sum() < 0.95 * len(profile.known):
        return None
    days = sorted(times.filter(believed).dt.strftime("%Y-%m-%d").unique().to_list())
    kind = "numbers since 1970" if profile.are_numbers else "ISO times"
    evidence = f"{kind}, {days[0]} to {days[-1]}"
    zoned = profile.are_numbers or all(
        text.rstrip().endswith(("Z", "z")) or "+" in text[10:] or "-" in text[10:]
        for text in profile.texts
    )
    review = "" if zoned else "they name no zone and are taken as UTC; else give `zone:`"
    return Guess(profile, evidence, review)


def _id(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_texts or max(map(len, profile.texts)) > 200:
        return None
    different = profile.distinct == len(profile.known)
    complete = len(profile.known) == len(profile.values)
    return Guess(
        profile,
        f"{profile.distinct:,} different in {len(profile.known):,}",
        "" if different and complete else "it does not tell every record apart: equal ones are"
        " duplicates",
    )  # fmt: skip


def _trace_id(profile: Profile, options: LandingOptions) -> Guess | None:
    few = len(profile.known) > _MOST_CALLS * profile.distinct
    return None if few else _grouping_id(profile, options)


def _grouping_id(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_texts or max(map(len, profile.texts)) > 200:
        return None
    return Guess(profile, f"{profile.distinct:,} different in {len(profile.known):,}")


def _label(profile: Profile, _: LandingOptions) -> Guess | None:
    if any(isinstance(value, (list, dict)) or len(str(value)) > 200 for value in profile.known):
        return None
    return Guess(profile, f"{profile.distinct:,} different in {len(profile.known):,}")


def _word(profile: Profile, options: LandingOptions) -> Guess | None:
    if not profile.are_texts or profile.distinct > _WORDS:
        return None
    return _label(profile, options)


def _flag(profile: Profile, _: LandingOptions) -> Guess | None:
    spelled = {str(value).lower() for value in profile.known}
    return Guess(profile, "true or false") if spelled <= {"true", "false", "0", "1"} else None


def _whole(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_whole:
        return None
    numbers = [number for number in profile.numbers if number is not None]
    return Guess(profile, f"whole numbers, median {median(numbers):,.0f}")


def _attempt(profile: Profile, options: LandingOptions) -> Guess | None:
    below = any(number is not None and number < 1 for number in profile.numbers)
    return None if below else _whole(profile, options)


def _duration(profile: Profile, _: LandingOptions) -> Guess | None:
    numbers = [number for number in profile.numbers if number is not None]
    if not profile.are_numbers or min(numbers) < 0:
        return None
    middle = median(numbers)
    if profile.unit in ("ms", "s", "us", "ns"):
        unit = profile.unit
        odd = middle * {"ms": 1e-3, "s": 1, "us": 1e-6, "ns": 1e-9}[unit] > 600
        review = "the name says the unit, the size says otherwise" if odd else ""
        return Guess(profile, f"median {middle:,.4g} {unit}, as the name says", review, unit)
    if middle >= 150:
        return Guess(profile, f"median {middle:,.4g}: ms by size", unit="ms")
    return Guess(profile, f"median {middle:,.4g}: s by size", "the name does not say the unit", "s")


def _money(profile: Profile, _: LandingOptions) -> Guess | None:
    numbers = [number for number in profile.numbers if number is not None]
    if not profile.are_numbers or min(numbers) < 0:
        return None
    middle = median(numbers)
    unit = "cents" if profile.unit == "cents" else "usd"
    review = "" if middle < 1 or unit == "cents" else "dear for one call; are they cents?"
    return Guess(profile, f"median {middle:,.4g} {unit}", review, unit)


def _status(profile: Profile, _: LandingOptions) -> Guess | None:
    spelled = sorted({_as_label(value) for value in profile.known})
    if len(spelled) > _WORDS or any(isinstance(value, (list, dict)) for value in profile.known):
        return None
    if {word.lower() for word in spelled} <= {"true", "false", "0", "1"}:
        failing = any(word in "_".join(profile.names) for word in ("error", "fail"))
        good = ("false", "0") if failing else ("true", "1")
        words = dict.fromkeys([*spelled, *_BOTH.get(spelled[0], ())])
        values = {word: "ok" if word.lower() in good else "error" for word in words}
        return Guess(profile, "true or false", values=values)
    if profile.names[-1] in ("error", "is_error", "has_error"):
        return None
    said = pl.DataFrame({"status": spelled}).select(said_status()).to_series()
    unknown = [word for word, known in zip(spelled, said, strict=True) if known is None]
    if len(unknown) == len(spelled) and profile.are_numbers:
        return None
    values = {
        word: "error" if any(part in word.lower() for part in _BAD) else "ok" for word in unknown
    }
    review = "these words are guessed" if unknown else ""
    return Guess(profile, f"{len(spelled):,} different words", review, values=values)


def _http(profile: Profile, _: LandingOptions) -> Guess | None:
    good = all(number is not None and 100 <= number < 600 for number in profile.numbers
               if number is not None)  # fmt: skip
    return Guess(profile, "HTTP statuses") if profile.are_numbers and good else None


def _error_text(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_texts:
        return None
    every = len(profile.known) == len(profile.values)
    review = "every record has one, and one that has is a failed call" if every else ""
    return Guess(profile, f"text in {len(profile.known):,} of {len(profile.values):,}", review)


def _text(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_texts:
        return None
    return Guess(profile, f"text, median {median(map(len, profile.texts)):,.0f} characters")


def _messages(profile: Profile, _: LandingOptions) -> Guess | None:
    lists = [value for value in profile.known if isinstance(value, list) and value]
    if not lists or not all(isinstance(item, dict) and "content" in item
                            for value in lists for item in value):  # fmt: skip
        return None
    return Guess(profile, "lists of role and content")


def _contexts(profile: Profile, _: LandingOptions) -> Guess | None:
    lists = [value for value in profile.known if isinstance(value, list)]
    if not lists:
        return _text(profile, _) and Guess(
            profile, "text", "one text is taken as one passage; a list tells passages apart"
        )
    keys = {"content", "text", "page_content"}
    fit = all(isinstance(item, str) or (isinstance(item, dict) and keys & set(item))
              for value in lists for item in value)  # fmt: skip
    return Guess(profile, "lists of passages") if fit and len(lists) == len(profile.known) else None


def _list(profile: Profile, _: LandingOptions) -> Guess | None:
    fits = all(isinstance(value, list) and all(isinstance(item, str) for item in value)
               for value in profile.known)  # fmt: skip
    return Guess(profile, "lists of words") if fits else None


def _tools(profile: Profile, _: LandingOptions) -> Guess | None:
    fits = all(isinstance(value, list) and all(isinstance(item, dict) for item in value)
               for value in profile.known)  # fmt: skip
    return Guess(profile, "lists of tool calls") if fits else None


def _settle_times(guesses: dict[str, Guess]) -> None:
    """Let the times of a call say the unit of its latency, and check it against its first token."""
    took, start, end = (guesses.get(name) for name in ("latency_ms", "started_at", "ended_at"))
    first = guesses.get("ttft_ms")
    if first and took and first.review and not took.review and took.unit:
        first.unit, first.review = took.unit, "the name does not say the unit; as the latency's"
    if not (took and took.profile and start and start.profile and end and end.profile):
        return
    if len(start.profile.known) != len(end.profile.known) or took.unit is None:
        return
    elapsed = (end.profile.times - start.profile.times).dt.total_microseconds().drop_nulls() / 1e6
    numbers = [number for number in took.profile.numbers if number is not None]
    scale = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
    seconds = elapsed.median()
    if isinstance(seconds, (int, float)) and seconds > 0:
        best = min(scale, key=lambda unit: abs(median(numbers) * scale[unit] / seconds - 1))
        if 0.8 < median(numbers) * scale[best] / seconds < 1.25:
            took.unit, took.review = best, ""
            took.evidence += ", agrees with end less start"


def _as_label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_Check = Callable[[Profile, LandingOptions], Guess | None]

_BY_KIND: Final[Mapping[str, _Check]] = {
    "name": _grouping_id,
    "label": _label,
    "whole": _whole,
    "duration": _duration,
    "money": _money,
    "time": _time,
    "flag": _flag,
    "text": _text,
    "messages": _messages,
    "contexts": _contexts,
    "labels": _list,
    "tools": _tools,
}
_CHECKS: Final[Mapping[str, _Check]] = {
    **{name: _BY_KIND[FIELDS[name]] for name in SYNONYMS},
    "call_id": _id,
    "trace_id": _trace_id,
    "parent_id": _trace_id,
    "feature": _word,
    "team": _word,
    "environment": _word,
    "provider": _word,
    "attempt": _attempt,
    "status": _status,
    "error_status": _http,
    "error_message": _error_text,
}
