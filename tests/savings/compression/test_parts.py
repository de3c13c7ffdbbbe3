"""Prompts taken apart, and the examples in them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.savings import Retrieved, Sent, prompt_parts, recurring_exchanges
from llmops_pipelines.savings.compression.parts import kept_prefix, question_of, texts_of

EXAMPLE = [Sent("user", "Is the sky red?"), Sent("assistant", "No.")]
TURN = [Sent("user", "And in Peru?"), Sent("assistant", "There too.")]
SYSTEM, ASKED = Sent("system", "Be brief."), Sent("user", "Is grass green?")


def kinds(prompt):
    return [(part.kind, part.number) for part in prompt]


def test_examples_stand_in_front_history_behind_the_question_last():
    prompt = prompt_parts([SYSTEM, *EXAMPLE, *TURN, ASKED], examples={("Is the sky red?", "No.")})
    assert kinds(prompt) == [
        ("system", 0), ("example", 0), ("example", 0), ("history", 0), ("history", 0),
        ("question", 0),
    ]  # fmt: skip
    assert question_of(prompt) == "Is grass green?"


def test_an_example_behind_a_turn_is_history_and_results_of_tools_are_the_rest():
    prompt = prompt_parts(
        [*TURN, *EXAMPLE, ASKED, Sent("assistant", ""), Sent("tool", "42")],
        examples={("Is the sky red?", "No.")},
    )
    assert kinds(prompt) == [
        ("history", 0), ("history", 0), ("history", 1), ("history", 1), ("question", 0),
        ("rest", 0), ("rest", 0),
    ]  # fmt: skip


def test_a_context_is_found_in_the_message_that_holds_it():
    message = Sent("user", "Use this:\nGrass is green.\nIs grass green?")
    contexts = [Retrieved("Snow is white.", 0.2), Retrieved(" "), Retrieved("Grass is green.", 0.9)]
    prompt = prompt_parts([SYSTEM, message], contexts)
    assert [(part.kind, part.text) for part in prompt] == [
        ("system", "Be brief."),
        ("context", "Snow is white."),
        ("question", "Use this:\n"),
        ("context", "Grass is green."),
        ("question", "\nIs grass green?"),
    ]
    # The blank one has no number.
    assert [(p.number, p.score) for p in prompt if p.kind == "context"] == [(0, 0.2), (1, 0.9)]
    assert question_of(prompt) == "Use this:\nIs grass green?"


def test_contexts_within_contexts_are_counted_once_each():
    whole = "Grass is green. Snow is white."
    prompt = prompt_parts([Sent("user", whole)], [Retrieved(whole), Retrieved("Snow is white.")])
    assert sorted(texts_of(prompt, "context")) == [whole, "Snow is white."]
    assert question_of(prompt) == ""


def test_no_message_at_all_is_no_part():
    assert prompt_parts([]) == ()
    assert kinds(prompt_parts([Sent("assistant", "Hello.")])) == [("history", 0)]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["system", "user", "assistant", "tool"]), st.text(max_size=20)),
        max_size=8,
    ),
    st.lists(st.text(max_size=6), max_size=4),
)
def test_nothing_sent_is_lost_and_every_context_is_there(messages, contexts):
    sent = [Sent(*message) for message in messages]
    prompt = prompt_parts(sent, [Retrieved(text) for text in contexts])
    told = [text for text in contexts if text.strip()]
    assert sorted(texts_of(prompt, "context")) == sorted(told)
    assert sorted(p.number for p in prompt if p.kind == "context") == list(range(len(told)))
    everything = "".join(part.text for part in prompt)
    assert len(everything) >= sum(len(message.content) for message in sent)


def test_what_a_cache_still_knows_ends_at_the_first_change():
    prompt = prompt_parts([SYSTEM, *TURN, ASKED])
    assert kept_prefix(prompt, (prompt[0], *prompt[3:])) == prompt[:1]
    assert kept_prefix(prompt, prompt) == prompt


def test_exchanges_of_three_sessions_are_examples_and_those_of_one_are_history():
    def call(session, *turns):
        return "v1", session, [SYSTEM, *turns, ASKED]

    calls = [
        call("a", *EXAMPLE), call("b", *EXAMPLE), call("c", *EXAMPLE, *TURN),
        call("c", *EXAMPLE, *TURN), call("c", *EXAMPLE, *TURN),
        ("v2", "d", [*EXAMPLE, ASKED]), ("v3", "e", []),
    ]  # fmt: skip
    found = recurring_exchanges(calls)
    assert found["v1"] == {("Is the sky red?", "No.")}
    assert found.get("v2", frozenset()) == frozenset()
