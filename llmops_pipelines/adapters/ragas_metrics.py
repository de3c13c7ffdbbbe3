"""RAGAS metrics as judges: RAGAS writes the prompts and the score; asking is ours.

Every request goes through our executor, so it is counted, capped and retried like any other;
RAGAS's own client layer, which repeats bad replies unseen, takes no part.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import metadata
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from llmops_pipelines.adapters import minilm
from llmops_pipelines.judging import (
    Embed,
    Estimate,
    Item,
    JudgeSpec,
    Message,
    Question,
    Request,
    Ruling,
    UnreadableReplyError,
    estimated_tokens,
    missing_field,
    strict_schema,
    unfenced,
)

_Model = TypeVar("_Model", bound=BaseModel)

STRICTNESS = 3
"""Questions that answer relevancy has generated from an answer; RAGAS's default."""

# RAGAS's own sampling parameters. Its limit of 1,024 tokens truncates verdicts on long answers.
_SAMPLING = {"temperature": 0.01, "top_p": 0.1}
_MAX_TOKENS = 3_000

_STATEMENT_PROMPT_CHARS, _VERDICT_PROMPT_CHARS, _QUESTION_PROMPT_CHARS = 1_691, 3_105, 1_735
"""Length of RAGAS 0.4.3's prompts around the material, for quotes."""


def ragas_specs(*, model: str) -> list[JudgeSpec]:
    """The specs of faithfulness and answer relevancy, judged by ``model``.

    RAGAS writes the prompts, so its version is part of them; so are the embedding's weights where
    they make the score.
    """
    parameters = {**_SAMPLING, "max_tokens": float(_MAX_TOKENS)}
    version = metadata.version("ragas")
    return [
        JudgeSpec(
            metric="faithfulness",
            kind="ragas",
            model=model,
            sees=("question", "answer", "contexts"),
            requires=("question", "answer", "contexts"),
            parameters=parameters,
            versions={"ragas": version},
        ),
        JudgeSpec(
            metric="answer_relevancy",
            kind="ragas",
            model=model,
            sees=("question", "answer"),
            requires=("question", "answer"),
            parameters={**parameters, "strictness": float(STRICTNESS)},
            versions={"ragas": version, "weights": minilm.weights()},
        ),
    ]


class RagasJudge:
    """One RAGAS metric as a judge."""

    def __init__(self, spec: JudgeSpec, embed: Embed = minilm.embed) -> None:
        if spec.metric not in _METRICS:
            raise ValueError(
                f"no RAGAS metric is called {spec.metric!r}; known are {', '.join(_METRICS)}"
            )
        self._spec = spec
        self._embed = embed

    @property
    def spec(self) -> JudgeSpec:
        """What it is."""
        return self._spec

    def estimate(self, item: Item) -> Estimate:
        """Requests and tokens, from the lengths of RAGAS's prompts and of the material."""
        return _METRICS[self._spec.metric].estimate(item)

    def inapplicable(self, item: Item) -> str | None:
        """RAGAS refuses empty fields; so do we, before asking."""
        return missing_field(item, self._spec)

    async def rule(self, item: Item, ask: Question) -> Ruling:
        """RAGAS's score. Where RAGAS answers NaN, or 0 for want of a reply, there is none."""
        asked = _Asked(self._spec, ask)
        value = await _METRICS[self._spec.metric].score(item, asked, self._embed)
        if fault := _METRICS[self._spec.metric].fault(asked.replies):
            return fault
        if math.isnan(value):
            return Ruling("unreadable", None, "RAGAS computed no score from the judge's replies")
        # A cosine may lie a rounding error above 1, or below 0 for an answer to something else.
        return Ruling(
            "scored", min(max(value, 0.0), 1.0), _METRICS[self._spec.metric].reason(asked)
        )


class _Asked:
    """Asks for RAGAS, and keeps what came back."""

    def __init__(self, spec: JudgeSpec, ask: Question) -> None:
        self._spec = spec
        self._ask = ask
        self.replies: list[BaseModel] = []

    async def __call__(self, prompt: str, response_model: type[_Model]) -> _Model:
        request = Request(
            model=self._spec.model,
            messages=(Message("user", prompt),),
            schema_name=response_model.__name__,
            schema=strict_schema(response_model.model_json_schema()),
            max_tokens=int(self._spec.parameters["max_tokens"]),
            parameters=_SAMPLING,
        )

        def read(text: str) -> _Model:
            try:
                return response_model.model_validate_json(unfenced(text))
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                place = ".".join(str(part) for part in first["loc"]) or "the reply"
                raise UnreadableReplyError(f"{place}: {first['msg'][:200]}") from error

        reply = await self._ask(
            request, read, step=f"{response_model.__name__}-{len(self.replies) + 1}"
        )
        self.replies.append(reply)
        return reply


class _Metric(Protocol):
    async def score(self, item: Item, asked: _Asked, embed: Embed, /) -> float: ...

    def fault(self, replies: list[BaseModel]) -> Ruling | None: ...

    def reason(self, asked: _Asked) -> str: ...

    def estimate(self, item: Item) -> Estimate: ...


class _Faithfulness:
    """Statements of the answer, then a verdict on each."""

    async def score(self, item: Item, asked: _Asked, _: Embed, /) -> float:
        ragas = _ragas()
        result = await ragas.Faithfulness(llm=ragas.llm(asked)).ascore(
            user_input=item.question,
            response=item.answer,
            retrieved_contexts=list(item.contexts),
        )
        return float(result.value)

    def fault(self, replies: list[BaseModel]) -> Ruling | None:
        if not _statements(replies[0]):
            return Ruling("not_applicable", None, "RAGAS found no statement in the answer")
        if not _statements(replies[1]):
            return Ruling("unreadable", None, "the judge gave no verdict on any statement")
        return None

    def reason(self, asked: _Asked) -> str:
        verdicts = _statements(asked.replies[-1])
        failed = [v for v in verdicts if not v.verdict]
        summary = f"{len(verdicts) - len(failed)} of {len(verdicts)} statements are supported"
        return f"{summary}; not: {failed[0].statement[:300]}" if failed else summary

    def estimate(self, item: Item) -> Estimate:
        answer = estimated_tokens(item.answer)
        contexts = sum(estimated_tokens(context) for context in item.contexts)
        fixed = (_STATEMENT_PROMPT_CHARS + _VERDICT_PROMPT_CHARS) // 4
        return Estimate(
            calls=2,
            input_tokens=fixed + estimated_tokens(item.question) + 2 * answer + contexts,
            output_tokens=3 * answer + 80,
            most_output_tokens=2 * _MAX_TOKENS,
        )


class _AnswerRelevancy:
    """Questions generated from the answer, and their likeness to the one asked."""

    async def score(self, item: Item, asked: _Asked, embed: Embed, /) -> float:
        ragas = _ragas()
        metric = ragas.AnswerRelevancy(
            llm=ragas.llm(asked), embeddings=ragas.embedding(embed), strictness=STRICTNESS
        )
        result = await metric.ascore(user_input=item.question, response=item.answer)
        return float(result.value)

    def fault(self, replies: list[BaseModel]) -> Ruling | None:
        if not any(getattr(reply, "question", "") for reply in replies):
            return Ruling("unreadable", None, "the judge generated no question from the answer")
        return None

    def reason(self, asked: _Asked) -> str:
        if all(getattr(reply, "noncommittal", 0) for reply in asked.replies):
            return "the judge finds the answer noncommittal"
        questions = {str(getattr(reply, "question", "")) for reply in asked.replies}
        return f"it answers: {' / '.join(sorted(questions))[:500]}"

    def estimate(self, item: Item) -> Estimate:
        each = _QUESTION_PROMPT_CHARS // 4 + estimated_tokens(item.answer)
        return Estimate(
            calls=STRICTNESS,
            input_tokens=STRICTNESS * each,
            output_tokens=STRICTNESS * 40,
            most_output_tokens=STRICTNESS * _MAX_TOKENS,
        )


_METRICS: Mapping[str, _Metric] = {
    "faithfulness": _Faithfulness(),
    "answer_relevancy": _AnswerRelevancy(),
}


def _statements(reply: BaseModel) -> list[Any]:
    return list(getattr(reply, "statements", ()))


@lru_cache(maxsize=1)
def _ragas() -> SimpleNamespace:
    """RAGAS's metrics, and our asking and embedding in the shape it wants."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.llms.base import InstructorBaseRagasLLM
    from ragas.metrics.collections import AnswerRelevancy, Faithfulness

    class AskedLLM(InstructorBaseRagasLLM):
        """RAGAS's language model: one question through our executor."""

        def __init__(self, asked: _Asked) -> None:
            self._asked = asked

        def generate(self, *_: Any) -> Any:
            raise TypeError("RAGAS is driven through ascore; it has no blocking path here")

        async def agenerate(self, prompt: str, response_model: type[_Model]) -> _Model:
            return await self._asked(prompt, response_model)

    class OwnEmbedding(BaseRagasEmbedding):
        """RAGAS's embedding: ours, off the event loop."""

        def __init__(self, embed: Callable[[list[str]], Any]) -> None:
            super().__init__()
            self._embed = embed

        def embed_text(self, text: str, **_: Any) -> list[float]:
            return list(map(float, self._embed([text])[0]))

        async def aembed_text(self, text: str, **_: Any) -> list[float]:
            return await asyncio.to_thread(self.embed_text, text)

        async def aembed_texts(self, texts: list[str], **_: Any) -> list[list[float]]:
            vectors = await asyncio.to_thread(self._embed, texts)
            return [list(map(float, vector)) for vector in vectors]

    return SimpleNamespace(
        Faithfulness=Faithfulness,
        AnswerRelevancy=AnswerRelevancy,
        llm=AskedLLM,
        embedding=OwnEmbedding,
    )
