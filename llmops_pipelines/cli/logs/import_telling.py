"""A preview of an import, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from llmops_pipelines.ingest.previewing.field_paths import FieldPaths
from llmops_pipelines.ingest.previewing.preview import TOKENS_TOLD, Preview
from llmops_pipelines.tables import TOKEN_BUCKETS

_MOST = 12
_WORTH_CUTTING = 15


def nothing_as_json(why: str) -> dict[str, Any]:
    """The object of ``--json`` where nothing could be read: the same keys, no counts."""
    counts = ("rows", "duplicates", "steps", "feedback", "ignored", "rejected")
    return {
        "format": None,
        **dict.fromkeys(counts, 0),
        "feedback_names": {},
        "rejections": [],
        "first": None,
        "last": None,
        "models": {},
        "features": {},
        "tokens": dict.fromkeys(TOKENS_TOLD, 0),
        "tokens_unknown": 0,
        "tokens_doubted": 0,
        "cost_usd": None,
        "cost_reported_usd": None,
        "unpriced": 0,
        "unpriced_reasons": {},
        "mapped": {},
        "dropped": [],
        "error": why,
    }


def print_preview(console: Console, name: str, found: Preview) -> None:
    """Print what a file would become: counts, losses, money, fields, examples."""
    console.print(Text(f"{name}: {found.format or 'no known format'}", style="bold"))
    _print_pairs(console, _summary(found))
    if found.rejections and (found.is_of_use or len(found.rejections) > 1):
        console.print(Text("\nrejected", style="bold"))
        for kind in found.rejections[:_MOST]:
            where = f"first on line {kind.first_line:,}" if kind.first_line else "the whole file"
            console.print(Text(f"  {kind.count:,} ({where}): {kind.reason}"), soft_wrap=True)
    if found.paths.mapped:
        print_paths(console, found.paths)
    if found.examples.height:
        console.print(Text("\nexamples, without texts", style="bold"))
        for row in found.examples.iter_rows(named=True):
            console.print(Text(_example(row)), soft_wrap=True)


def print_paths(console: Console, paths: FieldPaths) -> None:
    """Fields with their paths, and paths without a field; a beginning that most share is cut."""
    common = _common([path for found in paths.mapped.values() for path in found])
    note = f" (… is {common})" if common else ""

    def short(path: str) -> str:
        return f"…{path.removeprefix(common)}" if common and path.startswith(common) else path

    console.print(Text(f"\nour field <- its paths{note}", style="bold"), soft_wrap=True)
    _print_pairs(
        console, {field: _listed(map(short, found)) for field, found in paths.mapped.items()}
    )
    if paths.dropped:
        console.print(Text("\nnever used", style="bold"))
        dropped = _listed(map(short, paths.dropped), 3 * _MOST)
        console.print(Text(f"  {dropped}"), soft_wrap=True)


def _common(paths: Sequence[str]) -> str:
    """The longest beginning, ending at a list, that at least half of ``paths`` share."""
    begins = Counter(
        path[: end + 2] for path in paths for end in range(len(path)) if path[end : end + 2] == "[]"
    )
    shared = [begin for begin, count in begins.items() if 2 * count >= len(paths)]
    longest = max(shared, key=len, default="")
    return longest if len(longest) >= _WORTH_CUTTING else ""


def _summary(found: Preview) -> dict[str, str]:
    times = f"{found.first} to {found.last} UTC" if found.first else ""
    twice = f", {found.duplicates:,} duplicate(s) dropped" if found.duplicates else ""
    tokens = ", ".join(f"{name} {count:,}" for name, count in found.tokens.items() if count)
    unknown = f"; {found.tokens_unknown:,} call(s) without usage" if found.tokens_unknown else ""
    if found.tokens_doubted:
        unknown += f"; {found.tokens_doubted:,} call(s) whose logged total is another"
    named = f": {_counts(found.feedback_names)}" if found.feedback_names else ""
    rows = {
        "calls": f"{found.calls:,}{twice}",
        "steps": f"{found.steps:,}" if found.steps else "",
        "feedback": f"{found.feedback:,}{named}" if found.feedback else "",
        "rejected": f"{found.rejected:,} of {found.lines:,} lines" if found.rejected else "0",
        "ignored": f"{found.ignored:,}" if found.ignored else "",
        "time": times,
    }
    if found.calls:
        rows |= {
            "models": _counts(found.models),
            "features": _counts(found.features),
            "tokens": f"{tokens or 'none known'}{unknown}",
            "cost": "unknown" if found.cost is None else f"${found.cost:,.6f}",
            "claimed": "" if found.cost_reported is None else f"${found.cost_reported:,.6f}",
            "unpriced": _counts(found.unpriced) if found.unpriced else "0",
        }
    return {label: text for label, text in rows.items() if text}


def _counts(counts: Mapping[str, int]) -> str:
    return _listed([f"{name} ({count:,})" for name, count in counts.items()])


def _listed(words: Iterable[str], most: int = _MOST) -> str:
    words = list(words)
    rest = f", and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + rest


def _print_pairs(console: Console, pairs: Mapping[str, str]) -> None:
    width = max(map(len, pairs))
    for label, text in pairs.items():
        console.print(Text(f"  {label.ljust(width)}  {text}"), soft_wrap=True)


def _example(row: Mapping[str, Any]) -> str:
    """One call in a line: where, when, what, how long, how much; foreign text is no markup."""
    tokens = {name: row[name] for name in row if name in TOKEN_BUCKETS and row[name]}
    parts = [
        f"{row['started_at']}",
        row["feature"],
        row["provider"],
        row["model"],
        row["error_class"] or row["status"],
        None if row["latency_ms"] is None else f"{row['latency_ms']:,.0f} ms",
        ", ".join(f"{name} {count:,}" for name, count in tokens.items()) or "no usage",
        "no cost" if row["cost"] is None else f"${row['cost']:,.6f}",
    ]
    return f"  line {row['source_line']:,}: {', '.join(part for part in parts if part)}"
