"""Requests of a cache's replay, and an embedder that knows a few directions."""

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

from llmops_pipelines.savings import ASKED, cacheable

NOON = datetime.fromisoformat("2026-11-01T12:00:00")


def asked(*rows):
    """``ASKED`` rows; each a question, or a dict of what is unusual about it."""
    neutral = {
        "latency_ms": 0.0, "feature": "chat", "scope": "", "status": "ok", "calls_tools": False,
        "cost": Decimal("0.01"), "answer": "an answer",
    }  # fmt: skip
    told = []
    for number, row in enumerate(rows):
        given = {"question": row} if isinstance(row, str) else dict(row)
        question = given.pop("question", "hello")
        base = {
            "id": f"r{number:04}",
            "at": NOON + timedelta(hours=number),
            "messages": [{"role": "user", "content": question}],
            "group": f"s{number}",
        }
        told.append(neutral | base | given)
    return pl.DataFrame(told, schema=ASKED)


def requests(*rows):
    return cacheable(asked(*rows))[0]


def embed(texts):
    """The number in a text is its angle in degrees; a text without one points backwards."""
    angles = [float("".join(c for c in text if c.isdigit()) or 180) for text in texts]
    turned = np.deg2rad(angles)
    return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)
