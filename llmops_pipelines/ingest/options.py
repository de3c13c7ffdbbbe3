"""What landing needs to know besides the files: dates, policies, the key that hides users."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

from llmops_pipelines.formats import Limits
from llmops_pipelines.ingest.privacy.redaction import FLOOR, Redaction
from llmops_pipelines.ingest.sources import Sources
from llmops_pipelines.reference import Features


def key_id(key: bytes) -> str:
    """What a hash key is called, 8 hex digits: it can be told apart and not be guessed."""
    return hashlib.sha256(key).hexdigest()[:8]


@dataclass(frozen=True)
class LandingOptions:
    """Settings of a landing.

    ``start`` is the first day of the lake, ``now`` the moment of landing (naive UTC, or with a
    zone). ``batch_bytes`` is the raw text after which a batch is handed over, ``batch_files`` and
    ``batch_lines`` how many files and lines: however small, each takes memory beyond its bytes.
    """

    start: date
    now: datetime
    hash_key: bytes
    features: Features
    sources: Sources
    max_line_bytes: int = 10_000_000
    batch_bytes: int = 64 * 2**20
    batch_files: int = 20_000
    batch_lines: int = 250_000
    redaction: Redaction = FLOOR
    old_keys: tuple[bytes, ...] = ()
    """Keys before ``hash_key``: who was forgotten may be known by one of them alone."""

    @cached_property
    def moment(self) -> datetime:
        """``now`` as naive UTC."""
        return self.now.astimezone(UTC).replace(tzinfo=None) if self.now.tzinfo else self.now

    @property
    def key_id(self) -> str:
        """What the hash key is called."""
        return key_id(self.hash_key)

    @property
    def limits(self) -> Limits:
        """Between which moments a record's time is believed: from ``start`` to a day from now."""
        return Limits(datetime.combine(self.start, time()), self.moment + timedelta(days=1))

    @property
    def digest(self) -> str:
        """Of everything that shapes rows, apart from the clock and the key: batches carry it."""
        shaping = (
            self.start.isoformat(),
            str(self.max_line_bytes),
            self.features.model_dump_json(),
            *(pattern.model_dump_json() for pattern in self.redaction.patterns),
            *(["names"] if self.redaction.find_names else []),
        )
        return hashlib.sha256("\n".join(shaping).encode()).hexdigest()
