"""A preview of an import, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from llmops_pipelines.ingest.preview import Preview
from llmops_pipelines.tables import TOKEN_BUCKETS

_MOST = 12


def nothing_as_json(why: str) -> dict[str, Any]:
    """The object of ``--json`` where nothing could be read."""
    counts = ("rows", "duplicates", "steps", "feedback", "ignored", "rejected")
    return {
        "format": None,
        **dict.fromkeys(counts, 0),
        "rejections": [],
        "mapped": {},
        "dropped": [],
        "tokens": {},
        "tokens_unknown": 0,
        "cost_usd": None,
        "unpriced": 0,
        "error": why,
    }


def print_preview(console: Console, name: str, found: Preview) -> None:
    """Print what a file would become: counts, losses, money, fields, examples."""
    console.print(Text(f"{name}: {found.format or 'no known format'}", style="bold"))
    _print_pairs(console, _summary(found))
    if found.rejections:
        console.print(Text("\nrejected", style="bold"))
        for kind in found.rejections[:_MOST]:
            where = f"first on line {kind.first_line:,}" if kind.first_line else "the whole file"
            console.print(Text(f"  {kind.count:,} ({where}): {kind.reason}"), soft_wrap=True)
    if found.paths.mapped:
        console.print(Text("\nour field <- its paths", style="bold"))
        _print_pairs(
            console, {field: _listed(paths) for field, paths in found.paths.mapped.items()}
        )
    if found.paths.dropped:
        console.print(Text("\nnever used", style="bold"))
        console.print(Text(f"  {_listed(found.paths.dropped, 3 * _MOST)}"), soft_wrap=True)
    if found.examples.height:
        console.print(Text("\nexamples, without texts", style="bold"))
        for row in found.examples.iter_rows(named=True):
            console.print(Text(_example(row)), soft_wrap=True)


def _summary(found: Preview) -> dict[str, str]:
    times = f"{found.first} to {found.last} UTC" if found.first else ""
    twice = f", {found.duplicates:,} duplicate(s) dropped" if found.duplicates else ""
    tokens = ", ".join(f"{name} {count:,}" for name, count in found.tokens.items() if count)
    unknown = f"; {found.tokens_unknown:,} call(s) without usage" if found.tokens_unknown else ""
    rows = {
        "calls": f"{found.calls:,}{twice}",
        "steps": f"{found.steps:,}" if found.steps else "",
        "feedback": f"{found.feedback:,}" if found.feedback else "",
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
