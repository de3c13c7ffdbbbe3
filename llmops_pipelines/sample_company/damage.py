"""Lines that no reader can use: cut off, of the wrong type, binary, or not a record at all."""

from __future__ import annotations

import json
from random import Random
from typing import Any

DAMAGES = ("truncated", "wrong_type", "binary", "not_a_record")

_NO_RECORDS = (
    b"<html><head><title>502 Bad Gateway</title></head></html>",
    b"[1, 2, 3]",
    b'"flush buffer before rotate"',
    b"Traceback (most recent call last):",
    b"17",
)


def malformed_line(rng: Random, record: dict[str, Any]) -> bytes:
    """One unusable line, made from ``record`` or from nothing; it never holds a line break."""
    (damage,) = rng.choices(DAMAGES, (50, 22, 16, 12))
    match damage:
        case "truncated":
            text = dump(record)
            return text[: rng.randrange(len(text) // 4, len(text) - 1)]
        case "wrong_type":
            wrong = rng.choice(
                ({"timestamp": "soon after lunch"}, {"request": 17, "response": "thanks"})
            )
            return dump(record | {"id": f"{record['id']}-x"} | wrong)
        case "binary":
            junk = rng.randbytes(rng.randrange(60, 240))
            return b"\x00\xff" + junk.replace(b"\n", b"\x01").replace(b"\r", b"\x02")
        case _:
            return rng.choice(_NO_RECORDS)


def dump(record: dict[str, Any]) -> bytes:
    """A record as one line of JSON, without its line break."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
