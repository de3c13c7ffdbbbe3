"""What redaction costs beside reading and writing the same lines, at a stated density of PII.

Run it with ``python benchmarks/redaction.py [lines] [share]``: ``lines`` OpenAI records of about
1.5 kB (default 100,000), of which ``share`` (default 0.05) hold one to three things to redact: mail
addresses, phone and card numbers, IBANs, IP addresses, keys. Every text holds a date, a price and
words such as `task-force`, which look like something and are nothing. The same file is landed with
the features' texts `redacted` and `full`. The difference of two landings is noisy, so several
rounds are told with their spread, and ``redact`` is timed alone as well.
"""

from __future__ import annotations

import io
import json
import random
import sys
from collections import Counter
from datetime import date, datetime
from statistics import median
from time import process_time

import polars as pl

from llmops_pipelines.ingest import LandingOptions, LogFile, Sources, land, redact
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import LOG_INDEX

LINES, SHARE, ROUNDS = 100_000, 0.05, 7

WORDS = """
the order was shipped to your address yesterday and a label for the return is in the box please ask
our task-force or read https://example.com/help/returns for the policy of 2026-11-10 which grants 30
days and refunds 49.99 EUR to whoever sends article 1234-5678 back within that time without any sign
of use
""".split()  # noqa: SIM905

PRIVATE = (
    "jo.doe@example.com",
    "+49 30 1234567",
    "(415) 555-0132",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "93.184.216.34",
    "sk-proj-abcDEF1234567890abcdef1234",
)


def text_of(draw: random.Random, words: int, *, private: bool) -> str:
    chosen = draw.choices(WORDS, k=words)
    if private:
        for _ in range(draw.randint(1, 3)):
            chosen.insert(draw.randrange(words), draw.choice(PRIVATE))
    return " ".join(chosen)


def lines_of(count: int, share: float) -> bytes:
    """Log lines; one system prompt for all, as in an application."""
    draw = random.Random(7)
    system = text_of(draw, 80, private=False)
    lines = []
    for number in range(count):
        question = text_of(draw, 30, private=draw.random() < share)
        messages = [
            {"role": "system", "content": system},
            {"role": "user", "content": question},
        ]
        answer = {"content": text_of(draw, 90, private=False)}
        record = {
            "id": f"c-{number}",
            "timestamp": f"2026-11-10T{number % 24:02d}:{number % 60:02d}:00Z",
            "feature": "support",
            "request": {"model": "m", "messages": messages},
            "response": {
                "model": "m-1",
                "choices": [{"finish_reason": "stop", "message": answer}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5},
            },
        }
        lines.append(json.dumps(record))
    return "\n".join(lines).encode() + b"\n"


def landed(data: bytes, content: str) -> tuple[float, Counter[str]]:
    """CPU seconds of landing ``data``, Parquet included, and what was redacted by kind."""
    options = LandingOptions(
        start=date(2026, 11, 1),
        now=datetime.fromisoformat("2026-11-20T12:00:00"),
        hash_key=b"key",
        features=Features.model_validate({"features": {"support": {"content": content}}}),
        sources=Sources(),
    )
    log = LogFile("log.jsonl", len(data), 0, lambda _: io.BytesIO(data))
    found = Counter[str]()
    start = process_time()
    for batch in land([log], options, LOG_INDEX.empty()):
        for table, days in batch.tables.items():
            for rows in days.values():
                rows.write_parquet(io.BytesIO(), compression="zstd")
                if table == "landed_calls" and "redactions_by_kind" in rows.columns:
                    kinds = rows["redactions_by_kind"].struct.unnest().sum()
                    found.update(kinds.row(0, named=True))
    return process_time() - start, found


def redacted(data: bytes) -> float:
    """CPU seconds of redacting the texts of ``data`` alone, without what puts them back."""
    records = [json.loads(line) for line in data.splitlines()]
    texts = [message["content"] for record in records for message in record["request"]["messages"]]
    texts += [record["response"]["choices"][0]["message"]["content"] for record in records]
    column = pl.Series(texts)
    start = process_time()
    redact(column)
    return process_time() - start


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else LINES
    share = float(sys.argv[2]) if len(sys.argv) > 2 else SHARE
    data = lines_of(count, share)
    megabytes = len(data) / 1e6
    landed(data[: data.index(b"\n", len(data) // 20) + 1], "redacted")
    plain, whole, alone = list[float](), list[float](), list[float]()
    found = Counter[str]()
    for _ in range(ROUNDS):  # in turns, so that a slow moment of the machine meets all three
        plain.append(landed(data, "full")[0])
        seconds, found = landed(data, "redacted")
        whole.append(seconds)
        alone.append(redacted(data))
    extra = [both - one for both, one in zip(whole, plain, strict=True)]
    print(f"{count:,} lines, {megabytes:,.0f} MB, {share:.0%} of them with something to redact")
    print(f"{'ms of CPU per MB':34}{'median':>8}{'lowest':>8}{'highest':>9}   {ROUNDS} rounds")
    for name, seconds_each in (
        ("parse and write", plain),
        ("redact() alone", alone),
        ("landing with redaction, extra", extra),
    ):
        costs = [seconds / megabytes * 1000 for seconds in seconds_each]
        print(f"{name:34}{median(costs):>8.1f}{min(costs):>8.1f}{max(costs):>9.1f}")
    base = median(plain)
    print(f"ratio to parse and write: alone {median(alone) / base:.2f}, ", end="")
    print(f"extra {median(extra) / base:.2f} ({min(extra) / base:.2f} to {max(extra) / base:.2f})")
    print(f"found: {dict(found)}")


if __name__ == "__main__":
    main()
