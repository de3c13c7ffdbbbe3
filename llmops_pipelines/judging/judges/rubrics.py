"""``rubrics.yaml``: what judges are asked; checked on reading, so a bad one never costs money."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from llmops_pipelines.judging.judges.escaping import environment, render

VisibleField = Literal["question", "answer", "contexts", "reference", "alternative"]
"""What of an item a judge may be shown.

Logged calls hold the first three; ``reference`` (the answer that is known to be right) and
``alternative`` (another answer to the same question) come with samples that have them.
"""

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w-]*)[^<>]*>")
_PROBE = "probe-7f3a"


class KnownItem(BaseModel):
    """An item of which it is known what a judge that works says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str = ""
    answer: str = ""
    contexts: tuple[str, ...] = ()
    reference: str = ""
    alternative: str = ""

    @property
    def shown(self) -> dict[str, Any]:
        """What a judge may be shown of it, by field."""
        return {name: getattr(self, name) for name in get_args(VisibleField)}

    @property
    def given(self) -> set[str]:
        """The fields that are not empty."""
        return {name for name, value in self.shown.items() if value}


class Canary(KnownItem):
    """One whose verdict by a rubric is known."""

    expects: tuple[bool | int | str | None, ...] = Field(
        min_length=1, description="The verdicts that a judge that works may give."
    )


class ScoredCanary(KnownItem):
    """One whose score by a metric is known within bounds, both of which belong to them."""

    at_least: float = 0.0
    at_most: float = 1.0


class Rubric(BaseModel):
    """One rubric. All but ``features`` and ``canaries`` is part of the identity of its judges."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asks: str = Field(min_length=1, description="The question it answers, for people.")
    scale: Literal["binary", "one_to_five", "categorical"] = "binary"
    categories: dict[str, float | None] = Field(
        default_factory=dict,
        description="Of a categorical scale: label to score from 0 to 1, or null: does not apply.",
    )
    direction: Literal["higher_is_better", "lower_is_better"] = "higher_is_better"
    sees: tuple[VisibleField, ...] = Field(min_length=1, description="Fields the judge is shown.")
    requires: tuple[VisibleField, ...] = Field(
        (), description="Fields without which there is nothing to judge."
    )
    features: tuple[str, ...] | None = Field(None, description="Features it applies to; null: all.")
    swap: tuple[VisibleField, VisibleField] | None = Field(
        None, description="Two fields that change places in a second request; see `pairs.settle`."
    )
    temperature: float = Field(0.0, ge=0, le=2)
    max_tokens: int = Field(1500, ge=16, description="Most that the judge may write.")
    max_prompt_chars: int = Field(
        400_000, ge=1_000, description="A longer prompt is not sent: not_applicable."
    )
    system: str = Field(min_length=1, description="Fixed instructions, without variables.")
    prompt: str = Field(min_length=1, description="Jinja2 template of the user message.")
    output: dict[str, Any] = Field(description="JSON schema of the reply.")
    verdict: str = Field(description="Property of the reply that is the verdict.")
    reason: str = Field("reason", description="Property of the reply that is the reason.")
    canaries: tuple[Canary, ...] = Field(
        (), description="Items whose verdict is known, asked before every batch."
    )

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        for check in (
            self._check_fields,
            self._check_swap,
            self._check_templates,
            self._check_output,
            self._check_canaries,
        ):
            check()
        return self

    def _check_fields(self) -> None:
        if extra := set(self.requires) - set(self.sees):
            raise ValueError(f"requires {', '.join(sorted(extra))}, which it does not see")
        if (self.scale == "categorical") != bool(self.categories):
            raise ValueError("categories belong to the categorical scale, and it needs them")
        if any(s is not None and not 0 <= s <= 1 for s in self.categories.values()):
            raise ValueError("scores of categories lie between 0 and 1")

    def _check_swap(self) -> None:
        if self.swap is None:
            return
        if len(set(self.swap)) < len(self.swap) or set(self.swap) - set(self.requires):
            raise ValueError("swap names two different fields, both of them required")
        mirrored = {label: _mirrored(score) for label, score in self.categories.items()}
        if {"first", "second"} - set(mirrored) or mirrored["first"] != self.categories["second"]:
            raise ValueError(
                "swap needs a categorical scale with `first` and `second`, whose scores add up to 1"
            )

    def _check_templates(self) -> None:
        import jinja2.meta

        names = {}
        for part in ("system", "prompt"):
            try:
                names[part] = jinja2.meta.find_undeclared_variables(
                    environment().parse(getattr(self, part))
                )
            except jinja2.TemplateSyntaxError as error:
                raise ValueError(f"{part}, line {error.lineno}: {error.message}") from error
        if names["system"]:
            raise ValueError("system takes no variables; logged text belongs into the prompt")
        if names["prompt"] != set(self.sees):
            raise ValueError(
                f"prompt uses {_listed(names['prompt'])}; `sees` lists {_listed(set(self.sees))}"
            )
        values: dict[str, object] = {
            name: [f"{_PROBE} {name}", f"{_PROBE} {name}"]
            if name == "contexts"
            else f"{_PROBE} {name}"
            for name in self.sees
        }
        try:
            check_slots(render(self.prompt, values), _PROBE)
        except jinja2.TemplateError as error:
            raise ValueError(f"prompt cannot be rendered: {error.message}") from error

    def _check_output(self) -> None:
        from jsonschema import exceptions
        from jsonschema.validators import Draft202012Validator

        try:
            Draft202012Validator.check_schema(self.output)
        except exceptions.SchemaError as error:
            raise ValueError(f"output is not a JSON schema: {error.message[:120]}") from error
        properties = self.output.get("properties", {})
        for name in (self.verdict, self.reason):
            if name not in properties:
                raise ValueError(
                    f"output has no property {name!r}; it has {_listed(set(properties))}"
                )
        verdict = properties[self.verdict]
        if self.scale == "categorical":
            if set(verdict.get("enum", ())) != set(self.categories):
                raise ValueError(f"the enum of {self.verdict!r} must list exactly the categories")
            return
        expected = {"binary": "boolean", "one_to_five": "integer"}[self.scale]
        given = verdict.get("type")
        if expected not in (given if isinstance(given, list) else [given]):
            raise ValueError(f"{self.verdict!r} must be of type {expected} on a {self.scale} scale")

    def _check_canaries(self) -> None:
        from jsonschema.validators import Draft202012Validator

        verdict = Draft202012Validator(self.output["properties"][self.verdict])
        for number, canary in enumerate(self.canaries, 1):
            if absent := set(self.requires) - canary.given:
                raise ValueError(
                    f"canary {number} lacks {_listed(absent)}, which the rubric requires"
                )
            if hidden := canary.given - set(self.sees):
                raise ValueError(
                    f"canary {number} gives {_listed(hidden)}, which the rubric does not see"
                )
            for value in canary.expects:
                if not verdict.is_valid(value):
                    raise ValueError(
                        f"canary {number} expects {value!r}, which {self.verdict!r} can never be"
                    )


class GEval(BaseModel):
    """What DeepEval's G-Eval checks, for those who have its extra; 1 is good."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1, description="Sentences that say what to check, one after the other."
    )
    sees: tuple[Literal["question", "answer", "contexts", "reference"], ...] = Field(
        ("question", "answer"), min_length=1, description="Fields the judge is shown; all required."
    )


class Rubrics(BaseModel):
    """All of ``rubrics.yaml``, by name; the name is the metric, that of ``g_eval`` after it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rubrics: dict[str, Rubric] = Field(default_factory=dict)
    g_eval: dict[str, GEval] = Field(default_factory=dict)


def check_slots(prompt: str, probe: str) -> None:
    """Check that every ``probe`` in ``prompt`` stands between an opened tag and its closing one.

    Raises:
        ValueError: A probe stands outside, or inside a tag itself, or the tags do not match.
    """
    opened: list[str] = []
    last = 0
    for tag in _TAG.finditer(prompt):
        _check_text(prompt[last : tag.start()], probe, opened)
        if probe in tag[0]:
            raise ValueError(f"prompt: a field may stand between tags, not inside {tag[0][:60]!r}")
        if not tag["close"]:
            opened.append(tag["name"])
        elif not opened or opened.pop() != tag["name"]:
            raise ValueError(f"prompt: </{tag['name']}> closes a tag that was not opened last")
        last = tag.end()
    _check_text(prompt[last:], probe, opened)
    if opened:
        raise ValueError(f"prompt: <{opened[-1]}> is never closed")


def _check_text(text: str, probe: str, opened: list[str]) -> None:
    if probe in text and not opened:
        line = next(line for line in text.splitlines() if probe in line)
        raise ValueError(
            "prompt: every field must stand between <tag> and </tag>, so that logged text cannot "
            f"pass for instructions; found {line.replace(probe, '').strip()!r} outside"
        )


def _mirrored(score: float | None) -> float | None:
    return None if score is None else 1 - score


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no field"
