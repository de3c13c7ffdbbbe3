"""The engine: a frame of raw lines to a frame of raw fields, parsed by DuckDB, never line by line.

One ``json_transform`` reads everything a source places in a line, as far as the lines of the chunk
hold it. Good lines cost one parse; a chunk that holds a line which is not JSON, although its braces
match, is asked a second time, for its good lines alone.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

import duckdb
import polars as pl

from llmops_pipelines.formats.engine.fields import FIELDS, QUOTED, TEXT_KINDS, of_kind
from llmops_pipelines.formats.engine.narrowing import narrowed
from llmops_pipelines.formats.engine.paths import Path, json_path, show_path
from llmops_pipelines.formats.engine.reading import Reading
from llmops_pipelines.formats.engine.structure import Structure, literal
from llmops_pipelines.formats.engine.surrogates import without_halves
from llmops_pipelines.formats.engine.texts_sql import EXACT, MACROS, unusual
from llmops_pipelines.tables import CONTEXT, MESSAGE

LINES: Final = pl.Schema({"n": pl.Int64, "raw": pl.String})
"""``n`` numbers the lines of a chunk; ``raw`` is the text of one line."""

_CALLED: Final = {"name": pl.String, "arguments": pl.String}
_DTYPES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "messages": pl.List(MESSAGE),
    "contexts": pl.List(CONTEXT),
    "presence": pl.Boolean,
    "labels": pl.List(pl.String),
    "tools": pl.List(pl.Struct({**_CALLED, "function": pl.Struct(_CALLED)})),
}

RAW: Final = pl.Schema(
    {"n": pl.Int64}
    | {name: _DTYPES.get(kind, pl.String) for name, kind in FIELDS.items()}
    | {"shape": pl.String}
)
"""Raw fields as the record spells them. Names and JSON keep their quotes; ``shape`` says what is
wrong with the record's build, null when nothing is."""


class Extracted(NamedTuple):
    """What a chunk of lines gave: raw fields, and the lines that are no JSON object with why."""

    raw: pl.DataFrame
    broken: pl.DataFrame


def connect() -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that can read texts. It never sees a time: zones are not its job.

    It has one thread: a second one costs a quarter more CPU time on chunks of this size.
    """
    connection = duckdb.connect(":memory:", config={"threads": 1})
    for macro in MACROS:
        connection.execute(macro)
    return connection


def extract(
    connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame, reading: Reading
) -> Extracted:
    """Read the raw fields of ``lines`` (``LINES``) as ``reading`` places them.

    Returns:
        ``RAW`` rows for the lines that are JSON objects, in order of ``n``; ``n`` and ``reason`` of
        those that are not.
    """
    objects = lines.filter(pl.col("raw").str.contains(r"^\s*\{"))
    objects = _valid(connection, objects, _odd_braces(objects["raw"]))
    reading = narrowed(reading, objects["raw"])
    try:
        raw = _query(connection, objects, _select(reading))
    except duckdb.Error:
        every = pl.repeat(value=True, n=objects.height, eager=True)
        objects = _valid(connection, objects, every)
        raw = _query(connection, objects, _select(reading))
    # DuckDB keeps the order it was given, but does not promise it.
    raw = raw if raw["n"].is_sorted() else raw.sort("n")
    raw = _reread(connection, objects, raw, reading)
    broken = lines.join(objects.select("n"), on="n", how="anti")
    return Extracted(raw, broken.select("n", reason=_why_broken(connection, broken)))


def _odd_braces(raw: pl.Series) -> pl.Series:
    """Lines whose braces do not match: cut off, the commonest damage, or with braces in a text."""
    opened, closed = (raw.str.count_matches(brace, literal=True) for brace in "{}")
    return opened != closed


def _valid(
    connection: duckdb.DuckDBPyConnection, objects: pl.DataFrame, doubtful: pl.Series
) -> pl.DataFrame:
    """``objects`` without those of the ``doubtful`` ones that are no JSON."""
    if not doubtful.any():
        return objects
    asked = objects.filter(doubtful)
    found = _query(connection, asked, "SELECT n, json_valid(raw) AS valid FROM lines")
    broken = found.filter(~pl.col("valid"))["n"]
    if broken.is_empty():
        return objects
    whole = objects.filter(~pl.col("n").is_in(broken.implode()))
    return pl.concat([whole, _mended(connection, objects, broken)]).sort("n")


def _mended(
    connection: duckdb.DuckDBPyConnection, objects: pl.DataFrame, broken: pl.Series
) -> pl.DataFrame:
    """Those ``broken`` ones of ``objects`` that only a half of a character keeps from parsing."""
    halves = pl.col("n").is_in(broken.implode()) & pl.col("raw").str.contains(r"\\u[dD][89a-fA-F]")
    mended = objects.filter(halves).with_columns(
        pl.col("raw").map_elements(without_halves, pl.String)
    )
    if mended.is_empty():
        return mended
    found = _query(connection, mended, "SELECT n, json_valid(raw) AS valid FROM lines")
    return mended.join(found.filter("valid"), on="n", how="semi", maintain_order="left")


def split_document(connection: duckdb.DuckDBPyConnection, text: str) -> list[str] | None:
    """The records of a file that is one JSON array or object, compact; None if it is not JSON."""
    (row,) = connection.execute(
        """SELECT CASE WHEN NOT json_valid(t) THEN NULL
           WHEN json_type(t) = 'ARRAY' THEN json_extract(t, '$[*]') ELSE [json_extract(t, '$')] END
           FROM (SELECT ? AS t)""",
        [text],
    ).fetchall()
    records: list[str] | None = row[0]
    return records


def _query(connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame, sql: str) -> pl.DataFrame:
    connection.register("lines", lines.to_arrow(compat_level=pl.CompatLevel.newest()))
    try:
        found: pl.DataFrame = connection.sql(sql).pl()
        return found
    finally:
        connection.unregister("lines")


def _select(reading: Reading) -> str:
    """One SELECT for everything, from the struct ``r``."""
    placed = {name: reading.place(name) for name in FIELDS}
    structure = Structure(
        (path, FIELDS[name]) for name, place in placed.items() for path in place.paths
    )
    columns, odd = ["n"], ["false"]
    for name, place in placed.items():
        kind = FIELDS[name]
        values = [
            _plain(value, kind) if reading.is_free(path) else value
            for path, value in ((path, structure.value(path, kind)) for path in place.paths)
        ]
        if kind == "presence":
            present = " OR ".join(f"{value} IS NOT NULL" for value in values) or "NULL::BOOLEAN"
            columns.append(f"({present}) AS {name}")
            continue
        if kind in TEXT_KINDS and values:
            odd += [unusual(kind, _first_of(values), set(map(_last_key, place.paths)))]
        if place.constant is not None:
            values.append(literal(json.dumps(place.constant) if kind in QUOTED else place.constant))
        if values:
            columns.append(f"{_first_of(values)} AS {name}")
    return (  # paths of sources.yaml are quoted by structure.literal and Structure.value
        f"SELECT {', '.join(columns)}, {_shape(structure, reading)} AS shape,"  # noqa: S608
        f" ({' OR '.join(odd)}) AS odd"
        f" FROM (SELECT n, raw, json_transform(raw, {structure.sql()}) AS r FROM lines)"
    )


def _plain(value: str, kind: str) -> str:
    """SQL for a value that may be anything: null where it is no text, number or boolean."""
    holds_more = f"starts_with({value}::VARCHAR, '{{') OR starts_with({value}::VARCHAR, '[')"
    if kind not in QUOTED:
        return f"CASE WHEN NOT ({holds_more}) THEN nullif({value}, '') END"
    quoted = f"starts_with({value}::VARCHAR, '\"')"
    return (
        f"CASE WHEN {quoted} THEN nullif({value}::VARCHAR, '\"\"')"
        f" WHEN NOT ({holds_more}) THEN '\"' || {value}::VARCHAR || '\"' END"
    )


def _first_of(values: list[str]) -> str:
    return f"coalesce({', '.join(values)})" if values else "NULL"


def _shape(structure: Structure, reading: Reading) -> str:
    """SQL for what is wrong with the containers of a record, null when nothing is."""
    faults = []
    for path in reading.containers:
        if (hollow := structure.hollow(path)) is None:
            continue
        condition, expected = hollow
        found = f"json_type(raw, {literal(json_path(path))})"
        begin = literal(f"{show_path(path)}: is ")
        wanted = {"ARRAY": "a list", "OBJECT": "an object"}[expected]
        end = literal(f", expected {wanted}; log it as the provider returns it")
        faults.append(
            f"CASE WHEN {condition} AND {found} NOT IN ('{expected}', 'NULL')"
            f" THEN {begin} || llm_kind({found}) || {end} END"
        )
    return f"nullif(concat_ws('; ', {', '.join(faults)}), '')" if faults else "NULL::VARCHAR"


def _last_key(path: Path) -> str:
    return next((step for step in reversed(path) if isinstance(step, str)), "")


def _reread(
    connection: duckdb.DuckDBPyConnection, lines: pl.DataFrame, raw: pl.DataFrame, reading: Reading
) -> pl.DataFrame:
    """``raw`` with the texts of its odd lines read exactly; the odd ones that stay odd say why."""
    if not raw["odd"].any():
        return _typed(raw)
    usual = raw.filter(~pl.col("odd")).drop("odd")
    odd = raw.filter("odd").drop("odd")
    names = [name for name in of_kind(*TEXT_KINDS) if reading.place(name).paths]
    columns, faults = [], []
    for name in names:
        kind, paths = FIELDS[name], reading.place(name).paths
        found = [f"json_extract(raw, {literal(json_path(path))})" for path in paths]
        values = [f"{EXACT[kind]}({value})" for value in found]
        columns.append(f"coalesce({', '.join(values)}) AS {name}")
        if kind != "text":
            faults += [
                _text_fault(show_path(path), value, read, kind)
                for path, value, read in zip(paths, found, values, strict=True)
            ]
    shape = f"nullif(concat_ws('; ', {', '.join(faults)}), '')" if faults else "NULL::VARCHAR"
    exact = _query(
        connection,
        lines.join(odd.select("n"), on="n", how="semi"),
        f"SELECT n, {', '.join(columns)}, {shape} AS text_shape FROM lines",  # noqa: S608
    )
    constants = [
        pl.col(name).fill_null(reading.place(name).constant)
        for name in names
        if FIELDS[name] == "text" and reading.place(name).constant is not None
    ]
    odd = (
        odd.drop(names)
        .join(exact, on="n", how="left")
        .with_columns(
            *constants,
            shape=pl.concat_str("shape", "text_shape", separator="; ", ignore_nulls=True).replace(
                "", None
            ),
        )
    )
    return pl.concat([_typed(usual), _typed(odd)]).sort("n")


def _text_fault(shown: str, found: str, read: str, kind: str) -> str:
    """SQL for what keeps messages or contexts from being read, null when nothing does."""
    item = "a role and content" if kind == "messages" else "text, or has content"
    remedy = f"log a list of {'messages' if kind == 'messages' else 'passages'}"
    kinds = f"json_type({found})"
    return (
        f"CASE WHEN {kinds} NOT IN ('ARRAY', 'OBJECT', 'VARCHAR', 'NULL')"
        f" THEN {literal(f'{shown}: is ')} || llm_kind({kinds}) || {literal(f'; {remedy}')}"
        f" WHEN len(list_filter({read}, lambda x: x IS NULL)) > 0"
        f" THEN {literal(f'{shown}: an item is neither {item}; {remedy}')} END"
    )


def _typed(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` with exactly the columns and types of ``RAW``."""
    return raw.select(
        pl.col(name).cast(dtype) if name in raw.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in RAW.items()
    )


def _why_broken(connection: duckdb.DuckDBPyConnection, broken: pl.DataFrame) -> pl.Series:
    """Why each line is no JSON object, without quoting what it says."""
    if broken.is_empty():
        return pl.Series("reason", [], dtype=pl.String)
    kinds = _query(
        connection,
        broken,
        "SELECT n, CASE WHEN json_valid(raw) THEN llm_kind(json_type(raw)) END AS found FROM lines",
    ).sort("n")
    text = broken["raw"].str.strip_chars()
    return (
        broken.with_columns(found=kinds["found"], text=text)
        .select(
            reason=pl.when(pl.col("found").is_not_null())
            .then(pl.format("line: is {}, expected an object", pl.col("found")))
            .when(pl.col("text").str.contains(r"^\{") & ~pl.col("text").str.ends_with("}"))
            .then(pl.lit("line: not JSON, it ends before its closing brace"))
            .otherwise(pl.lit("line: not JSON"))
            + "; write one JSON object per line"
        )
        .to_series()
    )
