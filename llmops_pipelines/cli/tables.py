"""Tables for people, whole whatever the terminal."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

_ANY_WIDTH: Final = 1_000


def print_whole(console: Console, table: Table) -> None:
    """Print ``table`` at its own width: an amount that is cut is a wrong one.

    A terminal that is too narrow wraps its lines.
    """
    whole = Measurement.get(console, console.options.update(width=_ANY_WIDTH), table).maximum
    Console(file=console.file, width=max(console.width, whole)).print(table, crop=False)
