"""judges.yaml: named endpoints, and what a bad one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops_pipelines.judging.endpoints import Judges
from llmops_pipelines.reference import ReferenceFileError, parse_document

SHIPPED = Path(__file__).parents[2] / "data" / "reference" / "judges.yaml"
CLAUDE = """
judges:
  claude:
    base_url: https://api.anthropic.com/v1/
    api_key_env: ANTHROPIC_API_KEY
    models: [claude-a]
juries:
  panel: {members: [judge, claude], combine: mean}
"""


def read(text: str) -> Judges:
    return parse_document(text, Judges, file="judges.yaml")


def test_the_file_that_ships_names_nobody_and_its_example_can_be_used():
    text = SHIPPED.read_text()
    assert read(text).accepted == ("none", "local", "judge")
    example = text.replace("judges: {}", "").replace("\n# ", "\n")
    example = example[example.index("judges:\n") :]
    assert read(example).accepted == ("none", "local", "judge", "claude", "panel")


def test_names_and_variables_are_those_of_the_file():
    judges = read(CLAUDE)
    assert judges.accepted == ("none", "local", "judge", "claude", "panel")
    assert judges.variables == ["ANTHROPIC_API_KEY"]
    assert judges.judges["claude"].base_url == "https://api.anthropic.com/v1"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("claude:", "judge:"), "'judge' has a meaning already"),
        (("[judge, claude]", "[judge, gpt]"), "no judge is called 'gpt'; known: judge, claude"),
        (("claude:", "Claude!:"), "'Claude!' is no name: a to z first"),
        (("panel:", "claude:"), "'claude' is a judge and a jury"),
        (("https://api.anthropic.com/v1/", "api.anthropic.com"), "must begin with http://"),
        (("https://", "https://me:secret@"), "must hold no user, password or query"),
        (("base_url: https://api.anthropic.com/v1/", "concurrency: 2"), "give one of base_url"),
        (("[claude-a]", "[claude-a, claude-a]"), "one is given twice"),
        (("api_key_env: ANTHROPIC_API_KEY", "api_key: sk-1"), "accepted: base_url, base_url_env"),
        (("combine: mean", "combine: best"), "'majority' or 'mean'"),
        (("[claude-a]", "[a]\n    logprobs: true\n    batch: anthropic"), "batches tell none"),
        (("[claude-a]", "[a, b]\n    logprobs: true"), "combine: scores weighed by log"),
        (
            (
                "[claude-a]\njuries:\n  panel: {members: [judge, claude], combine: mean}",
                "[claude-a]\n    logprobs: true\njuries: {panel: {members: [judge, claude]}}",
            ),
            "juries.panel.combine: of claude, scores weighed",
        ),
    ],
)
def test_mistakes_are_told_with_file_and_line(change, says):
    with pytest.raises(ReferenceFileError) as raised:
        read(CLAUDE.replace(*change))
    assert says in str(raised.value)
    assert str(raised.value).startswith("judges.yaml:")
