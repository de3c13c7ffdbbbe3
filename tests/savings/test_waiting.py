"""Whether anybody waits, as traffic suggests."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from llmops_pipelines.savings import waiting

START = datetime.fromisoformat("2026-11-20T02:00:00")


def nightly(count=200, days=4, **fields):
    """A job at two in the morning, without user, session, stream or first token."""
    rows = [
        {
            "feature": "job", "user_hash": None, "session_id": None, "is_stream": None,
            "ttft_ms": None,
            "started_at": START + timedelta(days=n % days, seconds=n),
        }
        | {name: value(n) for name, value in fields.items()}
        for n in range(count)
    ]  # fmt: skip
    types = {"user_hash": pl.String, "session_id": pl.String, "is_stream": pl.Boolean}
    return pl.DataFrame(rows, schema_overrides=types | {"ttft_ms": pl.Float64})


def test_a_nightly_job_is_detected_with_its_evidence():
    (found,) = waiting(nightly(), {}).values()
    assert found.kind == "detected"
    assert found.evidence.startswith("200 calls on 4 days; 0 % with user; 0 % with session;")
    assert "100 % in the hours 02 UTC, on 100 % of the days" in found.evidence


@pytest.mark.parametrize(
    "calls",
    [
        nightly(count=99),
        nightly(days=2),
        nightly(user_hash=lambda n: "u" if n % 50 == 0 else None),
        nightly(session_id=lambda n: "s" if n % 50 == 0 else None),
        nightly(is_stream=lambda n: n % 50 == 0),
        nightly(ttft_ms=lambda n: 200.0 if n % 50 == 0 else None),
        nightly(started_at=lambda n: START + timedelta(days=n % 4, hours=n % 24)),
    ],
)
def test_any_sign_of_somebody_who_waits_is_enough(calls):
    (found,) = waiting(calls, {}).values()
    assert found.kind == "interactive"


def test_its_owner_knows_better():
    for said, kind in ((True, "interactive"), (False, "marked"), (None, "detected")):
        assert waiting(nightly(), {"job": said})["job"].kind == kind
