r"""Texts that are JSON themselves, such as the arguments of tools: what their escapes hide.

In ``{"note": "\n4111111111111111"}`` the number stands behind the letter ``n``, and no pattern that
asks for the beginning of a word finds it; in ``jo\u0040example.com`` there is no ``@``. While a
text is searched, an escape is the letter it stands for, or ends with a sign that is in no word.
"""

from __future__ import annotations

from typing import Final

import polars as pl

ESCAPED: Final = r"\\[nrtbfu]"
"""Texts without this have no escape that hides anything."""

SIGNS: Final = r"\x{10fff0}-\x{10fff5}"
"""For private use, at the very end of Unicode: no log has them, and no pattern knows them."""

_END: Final = "\U0010fff5"
_SHORT: Final = {rf"\{letter}": chr(0x10FFF0 + place) for place, letter in enumerate("nrtbf")}
_LETTERS: Final = (
    *(code for code in range(0x20, 0x7F) if chr(code) not in '"\\'),  # these JSON must escape
    *range(0xA0, 0x100),
    *(0x2007, 0x2009, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x202F, 0x2212, 0x3000),
    *range(0xFF08, 0xFF1A),
)
_OPEN: Final = _SHORT | {
    f"\\u{digits}": chr(code) for code in _LETTERS for digits in (f"{code:04x}", f"{code:04X}")
}
_CLOSE: Final = {sign: escape for escape, sign in _SHORT.items()} | {_END: ""}


def opened(texts: pl.Series) -> pl.Series:
    """``texts`` as they are searched."""
    held = texts.str.contains(ESCAPED)
    if not held.any():
        return texts
    text = texts.filter(held).str.replace_many(list(_OPEN), list(_OPEN.values()))
    ended = text.str.replace_all(r"(\\u[0-9A-Fa-f]{4})", f"${{1}}{_END}")
    return texts.scatter(held.arg_true(), ended)


def closed(texts: pl.Series) -> pl.Series:
    r"""``texts`` with the escapes they had; what ``\u0040`` and its like stood for stays."""
    held = texts.str.contains(f"[{SIGNS}]")
    if not held.any():
        return texts
    text = texts.filter(held).str.replace_many(list(_CLOSE), list(_CLOSE.values()))
    return texts.scatter(held.arg_true(), text)
