"""Any value of a real record may be anything: nothing raises, and every line is accounted for.

For every format that unpacks its records. The samples are the payloads beside this module.
"""

import json
import random
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.formats import FORMATS, read_lines, unpack_lines
from llmops_pipelines.formats.records import from_printed
from llmops_pipelines.formats.usage.usage import usage_of
from tests.formats.test_payloads import PAYLOADS, format_of
from tests.formats.worlds import CONNECTION, LIMITS, read_as

MUTATIONS = 300
HOSTILE: tuple[Any, ...] = (
    None, 3, -1, 1.5, True, "x", "", "{", "[", '"', '"\\ud800"', [], {}, [None], [[]], [{}],
    {"x": {}}, "9" * 5000, 2**63, "²", {"values": 3}, "x" * 400, "\u0000", {"": [{"key": 3}]},
)  # fmt: skip


def _samples(name: str) -> list[Any]:
    return [
        json.loads(line)
        for file in PAYLOADS
        if format_of(file) == name
        for line in file.read_text().splitlines()
    ]


UNPACKING = sorted(
    name for name, known in FORMATS.items() if known.unpack is not None and _samples(name)
)


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside ``value``."""
    items = value.items() if isinstance(value, dict) else []
    if isinstance(value, list):
        items = enumerate(value)
    found = [(*way, key) for key, _ in items]
    return found + [place for key, item in items for place in _places(item, (*way, key))]


def _mutated(record: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    key, *rest = place
    changed = dict(record) if isinstance(record, dict) else list(record)
    changed[key] = _mutated(record[key], tuple(rest), value)
    return changed


def _hostile(name: str) -> list[str]:
    """Samples, each with one to three of its values replaced, the same in every run."""
    chance = random.Random(name)
    samples = [(sample, _places(sample)) for sample in _samples(name)]
    lines = []
    for _ in range(MUTATIONS):
        record, places = chance.choice(samples)
        for place in chance.sample(places, k=min(len(places), chance.randint(1, 3))):
            try:
                record = _mutated(record, place, chance.choice(HOSTILE))
            except (KeyError, IndexError, TypeError, ValueError):
                continue  # an earlier one replaced what this one stood in
        lines.append(json.dumps(record))
    return lines


@pytest.mark.parametrize("name", UNPACKING)
def test_a_hostile_value_anywhere_never_raises_and_loses_no_line(name):
    lines = _hostile(name)
    unpack = FORMATS[name].unpack
    assert unpack is not None
    frame = pl.DataFrame(
        {"n": range(len(lines)), "raw": lines, "date": None},
        schema={"n": pl.Int64, "raw": pl.String, "date": pl.String},
    )
    found = unpack_lines(frame, unpack)
    accounted = {*found.records["line"], *found.ignored["line"], *found.misfits["line"]}
    assert accounted == set(range(len(lines)))
    rows = read_lines(CONNECTION, found.records.select("n", "raw"), FORMATS[name].reading(), LIMITS)
    assert sum(part.height for part in rows) == found.records.height
    unread = found.misfits.height / len(lines)
    assert unread <= 0.2, found.misfits["reason"].value_counts(sort=True).head(5).to_dicts()


@pytest.mark.parametrize("name", UNPACKING)
def test_recognition_survives_hostile_values(name):
    for line in _hostile(name):
        for known in FORMATS.values():
            assert known.recognises(json.loads(line)) in (True, False)


@pytest.mark.parametrize("name", UNPACKING)
def test_the_samples_themselves_hold_calls(name):
    lines = [json.dumps(sample) for sample in _samples(name)]
    # Of some formats, records are dated by their file.
    assert read_as(name, *lines, date="2026-11-10T00:00:00Z").calls.height > 0


def test_long_names_and_cells_do_not_hold_anything_up() -> None:
    """Searched by a pattern that goes back, either would take hours."""
    cell = "{'at': datetime.datetime(" + "x" * 3_000_000
    assert from_printed(cell) == cell
    known = {"prompt_tokens": 3, "completion_tokens": 2}
    assert usage_of(known | {"cache" * 300_000: 5}).fields["input_tokens"] == 3
    refused = usage_of(known | {"cache" * 300_000 + "_token": 5})
    assert "input_tokens" not in refused.fields
    assert "is a count of cached tokens that is not known" in str(refused.refused)


def test_moments_in_cells_that_python_printed_are_none() -> None:
    printed = "{'at': datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone(x)), 'n': 1}"
    assert from_printed(printed) == {"at": None, "n": 1}
