"""Ways to send less, replayed."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.savings import (
    COMPRESSED,
    Likeness,
    Sent,
    affordable,
    compressor,
    extractive,
)
from llmops_pipelines.savings.compression.parts import texts_of
from llmops_pipelines.savings.compression.replay import SUMMARY_TOKENS, replay_compression
from llmops_pipelines.savings.compression.units import units
from tests.savings.compression_worlds import GREEN, RED, WHITE, call, count, embed, replay, support


def row(frame, technique, setting):
    return frame.filter(technique=technique, setting=setting).row(0, named=True)


def test_the_context_like_the_question_is_kept_and_the_best_ranked_where_scores_say_so():
    told = replay(call(scores=(0.1, 0.9, 0.5)))
    alike = row(told, "contexts_by_likeness", 1.0)
    # The question has 4 words, the contexts 3, 5 and 3.
    assert (alike["tokens_before"], alike["tokens_after"]) == (15, 7)
    assert (alike["score_full"], alike["score_kept"]) == (1.0, 1.0)
    ranked = row(told, "contexts_by_rank", 1.0)
    assert (ranked["tokens_after"], ranked["score_kept"]) == (9, 1 / 3)
    assert row(replay(call()), "contexts_by_rank", 1.0)["score_kept"] == 1.0


def test_the_policy_tells_what_of_the_used_contexts_it_loses():
    told = replay(call(used=(True, False, None), scores=(0.1, 0.9, 0.5)))
    ranked = row(told, "contexts_by_rank", 1.0)
    assert (ranked["used"], ranked["used_lost"]) == (1, 1)
    bound = row(told, "unused_contexts", 0.0)
    # What is not told stays.
    assert (bound["tokens_after"], bound["used_lost"]) == (10, 0)
    assert row(replay(call()), "contexts_by_rank", 1.0)["used"] is None


def test_nothing_left_to_rest_on_is_no_support_and_a_refusal_is_unscored():
    def nothing(question, contexts, share):
        return ["" for _ in contexts]

    gone = replay_compression([call()], [compressor("none", nothing)], support, count)
    assert set(gone["score_kept"]) == {0.0}
    assert set(gone["tokens_after"]) == {4}
    assert replay(call(answer=""))["score_full"].null_count() == replay(call()).height


def test_old_turns_give_way_to_a_summary_that_reads_what_left_last():
    long = " ".join(["word"] * 200)
    turns = [Sent("user", long), Sent("assistant", "yes indeed"), Sent("user", "so"),
             Sent("assistant", "green"), Sent("user", "Which colour has grass?")]  # fmt: skip
    told = row(replay(call(messages=turns, contexts=())), "recent_history", 1.0)
    assert told["tokens_before"] - told["tokens_after"] == 202 - SUMMARY_TOKENS
    assert (told["summary_input"], told["summary_output"]) == (SUMMARY_TOKENS + 202, SUMMARY_TOKENS)
    assert told["kept_prefix"] == 0
    short = row(replay(call(messages=turns[2:], contexts=())), "recent_history", 1.0)
    assert (short["tokens_after"], short["summary_output"]) == (short["tokens_before"], 0)


def test_a_summary_longer_than_what_it_stands_for_is_not_made():
    turns = [Sent("user", "a b"), Sent("assistant", "c"), Sent("user", "d"), Sent("assistant", "e"),
             Sent("user", "Which colour has grass?")]  # fmt: skip
    told = row(replay(call(messages=turns)), "recent_history", 1.0)
    assert told["tokens_after"] == told["tokens_before"]
    assert told["summary_output"] == 0


def test_the_examples_like_the_question_stay_and_support_says_nothing_of_them():
    pairs = [("Is snow a colour?", "No."), ("Which colour has old grass?", "Brown.")]
    messages = [
        Sent(role, text)
        for pair in pairs
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    asked = Sent("user", "Which colour has grass?")
    told = row(
        replay(call(messages=[*messages, asked], contexts=(), examples=pairs)),
        "examples_by_likeness",
        1.0,
    )
    assert told["tokens_before"] - told["tokens_after"] == 5
    assert told["score_full"] is None


def test_tokens_are_scaled_to_those_logged_unless_most_of_them_were_not_text():
    scaled = row(replay(call(prompt_tokens=22)), "contexts_by_likeness", 1.0)
    assert (scaled["tokens_before"], scaled["tokens_after"]) == (22, 22 - round(8 * 22 / 15))
    tools = row(replay(call(prompt_tokens=1_000)), "contexts_by_likeness", 1.0)
    assert tools["tokens_before"] - tools["tokens_after"] == 8
    known = row(replay(call(prompt_tokens=22, count=count)), "contexts_by_likeness", 1.0)
    assert known["tokens_before"] - known["tokens_after"] == 8
    less = row(replay(call(prompt_tokens=10, count=count)), "contexts_by_likeness", 1.0)
    assert less["tokens_before"] - less["tokens_after"] == round(8 * 10 / 15)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([GREEN, WHITE, RED, f"{GREEN} {WHITE}", "| a | b |\n| c | d |"]),
             max_size=5),
    st.integers(0, 60),
)  # fmt: skip
def test_no_setting_makes_a_prompt_longer_or_empties_it_below_nothing(contexts, logged):
    told = replay(call(contexts=contexts, prompt_tokens=logged, used=(True,) * len(contexts)))
    assert told.schema == COMPRESSED
    assert (told["tokens_after"] <= told["tokens_before"]).all()
    assert (told["tokens_after"] >= 0).all()
    assert (told["kept_prefix"] <= told["tokens_before"]).all()
    mild_first = told.filter(technique="contexts_by_rank").sort("step")["tokens_after"]
    assert mild_first.is_sorted(descending=True)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(["Grass grows. ", "Snow fell on milk. ", "Red.\n"]),
                      max_size=6).map("".join), max_size=4),
    st.sampled_from([0.1, 0.5, 0.9, 1.0]),
)  # fmt: skip
def test_extraction_keeps_order_and_budget(contexts, share):
    texts = ["Which colour?", *(unit for text in contexts for unit in units(text))]
    left = extractive(Likeness(embed, texts), count)("Which colour?", contexts, share)
    assert len(left) == len(contexts)
    for before, after in zip(contexts, left, strict=True):
        rest = iter(units(before))
        assert all(unit in rest for unit in units(after))
    pieces = [unit for text in left for unit in units(text)]
    budget = share * sum(map(count, contexts))
    assert sum(map(count, pieces)) <= budget or len(pieces) == 1
    if share == 1.0:
        assert list(left) == contexts


def test_no_call_is_an_empty_frame():
    assert replay().equals(pl.DataFrame(schema=COMPRESSED))


def test_a_text_never_embedded_is_a_fault_not_a_guess():
    with pytest.raises(KeyError):
        Likeness(embed, ["grass"])("grass", ["snow"])


def test_contexts_of_which_nothing_is_left_are_no_parts():
    shorten = compressor("half", lambda question, contexts, share: [GREEN, " ", ""])
    assert texts_of(shorten.apply(call().prompt, 0.5), "context") == [GREEN]


def test_a_prompt_with_too_many_sentences_is_passed_over_and_stops_nobody_else():
    long = call("long", contexts=["Snow falls. " * 3 + f"It is {n}. " for n in range(50)])
    first, last = call("first"), call("last", contexts=(GREEN, WHITE))
    # The question, and three contexts that are a sentence each; the last brings nothing new.
    assert affordable([first, long, last], 4) == [first, last]
    assert affordable([first, long, last], 3) == [last]
    assert affordable([first, long, last], 1_000) == [first, long, last]
