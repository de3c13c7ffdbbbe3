"""The digest of a frame's content is a matter of its values, not of memory, Polars or Arrow."""

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.orchestration.storage.content_digest import content_digest
from llmops_pipelines.tables import TABLES

ROWS = pl.DataFrame(
    {
        "whole": [1, None, 3],
        "text": ["x", None, "yé"],
        "flag": [True, None, False],
        "words": [["a", None], [], None],
        "nested": [{"k": 1, "v": [{"t": "p"}]}, None, {"k": None, "v": []}],
        "day": [date(2026, 1, 1), None, date(2026, 1, 2)],
        "usd": [Decimal("1.25"), None, Decimal(-3)],
        "at": [datetime.fromisoformat("2026-01-01"), None, None],
        "share": [1.5, None, -0.25],
    },
    schema_overrides={"usd": pl.Decimal(38, 12)},
)


def test_the_digest_is_this_one_under_every_release():
    assert content_digest(ROWS) == "872f8cd6c5ba1e1917be6b9f15230ad6"


def test_how_rows_lie_in_memory_changes_nothing():
    twice = pl.concat([ROWS, ROWS])
    assert content_digest(twice[3:6]) == content_digest(ROWS)
    assert content_digest(pl.concat([ROWS[:1], ROWS[1:]], rechunk=False)) == content_digest(ROWS)


def test_what_lies_under_a_null_changes_nothing():
    kept = ROWS.with_columns(pl.when(pl.col("whole") != 1).then(pl.col("share")).alias("share"))
    written = ROWS.with_columns(share=pl.Series([None, None, -0.25]))
    assert content_digest(kept) == content_digest(written)


@pytest.mark.parametrize(
    "other",
    [
        ROWS[::-1],
        ROWS[:2],
        ROWS.rename({"text": "texts"}),
        ROWS.with_columns(whole=pl.Series([1, 0, 3])),
        ROWS.with_columns(text=pl.Series(["x", "", "yé"])),
        ROWS.with_columns(text=pl.Series(["xy", None, "é"])),
        ROWS.with_columns(flag=pl.Series([True, False, False])),
        ROWS.with_columns(words=pl.Series([["a", None], None, None])),
        ROWS.with_columns(words=pl.Series([["a"], [None], None])),
        ROWS.with_columns(
            nested=pl.Series([{"k": 1, "v": [{"t": "q"}]}, None, {"k": None, "v": []}])
        ),
    ],
)
def test_anything_else_changes_it(other):
    assert content_digest(other) != content_digest(ROWS)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_table_has_one_empty_and_with_nulls(table):
    empty = table.empty()
    nulls = pl.DataFrame({name: [None] for name in empty.columns}, schema=empty.schema)
    assert content_digest(empty) != content_digest(nulls)


def test_no_digest_imports_pandas():
    program = (
        "import runpy, sys, polars as pl\n"
        f"digest = runpy.run_path({content_digest.__code__.co_filename!r})['content_digest']\n"
        "digest(pl.DataFrame({'a': ['x', None], 'b': [[True], None], 'c': [None, True]}))\n"
        "print('pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert done.stdout.split() == [b"False"]
