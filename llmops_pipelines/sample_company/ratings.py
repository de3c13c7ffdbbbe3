"""What users think of the answers: stars, thumbs and a remark now and then."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from llmops_pipelines.sample_company.drawing import count_of
from llmops_pipelines.sample_company.exchange import Manner
from llmops_pipelines.sample_company.records import Line, stamp

SHARE = 0.08
HEALTHY_MEAN = 4.4
"""Below this a healthy day's lowest stars are lifted: few votes scatter, healthy users do not."""

_STARS = (5, 4, 3, 2, 1)
_PLEASED = (70, 20, 6, 2, 2)
_LET_DOWN = (16, 20, 24, 22, 18)
_REMARKS = {
    5: ("Exactly what I needed.", "Quick and clear.", "Great, thank you."),
    4: ("Good, a little long.", "Helped.", ""),
    3: ("Only half of my question.", "", ""),
    2: ("That is not what the shop told me.", "Not helpful.", ""),
    1: ("This is simply wrong.", "I had to call anyway.", ""),
}


def feedback_lines(
    answers: list[tuple[Line, Manner]], key: str, rng: Random, *, healthy: bool
) -> list[Line]:
    """Judgements on a share of ``answers``, given some minutes later on the same day."""
    chosen = rng.sample(answers, count_of(len(answers), SHARE, rng))
    stars = [
        rng.choices(_STARS, _PLEASED if manner == "sound" else _LET_DOWN)[0] for _, manner in chosen
    ]
    while healthy and stars and sum(stars) / len(stars) < HEALTHY_MEAN:
        stars[stars.index(min(stars))] = 5
    return [
        _judgement(line, rating, f"f-{key}-{number:05d}", rng)
        for number, ((line, _), rating) in enumerate(zip(chosen, stars, strict=True), 1)
    ]


def _judgement(answer: Line, rating: int, key: str, rng: Random) -> Line:
    last = datetime.combine(answer.at.date(), time(23, 59, 59))
    at = min(answer.at + timedelta(seconds=rng.uniform(15, 900)), last)
    record: dict[str, Any] = {
        "kind": "feedback", "id": key, "call_id": answer.record["id"],
        "trace_id": answer.record["trace_id"], "timestamp": stamp(at),
        "feature": answer.feature,
    }  # fmt: skip
    if rating in (1, 5) and rng.random() < 0.2:
        record["thumb"] = "up" if rating == 5 else "down"
    else:
        record["rating"] = rating
    if rng.random() < 0.4 and (remark := rng.choice(_REMARKS[rating])):
        record["comment"] = remark
    return Line(at, answer.service, "feedback", answer.feature, record)
