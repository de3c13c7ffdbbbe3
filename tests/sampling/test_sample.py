from datetime import date, datetime
from fractions import Fraction
from itertools import pairwise

import polars as pl
import pytest

from llmops_pipelines.reference import Feature, Features
from llmops_pipelines.sampling import sample_traces
from llmops_pipelines.tables import SAMPLED_TRACES, TRACES

NINE = datetime.fromisoformat("2026-11-10T09:00:00")
FEATURES = Features(
    features={
        "assistant": Feature(criticality="high"),
        "mailer": Feature(criticality="low"),
        "secret": Feature(judging="none"),
    }
)


def trace(trace_id, feature="assistant", version="1", **more):
    return {
        "trace_id": trace_id,
        "root_call_id": f"call of {trace_id}",
        "started_at": NINE,
        "feature": feature,
        "prompt_version": version,
        "call_count": 1,
        "step_count": 0,
        "status": "ok",
        "has_text": True,
        **more,
    }


def traces(*rows):
    return pl.DataFrame(rows, schema=TRACES.schema)


def day(**sizes):
    """So many traces of each ``feature_version``."""
    return traces(
        *(
            trace(f"{name}-{i}", *name.split("_"))
            for name, size in sizes.items()
            for i in range(size)
        )
    )


def draw(frame, per_day, seed=7):
    return sample_traces(frame, per_day=per_day, seed=seed, features=FEATURES)


def sizes(sample):
    return dict(sample.group_by("stratum").len().sort("stratum").iter_rows())


def test_every_stratum_is_seen_and_features_share_by_criticality():
    sample = draw(day(assistant_3=300, assistant_4=60, triage_1=400, mailer_1=90), 100)
    assert sizes(sample) == {
        "assistant | 3": 58,
        "assistant | 4": 11,
        "mailer | 1": 8,
        "triage | 1": 23,
    }


def test_a_stratum_gives_at_least_five_or_all_it_has():
    sample = draw(day(assistant_1=1000, assistant_2=10, triage_1=3), 60)
    assert sizes(sample)["assistant | 2"] == 5
    assert sizes(sample)["triage | 1"] == 3


def test_what_a_small_feature_cannot_take_goes_to_the_others():
    sample = draw(day(assistant_1=20, triage_1=500, mailer_1=500), 200)
    assert sizes(sample) == {"assistant | 1": 20, "mailer | 1": 45, "triage | 1": 135}


@pytest.mark.parametrize("per_day", [0, 1, 7, 23, 110, 10_000])
def test_the_sample_has_the_size_asked_for_or_the_day(per_day):
    frame = day(assistant_1=50, assistant_2=7, triage_1=33, mailer_1=20)
    assert draw(frame, per_day).height == min(per_day, 110)


def test_a_larger_sample_contains_every_smaller_one():
    frame = day(assistant_1=40, assistant_2=9, triage_1=33, mailer_1=6, chat_1=2)
    drawn = [set(draw(frame, n)["trace_id"]) for n in range(91)]
    assert all(smaller < larger for smaller, larger in pairwise(drawn))


def test_probabilities_are_draws_over_stratum_exactly():
    sample = draw(day(assistant_1=70, triage_1=30), 40)
    for (stratum,), rows in sample.group_by("stratum"):
        size = {"assistant | 1": 70, "triage | 1": 30}[stratum]
        assert set(rows["stratum_size"]) == {size}
        assert set(rows["probability"]) == {float(Fraction(rows.height, size))}


def test_every_trace_of_a_small_day_has_probability_one():
    assert set(draw(day(assistant_1=3, mailer_1=2), 100)["probability"]) == {1.0}


def test_weights_give_the_strata_back():
    sample = draw(day(assistant_3=300, assistant_4=61, triage_1=407), 90)
    assert (1 / sample["probability"]).sum() == pytest.approx(768)


def test_the_draw_is_the_same_on_every_machine():
    sample = draw(day(assistant_1=30), 5)
    assert sample["trace_id"].to_list() == [
        "assistant_1-0",
        "assistant_1-19",
        "assistant_1-25",
        "assistant_1-29",
        "assistant_1-8",
    ]


def test_the_order_of_rows_does_not_matter():
    frame = day(assistant_1=30, triage_1=40)
    assert draw(frame, 20).equals(draw(frame.reverse(), 20))


def test_another_seed_is_another_sample():
    frame = day(assistant_1=200)
    assert set(draw(frame, 20, seed=1)["trace_id"]) != set(draw(frame, 20, seed=2)["trace_id"])


def test_what_has_nothing_to_judge_is_not_of_the_population():
    frame = traces(
        trace("t1"),
        trace("failed", status="error"),
        trace("mute", has_text=False),
        trace("unjudged", "secret"),
    )
    sample = draw(frame, 10)
    assert sample["trace_id"].to_list() == ["t1"]
    assert sample["stratum_size"].to_list() == [1]


def test_calls_without_a_prompt_version_are_a_stratum():
    sample = draw(traces(trace("t1", version=None), trace("t2")), 10)
    assert sample["stratum"].to_list() == ["assistant | unversioned", "assistant | 1"]
    assert sample["prompt_version"].to_list() == [None, "1"]


def test_the_roots_final_call_is_what_is_judged():
    assert draw(traces(trace("t1")), 1)["call_id"].to_list() == ["call of t1"]


def test_few_draws_go_to_the_heavier_features_first():
    sample = draw(day(mailer_1=50, triage_1=50, assistant_1=50, assistant_2=60), 3)
    assert sizes(sample) == {"assistant | 1": 1, "assistant | 2": 1, "triage | 1": 1}


def test_a_quiet_day_gives_an_empty_sample():
    assert draw(traces(), 100).equals(SAMPLED_TRACES.empty())


def test_a_day_column_from_the_path_is_welcome():
    frame = traces(trace("t1")).with_columns(day=date(2026, 11, 10))
    assert draw(frame, 1).columns == SAMPLED_TRACES.schema.names()


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="per_day is -1, expected 0 or more traces"):
        draw(traces(), -1)


def test_thousands_of_strata_do_not_overdraw():
    frame = traces(*(trace(f"t{i}", f"feature {i}") for i in range(3000)))
    assert draw(frame, 100).height == 100


def test_ids_of_any_script_are_drawn():
    frame = traces(trace("日本-1"), trace("\u0000"), trace(""), trace("x" * 100_000))
    assert draw(frame, 4).height == 4
