"""Small factories: a judged call with its texts, and an embedder that knows a few directions."""

from datetime import date

import numpy as np
import polars as pl

from llmops_pipelines.golden import candidates, case_id
from llmops_pipelines.tables import (
    CALL_TEXTS,
    FEEDBACK,
    GOLDEN_CANDIDATES,
    GOLDEN_DATASET,
    HEURISTIC_SCORES,
    JUDGE_SCORES,
    SAMPLED_TRACES,
)
from llmops_pipelines.tables.table import Table


def frame(table: Table, rows: list[dict]) -> pl.DataFrame:
    """Rows of a table, with a neutral value wherever a row is silent."""
    neutral = {
        pl.String: "-",
        pl.Int64: 1,
        pl.Int32: 0,
        pl.Float64: 0.5,
        pl.Boolean: True,
        pl.Date: date(2026, 11, 1),
    }

    def value(column, row):
        if column.name in row:
            return row[column.name]
        return None if column.nullable else neutral.get(column.dtype)

    return pl.DataFrame(
        [{column.name: value(column, row) for column in table.columns} for row in rows],
        schema=table.schema,
    )


class Day:
    """A day of judged calls, told one call at a time."""

    def __init__(self):
        self.sampled, self.scores, self.verdicts, self.feedback, self.texts = [], [], [], [], []

    def call(
        self,
        call_id,
        feature="chat",
        *,
        support=None,
        judges=(),
        stars=None,
        format_valid=None,
        relevance=None,
        sampled=True,
        question=None,
        answer="An answer.",
        contexts=("A passage.",),
        keep_text=True,
        stars_by="call",
    ):
        if sampled:
            self.sampled.append(
                {"trace_id": f"t-{call_id}", "call_id": call_id, "feature": feature}
            )
        self.scores.append(
            {
                "call_id": call_id,
                "feature": feature,
                "support": support,
                "format_valid": format_valid,
                "unmatched": [],
            }
        )
        marks = [("groundedness", score) for score in judges]
        marks += [("relevance", relevance)] * (relevance is not None)
        for number, (metric, score) in enumerate(marks):
            self.verdicts.append(
                {
                    "spec_id": f"s{number}",
                    "item_digest": call_id,
                    "call_id": call_id,
                    "metric": metric,
                    "score": score,
                }
            )
        if stars is not None:
            by = {"call": {"call_id": call_id}, "trace": {"trace_id": f"t-{call_id}"}}[stars_by]
            self.feedback.append({"feedback_id": f"f-{call_id}", "rating": stars, **by})
        if keep_text:
            self.texts.append(
                {
                    "call_id": call_id,
                    "question": f"Question {call_id}?" if question is None else question,
                    "answer": answer,
                    "messages": [],
                    "contexts": [{"id": None, "content": text, "score": None} for text in contexts],
                }
            )
        return self

    def candidates(self, **options) -> pl.DataFrame:
        return candidates(
            frame(SAMPLED_TRACES, self.sampled),
            frame(JUDGE_SCORES, self.verdicts).with_columns(scored_at=None),
            frame(HEURISTIC_SCORES, self.scores),
            frame(FEEDBACK, self.feedback),
            frame(CALL_TEXTS, self.texts),
            **options,
        )

    def reasons(self, **options) -> dict[str, str]:
        return dict(self.candidates(**options).select("call_id", "why").sort("call_id").rows())


def case(question, *, feature="chat", day=1, contexts=("P",), **more) -> dict:
    """One candidate, as a row."""
    return {
        "case_id": case_id(question, list(contexts)),
        "feature": feature,
        "question": question,
        "answer": "An answer.",
        "contexts": list(contexts),
        "why": "low_score",
        "score": 0.2,
        "call_id": f"call of {question}",
        "day": date(2026, 11, day),
        **more,
    }


def offered(*rows: dict) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema={**GOLDEN_CANDIDATES.schema, "day": pl.Date})


NO_CASES = GOLDEN_DATASET.empty()


def embed(questions: list[str]) -> np.ndarray:
    """Questions that begin with the same word point the same way, all others elsewhere."""
    directions = {}
    vectors = np.zeros((len(questions), 64), dtype=np.float32)
    for row, question in enumerate(questions):
        word = question.split()[0].casefold()
        index = directions.setdefault(word, int.from_bytes(word.encode(), "big") % 61)
        vectors[row, index] = 1
    return vectors
