"""Where prompts begin to differ, and by what."""

import pytest

from llmops_pipelines.savings import divergences, examples
from llmops_pipelines.savings.prompt_cache.divergence import divergence
from tests.savings.prompts import GUIDE, asked, frame, replay

PEOPLE = ["a", "b", "c"]


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        (["2026-11-20 09:01:17", "2026-11-20 09:02:33", "2026-11-21 10:00:00"], "timestamp"),
        (["2026-11-20T09:01:17.123Z", "2026-11-20T09:01:17.456Z", "2026-11-20T09:01:18Z"],
         "timestamp"),
        (["2026-11-20", "2026-11-21", "2026-11-22"], "date"),
        (["09:01", "09:02", "10:30"], "time"),
        (["0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002",
          "ffffffff-0000-4000-8000-000000000001"], "uuid"),
        (["41", "42", "43"], "number"),
        (["[EMAIL]", "[NAME]", "[PHONE]"], "redacted"),
        (["Anna", "Berta", "Chloe"], "text"),
    ],
)  # fmt: skip
def test_the_shape_of_what_differs_is_told_and_its_value_is_not(values, shape):
    found = divergence([f"You help. Now: {v} is it.\n{GUIDE}" for v in values], PEOPLE, 0)
    assert (found.shape, found.after) == (shape, "You help. Now: ")
    assert not any(value in found.after for value in values)


def test_words_that_few_sessions_share_are_not_shown():
    texts = [f"Dear Mrs. Example, number {n}" for n in range(3)]
    assert divergence(texts, ["a", "a", "b"], 0).after is None
    assert divergence(texts, ["a", None, "b"], 0).after == "Dear Mrs. Example, number "


def test_equal_prompts_do_not_differ():
    assert divergence(["same", "same"], PEOPLE[:2], 0) is None
    assert divergence([], [], 0) is None


def test_only_prompts_that_begin_alike_are_compared():
    texts = ["one 1 end", "one 2 end", "two 1 end"]
    assert divergence(texts, PEOPLE, len("one ")).at == len("one ")


def test_a_scope_is_looked_at_where_another_order_would_help():
    late = [asked(n, f"It is 09:{n:02}:17 now.\n{GUIDE}") for n in range(12)]
    first = [asked(n, feature="mail", call_id=f"m{n}") for n in range(12)]
    calls = [*late, *first]
    shown = examples(replay(*calls))
    assert set(shown["call_id"]) <= {call["call_id"] for call in late}
    (found,) = divergences(shown, frame(*calls).select("call_id", "messages")).values()
    assert (found.shape, found.after) == ("time", "system\nIt is ")


def test_forgotten_texts_are_no_example():
    calls = [asked(n, f"It is 09:{n:02}:17 now.\n{GUIDE}") for n in range(12)]
    texts = frame(*calls).select("call_id", "messages")
    assert divergences(examples(replay(*calls)), texts.head(1)) == {}
