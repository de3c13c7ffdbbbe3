"""JavaScript's regular expressions as Python's."""

from __future__ import annotations

import re
from functools import lru_cache

_DIFFERENT = re.compile(
    r"(?P<escaped>\\k<(?P<again>\w+)>|\\/|\\.)|(?P<set>\[\^?(?:\\.|[^\]\\])*\])"
    r"|(?P<named>\(\?<(?![=!]))|(?P<end>\$)",
    re.DOTALL,
)
_OPEN_SETS = {"[^]": r"[\s\S]", "[]": "(?!)"}
"""Any character, and none; Python would look for the end of a set."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> re.Pattern[str]:
    """``pattern`` as JavaScript would match it: digits and words are ASCII, ``$`` is the very end.

    Raises:
        re.error: Python cannot read it.
    """
    return re.compile(_DIFFERENT.sub(_python, pattern), re.ASCII)


def _python(found: re.Match[str]) -> str:
    if found["again"]:
        return f"(?P={found['again']})"
    if found["set"] in _OPEN_SETS:
        return _OPEN_SETS[found["set"]]
    if found["named"]:
        return "(?P<"
    if found["end"]:
        return r"\Z"
    return "/" if found["escaped"] == r"\/" else found[0]
