"""Putting logged text into a prompt so that it cannot leave its slot.

Every value a template prints goes through `escaped`, whatever filters the template uses: the signs
that make tags are written as entities, and so are control, zero-width, direction and tag
characters, with which text can hide from a reader. So all ``<`` and ``>`` in a prompt come from its
template, and a value ends where the template ends it. Values are data: Jinja never reads them as
templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

VERSION = 1
"""Changes when the same text would be written differently; part of every rubric's judge spec."""

_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e01ef]"
)


def escaped(value: object) -> str:
    """``value`` as prompts show it: nothing in it reads as a tag, nothing in it is invisible."""
    return _INVISIBLE.sub(lambda hit: f"&#x{ord(hit[0]):x};", str(value).translate(_MARKUP))


def original(text: str) -> str:
    """What `escaped` was given, for any text without control characters."""
    return unescape(text)


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
