"""Nights of this room, but for those in processes of their own, do not draw their charts."""

from tests.undrawn import undrawn

__all__ = ["undrawn"]
