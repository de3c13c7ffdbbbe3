"""Does an answer meet the format it was asked for? JSON that parses, JSON that fits its schema."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NoReturn

from llmops_pipelines.judging.heuristics.bounded import (
    SCHEMA_CHARS,
    TooMuchWorkError,
    bounded_validator,
    counted,
)

_TYPES = {
    dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number",
    type(None): "null",
}  # fmt: skip


class SchemaError(ValueError):
    """The schema an answer should meet is unusable, or too much work against this answer."""


def format_error(answer: str, *, schema: str | None = None, truncated: bool = False) -> str | None:
    """The first thing wrong with ``answer`` as JSON, or None if nothing is.

    Args:
        answer: What the model replied.
        schema: JSON schema it must meet, as JSON; None asks for any JSON object.
        truncated: The model stopped at its token limit.

    Returns:
        One line that names place and rule, never the answer's own text.

    Raises:
        SchemaError: ``schema`` is not a JSON schema, points outside itself, or would take without
            end to check.
    """
    try:
        document = read_json(answer)
    except json.JSONDecodeError as error:
        return _syntax_error(answer, error, truncated)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {_brief(error)}"
    if schema is None:
        return None if isinstance(document, dict) else f"is {_type(document)}, expected object"
    from referencing.exceptions import Unresolvable

    try:
        with counted():
            fault = next(iter(_validator(schema).iter_errors(document)), None)
        # The order of iter_errors follows the schema's text, so the first fault is a stable choice.
        return None if fault is None else _describe(fault)
    except TooMuchWorkError as error:
        raise SchemaError(f"not checked: {error}") from error
    except Unresolvable as error:
        raise SchemaError(f"the schema refers to {error.ref}, which is not inside it") from error
    except RecursionError:
        return "nested too deeply to check"
    except re.error as error:
        raise SchemaError(
            f"the schema holds a pattern that is no regular expression: {error}"
        ) from error


def check_schema(schema: str) -> None:
    """Be sure that answers can be held against ``schema``.

    Raises:
        SchemaError: It is not a JSON schema; the message says where and why.
    """
    _validator(schema)


def read_json(text: str) -> Any:
    """``text`` as strict JSON: NaN and Infinity, which Python would accept, are refused.

    Raises:
        ValueError: It is not JSON (`json.JSONDecodeError` where a position is known).
        RecursionError: It is nested deeper than Python can follow.
    """
    return json.loads(text, parse_constant=refuse_constant)


def unfenced(text: str) -> str:
    """``text`` without a code fence around the whole of it."""
    whole = text.strip()
    opening, _, rest = whole.partition("\n")
    is_fenced = opening.startswith("```") and "`" not in opening[3:] and rest.endswith("```")
    return rest[:-3].strip() if is_fenced else text


def refuse_constant(name: str) -> NoReturn:
    """Python's ``json`` would take NaN and Infinity, which are no JSON, for numbers.

    Raises:
        ValueError: Always; for ``parse_constant``.
    """
    raise ValueError(f"{name} is not a JSON number")


def _syntax_error(answer: str, error: json.JSONDecodeError, truncated: bool) -> str:
    if not answer.strip():
        return "empty answer"
    if answer.lstrip().startswith("```"):
        return "code fence around the JSON"
    if truncated or (_breaks_off(answer.rstrip(), error) and answer.lstrip()[0] in "{["):
        return f"truncated JSON: {error.msg.lower()} at character {error.pos}"
    if answer.lstrip()[0] not in '{["':
        return "text instead of JSON"
    return f"not JSON: {error.msg.lower()} at character {error.pos}"


def _breaks_off(answer: str, error: json.JSONDecodeError) -> bool:
    """Whether the fault is that ``answer`` ends too early."""
    rest = answer[error.pos :]
    return (
        error.msg.startswith("Unterminated string")
        or any(word.startswith(rest) and word != rest for word in ("true", "false", "null"))
        or rest in ("-", ".")
        or (error.msg.startswith("Invalid") and len(rest) < len("\\u0000"))
    )


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    from jsonschema import exceptions, validators

    if len(schema) > SCHEMA_CHARS:
        raise SchemaError(
            f"the schema has {len(schema):,} characters; {SCHEMA_CHARS:,} are read at most"
        )
    try:
        document = read_json(schema)
        kind = validators.validator_for(document, default=validators.Draft202012Validator)
        kind.check_schema(document)
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        raise SchemaError(f"the schema is not JSON: {_brief(error)}") from error
    except exceptions.SchemaError as error:
        raise SchemaError(f"the schema is not a JSON schema: {_describe(error)}") from error
    return bounded_validator(document, kind)


def _describe(fault: Any) -> str:
    """Place and rule of ``fault``, without the value that broke it."""
    place = "$" + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.absolute_path
    )
    match fault.validator:
        case "type":
            what = f"is {_type(fault.instance)}, expected {fault.validator_value}"
        case "required":
            absent = [name for name in fault.validator_value if name not in fault.instance]
            what = f"lacks {', '.join(absent)}"
        case "additionalProperties":
            what = "has properties the schema does not know"
        case rule:
            what = f"breaks {rule}: {json.dumps(fault.validator_value)[:80]}"
    return f"{place[:120]} {what}"


def _type(value: object) -> str:
    return _TYPES.get(type(value), type(value).__name__)


def _brief(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]
