"""Where a value stands in a record: ``choices[0].message.content`` as keys and list positions."""

from __future__ import annotations

import re
from collections.abc import Sequence

Path = tuple[str | int, ...]
"""Keys (text) and list positions (numbers, from 0), outermost first."""

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_WHOLE = re.compile(r"(?:[^.\[\]]+|\[\d+\])(?:\.[^.\[\]]+|\.?\[\d+\])*")


def parse_path(text: str | Sequence[str | int]) -> Path:
    """Read ``a.b[0].c``; a list of steps is taken as it stands, for keys that contain dots.

    Raises:
        ValueError: Naming the text and the accepted form.
    """
    if not isinstance(text, str):
        if not text or text[0] == "":
            raise ValueError("a path needs at least one step, such as [usage, prompt_tokens]")
        return tuple(text)
    if not _WHOLE.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a path; write keys with dots and list positions in brackets, such as "
            "choices[0].message.content, or a list of steps for keys that contain dots"
        )
    return tuple(int(position) if position else key for key, position in _STEP.findall(text))


def show_path(path: Path) -> str:
    """The path as people write it."""
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return shown.removeprefix(".")


def json_path(path: Path) -> str:
    """The path as DuckDB's JSON functions read it."""
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else '."' + step.replace('"', '\\"') + '"'
        for step in path
    )
