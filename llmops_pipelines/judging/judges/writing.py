"""Answering a question from its contexts anew: asked, paid for and kept as a judge's verdict is."""

from __future__ import annotations

import json

from llmops_pipelines.judging.judges.escaping import render
from llmops_pipelines.judging.judges.exchange import Message, Request, strict_schema
from llmops_pipelines.judging.judges.item import Item, missing_field
from llmops_pipelines.judging.judges.judges import Question
from llmops_pipelines.judging.judges.quotes import Estimate, estimated_tokens
from llmops_pipelines.judging.judges.replies import Ruling, read_object
from llmops_pipelines.judging.judges.specs import JudgeSpec

METRIC = "answer_anew"
"""What the ledger calls an answer: its text stands where a verdict has its reason."""

MOST_TOKENS = 1_024
_VERSION = 1
"""Changes when the prompt does; part of the spec."""

_SYSTEM = "Answer the question from the documents. Where they do not tell, say so. Be brief."
_PROMPT = """\
{% for context in contexts %}
<document>
{{ context }}
</document>
{% endfor %}

<question>
{{ question }}
</question>"""
_SCHEMA = strict_schema({"type": "object", "properties": {"answer": {"type": "string"}}})
_SCHEMA_TEXT = json.dumps(_SCHEMA)


def writer_spec(model: str) -> JudgeSpec:
    """The spec of ``model`` answering: equal questions and contexts are paid for once."""
    return JudgeSpec(
        metric=METRIC,
        kind="rubric",
        model=model,
        sees=("question", "contexts"),
        requires=("question",),
        parameters={"temperature": 0.0, "max_tokens": float(MOST_TOKENS)},
        versions={"prompt": str(_VERSION)},
    )


class Writer:
    """One request per item; the ruling's score is 1 and its reason the answer."""

    def __init__(self, spec: JudgeSpec) -> None:
        self._spec = spec

    @property
    def spec(self) -> JudgeSpec:
        """What it is."""
        return self._spec

    def estimate(self, item: Item) -> Estimate:
        """An answer of about 120 tokens."""
        texts = (m.content for m in self.request(item).messages)
        tokens = sum(map(estimated_tokens, texts)) + estimated_tokens(_SCHEMA_TEXT)
        return Estimate(
            calls=1, input_tokens=tokens, output_tokens=120, most_output_tokens=MOST_TOKENS
        )

    def inapplicable(self, item: Item) -> str | None:
        """There is no question."""
        return missing_field(item, self._spec)

    async def rule(self, item: Item, ask: Question) -> Ruling:
        """The answer to ``item``."""
        return await ask(self.request(item), self.read, step=METRIC)

    def read(self, text: str) -> Ruling:
        """The answer in a reply.

        Raises:
            UnreadableReplyError: Naming the first fault.
        """
        return Ruling("scored", 1.0, read_object(text, _SCHEMA_TEXT)["answer"])

    def request(self, item: Item) -> Request:
        """What is sent: contexts and question, escaped as for judges."""
        return Request(
            model=self._spec.model,
            messages=(
                Message("system", _SYSTEM),
                Message("user", render(_PROMPT, item.shown(self._spec.sees))),
            ),
            schema_name=METRIC,
            schema=_SCHEMA,
            max_tokens=MOST_TOKENS,
            parameters={"temperature": 0.0},
        )
