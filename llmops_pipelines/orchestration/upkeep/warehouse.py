"""The lake as one DuckDB file, for people and BI tools."""

import tempfile
from pathlib import Path

from dagster_duckdb import DuckDBResource

from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import TABLES, Table

FILE = "warehouse.duckdb"

PRIVATE = {
    "call_texts",
    "step_texts",
    "landed_calls",
    "landed_steps",
    "landed_feedback",
    "landed_rejections",
    "text_vectors",
}
"""Texts and their vectors stay in the lake, and landed rows hold duplicates."""


def rebuild_warehouse(lake: Lake) -> dict[str, int]:
    """Write every table into a new database file and put it in the old one's place.

    Nobody else ever opens the file that is being written: DuckDB admits one writing process.

    Returns:
        Rows per table.
    """
    tables = [table for table in TABLES.values() if table.name not in PRIVATE]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        with DuckDBResource(database=str(file)).get_connection() as connection:
            rows = {table.name: _copy(connection, lake, table) for table in tables}
        lake.store.put_file(FILE, file)
    return rows


def _copy(connection, lake: Lake, table: Table) -> int:  # type: ignore[no-untyped-def]
    """Copy one table, day by day so that memory does not grow with history."""
    connection.register(
        "rows", lake.scan(table, []).collect() if table.partitioned else lake.read(table)
    )
    connection.sql(f'create table "{table.name}" as from rows')
    connection.unregister("rows")
    for day in lake.days(table) if table.partitioned else []:
        connection.register("rows", lake.read(table, [day]))
        connection.sql(f'insert into "{table.name}" from rows')
        connection.unregister("rows")
    return int(connection.sql(f'select count(*) from "{table.name}"').fetchall()[0][0])  # noqa: S608
