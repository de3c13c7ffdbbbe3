"""Which endpoints of providers' APIs ask a model: gateways log whatever they pass on."""

from __future__ import annotations

from typing import Any, Final

_NO_MODEL: Final = ("/models", "/files", "/batches", "/moderations", "/assistants", "/threads")


def asks_no_model(url: Any) -> bool:
    """Whether what stands at ``url``, or at a path, is no model; one that is unknown may be."""
    path = str(url or "").partition("?")[0].rstrip("/")
    return any(f"{end}/" in f"{path}/" for end in _NO_MODEL)
