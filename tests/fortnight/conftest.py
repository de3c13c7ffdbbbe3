"""Nights of this room do not draw their charts."""

from tests.undrawn import undrawn

__all__ = ["undrawn"]
