"""Which token counts include which: what the sums of the records themselves say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Final

from llmops_pipelines.ingest.previewing.guesses import Guess
from llmops_pipelines.ingest.previewing.profiles import Profile

_AGREE: Final = 0.98
_ENOUGH: Final = 20
"""Records below which a sum may be chance."""
_MOST: Final = 30
_CACHED: Final = ("cache_read", "cache_write_5m", "cache_write_1h")
_APART: Final = "export each provider to a file of its own"
_Row = dict[str, float | None]


def settle_tokens(guesses: dict[str, Guess]) -> dict[str, Guess]:
    """``guesses`` with counts apart called so, and without a total that is not their sum."""
    guesses = _without_twice_written(guesses)
    names = ("input_tokens", "output_tokens", "total_tokens", "reasoning", *_CACHED)
    given = {name: guesses[name] for name in names if name in guesses}
    if "input_tokens" not in given:
        return guesses
    rows = _rows(given)
    if _is_context(given, rows):
        del given["cache_read"]
        guesses = {name: made for name, made in guesses.items() if name != "cache_read"}
    cached = [str(name) for name in _CACHED if name in given]
    if cached:
        guesses = _cached(guesses, given, rows, cached)
    if "total_tokens" in given and "output_tokens" in given:
        guesses = _total(guesses, given, rows, apart="uncached_input" in guesses)
    return guesses


def told_by_sum(free: Sequence[Profile]) -> dict[str, Guess]:
    """Input, output and total, where one path is always the sum of two others, else nothing.

    Inputs are mostly the longer ones: the larger part is guessed to be the input.
    """
    counts = [
        profile
        for profile in free
        if profile.are_whole and profile.distinct > 1 and len(profile.known) >= _ENOUGH
    ][:_MOST]
    for total, one, other in permutations(counts, 3):
        sums = zip(total.numbers, one.numbers, other.numbers, strict=True)
        known = [(c or 0) == (a or 0) + (b or 0) for c, a, b in sums if c is not None]
        if sum(known) < _AGREE * len(known):
            continue
        larger, smaller = sorted((one, other), key=_weight, reverse=True)
        review = "the sum says so, no name does; which is the input is a guess"
        return {
            "input_tokens": Guess(larger, "the larger part", review),
            "output_tokens": Guess(smaller, "the smaller part", review),
            "total_tokens": Guess(total, f"the sum in {sum(known):,} records", review),
        }
    return {}


def _weight(profile: Profile) -> float:
    return sum(number or 0 for number in profile.numbers)


def _rows(given: dict[str, Guess]) -> list[_Row]:
    columns = {name: made.profile.numbers for name, made in given.items() if made.profile}
    return [
        dict(zip(columns, numbers, strict=True)) for numbers in zip(*columns.values(), strict=True)
    ]


def _is_context(given: dict[str, Guess], rows: list[_Row]) -> bool:
    """Whether what is named like cached tokens are all of a call, kept in llama.cpp's context."""
    if not {"cache_read", "output_tokens"} <= given.keys():
        return False
    known = [row for row in rows if row["cache_read"] is not None]
    parts = ["input_tokens", "output_tokens"]
    return (
        _share(known, lambda row: abs((row["cache_read"] or 0) - _sum(row, parts)) <= 1) >= _AGREE
    )


def _cached(
    guesses: dict[str, Guess], given: dict[str, Guess], rows: list[_Row], cached: list[str]
) -> dict[str, Guess]:
    """Say whether the input includes what was cached."""
    used = [row for row in rows if row["input_tokens"] is not None and _sum(row, cached) > 0]
    above = sum(_sum(row, cached) > (row["input_tokens"] or 0) for row in used)
    counts = given["input_tokens"]
    apart, why, unsure = False, "no sum tells whether it includes the cached ones", True
    if above:
        apart, unsure = True, False
        why = f"cached ones exceed it in {above:,} record(s): counted apart"
        if never := _never_above(guesses, rows, cached):
            counts.review = (
                f"those of {', '.join(never[:5])} never do, and may include them, which would"
                f" charge them twice: {_APART}"
            )
    elif "total_tokens" in given and "output_tokens" in given and used:
        with_cached = _share(used, lambda row: _whole(row, ["input_tokens", *cached]))
        without = _share(used, lambda row: _whole(row, ["input_tokens"]))
        if max(with_cached, without) >= _AGREE:
            apart, unsure = with_cached > without, False
            why = f"the total says that cached ones are {'apart' if apart else 'included'}"
    elif any(made.profile and "cache_read_input" in made.profile.names[-1]
             for made in given.values()):  # fmt: skip
        apart, why = True, "counted apart, as the provider of that name does; no sum tells"
    counts.evidence += f"; {why}"
    if unsure or "no sum tells" in why:
        counts.review = why
        if len(names := list(_with_cached(guesses, rows, cached))) > 1:
            counts.review += f"; {' and '.join(names[:2])} may count differently: {_APART}"
    if not apart:
        return guesses
    return {
        ("uncached_input" if name == "input_tokens" else name): made
        for name, made in guesses.items()
    }


def _never_above(guesses: dict[str, Guess], rows: list[_Row], cached: list[str]) -> list[str]:
    """Providers, else models, with cached tokens in several records that never exceed the input."""
    used = _with_cached(guesses, rows, cached)
    return [name for name, above in used.items() if len(above) > 1 and not any(above)]


def _with_cached(
    guesses: dict[str, Guess], rows: list[_Row], cached: list[str]
) -> dict[str, list[bool]]:
    """Providers, else models, with cached tokens, and where those exceed the input."""
    who = guesses.get("provider") or guesses.get("model")
    used: dict[str, list[bool]] = {}
    if who is None or who.profile is None:
        return used
    for name, row in zip(who.profile.values, rows, strict=True):
        if row["input_tokens"] is not None and _sum(row, cached) > 0:
            used.setdefault(str(name), []).append(_sum(row, cached) > row["input_tokens"])
    return used


def _without_twice_written(guesses: dict[str, Guess]) -> dict[str, Guess]:
    """``guesses`` without the writes for an hour, where those for 5 minutes include them."""
    five, hour = guesses.get("cache_write_5m"), guesses.get("cache_write_1h")
    if five is None or hour is None or five.profile is None or hour.profile is None:
        return guesses
    if "5m" in five.profile.names[-1]:
        return guesses
    if any(hour.profile.known_numbers):
        five.review = (
            f"includes what {hour.profile.shown} counts, which is dearer; log the others apart"
        )
    return {name: made for name, made in guesses.items() if name != "cache_write_1h"}


def _total(
    guesses: dict[str, Guess], given: dict[str, Guess], rows: list[_Row], *, apart: bool
) -> dict[str, Guess]:
    """Keep the total where it is the sum; else say why not."""
    parts = ["input_tokens", *(name for name in _CACHED if apart and name in given)]
    known = [row for row in rows if row["total_tokens"] is not None]
    share = _share(known, lambda row: _whole(row, parts))
    total, output = given["total_tokens"], given["output_tokens"]
    if share >= _AGREE:
        total.evidence += f"; input and output in {share:.0%} of the records"
        return guesses
    if "reasoning" in given and (
        _share(known, lambda row: _whole(row, [*parts, "reasoning"])) >= _AGREE
    ):
        total.evidence += "; input, output and reasoning"
        total.review = (
            f"{output.profile.shown if output.profile else ''} leaves reasoning out, so that the"
            " output is the total less the input"
        )
        return {name: made for name, made in guesses.items() if name != "output_tokens"}
    return {name: made for name, made in guesses.items() if name != "total_tokens"}


def _whole(row: _Row, parts: list[str]) -> bool:
    return row["total_tokens"] == _sum(row, [*parts, "output_tokens"])


def _sum(row: _Row, names: list[str]) -> float:
    return sum(row.get(name) or 0 for name in names)


def _share(rows: list[_Row], holds: Callable[[_Row], bool]) -> float:
    return sum(map(holds, rows)) / len(rows) if rows else 0.0
