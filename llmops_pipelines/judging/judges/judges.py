"""What a judge is to the executor, and the judge that asks by a rubric."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol, TypeVar

from llmops_pipelines.judging.judges.escaping import render
from llmops_pipelines.judging.judges.exchange import Message, Reply, Request, strict_schema
from llmops_pipelines.judging.judges.item import Item, missing_field
from llmops_pipelines.judging.judges.pairs import exchange, settle
from llmops_pipelines.judging.judges.quotes import Estimate, estimated_tokens
from llmops_pipelines.judging.judges.replies import Ruling, read_ruling
from llmops_pipelines.judging.judges.rubrics import Rubric
from llmops_pipelines.judging.judges.specs import JudgeSpec
from llmops_pipelines.judging.judges.weighing import weighed

Read = TypeVar("Read")

VERDICT = "verdict"
"""The step of the request whose reply is the verdict."""

_KEPT_CHARS = 4_000_000
"""Characters of prompts that each judge keeps: those of a thousand items."""


class Question(Protocol):
    """Sends a request until a reply can be read; see ``Inquiry.ask``."""

    async def __call__(
        self,
        request: Request,
        read: Callable[[str], Read],
        *,
        step: str,
        heard: Callable[[Reply], None] | None = None,
        half: bool = False,
    ) -> Read:
        """What ``read`` makes of the reply."""
        ...


class Judge(Protocol):
    """Rules on items by asking an endpoint."""

    @property
    def spec(self) -> JudgeSpec:
        """What it is."""
        ...

    def estimate(self, item: Item) -> Estimate:
        """What ruling on ``item`` takes."""
        ...

    def inapplicable(self, item: Item) -> str | None:
        """Why there is nothing to rule on, or None; known without asking."""
        ...

    async def rule(self, item: Item, ask: Question) -> Ruling:
        """The ruling on ``item``, every request made through ``ask``."""
        ...


class RubricJudge:
    """One request per item: the rubric's prompt, its schema, its verdict; two if fields swap."""

    def __init__(self, spec: JudgeSpec) -> None:
        if spec.rubric is None:
            raise ValueError(f"the spec of {spec.metric} holds no rubric; its kind is {spec.kind}")
        self._spec = spec
        self._rubric: Rubric = spec.rubric
        self._schema = strict_schema(spec.rubric.output)
        self._schema_text = json.dumps(self._schema)
        self._system = Message("system", render(spec.rubric.system, {}))
        self._written: dict[tuple[object, ...], Request] = {}
        self._written_chars = 0

    @property
    def spec(self) -> JudgeSpec:
        """What it is."""
        return self._spec

    def estimate(self, item: Item) -> Estimate:
        """A reply restates the answer's claims and adds about 120 tokens."""
        request = self.request(item)
        calls = 1 if self._rubric.swap is None else 2
        return Estimate(
            calls=calls,
            input_tokens=calls
            * (
                sum(estimated_tokens(m.content) for m in request.messages)
                + estimated_tokens(self._schema_text)
            ),
            output_tokens=calls * min(120 + estimated_tokens(item.answer), self._rubric.max_tokens),
            most_output_tokens=calls * self._rubric.max_tokens,
        )

    def inapplicable(self, item: Item) -> str | None:
        """A required field is empty, or the prompt would be longer than the rubric allows."""
        if absent := missing_field(item, self._spec):
            return absent
        size = sum(len(message.content) for message in self.request(item).messages)
        if size > self._rubric.max_prompt_chars:
            return (
                f"too_long: the prompt would have {size:,} characters; max_prompt_chars of the "
                f"rubric is {self._rubric.max_prompt_chars:,}"
            )
        return None

    async def rule(self, item: Item, ask: Question) -> Ruling:
        """The ruling on ``item``, weighed by the judge's own doubt where the spec says so."""
        if self._rubric.swap is None:
            replies: list[Reply] = []
            ruling = await ask(self.request(item), self.read, step=VERDICT, heard=replies.append)
            return weighed(ruling, replies[-1], self._rubric) if self._spec.weighs else ruling
        ruling = await ask(self.request(item), self.read, step=VERDICT, half=True)
        exchanged = self.request(exchange(item, self._rubric.swap))
        swapped = await ask(exchanged, self.read, step="swapped")
        return settle(ruling, swapped, self._rubric.categories)

    @property
    def asks_once(self) -> bool:
        """Whether one request settles an item, so that it can be asked in a batch."""
        return self._rubric.swap is None

    def read(self, text: str) -> Ruling:
        """The ruling in one reply.

        Raises:
            UnreadableReplyError: Naming the first fault.
        """
        return read_ruling(text, self._rubric, self._schema_text)

    def read_reply(self, reply: Reply) -> Ruling:
        """The ruling in a reply that is all there will be, weighed where the spec says so.

        Raises:
            UnreadableReplyError: Naming the first fault.
        """
        ruling = self.read(reply.text or "")
        return weighed(ruling, reply, self._rubric) if self._spec.weighs else ruling

    def request(self, item: Item) -> Request:
        """What is sent: the fixed instructions apart from the material, which is escaped.

        An item is measured, quoted and asked about, and writing its prompt is most of what that
        takes of us: what is written is kept, until there are `_KEPT_CHARS` of it.
        """
        shown = item.shown(self._rubric.sees)
        key = tuple(shown.values())
        if (known := self._written.get(key)) is not None:
            return known
        prompt = render(self._rubric.prompt, shown)
        request = Request(
            model=self._spec.model,
            messages=(self._system, Message("user", prompt)),
            schema_name=self._spec.metric,
            schema=self._schema,
            max_tokens=self._rubric.max_tokens,
            parameters={"temperature": self._rubric.temperature},
            weighs=self._spec.weighs,
        )
        if self._written_chars + len(prompt) > _KEPT_CHARS:
            self._written.clear()
            self._written_chars = 0
        self._written[key] = request
        self._written_chars += len(prompt)
        return request
