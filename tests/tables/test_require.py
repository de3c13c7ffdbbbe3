import polars as pl
import pytest

from llmops_pipelines.tables import TABLES
from llmops_pipelines.tables.table import Column, Table, TableError

CALLS = Table(
    name="calls",
    row="One call.",
    key=("day_part", "call"),
    columns=(
        Column("day_part", pl.String, "Part of the day.", nullable=True),
        Column("call", pl.String, "Name."),
        Column("tokens", pl.Int64, "Tokens.", "tokens", nullable=True),
    ),
)


def frame(**columns) -> pl.DataFrame:
    return pl.DataFrame({"day_part": ["am", "am"], "call": ["b", "a"], "tokens": [1, 2]} | columns)


def faults(rows: pl.DataFrame) -> list[str]:
    with pytest.raises(TableError) as raised:
        CALLS.require(rows)
    return str(raised.value).splitlines()


def test_rows_come_back_in_the_tables_order():
    rows = frame(day_part=["pm", None]).select("tokens", "call", "day_part")
    assert CALLS.require(rows).rows() == [("pm", "b", 1), (None, "a", 2)]
    assert CALLS.require(frame()).rows() == [("am", "a", 2), ("am", "b", 1)]


def test_columns_that_the_table_does_not_know_are_left_out():
    assert CALLS.require(frame(extra=[1, 2])).columns == ["day_part", "call", "tokens"]


def test_a_null_where_nulls_are_allowed_stays_null():
    assert CALLS.require(frame(tokens=[None, 2]))["tokens"].to_list() == [2, None]


def test_every_fault_is_told_at_once():
    rows = frame(call=["a", None], tokens=["1", "2"]).drop("day_part")
    assert faults(rows) == [
        "calls: 3 problem(s) in 2 rows",
        "  - day_part: missing; the frame has call, tokens",
        "  - call: 1 null(s), expected none",
        "  - tokens: is String, expected Int64",
    ]


def test_rows_that_share_a_key_are_refused():
    assert faults(frame(call=["a", "a"])) == [
        "calls: 1 problem(s) in 2 rows",
        "  - key ('day_part', 'call'): 2 rows share a key, expected unique",
    ]


def test_no_rows_are_fine_and_have_the_schema():
    assert CALLS.require(CALLS.empty()).schema == CALLS.schema


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_table_says_what_its_rows_and_columns_are(table):
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert set(table.volatile) <= set(names) - set(table.key)
    assert "day" not in names or not table.partitioned
    assert table.row.endswith(".")
    assert all(column.description.strip() for column in table.columns)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_an_empty_frame_passes_its_own_table(table):
    assert table.require(table.empty()).is_empty()


def test_no_two_tables_share_a_name():
    assert all(name == table.name for name, table in TABLES.items())


def test_times_carry_no_zone_and_money_is_exact():
    types = {dtype for table in TABLES.values() for dtype in table.schema.values()}
    zoned = [dtype for dtype in types if isinstance(dtype, pl.Datetime) and dtype.time_zone]
    assert zoned == []
    dollars = {
        column.dtype
        for table in TABLES.values()
        for column in table.columns
        if column.unit == "usd" and "cost" in column.name
    }
    assert dollars == {pl.Decimal(38, 12)}
