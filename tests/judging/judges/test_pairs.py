"""Two answers in both orders: what survives the swap, what does not, and how often."""

import json

import polars as pl
import pytest

from llmops_pipelines.judging import Ruling, flip_rates, halves_of, paid_twice, rubric_spec
from llmops_pipelines.judging.judges.pairs import settle
from llmops_pipelines.tables import JUDGE_LEDGER
from tests.judging.worlds import Run, default_rubrics, failure, item_frame, ok, rubric, spec

PREFERENCE = rubric_spec("preference", default_rubrics().rubrics["preference"], model="judge-1")
PAIR_OF_ANSWERS = item_frame("A", alternative="B")
SCORES = {"first": 1.0, "tie": 0.5, "second": 0.0}


def ruled(label):
    return Ruling("scored", SCORES[label], f"reason for {label}", label)


@pytest.mark.parametrize(
    ("as_given", "swapped", "score"),
    [("first", "second", 1.0), ("second", "first", 0.0), ("tie", "tie", 0.5)],
)
def test_a_verdict_that_goes_with_the_answer_counts(as_given, swapped, score):
    assert settle(ruled(as_given), ruled(swapped), SCORES) == Ruling(
        "scored", score, f"reason for {as_given}", f"as given: {as_given}; swapped: {swapped}"
    )


@pytest.mark.parametrize(
    ("as_given", "swapped"),
    [("first", "first"), ("second", "second"), ("first", "tie"), ("tie", "second")],
)
def test_a_verdict_that_goes_with_the_place_is_neither_a_score_nor_a_tie(as_given, swapped):
    assert settle(ruled(as_given), ruled(swapped), SCORES) == Ruling(
        "undecided",
        None,
        f"the verdict changed with the order: {as_given} (reason for {as_given}), then {swapped} "
        f"(reason for {swapped})",
        f"as given: {as_given}; swapped: {swapped}",
    )


def test_what_was_said_decides_and_weighed_scores_are_averaged():
    surely, barely = Ruling("scored", 0.9, "r", "first"), Ruling("scored", 0.3, "r", "second")
    settled = settle(surely, barely, SCORES)
    assert (settled.outcome, settled.score) == ("scored", pytest.approx(0.8))


def preferring(choose):
    """A judge of pairs: ``choose`` maps the two answers, in their places, to a place."""

    def reply(request, _number):
        prompt = request.messages[-1].content
        places = [
            prompt.split(f"<{tag}>\n")[1].split(f"\n</{tag}>")[0]
            for tag in ("first_answer", "second_answer")
        ]
        said = {"wanted": "w", "about_first": "f", "about_second": "s", "reason": "because"}
        return ok(text=json.dumps({**said, "better": choose(*places)}))

    return reply


def judged(choose, *answers, alternative="B"):
    run = Run(preferring(choose))
    run.of(item_frame(*answers, alternative=alternative), PREFERENCE)
    return run


def test_the_longer_answer_is_preferred_wherever_it_stands():
    run = judged(lambda a, b: "first" if len(a) > len(b) else "second", "A longer answer", "")
    (row,) = run.ledger.verdicts.filter(pl.col("outcome") == "scored").to_dicts()
    assert (row["score"], row["attempts"]) == (1.0, 2)
    assert run.ledger.verdicts.filter(outcome="half").height == 1
    assert row["evidence"] == "as given: first; swapped: second"
    assert run.ledger.attempts.sort("asked_at")["step"].to_list() == ["verdict", "swapped"]
    assert "no_answer" in run.ledger.verdicts["reason"].to_list(), "one answer is no pair"


def test_an_order_that_was_answered_is_not_asked_again_where_the_other_was_not():
    prefers_a = preferring(lambda a, _b: "first" if a == "A" else "second")
    first = Run(lambda request, n: failure("http_400") if n else prefers_a(request, n))
    assert first.of(PAIR_OF_ANSWERS, PREFERENCE).outcomes == {("preference", "failed"): 1}
    (half,) = first.ledger.verdicts.to_dicts()
    assert (half["outcome"], half["evidence"], half["attempts"]) == ("half", "first", 1)
    assert flip_rates(first.ledger.verdicts).is_empty()

    again = Run(prefers_a, halves=halves_of(first.ledger.verdicts, [PREFERENCE, spec()]))
    again.of(PAIR_OF_ANSWERS, PREFERENCE)
    (row,) = again.ledger.verdicts.to_dicts()
    assert (row["outcome"], row["score"]) == ("scored", 1.0)
    assert row["evidence"] == "as given: first; swapped: second"
    assert again.ledger.attempts["step"].to_list() == ["swapped"]
    steps = pl.concat([first.ledger.attempts, again.ledger.attempts])
    assert paid_twice(steps.lazy()).collect().is_empty()


def test_a_half_of_another_prompt_or_draw_or_of_somebody_forgotten_is_not_taken():
    tie = preferring(lambda _a, _b: "tie")
    run = Run(lambda request, n: failure("http_400") if n else tie(request, n))
    run.of(PAIR_OF_ANSWERS, PREFERENCE)
    kept = run.ledger.verdicts
    other = item_frame("Another", alternative="B")
    for halves, items in (
        (halves_of(kept, [PREFERENCE]), other),
        (
            halves_of(kept.with_columns(repetition=pl.lit(1, pl.Int32)), [PREFERENCE]),
            PAIR_OF_ANSWERS,
        ),
        (
            halves_of(kept.with_columns(evidence=pl.lit(None, pl.String)), [PREFERENCE]),
            PAIR_OF_ANSWERS,
        ),
    ):
        again = Run(tie, halves=halves)
        again.of(items, PREFERENCE)
        assert len(again.asked) == 2


def test_the_two_prompts_differ_in_nothing_but_the_place_of_the_answers():
    run = judged(lambda _a, _b: "tie", "A")
    as_given, swapped = (request.messages[-1].content for request in run.asked)
    assert as_given.replace("\nA\n", "\n?\n").replace("\nB\n", "\nA\n").replace(
        "\n?\n", "\nB\n"
    ) == (swapped)
    assert as_given != swapped


def test_flips_are_counted_with_their_interval_and_the_place_they_favoured():
    def choose(a, b):
        if "A1" in (a, b):
            return "first"
        if "A2" in (a, b):
            return "first" if a == "A2" else "tie"
        return "second" if b == "B" else "first"

    run = judged(choose, "A1", "A2", "A3", "A4")
    (row,) = flip_rates(run.ledger.verdicts).to_dicts()
    assert row.pop("low") == pytest.approx(0.150, abs=1e-3)
    assert row.pop("high") == pytest.approx(0.850, abs=1e-3)
    assert row == {
        "metric": "preference", "spec_id": PREFERENCE.spec_id, "pairs": 4, "flips": 2,
        "to_first": 1, "to_second": 0, "flip_rate": 0.5,
    }  # fmt: skip
    pairs = run.ledger.verdicts.filter(pl.col("outcome") != "half")
    outcomes = pairs.group_by("outcome").len().sort("outcome").rows()
    assert outcomes == [("scored", 2), ("undecided", 2)]


def test_a_label_of_several_words_is_counted_like_any_other():
    spaced = {"both good": 0.5, "first": 1.0, "second": 0.0}
    said = [("both good", "both good"), ("first", "both good"), ("first", "first")]
    ruled = [
        settle(*(Ruling("scored", spaced[label], "r", label) for label in labels), spaced)
        for labels in said
    ]
    rows = judged(lambda _a, _b: "tie", "A").ledger.verdicts.filter(outcome="scored").to_dicts() * 3
    told = [
        {**row, "item_digest": str(n), "outcome": ruling.outcome, "evidence": ruling.evidence}
        for n, (row, ruling) in enumerate(zip(rows, ruled, strict=True))
    ]
    (found,) = flip_rates(pl.DataFrame(told, schema=JUDGE_LEDGER.schema)).to_dicts()
    assert (found["pairs"], found["flips"], found["to_first"]) == (3, 2, 1)


def test_calls_that_share_a_verdict_count_as_one_pair():
    verdicts = judged(lambda _a, _b: "first", "A").ledger.verdicts
    twice = pl.concat([verdicts, verdicts.with_columns(call_id=pl.lit("c-9"))])
    assert flip_rates(twice)["pairs"].to_list() == [1]


def test_judges_that_compare_nothing_have_no_flip_rate():
    run = Run(lambda _request, _number: ok())
    run.of(item_frame("a"))
    passage = run.ledger.verdicts.with_columns(
        evidence=pl.lit("as given: first; swapped: first"), attempts=pl.lit(0, pl.Int32)
    )
    assert flip_rates(pl.concat([run.ledger.verdicts, passage])).is_empty()
    assert flip_rates(JUDGE_LEDGER.empty()).is_empty()


def test_a_pair_costs_two_calls_and_its_quote_says_so():
    from llmops_pipelines.judging import RubricJudge
    from tests.judging.worlds import item

    estimate = RubricJudge(PREFERENCE).estimate(item("A", question="q", alternative="B"))
    assert estimate.calls == 2
    assert estimate.most_output_tokens == 2 * PREFERENCE.rubric.max_tokens


PAIR = {
    "sees": ["answer", "alternative"],
    "requires": ["answer", "alternative"],
    "swap": ["answer", "alternative"],
    "prompt": "<a>{{ answer }}</a><b>{{ alternative }}</b>",
    "scale": "categorical",
    "categories": {"first": 1, "second": 0},
    "output": {
        "type": "object",
        "properties": {"polite": {"enum": ["first", "second"]}, "reason": {"type": "string"}},
    },
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"swap": ["answer", "answer"]}, "two different fields"),
        ({"requires": ["answer"]}, "both of them required"),
        ({"categories": {"first": 1, "second": 0.5}}, "add up to 1"),
        ({"categories": {"left": 1, "right": 0}}, "`first` and `second`"),
    ],
)
def test_a_swap_that_could_not_be_read_is_refused(changes, message):
    assert rubric(**PAIR).swap == ("answer", "alternative")
    with pytest.raises(ValueError, match=message):
        rubric(**{**PAIR, **changes})
