"""Halves of a character that were logged alone: what is left of an emoji cut in two."""

from __future__ import annotations

import re
from typing import Final

_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def without_halves(raw: str) -> str:
    """JSON text with U+FFFD in place of each escaped half of a character.

    Encoders of JavaScript and Python write such halves, readers of UTF-8 refuse the whole line.
    """
    return _ESCAPE.sub(lambda found: r"\ufffd" if found["half"] else found[0], raw)
