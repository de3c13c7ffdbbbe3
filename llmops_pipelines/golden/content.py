"""What a golden case is made of: its identity, the version of a set of cases, and the file."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import polars as pl

from llmops_pipelines.tables import GOLDEN_DATASET

_CONTENT = ("feature", "question", "contexts", "answer")
"""What a version's digest covers. Where a case came from stays outside: two logs of the same
content are the same case, and correcting its provenance makes no new version."""

WORST_REASON_FIRST = pl.col("why").replace_strict(
    {"disputed": 0, "bad_feedback": 1, "low_score": 2}, return_dtype=pl.Int32
)
"""What candidates are sorted by."""

_LINE_ENDS = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
"""Raw in JSON, but the end of a line to some readers of JSON lines."""


def normalised(text: str) -> str:
    """Return ``text`` as it is compared: Unicode NFKC, case folded, runs of white space as one."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def case_id(question: str, contexts: Sequence[str]) -> str:
    """Digest of a question and its passages as they are compared, in 16 hex digits.

    The order of the passages does not count: retrieving them in another order is the same case.
    """
    content = [normalised(question), sorted(normalised(passage) for passage in contexts)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def version_of(cases: pl.DataFrame) -> str | None:
    """Name the version that ``cases`` are: ``YYYY.MM.DD-<8 hex digits>``; None without cases.

    The date is the newest day of a case, the digits are a digest of features, questions, passages
    and answers.
    """
    if cases.is_empty():
        return None
    rows = cases.sort("case_id").select(_CONTENT).rows()
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:8]
    newest = max(cases["day"].to_list())
    return f"{newest:%Y.%m.%d}-{digest}"


def to_jsonl(cases: pl.DataFrame) -> str:
    """Write ``cases`` as JSON lines, one case a line, by feature and then by id.

    The fields are those RAGAS reads (``user_input``, ``retrieved_contexts``, ``response``,
    ``reference``), with ``id``, ``feature``, ``why`` and ``metadata`` beside them. ``reference`` is
    null: nobody has written the right answer yet.
    """
    ordered = cases.select(
        column.name for column in GOLDEN_DATASET.columns if column.name != "embedding"
    ).sort("feature", "case_id")
    return "".join(f"{line}\n" for line in map(_line, ordered.iter_rows(named=True)))


def _line(case: dict[str, Any]) -> str:
    day: date = case["day"]
    record = {
        "id": case["case_id"],
        "feature": case["feature"],
        "why": case["why"],
        "user_input": case["question"],
        "retrieved_contexts": case["contexts"],
        "response": case["answer"],
        "reference": None,
        "metadata": {
            "call_id": case["call_id"],
            "day": day.isoformat(),
            "score": case["score"],
            "since_version": case["since_version"],
        },
    }
    return json.dumps(record, ensure_ascii=False).translate(_LINE_ENDS)


def shares_passages(left: Iterable[str], right: Iterable[str]) -> bool:
    """Whether two cases rest on the same sources: half of the shorter list of passages, or none.

    Questions like "summarise this" are alike whatever the text; their passages tell them apart.
    """
    ours, theirs = (
        {normalised(passage) for passage in left},
        {normalised(passage) for passage in right},
    )
    if not ours or not theirs:
        return ours == theirs
    return 2 * len(ours & theirs) >= min(len(ours), len(theirs))
