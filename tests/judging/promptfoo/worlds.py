"""Small promptfoo files, and what comes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from llmops_pipelines.judging.promptfoo import (
    Finding,
    Output,
    Result,
    Rule,
    Suite,
    grade,
    read_suite,
)


def suite(text: str, files: Mapping[str, str] | None = None) -> Suite:
    """The suite in ``text``, beside ``files``."""
    known = files or {}

    def read(name: str) -> str:
        if name not in known:
            raise FileNotFoundError(2, "No such file", name)
        return known[name]

    return read_suite(text, file="p.yaml", read=read)


def letters(texts: list[str]) -> Any:
    """Unit vectors of letter counts."""
    counts = np.array([[t.lower().count(c) for c in map(chr, range(97, 123))] for t in texts])
    return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def results(text: str, *outputs: Output, rule: Rule | None = None, **options: Any) -> list[Result]:
    """What each test of ``text`` says of the output beside it."""
    pairs = list(zip(suite(text).tests, outputs, strict=True))
    return grade(pairs, rule=rule, embed=letters, **options)


def found(assertion: Mapping[str, Any], output: str | Output, **more: Any) -> Finding:
    """What one assertion says of one output."""
    given = output if isinstance(output, Output) else Output(1, output)
    variables = more.pop("vars", {})
    test = json.dumps({"tests": [{"vars": variables, "assert": [dict(assertion)]}]})
    (result,) = results(test, given, **more)
    return result.found[0].finding
