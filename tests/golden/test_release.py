import numpy as np
import polars as pl
import pytest

from llmops_pipelines.golden import release
from llmops_pipelines.vectors import VectorsError
from tests.golden.worlds import NO_CASES, case, embed, offered


def questions(result) -> list[str]:
    return sorted(result.cases["question"].to_list())


def added(result) -> int:
    """Cases that say they came with this version."""
    return result.cases.filter(since_version=result.version).height


def test_nothing_offered_is_no_version():
    result = release(offered(), NO_CASES, embed)
    assert (result.version, result.cases.height, result.dropped) == (None, 0, {})


def test_a_version_is_named_after_its_newest_day_and_its_content():
    result = release(offered(case("red", day=3), case("blue", day=9)), NO_CASES, embed)
    assert result.version.startswith("2026.11.09-")
    assert len(result.version) == len("2026.11.09-01234567")
    assert result.cases["since_version"].to_list() == [result.version] * 2
    assert added(result) == 2


def test_offering_the_same_again_is_the_same_version():
    first = release(offered(case("red"), case("blue")), NO_CASES, embed)
    again = release(offered(case("blue"), case("red")), first.cases, embed)
    assert again.version == first.version
    assert again.cases.equals(first.cases)
    assert again.dropped == {"exact": 2}


def test_known_questions_are_not_embedded_again():
    first = release(offered(case("red")), NO_CASES, embed)
    asked = []

    def recording(texts):
        asked.extend(texts)
        return embed(texts)

    release(offered(case("red", day=2), case("blue", day=2)), first.cases, recording)
    assert asked == ["blue"]


def test_a_new_case_keeps_the_older_ones_and_says_since_when():
    first = release(offered(case("red")), NO_CASES, embed)
    second = release(offered(case("blue", day=2)), first.cases, embed)
    assert dict(second.cases.select("question", "since_version").rows()) == {
        "red": first.version,
        "blue": second.version,
    }
    assert added(second) == 1


def test_days_one_by_one_give_what_all_days_at_once_give():
    days = [
        [case(f"{word}{day} {word}", day=day) for word in ("a", "b", "c")] + [case("a1 x", day=day)]
        for day in (1, 2, 3)
    ]
    at_once = release(
        offered(*(row for day in days for row in day)), NO_CASES, embed, max_per_feature=7
    )
    cases = NO_CASES
    for day in days:
        step_by_step = release(offered(*day), cases, embed, max_per_feature=7)
        cases = step_by_step.cases
    assert step_by_step.version == at_once.version


def test_a_near_duplicate_gives_way_to_the_older_case():
    result = release(
        offered(case("refund how long", day=2), case("refund when", day=1)), NO_CASES, embed
    )
    assert questions(result) == ["refund when"]
    assert result.dropped == {"near": 1}


def test_the_same_request_about_other_passages_is_another_case():
    result = release(
        offered(
            case("summarise this", contexts=["Monday's call"]),
            case("summarise it", contexts=["Tuesday's call"]),
            case("summarise", contexts=[]),
        ),
        NO_CASES,
        embed,
    )
    assert len(questions(result)) == 3


def test_half_of_the_shorter_list_of_passages_makes_them_the_same_sources():
    result = release(
        offered(
            case("refund when", contexts=["a", "b"]), case("refund how", contexts=["B ", "c", "d"])
        ),
        NO_CASES,
        embed,
    )
    assert result.dropped == {"near": 1}


def test_features_do_not_share_cases():
    result = release(offered(case("red one"), case("red two", feature="mail")), NO_CASES, embed)
    assert added(result) == 2


def test_a_case_in_two_candidates_is_kept_once():
    result = release(offered(case("red", day=1), case("red", day=2)), NO_CASES, embed)
    assert (added(result), result.dropped) == (1, {"exact": 1})
    assert str(result.cases["day"][0]) == "2026-11-01"


def test_a_dropped_case_does_not_push_out_a_third():
    result = release(
        offered(case("red a", day=1), case("red b", day=2), case("red c", day=3)), NO_CASES, embed
    )
    assert (questions(result), result.dropped) == (["red a"], {"near": 2})


def test_a_full_feature_takes_no_more_and_counts_them():
    result = release(
        offered(
            case("red", score=0.3),
            case("blue", score=0.1),
            case("green", score=0.2, why="disputed"),
        ),
        NO_CASES,
        embed,
        max_per_feature=2,
    )
    assert questions(result) == ["blue", "green"]
    assert result.dropped == {"full": 1}


def test_provenance_makes_no_new_version():
    first = release(offered(case("red")), NO_CASES, embed)
    moved = release(offered(case("red", call_id="other", score=0.9)), NO_CASES, embed)
    assert moved.version == first.version


@pytest.mark.parametrize("change", [{"answer": "Another."}, {"feature": "mail"}])
def test_content_makes_a_new_version(change):
    first = release(offered(case("red")), NO_CASES, embed)
    assert release(offered(case("red", **change)), NO_CASES, embed).version != first.version


def test_another_embedder_embeds_the_older_cases_anew():
    first = release(offered(case("red one")), NO_CASES, embed)
    wider = lambda texts: np.pad(embed(texts), ((0, 0), (0, 8)))  # noqa: E731
    second = release(offered(case("red two", day=2), case("blue", day=2)), first.cases, wider)
    assert second.dropped == {"near": 1}
    assert set(second.cases["embedding"].list.len()) == {72}


def test_an_embedder_that_loses_a_text_is_an_error():
    with pytest.raises(ValueError, match="embed gave 1 vectors for 2 questions"):
        release(offered(case("red"), case("blue")), NO_CASES, lambda texts: embed(texts)[:1])


def test_an_embedder_that_gives_no_unit_vectors_is_an_error():
    with pytest.raises(VectorsError, match="embed: 1 of 1 rows are not unit vectors"):
        release(offered(case("red")), NO_CASES, lambda texts: embed(texts) * 2)


def test_many_candidates_keep_their_types():
    result = release(
        offered(*(case(f"q{i} x", day=i % 28 + 1) for i in range(60))), NO_CASES, embed
    )
    assert result.cases.schema["embedding"] == pl.List(pl.Float32)
    assert added(result) + result.dropped.total() == 60
