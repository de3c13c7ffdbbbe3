"""Bodies of responses that gateways logged as they were streamed, put together.

They keep the text that the server sent (``data: ...``), the list of its pieces, or that list under
``streamed_data`` (Helicone). Read are chunks of chat completions, Anthropic's events and those of
the Responses API, of which the last holds everything.
"""

from __future__ import annotations

from typing import Any, Final

from llmops_pipelines.formats.bodies.anthropic_blocks import streamed_message
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.formats.openai_chunks import is_stream, joined
from llmops_pipelines.formats.records import as_list, as_object, from_json

_SENT: Final = ("data:", "event:")
_WHOLE: Final = ("choices", "content", "output", "candidates")
"""Keys under which a response says something, beside the pieces that it was made of."""


def whole_body(body: Any) -> Any:
    """The response that a streamed body makes up; any other body as it is."""
    pieces = _pieces(from_json(body))
    if is_stream(pieces):
        return joined(pieces)
    ends = [as_object(piece["response"]) for piece in pieces if piece.get("response")]
    if ends:
        return ends[-1]
    begun = any(piece.get("type") == "message_start" for piece in pieces)
    return streamed_message(pieces) if begun else body


def _pieces(body: Any) -> list[Record]:
    if isinstance(body, str) and body.lstrip().startswith(_SENT):
        lines = (line.removeprefix("data:").strip() for line in body.splitlines())
        body = [from_json(line) for line in lines]
    elif isinstance(body, dict) and not any(body.get(name) for name in _WHOLE):
        body = as_list(body.get("streamed_data"))
    return [piece for piece in body if isinstance(piece, dict)] if isinstance(body, list) else []
