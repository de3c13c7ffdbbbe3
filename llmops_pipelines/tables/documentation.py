"""The tables as a page for people, made from the same definitions that validate them."""

from llmops_pipelines.tables import TABLES, Table


def tables_markdown() -> str:
    """All tables with their rows, keys, columns and units, as Markdown."""
    return (
        "# Tables\n\n"
        "Every table of the lake. Daily tables lie in one folder per UTC day, which scans show as\n"
        "the column `day`. Made by `make docs` from `llmops_pipelines/tables/`.\n\n"
        + "\n".join(_section(table) for table in TABLES.values())
    )


def _section(table: Table) -> str:
    rows = "\n".join(
        f"| `{column.name}` | {column.dtype} | {column.unit or ''} | "
        f"{'yes' if column.nullable else ''} | {column.description} |"
        for column in table.columns
    ).replace("Datetime(time_unit='us', time_zone=None)", "Datetime UTC")
    kept = "by day" if table.partitioned else "whole"
    return (
        f"## {table.name}\n\n{table.row}\n\nKey: {', '.join(table.key)}. Stored {kept}.\n\n"
        f"| column | type | unit | may be null | meaning |\n|---|---|---|---|---|\n{rows}\n"
    )
