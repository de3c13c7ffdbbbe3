"""Whether the values at a path fit the field that its name suggests, and in which unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import polars as pl

from llmops_pipelines.formats.engine.calls import said_status
from llmops_pipelines.formats.engine.errors import ERROR_CLASSES
from llmops_pipelines.formats.engine.fields import FIELDS
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.previewing.foreign_words import FAILING
from llmops_pipelines.ingest.previewing.profiles import Profile, without_accents
from llmops_pipelines.ingest.previewing.synonyms import SYNONYMS
from llmops_pipelines.pricing import resolve_models
from llmops_pipelines.tables import PRICE_BOOK

_WORDS: Final = 50
"""Distinct values up to which text is a word of a vocabulary, such as a feature."""
_MODELS: Final = 500
_NO_OVERRIDES: Final = PRICE_BOOK.empty()
_BAD: Final = ("fail", "err", "timeout", "timed", "cancel", "denied", "reject", "abort", "exceed",
               "limit", "throttl", "fault", "unavail", "overload", "exhaust", "refus", "forbid",
               "unauth", "invalid", "expired", "crash", "block", "filter", *FAILING)  # fmt: skip
_NOTHING: Final = ("none", "null", "nil", "nan", "n/a", "na", "no", "no error", "-", "0", "false",
                   "ok", "success")  # fmt: skip
"""What stands in the place of an error where there was none."""


_BY_SIZE: Final = {"ns": 1e8, "us": 6e5, "ms": 150.0, "s": 0.0}
"""From which median on a duration is counted in a unit: calls take from 0.1 s to 10 minutes."""
_LONG_MS: Final = 60_000
"""A median from which ms may well be us."""

_BOTH: Final[Mapping[str, tuple[str, ...]]] = {
    one: pair
    for pair in (("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("1", "0"))
    for one in pair
}
"""The other word of a flag may come yet."""
_MOST_GRADES: Final = 20
_MOST_CALLS: Final = 100
"""Calls of one request on average, beyond which an id is none of requests."""


@dataclass
class Guess:
    """Where one field probably stands, why, and what a person should look at (``review``)."""

    profile: Profile | None
    evidence: str
    review: str = ""
    unit: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    constant: str | None = None


def time_guess(profile: Profile, options: LandingOptions) -> Guess | None:
    """A path that holds moments nearly all of which the lake would believe."""
    times = profile.times
    believed = times.is_between(options.limits.earliest, options.limits.latest).fill_null(False)
    if believed.sum() < 0.95 * len(profile.known):
        return None
    days = sorted(times.filter(believed).dt.strftime("%Y-%m-%d").unique().to_list())
    kind = "numbers since 1970" if profile.are_numbers else "dates and times"
    evidence = f"{kind}, {days[0]} to {days[-1]}"
    zoned = profile.are_numbers or all(
        text.rstrip().endswith(("Z", "z")) or "+" in text[10:] or "-" in text[10:]
        for text in profile.texts
    )
    review = "" if zoned else "they name no zone and are taken as UTC; else give `zone:`"
    return Guess(profile, evidence, review)


def _id(profile: Profile, _: LandingOptions) -> Guess | None:
    if not _are_ids(profile):
        return None
    different = profile.distinct == len(profile.known)
    of_an_item = any(isinstance(step, int) for step in profile.path)
    if not different and (of_an_item or 2 * profile.distinct < len(profile.known)):
        return None  # most records would be taken for duplicates
    complete = len(profile.known) == len(profile.values)
    return Guess(
        profile,
        f"{profile.distinct:,} different in {len(profile.known):,}",
        "" if different and complete else "it does not tell every record apart: equal ones are"
        " duplicates",
    )  # fmt: skip


def _are_ids(profile: Profile) -> bool:
    """Whether all values are short texts, or all of them whole numbers."""
    if profile.are_texts:
        return max(map(len, profile.texts)) <= 200
    return bool(profile.known) and all(type(value) is int for value in profile.known)


def _trace_id(profile: Profile, options: LandingOptions) -> Guess | None:
    few = len(profile.known) > _MOST_CALLS * profile.distinct
    return None if few else _grouping_id(profile, options)


def _grouping_id(profile: Profile, _: LandingOptions) -> Guess | None:
    if not _are_ids(profile):
        return None
    return Guess(profile, f"{profile.distinct:,} different in {len(profile.known):,}")


def _name(profile: Profile, options: LandingOptions) -> Guess | None:
    return _grouping_id(profile, options) if profile.are_texts else None


def _label(profile: Profile, _: LandingOptions) -> Guess | None:
    if any(isinstance(value, (list, dict)) or len(str(value)) > 200 for value in profile.known):
        return None
    return Guess(profile, f"{profile.distinct:,} different in {len(profile.known):,}")


def _word(profile: Profile, options: LandingOptions) -> Guess | None:
    if not profile.are_texts or profile.distinct > _WORDS:
        return None
    return _label(profile, options)


def model_guess(profile: Profile, _: LandingOptions) -> Guess | None:
    """A path that may hold models, with how many of them have a price by their name alone."""
    if not profile.are_texts or profile.distinct > _MODELS or max(map(len, profile.texts)) > 200:
        return None
    pairs = pl.DataFrame(
        {"provider": None, "model": sorted(set(profile.texts))},
        schema={"provider": pl.String, "model": pl.String},
    )
    priced = resolve_models(pairs, _NO_OVERRIDES)["book_model"].count()
    return Guess(profile, f"{priced:,} of {profile.distinct:,} names are in the price catalogue")


def _flag(profile: Profile, _: LandingOptions) -> Guess | None:
    spelled = {str(value).lower() for value in profile.known}
    return Guess(profile, "true or false") if spelled <= {"true", "false", "0", "1"} else None


def _whole(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_whole:
        return None
    return Guess(profile, f"whole numbers, median {median(profile.known_numbers):,.0f}")


def _attempt(profile: Profile, options: LandingOptions) -> Guess | None:
    below = any(number < 1 for number in profile.known_numbers)
    return None if below else _whole(profile, options)


def _duration(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_numbers or min(profile.known_numbers) < 0:
        return None
    middle = median(profile.known_numbers)
    if profile.unit in ("ms", "s", "us", "ns"):
        unit = profile.unit
        odd = middle * {"ms": 1e-3, "s": 1, "us": 1e-6, "ns": 1e-9}[unit] > 600
        review = "the name says the unit, the size says otherwise" if odd else ""
        return Guess(profile, f"median {middle:,.4g} {unit}, as the name says", review, unit)
    unit = next(unit for unit, least in _BY_SIZE.items() if middle >= least)
    review = "" if unit == "ms" and middle < _LONG_MS else "the name does not say the unit"
    return Guess(profile, f"median {middle:,.4g}: {unit} by size", review, unit)


def _money(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_numbers or min(profile.known_numbers) < 0:
        return None
    middle = median(profile.known_numbers)
    unit = "cents" if profile.unit == "cents" else "usd"
    review = "" if middle < 1 or unit == "cents" else "dear for one call; are they cents?"
    return Guess(profile, f"median {middle:,.4g} {unit}", review, unit)


def _status(profile: Profile, _: LandingOptions) -> Guess | None:
    spelled = sorted({_as_label(value) for value in profile.known})
    if len(spelled) > _WORDS or any(isinstance(value, (list, dict)) for value in profile.known):
        return None
    if {word.lower() for word in spelled} <= {"true", "false", "0", "1"}:
        failing = any(word in "_".join(profile.names) for word in ("error", "is_err", "fail"))
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
        word: "error" if _sounds_bad(without_accents(word).lower()) else "ok" for word in unknown
    }
    review = "these words are guessed" if unknown else ""
    return Guess(profile, f"{len(spelled):,} different words", review, values=values)


def _sounds_bad(word: str) -> bool:
    return word in ERROR_CLASSES or any(part in word for part in _BAD)


def _http(profile: Profile, _: LandingOptions) -> Guess | None:
    good = all(100 <= number < 600 for number in profile.known_numbers)
    return Guess(profile, "HTTP statuses") if profile.are_numbers and good else None


def _error_text(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_texts:
        return None
    every = len(profile.known) == len(profile.values)
    review = "every record has one, and one that has is a failed call" if every else ""
    made = Guess(profile, f"text in {len(profile.known):,} of {len(profile.values):,}", review)
    return _without_nothing(made, profile)


def _error_code(profile: Profile, options: LandingOptions) -> Guess | None:
    """Codes of failures; those that successes have, too, are statuses."""
    spelled = pl.DataFrame({"status": sorted({_as_label(value) for value in profile.known})})
    succeeded = (spelled.select(said_status()).to_series() == "ok").any()
    made = None if succeeded else _label(profile, options)
    return made and _without_nothing(made, profile)


def _without_nothing(made: Guess, profile: Profile) -> Guess:
    """``made``, which tells that words such as ``None`` are no error."""
    said = sorted({word for word in map(_as_label, profile.known) if word.lower() in _NOTHING})
    if said:
        made.values = dict.fromkeys(said, "")
        made.review = ""
        made.evidence += f"; {', '.join(said)} is none"
    return made


def _text(profile: Profile, _: LandingOptions) -> Guess | None:
    if not profile.are_texts or _are_counts(profile):
        return None
    return Guess(profile, f"text, median {median(map(len, profile.texts)):,.0f} characters")


def _are_counts(profile: Profile) -> bool:
    """Whether texts are whole numbers, as a CSV has them, and no answers such as grades."""
    return profile.are_whole and (profile.is_counted or profile.distinct > _MOST_GRADES)


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


def _as_label(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


Check = Callable[[Profile, LandingOptions], Guess | None]

_BY_KIND: Final[Mapping[str, Check]] = {
    "id": _grouping_id,
    "name": _name,
    "label": _label,
    "whole": _whole,
    "duration": _duration,
    "money": _money,
    "time": time_guess,
    "flag": _flag,
    "text": _text,
    "messages": _messages,
    "contexts": _contexts,
    "labels": _list,
    "tools": _tools,
}

CHECKS: Final[Mapping[str, Check]] = {
    **{name: _BY_KIND[FIELDS[name]] for name in SYNONYMS},
    "call_id": _id,
    "model": model_guess,
    "trace_id": _trace_id,
    "parent_id": _trace_id,
    "feature": _word,
    "team": _word,
    "environment": _word,
    "provider": _word,
    "attempt": _attempt,
    "status": _status,
    "error_status": _http,
    "error_code": _error_code,
    "error_class": _error_code,
    "error_message": _error_text,
}
"""For each field: what makes a guess of a path whose name fits, None where its values do not."""
