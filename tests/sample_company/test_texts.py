"""Questions and answers vary, sound answers rest on their contexts, others do not."""

from __future__ import annotations

import re
from statistics import mean

import pytest

from llmops_pipelines.sample_company.drawing import stream
from llmops_pipelines.sample_company.exchange import REFUSALS
from llmops_pipelines.sample_company.knowledge import AREAS, parse_area
from llmops_pipelines.sample_company.summaries import call_summary
from llmops_pipelines.sample_company.support import query_rewrite, support_turn
from tests.sample_company.sample import answer_of, question_of

PASSAGES = [passage for area in AREAS for passage in area.passages]


def content_words(text: str) -> set[str]:
    return {w for w in re.findall(r"[a-z]+|\d+", text.lower()) if len(w) > 3 or w.isdigit()}


def overlap(answer: str, contexts: list[str]) -> float:
    said, known = content_words(answer), set.union(*map(content_words, contexts))
    return len(said & known) / len(said)


def support(call) -> float:
    return overlap(answer_of(call), [context["content"] for context in call["contexts"]])


def test_the_knowledge_base_has_distinct_passages_with_figures():
    assert len(PASSAGES) == 48
    assert len({passage.id for passage in PASSAGES}) == len({p.text for p in PASSAGES}) == 48
    for passage in PASSAGES:
        assert len(passage.facts) == len(passage.questions) == 3
        assert re.search(r"\d", passage.text)


def test_reworded_facts_keep_the_words_of_their_passage():
    for passage in PASSAGES:
        for fact in passage.facts:
            reworded = f"{fact.body} {fact.adjunct}"
            assert overlap(reworded, [passage.text]) >= 0.6
            assert set(re.findall(r"\d+", reworded)) <= set(re.findall(r"\d+", passage.text))


def test_inventions_share_next_to_no_words_with_their_area():
    for area in AREAS:
        known = [passage.text for passage in area.passages]
        for invention in area.inventions:
            assert overlap(re.sub(r"\{\w+\}", "", invention), known) <= 0.34


def test_no_fact_reads_like_a_refusal():
    for passage in PASSAGES:
        for fact in passage.facts:
            assert not re.search(r"\b(cannot|can't|unable|sorry|unfortunately)\b", fact.body)


def test_an_unknown_mark_is_named():
    with pytest.raises(ValueError, match="area x: '% odd' opens with none of the marks"):
        parse_area("x", "# kb-1 Title\n% odd")


def test_an_indented_line_continues_the_one_above():
    area = parse_area("x", "# kb-1 A title\n? Why?\n. It is so\n  and so.\n= so it is |\n! never")
    (passage,) = area.passages
    assert passage.text == "A title. It is so and so."
    assert area.inventions == ("never",)


def test_there_are_thousands_of_questions_and_answers(fortnight):
    support_answers = fortnight.answers(feature="support_assistant")
    assert len({answer_of(a) for a in support_answers}) > 3500
    assert len({question_of(a) for a in support_answers}) > 2000
    assert len({answer_of(a) for a in fortnight.answers(feature="call_summary")}) > 2400
    assert len({question_of(a) for a in fortnight.answers()}) > 10_000


@pytest.mark.parametrize("feature", ["support_assistant", "call_summary"])
def test_sound_answers_overlap_with_their_contexts_and_invented_ones_do_not(fortnight, feature):
    truth = fortnight.truth
    hidden = {*truth["subtle"], *truth["refused"]}
    answers = [a for a in fortnight.answers(feature=feature) if a["id"] not in hidden]
    sound = [support(a) for a in answers if truth["grounded"][a["id"]]]
    invented = [support(a) for a in answers if not truth["grounded"][a["id"]]]
    assert mean(sound) > 0.7
    assert mean(invented) < 0.25
    assert sum(s < 0.4 for s in sound) < 0.01 * len(sound)


def test_sound_answers_are_no_copies(fortnight):
    refused = set(fortnight.truth["refused"])
    verbatim = total = 0
    for answer in fortnight.answers(feature="support_assistant"):
        if answer["id"] not in refused and fortnight.truth["grounded"][answer["id"]]:
            known = " ".join(context["content"] for context in answer["contexts"])
            sentences = answer_of(answer).rstrip(".").split(". ")
            verbatim += sum(sentence in known for sentence in sentences)
            total += len(sentences)
    assert verbatim / total < 0.35


def test_sound_answers_draw_on_most_contexts(fortnight):
    refused = set(fortnight.truth["refused"])
    for feature in ("support_assistant", "call_summary"):
        used = []
        for answer in fortnight.answers(3, feature):
            if answer["id"] in refused or not fortnight.truth["grounded"][answer["id"]]:
                continue
            said = content_words(answer_of(answer))
            used += [
                len(said & content_words(context["content"])) >= 3 for context in answer["contexts"]
            ]
        assert mean(used) > 0.8


def test_a_few_unsupported_answers_only_change_a_figure(fortnight):
    subtle = [fortnight.records[key] for key in fortnight.truth["subtle"]]
    unsupported = sum(not grounded for grounded in fortnight.truth["grounded"].values())
    assert 0.06 < len(subtle) / unsupported < 0.14
    assert mean(support(call) for call in subtle) > 0.7
    for call in subtle:
        known = " ".join(context["content"] for context in call["contexts"])
        figures = set(re.findall(r"\d+", answer_of(call)))
        assert len(figures - set(re.findall(r"\d+", known))) == 1


def test_the_contexts_are_in_the_prompt_and_best_first(fortnight):
    for answer in fortnight.answers(5, "support_assistant"):
        scores = [context["score"] for context in answer["contexts"]]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) in (3, 4)
        system = answer["request"]["messages"][0]["content"]
        assert all(context["content"] in system for context in answer["contexts"])


@pytest.mark.parametrize("manner", ["sound", "invented", "subtle", "refused"])
def test_a_manner_decides_what_support_says(manner):
    for number in range(40):
        rng = stream("manner", manner, number)
        turn = support_turn(rng, AREAS[number % 12], manner=manner, version="3", history=[])
        contexts = [str(context["content"]) for context in turn.contexts]
        assert (turn.answer in REFUSALS) == (manner == "refused")
        if manner in ("sound", "subtle"):
            assert overlap(turn.answer, contexts) > 0.6
        figures = set(re.findall(r"\d+", turn.answer)) - set(re.findall(r"\d+", " ".join(contexts)))
        assert bool(figures) == (manner == "subtle") or manner == "invented"


def test_a_summary_can_refuse_too():
    assert call_summary(stream("x"), "refused").answer in REFUSALS


def test_a_rewritten_query_names_the_subject():
    turn = support_turn(stream("q"), AREAS[0], manner="sound", version="3", history=[])
    title = str(turn.contexts[0]["content"]).split(". ")[0].lower()
    assert query_rewrite(stream("q"), turn).answer.startswith(title)
