"""One log file recognised: which format reads it, and its blocks of lines; or why none does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

import duckdb

from llmops_pipelines.formats import (
    FORMATS,
    Reading,
    objects_in,
    sniff,
    sniff_records,
)
from llmops_pipelines.formats.engine.reading import Record
from llmops_pipelines.ingest.log_files.bedrock_bodies import is_body, with_bodies, without_records
from llmops_pipelines.ingest.log_files.carried import NameOf, carried_records, unwrapped
from llmops_pipelines.ingest.log_files.enclosed import enclosed_records
from llmops_pipelines.ingest.log_files.exchanges import exchanged, with_exchanges
from llmops_pipelines.ingest.log_files.files import Content, DamagedFileError, foreign
from llmops_pipelines.ingest.log_files.har import har_lines
from llmops_pipelines.ingest.log_files.lines import Block, Refused, read_blocks, sample_lines
from llmops_pipelines.ingest.log_files.other_providers import PROVIDERS
from llmops_pipelines.ingest.log_files.parquet_bounds import NoTableError
from llmops_pipelines.ingest.log_files.record_files import document_records, head_of, is_csv, peeked
from llmops_pipelines.ingest.log_files.rewriting import lines_of, object_in
from llmops_pipelines.ingest.log_files.span_messages import with_earlier_messages
from llmops_pipelines.ingest.log_files.streams import gathered, with_joined_responses
from llmops_pipelines.ingest.log_files.tabular import (
    PARQUET,
    csv_blocks,
    parquet_blocks,
    parsed_cells,
    with_parsed_cells,
)
from llmops_pipelines.ingest.options import LandingOptions
from llmops_pipelines.ingest.sources import Source

_SAMPLE_LINES: Final = 100
_MANY_LINES: Final = 10_000
_SAMPLE_BYTES: Final = 32 * 2**20
_END_BYTES: Final = 64
_SNIFFED: Final = {name: known.reading() for name, known in FORMATS.items()}
"""One reading per format, so that the lines of many small files are read together."""

_NESTED: Final = ("openai", "openai_responses", "anthropic", "openai_batch", "anthropic_batch")
"""Formats of objects in objects, which a table holds as text; those of tools read texts as well."""

_BODIES: Final = ("request", "response", "body", "output", "choices", "content", "usage", "error")

_INSPECTED: Final = re.compile(rb"\s*\{\s+[A-Za-z_$][\w$]*: ")
"""How an object begins that Node.js printed: its keys are not quoted."""

_ADD_ENTRY: Final = (
    "add an entry for it to sources.yaml (format: mapped says where its fields stand)"
)


class Opened(NamedTuple):
    """A recognised file; ``tag`` is what the index calls its reading, None without records."""

    reading: Reading
    tag: str | None
    blocks: Iterator[Block | Refused]


class Unknown(NamedTuple):
    """A file that nothing here can read, with all its lines counted."""

    lines: int
    reason: str


def open_content(
    connection: duckdb.DuckDBPyConnection, content: Content, options: LandingOptions
) -> Opened | Unknown:
    """Recognise ``content``: its entry in sources.yaml decides, else its first lines do.

    A file that is one JSON array, objects printed over several lines, or answers of an API with
    lists of records in them, is read as if each record were a line, up to 64 MB.

    What belongs to one call and lies in several lines is put into one of them, whatever blocks
    they are in: pieces of a stream, messages sent before their answer, bodies in other files.

    Raises:
        OSError: The file cannot be read any more.
    """
    if is_body(content.file.path):
        bodies = read_blocks(content.chunks(), options.max_line_bytes)
        return Opened(_SNIFFED["bedrock"], None, without_records(bodies))
    opened = _recognised(connection, content, options)
    if isinstance(opened, Unknown):
        return opened

    def again() -> Iterator[Block | Refused]:
        second = _recognised(connection, content, options)
        return iter(()) if isinstance(second, Unknown) else second.blocks

    blocks, most = opened.blocks, options.max_line_bytes
    match opened.reading.format:
        case "bedrock":
            blocks = with_bodies(blocks, content.file, most)
        case "openai":
            blocks = with_joined_responses(blocks)
        case "otel_genai" | "openinference":
            blocks = with_earlier_messages(blocks)
        case name if streams := FORMATS[name].streams:
            blocks = gathered(blocks, again, streams, most)
    return opened._replace(blocks=blocks)


def _recognised(
    connection: duckdb.DuckDBPyConnection, content: Content, options: LandingOptions
) -> Opened | Unknown:
    source, most = options.sources.of(content.file.path), options.max_line_bytes
    head, chunks = peeked(content.chunks())
    if head.startswith(PARQUET):
        return _opened_table(source, parquet_blocks(chunks, most), most)
    if is_csv(content.file.path) and foreign(head) is None:
        return _opened_table(source, csv_blocks(chunks, most, head), most)
    blocks = read_blocks(chunks, most)
    seen, sample = _begin(blocks)
    begins, objects = _begins(seen), objects_in(sample)
    found = source.format if source else sniff_records(objects)
    if _hold_texts(objects) and found in (None, *_NESTED):
        parsed = [each for line in sample if (each := object_in(parsed_cells(line.encode())))]
        as_parsed = source.format if source else sniff_records(parsed)
        if as_parsed in (*_NESTED, *PROVIDERS):
            blocks = with_parsed_cells(chain(seen, blocks))
            seen, objects, found = [], parsed, as_parsed
    if source is None and found in (None, *PROVIDERS):
        told = [exchanged(each) or each for each in objects]
        if sum(new is not old for new, old in zip(told, objects, strict=True)) * 2 > len(objects):
            blocks = with_exchanges(chain(seen, blocks))
            seen, objects, found = [], told, sniff_records(told)
    over_lines = begins == b"[" or (begins == b"{" and not (objects and found))
    unfit = source is not None and not _fit(objects, source.format, source)
    apart = None
    if found is None or unfit or (source is not None and source.format == "mapped"):
        apart = _carried(chain(seen, blocks), _lines(seen), source, most)
    if apart is None and (over_lines or (begins == b"{" and unfit)):
        apart = _document(connection, content, source, are_lines=not over_lines)
    if apart is not None:
        return apart
    alien = foreign(_head(seen)) if not objects else None
    if found is not None and alien is None:
        reading = source.reading if source else _SNIFFED[found]
        return Opened(reading, source.tag if source else found, chain(seen, blocks))
    if not seen or (not sample and isinstance(seen[0], Block)):
        return Opened(_SNIFFED["openai"], None, chain(seen, blocks))  # empty, or blank lines
    lines, end = _counted(content)
    why = _why_unknown(content, seen, alien, end, objects=bool(objects))
    return Unknown(lines, why)


def _carried(
    blocks: Iterator[Block | Refused], lines: Iterator[bytes], source: Source | None, most: int
) -> Opened | None:
    """``blocks`` as the records that they carry; None if none of ``lines``, the first, has one."""
    sample = list(islice(lines, _SAMPLE_LINES))
    name_of = _name_of(source, sample)
    if source is not None and source.format == "mapped" and not carried_records(sample, name_of):
        return None
    inner = carried_records(chain(sample, lines), name_of)
    found = source.format if source else sniff_records(inner)
    if not inner or found is None:
        return None
    reading, tag = (source.reading, source.tag) if source else (_SNIFFED[found], found)
    return Opened(reading, tag, unwrapped(blocks, name_of, most))


def _name_of(source: Source | None, sample: Sequence[bytes]) -> NameOf:
    """Which format a carried record is in, if it is in that of the file's entry.

    Records of a mapped file have more of its fields than ``sample``, the lines that carry them.
    """
    if source is None:
        return lambda record: sniff_records([record])
    name = source.format
    if name != "mapped":
        return lambda record: name if FORMATS[name].recognises(record) else None
    keys = {path[0] for place in source.reading.fields.values() for path in place.paths}
    outside = [len(keys & record.keys()) for line in sample if (record := object_in(line))]
    most = max(outside, default=0)
    return lambda record: name if len(keys & record.keys()) > most else None


def _lines(seen: list[Block | Refused]) -> Iterator[bytes]:
    """The first lines: of what an application prints, few may tell of calls."""
    held = (line for block in seen if isinstance(block, Block) for line in lines_of(block))
    return islice(held, _MANY_LINES)


def _hold_texts(objects: Sequence[Record]) -> bool:
    """Whether a record has a body as JSON text, as columns of a database hold it."""
    return any(
        isinstance(held := record.get(name), str) and held.startswith(("{", "["))
        for record in objects
        for name in _BODIES
    )


def _opened_table(
    source: Source | None, blocks: Iterator[Block | Refused], most_bytes: int
) -> Opened | Unknown:
    try:
        seen, sample = _begin(blocks)
    except NoTableError as error:
        return Unknown(1, f"file: {error}")
    whole: Iterator[Block | Refused] = chain(seen, blocks)
    if source is not None:
        nested = with_parsed_cells(whole) if source.format in _NESTED else whole
        return Opened(source.reading, source.tag, nested)
    found = sniff(sample)
    parsed = sniff([parsed_cells(line.encode()).decode() for line in sample])
    if parsed in _NESTED or (parsed is not None and found is None):
        found, whole = parsed, with_parsed_cells(whole)
    if found is not None:
        return Opened(_SNIFFED[found], found, whole)
    if not seen:
        return Opened(_SNIFFED["openai"], None, iter(()))  # a table without rows
    carried = _carried(whole, _lines(seen), source, most_bytes)
    if carried is not None:
        return carried
    rows = sum(block.lines for block in whole)
    known = ", ".join(FORMATS)
    return Unknown(rows, f"file: no known format ({known}) recognises its rows; {_ADD_ENTRY}")


def _begin(blocks: Iterator[Block | Refused]) -> tuple[list[Block | Refused], list[str]]:
    """The first blocks, enough for a sample, and the sample."""
    seen: list[Block | Refused] = []
    sample: list[str] = []
    size = 0
    for item in blocks:
        seen.append(item)
        if isinstance(item, Block):
            size += len(item.data)
            sample += sample_lines([item], _SAMPLE_LINES - len(sample))
        if len(sample) == _SAMPLE_LINES or size > _SAMPLE_BYTES:
            break
    return seen, sample


def _head(seen: list[Block | Refused]) -> bytes:
    return head_of(seen[0]) if seen else b""


def _begins(seen: list[Block | Refused]) -> bytes:
    return _head(seen).lstrip()[:1]


def _document(
    connection: duckdb.DuckDBPyConnection,
    content: Content,
    source: Source | None,
    *,
    are_lines: bool,
) -> Opened | None:
    """The file's records where they are no lines, if it is small enough to hold.

    Where ``are_lines``, only those that its lines enclose.
    """
    records = document_records(connection, content)
    if records is None:
        return None
    if source is None and (exchanges := har_lines(records)) is not None:
        found = sniff([line for line in exchanges if line][:_SAMPLE_LINES])
        return Opened(_SNIFFED[found or "openai"], found, _as_blocks(exchanges))
    found = source.format if source else sniff(records[:_SAMPLE_LINES])
    if found is None or not _fit(objects_in(records[:_SAMPLE_LINES]), found, source):
        inner = enclosed_records(records)
        known = source.format if source else sniff(inner[:_SAMPLE_LINES])
        if known is not None and _fit(objects_in(inner[:_SAMPLE_LINES]), known, source):
            records, found, are_lines = inner, known, False
        elif carried := _carried_among(records, source) or _carried_among(inner, source):
            return carried
    if are_lines or (found is None and records):
        return None
    reading = source.reading if source else _SNIFFED[found or "openai"]
    return Opened(reading, source.tag if source else found, _as_blocks(records))


def _carried_among(records: Sequence[str], source: Source | None) -> Opened | None:
    first_ones = iter([record.encode() for record in records[:_MANY_LINES]])
    return _carried(_as_blocks(records), first_ones, source, most=0)  # one block: none waits


def _as_blocks(records: Sequence[str]) -> Iterator[Block]:
    data = "".join(f"{record}\n" for record in records).encode()
    return iter([Block(data, 1, len(records))] if records else [])


def _fit(objects: Sequence[Record], name: str, source: Source | None = None) -> bool:
    """Whether at least half of ``objects`` are records of a format, or as its entry places them."""
    if name == "mapped" and source is not None:
        keys = {path[0] for place in source.reading.fields.values() for path in place.paths}
        fitting = sum(not keys.isdisjoint(each) for each in objects)
    else:
        fitting = sum(FORMATS[name].recognises(each) for each in objects)
    return bool(objects) and 2 * fitting >= len(objects)


def _counted(content: Content) -> tuple[int, bytes]:
    """How many lines a file has, and what it ends with."""
    lines, end = 0, b""
    try:
        for chunk in content.chunks():
            lines += chunk.count(b"\n")
            end = (end + chunk)[-_END_BYTES:]
    except DamagedFileError:
        return lines + 1, b""  # what is missing counts as one more line
    return lines + (not end.endswith(b"\n") and end != b""), end


def _why_unknown(
    content: Content, seen: list[Block | Refused], alien: str | None, end: bytes, *, objects: bool
) -> str:
    if alien:
        return f"file: is {alien}, not lines of JSON; export it as NDJSON (plain, gz or zst)"
    if objects:
        return f"file: no known format ({', '.join(FORMATS)}) recognises its records; {_ADD_ENTRY}"
    if isinstance(seen[0], Refused):
        return seen[0].reason
    if _begins(seen) in (b"[", b"{"):
        return _why_no_lines(content, seen, end)
    return (
        "file: none of its first lines is a JSON object; write one per line, and if no format is"
        f" then recognised, {_ADD_ENTRY}"
    )


def _why_no_lines(content: Content, seen: list[Block | Refused], end: bytes) -> str:
    if _INSPECTED.match(_head(seen)):
        return (
            "file: holds objects as console.log of Node.js prints them, which is no JSON; log"
            " JSON.stringify(object), one a line, and send spans to a collector by OTLP"
        )
    if end.strip() and not end.rstrip().endswith((b"]", b"}")):
        return "file: begins as JSON and breaks off before its last brace; export it again, whole"
    return (
        "file: looks like JSON over several lines, one long array, or a line that breaks off;"
        " write one whole object per line, for instance with jq -c '.[]' (of an array) or"
        f" jq -c . {content.file.path.rpartition('/')[2]}"
    )
