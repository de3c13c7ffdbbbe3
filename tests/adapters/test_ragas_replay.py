"""Every RAGAS metric scores and asks exactly as RAGAS's own class does on the same replies."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from llmops_pipelines.adapters.ragas_metrics import METRICS, RagasJudge, asking, ragas_specs
from llmops_pipelines.judging import Item, Request
from tests.adapters.test_ragas_metrics import letters
from tests.judging.worlds import item

pytestmark = pytest.mark.slow

WORDS = ("refunds", "take", "five", "days", "go", "to", "the", "card", "of", "gold", "members")
ARGUMENTS = {
    "question": "user_input",
    "answer": "response",
    "reference": "reference",
    "contexts": "retrieved_contexts",
}


def text(draw: random.Random) -> str:
    return " ".join(draw.choices(WORDS, k=draw.randint(2, 9)))


def asked_item(draw: random.Random) -> Item:
    contexts = tuple(text(draw) for _ in range(draw.randint(1, 4)))
    return item(text(draw), question=text(draw), contexts=contexts, reference=text(draw))


def reply(schema: dict[str, Any], draw: random.Random, root: dict[str, Any] | None = None) -> Any:
    """Something a judge might say: text, flags, lists of one to four."""
    root = root or schema
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if "enum" in schema:
        return draw.choice(schema["enum"])
    match schema["type"]:
        case "object":
            return {name: reply(part, draw, root) for name, part in schema["properties"].items()}
        case "array":
            return [reply(schema["items"], draw, root) for _ in range(draw.randint(1, 4))]
        case "integer":
            return draw.randint(0, 1)
        case _:
            return text(draw)


async def ours(
    judge: RagasJudge, of: Item, draw: random.Random
) -> tuple[Any, list[str], list[str]]:
    """Our ruling, the prompts and the replies it rests on."""
    prompts: list[str] = []
    replies: list[str] = []

    async def ask(request: Request, read: Callable[[str], Any], *, step: str) -> Any:
        prompts.append(request.messages[0].content)
        replies.append(json.dumps(reply(dict(request.schema), draw)))
        await asyncio.sleep(0)
        return read(replies[-1])

    return await judge.rule(of, ask), prompts, replies


async def theirs(metric: str, of: Item, replies: list[str]) -> tuple[float, list[str]]:
    """RAGAS's own score and prompts, with a language model that replays ``replies``."""
    from ragas.llms.base import InstructorBaseRagasLLM
    from ragas.metrics import collections

    prompts: list[str] = []
    left = iter(replies)

    class Replay(InstructorBaseRagasLLM):
        def generate(self, *_: Any) -> Any:
            raise AssertionError

        async def agenerate(self, prompt: str, response_model: Any) -> Any:
            prompts.append(prompt)
            return response_model.model_validate_json(next(left))

    known = METRICS[metric]
    parts = {"embeddings": asking.library().embedding(letters)} if known.embeds else {}
    scorer = getattr(collections, known.class_name)(llm=Replay(), **parts)
    values = {**vars(of), "contexts": list(of.contexts)}
    result = await scorer.ascore(**{ARGUMENTS[name]: values[name] for name in known.sees})
    assert list(left) == []
    return float(result.value), prompts


@pytest.mark.parametrize("metric", METRICS)
def test_same_prompts_and_same_scores(metric):
    (judge_spec,) = ragas_specs(model="judge-1", metrics=[metric])
    judge = RagasJudge(judge_spec, letters)
    scores = set()
    for seed in range(12):
        draw = random.Random(seed)
        of = asked_item(draw)
        ruling, prompts, replies = asyncio.run(ours(judge, of, draw))
        score, their_prompts = asyncio.run(theirs(metric, of, replies))
        assert prompts == their_prompts
        # Above 1 by rounding, or below 0, RAGAS's cosine leaves the scale; ours is cut to it.
        assert (ruling.outcome, ruling.score) == ("scored", min(max(score, 0.0), 1.0))
        scores.add(ruling.score)
    assert len(scores) > 2


def test_items_judged_at_once_do_not_mix_their_replies():
    (judge_spec,) = ragas_specs(model="judge-1", metrics=["faithfulness"])
    judge = RagasJudge(judge_spec, letters)

    async def together() -> list[Any]:
        draws = [random.Random(seed) for seed in range(8)]
        return await asyncio.gather(*(ours(judge, asked_item(d), d) for d in draws))

    alone = []
    for seed in range(8):
        draw = random.Random(seed)
        alone.append(asyncio.run(ours(judge, asked_item(draw), draw)))
    assert asyncio.run(together()) == alone
