"""Putting logged text into a prompt so that it cannot leave its slot.

Every value a template prints goes through `escaped`, whatever filters the template uses: the signs
that make tags are written as entities. So are characters with which text can hide from a reader
(control, zero-width, direction, filler and tag characters), signs that a tokeniser or gateway which
normalises Unicode would turn into those of a tag, and the brackets of markers that some servers
read as the end of a message. So all ``<`` and ``>`` in a prompt come from its template, under every
normal form, and a value ends where the template ends it. Values are data: Jinja never reads them as
templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

VERSION = 1
"""Changes when ordinary text would be written differently; part of every rubric's judge spec.

Spelling out one more sign that hides or passes for markup is no new version: a new one has every
verdict bought again, and starts every series anew, for the sake of texts that hardly anybody logs.
"""

_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_LIKE_MARKUP = "\u226e\u226f\ufe60\ufe64\ufe65\uff06\uff1c\uff1e"
"""What holds < > & in one of Unicode's compatibility forms."""

_STROKE = "\u0338"
"""Strikes through the sign before it: after a tag it would make its ``>`` another character."""

_HIDDEN = re.compile(f"[{_UNSEEN}{_LIKE_MARKUP}{_STROKE}]")

_MARKER = re.compile(
    r"\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|ARGS|THINK"
    r"|[gs]?MASK|CLS|SEP)\])"
)
"""Special tokens in square brackets, as chat templates of open models write them."""


_PLAIN = bytes([0x09, 0x0A, *range(0x20, 0x7F)])
"""ASCII in which nothing is `_HIDDEN`."""


def escaped(value: object) -> str:
    """``value`` as prompts show it: nothing in it reads as a tag, nothing in it is invisible."""
    text = escape(str(value), quote=False)
    # Most text is plain, and told to be so in a tenth of the time that the pattern takes.
    if not text.isascii() or text.encode().translate(None, _PLAIN):
        text = _HIDDEN.sub(lambda hit: f"&#x{ord(hit[0]):x};", text)
    return _MARKER.sub("&#x5b;", text) if "[" in text else text


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Templates that print only what they are given, escaped, and fail on anything missing."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        autoescape=False,
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=64)
def _compiled(template: str) -> jinja2.Template:
    return environment().from_string(template)


def render(template: str, values: Mapping[str, object]) -> str:
    """``template`` with ``values`` in their slots.

    Raises:
        jinja2.TemplateError: The template names a value it was not given, or breaks the sandbox.
    """
    return _compiled(template).render(dict(values)).strip()
