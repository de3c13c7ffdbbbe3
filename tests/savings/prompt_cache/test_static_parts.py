"""The lines that nearly all prompts of a scope share."""

import numpy as np
import pytest

from llmops_pipelines.savings.prompt_cache.marks import prompt_marks
from llmops_pipelines.savings.prompt_cache.static_parts import static_bytes
from tests.savings.prompt_cache.test_marks import prompts_of

RULE = "Always answer in whole sentences."


def static(texts, scope=None):
    marks = prompt_marks(prompts_of(*([("user", text)] for text in texts)))
    return static_bytes(marks.held, marks.lines, np.array(scope or [0] * len(texts))).tolist()


def test_a_line_counts_wherever_it_stands():
    texts = [f"{RULE}\n{n}" if n % 2 else f"{n}\n{RULE}" for n in range(10)]
    assert static(texts) == [len(RULE) + 1] * 10


@pytest.mark.parametrize(("holders", "found"), [(9, len(RULE) + 1), (8, 0)])
def test_nine_prompts_of_ten_must_hold_it(holders, found):
    texts = [RULE if n < holders else "something else here" for n in range(10)]
    assert static(texts)[0] == found


def test_few_prompts_do_not_tell():
    assert static([RULE] * 9) == [0] * 9


def test_scopes_are_told_apart():
    texts = [RULE] * 10 + ["another line that is common"] * 10
    assert static(texts, [0] * 10 + [1] * 10)[0] == len(RULE) + 1
    assert static(texts)[0] == 0


def test_short_lines_say_nothing():
    assert static(["{\n}\nok"] * 10) == [0] * 10
