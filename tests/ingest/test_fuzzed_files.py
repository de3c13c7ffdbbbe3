"""Ten thousand damaged files of every format: nothing crashes, hangs, grows or loses a record."""

import gzip
import json
import random
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from llmops_pipelines.ingest import LogFile, unaccounted_files
from llmops_pipelines.tables import CALL_TEXTS, LANDED_CALLS
from tests.ingest.worlds import Lake, call, line, log

PAYLOADS = Path(__file__).parents[1] / "formats" / "payloads"
FILES = 10_000
MORE_MEMORY_MB = 1_000
ODD = (None, 3, -1, 1e308, True, "x", "", "\x00", "ünï", [], {}, [[]], {"a": {}}, "9" * 400)
ENDINGS = ("jsonl", "json", "csv", "parquet", "jsonl.gz", "ndjson.zst", "log", "")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def seeds() -> list[bytes]:
    """Records of every format of which there is a sample, and of our own."""
    found = [line(call(number)) for number in range(3)]
    for path in sorted(PAYLOADS.glob("*.json*")):
        rows = [row for row in path.read_bytes().splitlines() if row.startswith(b"{")]
        found += [row for row in rows[:4] if len(row) < 20_000]
    return found


def damaged(rng: random.Random, seed: bytes) -> bytes:
    """``seed`` after one to three kinds of damage."""
    data = seed
    for _ in range(rng.randint(1, 3)):
        match rng.randrange(6):
            case 0:
                data = data[: rng.randrange(len(data) + 1)]
            case 1:
                at = rng.randrange(len(data) + 1)
                data = data[:at] + rng.randbytes(rng.randint(1, 8)) + data[at:]
            case 2:
                data = b"\n".join([data] * rng.randint(2, 4))
            case 3:
                data = b"[" + data + b"]"
            case _:
                data = _other_value(rng, data)
    return data


def _other_value(rng: random.Random, data: bytes) -> bytes:
    try:
        record = json.loads(data)
    except ValueError:
        return data
    place = record
    while isinstance(place, (dict, list)) and place:
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        if rng.random() < 0.4 or not isinstance(place[key], (dict, list)):
            place[key] = rng.choice(ODD)
            break
        place = place[key]
    return json.dumps(record).encode()


def files(rng: random.Random) -> Iterator[LogFile]:
    known = seeds()
    for number in range(FILES):
        data, ending = damaged(rng, rng.choice(known)), rng.choice(ENDINGS)
        if ending.endswith("gz"):
            data = gzip.compress(data, 1)[: rng.choice((None, -1, 20))]
        elif ending.endswith("zst"):
            data = zstandard.compress(data)[: rng.choice((None, -1, 20))]
        yield log(f"{number:05d}.{ending}", data)


def test_no_damage_stops_the_day_or_loses_a_record():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lake = Lake()
    lake.land(*files(random.Random(7)))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert lake.index["source_file"].n_unique() == FILES
    assert unaccounted_files(lake.index).is_empty()
    assert lake.index["calls"].sum() == lake.rows(LANDED_CALLS).height > 100
    assert lake.index["rejected"].sum() > 100
    assert lake.rows(CALL_TEXTS).height > 100
    assert (after - before) / 1024 < MORE_MEMORY_MB
