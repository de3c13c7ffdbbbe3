"""Small spans in OTLP JSON and the shortest way to read them."""

from typing import Any

from tests.formats.worlds import read_as

TRACE = "5b8efff798038103d269b63300000001"
SPAN = "a0b0c0d000000002"
PARENT = "a0b0c0d000000001"
NOON = 1794312000 * 10**9


def any_value(value: Any) -> dict[str, Any]:
    """A value as OTLP's JSON wraps it."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": attributes(value)}}
        case _:
            return {"stringValue": value}


def attributes(plain: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP's JSON lists them."""
    return [{"key": key, "value": any_value(value)} for key, value in plain.items()]


def span(plain: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A span of one second at noon with the attributes ``plain``; None drops a key."""
    whole = {
        "traceId": TRACE,
        "spanId": SPAN,
        "parentSpanId": PARENT,
        "name": "chat",
        "startTimeUnixNano": str(NOON),
        "endTimeUnixNano": str(NOON + 10**9),
        "attributes": attributes(plain or {}),
        "status": {},
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def batch(
    *spans: dict[str, Any], resource: dict[str, Any] | None = None, scope: str = "lib"
) -> Any:
    """An export request of ``spans``, all of one library."""
    scoped = [{"scope": {"name": scope}, "spans": list(spans)}]
    return {
        "resourceSpans": [
            {"resource": {"attributes": attributes(resource or {})}, "scopeSpans": scoped}
        ]
    }


CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4.1-mini",
    "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.output_tokens": 30,
}


def call_of(name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The one call that ``record`` is, read as the format ``name``."""
    rows = read_as(name, record)
    assert rows.rejected["reason"].to_list() == []
    (found,) = rows.calls.to_dicts()
    return found


def step_of(name: str, record: dict[str, Any]) -> dict[str, Any]:
    """The one step that ``record`` is, read as the format ``name``."""
    rows = read_as(name, record)
    assert rows.rejected["reason"].to_list() == []
    (found,) = rows.steps.to_dicts()
    return found
