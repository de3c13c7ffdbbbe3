"""Whether a logged name is the model of the catalogue entry it matches, or only resembles it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_RELEASE = re.compile(
    r"""(?:
        [-_@:.]?(?:latest|default|preview|experimental|exp|beta)  # moving labels
      | [-@]20\d{2}-?\d{2}-?\d{2}                                 # -2025-04-14, @20250929
      | -\d{2}-(?:20)?\d{2}                                       # -05-20, -09-2025
      | -\d{4}                                                    # -0613, -2507
      | [-@]\d{3}                                                 # -001
      | -v\d+(?::\d+){0,2}k?                                      # -v1:0, -v1:0:200k
      | :\d+(?::\d+k)?                                            # :0, :0:48k
    ){0,4}""",
    re.VERBOSE,
)
"""What may follow the name of a model without making it another model: a release of it."""

_ROUTE = re.compile(
    r"""(?:
        (?:models|publishers|foundation-model|inference-profile|converse|invoke)/
      | projects/[^/]+/locations/[^/]+/
      | arn:aws[a-z-]*:bedrock:[a-z0-9-]*:\d*:
      | (?:us|us-gov|eu|apac|jp|au|ca|global|regional)\.
      | (?:ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshotai|nvidia
         |openai|qwen|writer|x-ai|xai|zai)[./]
    ){0,8}""",
    re.VERBOSE,
)
"""What may stand before it: the way a host addresses the model."""

_CUT_DATE = re.compile(r"[-@](?:20\d{2}|0)?$")
"""End of an alias that breaks off inside a date or version: claude-sonnet-4-2025, ...-flash-0."""


def is_same_model(entry: Any, name: str) -> bool:
    """Whether ``name``, which the catalogue matches to ``entry``, names that very model.

    The catalogue matches many models by how a name begins or by what it contains, so that
    ``claude-sonnet-4-55`` or ``my-o4-mini`` would pass for their famous cousins. Here a name is the
    entry's own id or one of its written-out aliases, possibly after a host's route (region, vendor,
    path) and before a release (date, version, ``-latest``). A fine-tune is the same model only
    where the catalogue prices fine-tunes of it.
    """
    return any(_says(spelling, kind, name) for spelling, kind in _spellings(entry))


def _says(spelling: str, kind: str, name: str) -> bool:
    if kind == "regex":
        # Only a pattern bound at both ends says which names it means.
        return spelling[:1] == "^" and spelling[-1:] == "$" and bool(re.search(spelling, name))
    spelling = spelling.lower()
    at = name.find(spelling)
    if at < 0:
        return False
    before, after = name[:at], name[at + len(spelling) :]
    if spelling.startswith("ft:") or spelling.endswith(".ft-"):
        return not before
    if after[:1].isdigit() and (cut := _CUT_DATE.search(spelling)):
        after = cut.group() + after
    return bool(_ROUTE.fullmatch(before)) and bool(_RELEASE.fullmatch(after))


def _spellings(entry: Any) -> Iterator[tuple[str, str]]:
    yield entry.id, "literal"
    yield from _literals(entry.match)


def _literals(clause: Any) -> Iterator[tuple[str, str]]:
    """Texts of the matching rule, which is a tree of equals, starts_with, contains, ... clauses."""
    for name in ("or_", "and_"):
        for part in getattr(clause, name, ()):
            yield from _literals(part)
    for name in ("equals", "starts_with", "ends_with", "contains"):
        if hasattr(clause, name):
            yield getattr(clause, name), "literal"
    if hasattr(clause, "regex"):
        yield clause.regex, "regex"
