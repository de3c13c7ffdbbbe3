"""A proposed entry of sources.yaml as text, each guess with its evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from llmops_pipelines.formats.engine.fields import FIELDS, NUMBERS
from llmops_pipelines.ingest.previewing.guesses import Guess
from llmops_pipelines.ingest.previewing.profiles import Profile

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MEANS_SOMETHING: Final = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
_DEFAULTS: Final = ("ms", "usd")
_MOST_LEFT: Final = 40
_FROM_CACHE: Final = ("cached", "is_cached", "cache_hit", "from_cache", "cache_status", "cache")
_HIT: Final = ("true", "1", "hit", "yes")
_COUNTS: Final = ("input_tokens", "uncached_input", "output_tokens", "total_tokens")
_SILENT: Final = (
    "# REVIEW: {:,} record(s) hold no model, tokens, text or error, and each becomes a call. Leave"
    " steps\n# of other kinds, such as those of tools, out of the export."
)
_NO_TOKENS: Final = "# No path counts tokens, so that no call has a cost."
_NO_ID: Final = "# Nothing tells calls apart, so that equal records count as one call. Log an id."


def proposal_text(
    path: str,
    guesses: Mapping[str, Guess],
    left: Sequence[Profile],
    alike: Mapping[int, str],
    *,
    count: int,
    silent: int,
    taken: set[str],
) -> str:
    """The YAML of an entry for the file at ``path`` below the log root, from ``count`` records.

    ``left`` are the paths that fill nothing, ``alike`` the field that one of them (by ``id``) is
    named like; ``silent`` how many records hold nothing of a model's call; ``taken`` the names that
    other entries have.
    """
    comments = [
        _comment(profile, named := alike.get(id(profile))) + _unused(profile, named in guesses)
        for profile in left
    ]
    # What must be looked at is listed, however much else there is.
    comments.sort(key=lambda comment: "REVIEW" not in comment)
    reviews = sum(bool(made.review) for made in guesses.values())
    reviews += sum("REVIEW" in comment for comment in comments) + bool(silent)
    lines = [
        f"# Proposed from the names and values of {count:,} records. {reviews} line(s) say REVIEW:"
        " there a person must look.",
        *([_NO_ID] if "call_id" not in guesses else []),
        *([_SILENT.format(silent)] if silent else []),
        *([_NO_TOKENS] if guesses.keys().isdisjoint(_COUNTS) else []),
        "sources:",
        f"  - name: {_name(path, taken)}",
        f"    match: {json.dumps(path)}  # * and ** match other files of this kind too",
        "    format: mapped",
        "    fields:",
    ]
    for field, made in guesses.items():
        said = [made.evidence, *([f"REVIEW: {made.review}"] if made.review else [])]
        lines.append(f"      {field}: {_value(field, made)}  # {'. '.join(said)}")
    if left:
        lines.append("# Not used:")
        lines += [f"#   {comment}" for comment in comments[:_MOST_LEFT]]
    if len(left) > _MOST_LEFT:
        lines.append(f"#   and {len(left) - _MOST_LEFT:,} more")
    return "\n".join(lines) + "\n"


def _value(field: str, made: Guess) -> str:
    """A path alone, or a mapping of everything that is said."""
    said: dict[str, str] = {}
    if made.profile is not None:
        said["path"] = _scalar(made.profile.given)
    if made.unit is not None and made.unit not in _DEFAULTS:
        said["unit"] = made.unit
    written = made.profile.texts if made.profile and FIELDS[field] in NUMBERS else []
    if made.profile and made.profile.decimal == "," and not all(map(str.isdigit, written)):
        said["decimal"] = '","'
    if made.constant is not None:
        said["constant"] = _scalar(made.constant)
    if made.values:
        words = (
            f"{json.dumps(word)}: {meaning or json.dumps('')}"
            for word, meaning in made.values.items()
        )
        said["values"] = "{" + ", ".join(words) + "}"
    if list(said) == ["path"]:
        return said["path"]
    return "{" + ", ".join(f"{key}: {value}" for key, value in said.items()) + "}"


def _scalar(value: Any) -> str:
    """A value as YAML: plain where it can only be text, else as JSON."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _MEANS_SOMETHING:
        return value
    return json.dumps(value, ensure_ascii=False)


def _comment(profile: Profile, alike: str | None) -> str:
    kinds = sorted({_KINDS.get(type(value), "other") for value in profile.known})
    doubt = f"; named like {alike}, which is placed or takes other values" if alike else ""
    shown = json.dumps(profile.shown, ensure_ascii=False).strip(chr(34))
    return f"{shown}: {' or '.join(kinds)}{doubt}"


def _unused(profile: Profile, is_placed: bool) -> str:
    """What goes wrong where nobody looks at a path that fills nothing.

    ``is_placed`` says that the field it is named like is told by another path.
    """
    if profile.counts_tokens and not is_placed:
        return ". REVIEW: counts tokens; those of a kind of their own would be charged as others"
    if profile.holds_json:
        return ". REVIEW: JSON text, which is not looked into; export it as an object"
    if profile.names[-1] in _FROM_CACHE and any(
        str(held).lower() in _HIT for held in profile.known
    ):
        return ". REVIEW: what a gateway had kept cost nothing; leave those records out"
    return ""


_KINDS: Final = {
    str: "text",
    bool: "true or false",
    int: "number",
    float: "number",
    list: "list",
    dict: "object",
}


def _name(path: str, taken: set[str]) -> str:
    """A name for the entry out of the file's, which no other entry has."""
    stem = path.rsplit("/", 1)[-1].split(".", 1)[0].lower()
    name = re.sub(r"[^a-z0-9]+", "-", stem).strip("-") or "logs"
    return next(
        free
        for number in range(1, len(taken) + 2)
        if (free := name if number == 1 else f"{name}-{number}") not in taken
    )
