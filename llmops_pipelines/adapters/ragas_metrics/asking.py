"""RAGAS's language model and embedding, as ours: one question through our executor."""

from __future__ import annotations

import asyncio
import os
from contextvars import ContextVar
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from llmops_pipelines.adapters.ragas_metrics.metric import Metric
from llmops_pipelines.judging import (
    Embed,
    JudgeSpec,
    Message,
    Question,
    Request,
    UnreadableReplyError,
    strict_schema,
    unfenced,
)

_Model = TypeVar("_Model", bound=BaseModel)

SAMPLING = {"temperature": 0.01, "top_p": 0.1}
"""RAGAS's own sampling parameters."""

current: ContextVar[Asked] = ContextVar("current")
"""Who asks, in the task that scores one item: RAGAS's metrics are built once for all items."""


class Asked:
    """Asks for RAGAS, and keeps what came back."""

    def __init__(self, metric: Metric, spec: JudgeSpec, ask: Question) -> None:
        self._metric = metric
        self._spec = spec
        self._ask = ask
        self.replies: list[BaseModel] = []

    async def __call__(self, prompt: str, response_model: type[_Model]) -> _Model:
        """The reply to ``prompt``."""
        request = Request(
            model=self._spec.model,
            messages=(Message("user", prompt),),
            schema_name=response_model.__name__,
            schema=_schema(response_model),
            max_tokens=int(self._spec.parameters["max_tokens"]),
            parameters=SAMPLING,
        )

        def read(text: str) -> _Model:
            try:
                reply = response_model.model_validate_json(unfenced(text))
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                place = ".".join(str(part) for part in first["loc"]) or "the reply"
                raise UnreadableReplyError(f"{place}: {first['msg'][:200]}") from error
            if fault := self._metric.unusable(reply):
                raise UnreadableReplyError(fault)
            return reply

        step = f"{response_model.__name__}-{len(self.replies) + 1}"
        reply = await self._ask(request, read, step=step)
        self.replies.append(reply)
        return reply


@lru_cache(maxsize=64)
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return strict_schema(model.model_json_schema())


@lru_cache(maxsize=16)
def built(metric: Metric, embed: Embed) -> Any:
    """RAGAS's metric object, asking whoever is `current`."""
    ragas = library()
    parts = {"embeddings": ragas.embedding(embed)} if metric.embeds else {}
    options = {name: int(value) for name, value in metric.options.items()}
    theirs = getattr(ragas.collections, metric.class_name)(llm=ragas.llm(), **parts, **options)
    for prompt in vars(theirs).values():
        if isinstance(prompt, ragas.prompt):
            _write_once(prompt, ragas.prompt)
    return theirs


def _write_once(prompt: Any, base: Any) -> None:
    """Have ``prompt`` write what is the same for all items once.

    RAGAS works the schema and the examples out again for every request, a quarter of all the CPU
    time that a judged item takes. A prompt that writes itself in its own way is left alone.
    """
    kind = type(prompt)
    if (kind.to_string, kind._generate_examples) != (base.to_string, base._generate_examples):
        return
    end = "\nOutput: "
    opening: list[str] = []

    def to_string(data: BaseModel) -> str:
        material = data.model_dump_json(indent=4, exclude_none=True) + end
        if opening:
            return opening[0] + material
        whole: str = kind.to_string(prompt, data)
        if whole.endswith(material):
            opening.append(whole.removesuffix(material))
        return whole

    prompt.to_string = to_string


@lru_cache(maxsize=1)
def library() -> SimpleNamespace:
    """RAGAS's metrics, and our asking and embedding in the shape it wants."""
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.llms.base import InstructorBaseRagasLLM
    from ragas.metrics import collections
    from ragas.prompt.metrics.base_prompt import BasePrompt

    class AskedLLM(InstructorBaseRagasLLM):
        """RAGAS's language model: one question through our executor."""

        def generate(self, *_: Any) -> Any:
            raise TypeError("RAGAS is driven through ascore; it has no blocking path here")

        async def agenerate(self, prompt: str, response_model: type[_Model]) -> _Model:
            return await current.get()(prompt, response_model)

    class OwnEmbedding(BaseRagasEmbedding):
        """RAGAS's embedding: ours, off the event loop."""

        def __init__(self, embed: Embed) -> None:
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
        collections=collections, prompt=BasePrompt, llm=AskedLLM, embedding=OwnEmbedding
    )
