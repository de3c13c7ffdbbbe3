import polars as pl
import pytest

from llmops_pipelines.statistics import mean_interval, quantile_interval, wilson
from llmops_pipelines.tables import SERVICE_HEALTH
from tests.health.factories import call, cost, figure, health, rating, rejected, scores


def test_a_quiet_day_says_that_there_were_no_calls():
    assert health().rows() == [("*", "*", "calls", 0.0, None, None, 0, 0)]


def test_every_figure_is_given_per_model_per_feature_and_for_all():
    found = health([call("a"), call("b", model="n"), call("c", feature="mail")])
    calls = found.filter(metric="calls").select("feature", "model", "n").rows()
    assert calls == [
        ("*", "*", 3),
        ("chat", "*", 2),
        ("chat", "m", 1),
        ("chat", "n", 1),
        ("mail", "*", 1),
        ("mail", "m", 1),
    ]


def test_errors_are_a_rate_with_wilsons_interval():
    failed = [call(f"e{i}", status="error", error_class="timeout") for i in range(2)]
    found = health([*failed, *(call(f"c{i}") for i in range(38))])
    expected = wilson(2, 40)
    assert figure(found, "error_rate") == pytest.approx((0.05, expected.low, expected.high, 40, 0))


def test_errors_are_told_apart_by_class():
    found = health(
        [
            call("a", status="error", error_class="timeout"),
            call("b", status="error", error_class=None),
            call("c"),
            call("d"),
        ]
    )
    assert figure(found, "error_rate/timeout")[0] == 0.25
    assert figure(found, "error_rate/other")[0] == 0.25
    assert figure(found, "error_rate/server") is None


def test_a_repeated_attempt_is_a_retry():
    found = health([call("a"), call("b", attempt=2), call("c", attempt=3), call("d")])
    assert figure(found, "retry_rate")[0] == 0.5


def test_latency_percentiles_come_from_successful_calls():
    latencies = [float(i) for i in range(1, 101)]
    found = health(
        [call(f"c{i}", latency_ms=ms) for i, ms in enumerate(latencies)]
        + [call("e", status="error", latency_ms=90_000.0)]
    )
    for metric, q in (("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)):
        expected = quantile_interval(latencies, q)
        assert figure(found, metric) == (*expected, 0)
    assert figure(found, "latency_p99")[2] is None


@pytest.mark.parametrize("latency", [None, float("nan"), -5.0])
def test_a_call_that_was_not_timed_is_missing_not_fast(latency):
    found = health([call("a", latency_ms=latency), call("b", latency_ms=700.0)])
    assert figure(found, "latency_p50") == (700.0, None, None, 1, 1)
    assert figure(found, "output_tokens_per_s_p50")[3:] == (1, 1)


def test_a_feature_that_only_fails_has_no_latency_rather_than_none_to_show():
    found = health([call("a", status="error", error_class="server")])
    assert figure(found, "latency_p99") == (None, None, None, 0, 0)
    assert figure(found, "refusal_rate") == (None, None, None, 0, 0)
    assert figure(found, "unpriced_call_rate") == (None, None, None, 0, 0)
    assert figure(found, "ttft_p95") is None


def test_a_batch_call_waits_on_purpose_and_has_no_latency():
    found = health([call("a", is_batch=True, latency_ms=3_600_000.0)])
    assert figure(found, "latency_p50") == (None, None, None, 0, 0)
    assert figure(found, "error_rate")[3] == 1


def test_ttft_is_missing_only_where_an_answer_may_have_been_streamed():
    found = health(
        [
            call("a", ttft_ms=300.0),
            call("b", ttft_ms=None),
            call("c", ttft_ms=None, is_stream=None),
            call("d", ttft_ms=None, is_stream=False),
        ]
    )
    assert figure(found, "ttft_p95") == (300.0, None, None, 1, 2)
    unstreamed = health([call("d", ttft_ms=None, is_stream=False)])
    assert figure(unstreamed, "ttft_p95") is None


def test_tokens_a_second_count_reasoning_and_leave_the_wait_out():
    # 80 + 40 tokens over the 0.8 s after the first one.
    found = health([call("a", reasoning=40)])
    assert figure(found, "output_tokens_per_s_p50")[0] == pytest.approx(150.0)


def test_tokens_a_second_without_ttft_count_the_whole_call():
    found = health([call("a", ttft_ms=None, reasoning=None)])
    assert figure(found, "output_tokens_per_s_p50")[0] == pytest.approx(80.0)


@pytest.mark.parametrize("fault", [{"output_text": None}, {"latency_ms": 200.0}])
def test_a_call_without_usage_or_duration_has_no_speed(fault):
    assert figure(health([call("a", **fault)]), "output_tokens_per_s_p50")[3:] == (0, 1)


def test_refusals_are_a_rate_over_answers_that_could_be_read():
    found = health(
        [call("a"), call("b"), call("c"), call("e", status="error")],
        [scores("a", refused=True), scores("b"), scores("e", refused=None)],
    )
    estimate, _, _, n, missing = figure(found, "refusal_rate")
    assert (estimate, n, missing) == (0.5, 2, 1)


def test_format_errors_count_only_where_a_format_was_asked():
    found = health(
        [
            call("a", format_requested="json_schema"),
            call("b", format_requested="json_object"),
            call("c", format_requested="json_object"),
            call("d", format_requested="text"),
            call("e"),
        ],
        [scores("a", format_valid=False), scores("b", format_valid=True), scores("d"), scores("e")],
    )
    estimate, _, _, n, missing = figure(found, "format_error_rate")
    assert (estimate, n, missing) == (0.5, 2, 1)


def test_a_schema_in_features_yaml_asks_for_a_format_too():
    found = health([call("a")], [scores("a", format_valid=True)])
    assert figure(found, "format_error_rate")[3:] == (1, 0)


def test_a_feature_that_asks_for_no_format_has_no_format_errors():
    assert figure(health([call("a")], [scores("a")]), "format_error_rate") is None


def test_context_utilisation_is_a_mean_clustered_by_session():
    values, sessions = [0.2, 0.4, 0.9, 0.7], ["s", "s", "t", None]
    found = health(
        [call(f"c{i}", session_id=s, context_count=2) for i, s in enumerate(sessions)]
        + [call("none")],
        [scores(f"c{i}", context_utilisation=v) for i, v in enumerate(values)] + [scores("none")],
    )
    expected = mean_interval(values, clusters=sessions, bounds=(0, 1))
    assert figure(found, "context_utilisation") == pytest.approx((*expected, 0))


def test_contexts_whose_use_is_unknown_are_missing():
    found = health([call("a", context_count=3), call("b")], [scores("b")])
    assert figure(found, "context_utilisation") == (None, None, None, 0, 1)


def test_a_call_without_cost_is_unpriced_and_one_without_a_row_is_missing():
    found = health(
        [call("a"), call("b"), call("c"), call("e", status="error")],
        costs=[cost("a"), cost("b", None), cost("e", None)],
    )
    estimate, _, _, n, missing = figure(found, "unpriced_call_rate")
    assert (estimate, n, missing) == (0.5, 2, 1)


def test_rejected_lines_are_a_share_of_all_lines_of_their_feature():
    found = health(
        [call("a"), call("b"), call("c", feature="mail")],
        lines=[rejected(1), rejected(2), rejected(3, "unattributed")],
    )
    assert figure(found, "rejected_line_rate")[0] == 0.5
    assert figure(found, "rejected_line_rate", "mail")[0] == 0.0
    assert figure(found, "rejected_line_rate", "unattributed")[:1] == (1.0,)
    assert figure(found, "rejected_line_rate", "*")[0] == 0.5
    assert figure(found, "rejected_line_rate", model="m") is None


def test_a_file_that_no_format_reads_weighs_all_its_lines():
    found = health([call("a")], lines=[rejected(0, "unattributed", lines=9)])
    assert figure(found, "rejected_line_rate", "*")[0] == 0.9


def test_rejected_lines_of_a_day_without_calls_are_seen():
    found = health(lines=[rejected(0, "unattributed")])
    assert figure(found, "rejected_line_rate", "*")[0] == 1.0
    assert figure(found, "calls", "*")[0] == 0.0


def test_a_call_without_a_model_is_filed_under_unknown():
    assert figure(health([call("a", model=None)]), "calls", model="unknown")[0] == 1


def test_a_feature_named_like_the_total_is_not_taken_for_it():
    found = health([call("a", feature="*", model="*"), call("b")], lines=[rejected(1, "*")])
    assert figure(found, "calls", "*", "*")[0] == 2
    assert figure(found, "calls", "'*'", "'*'")[0] == 1
    assert figure(found, "rejected_line_rate", "'*'")[0] == 0.5


def test_satisfaction_needs_ratings():
    assert figure(health([call("a")]), "csat") == (None, None, None, 0, 1)
    found = health([call("a")], feedback=[rating(4.0, call_id="a")])
    assert figure(found, "csat") == (4.0, None, None, 1, 0)


def test_the_order_of_rows_changes_nothing():
    calls = [call(f"c{i}", latency_ms=float(i % 7), session_id=f"s{i % 3}") for i in range(40)]
    heuristics = [scores(f"c{i}", context_utilisation=i / 57) for i in range(40)]
    stars = [rating(float(1 + i % 5), call_id=f"c{i}") for i in range(40)]
    there = health(calls, heuristics, stars)
    back = health(calls[::-1], heuristics[::-1], stars[::-1])
    assert there.equals(back)


def test_all_figures_lie_within_their_intervals():
    calls = [call(f"c{i}", latency_ms=float(i), attempt=1 + i % 2) for i in range(60)]
    found = health(calls, [scores(f"c{i}", refused=i % 9 == 0) for i in range(60)])
    assert found.schema == SERVICE_HEALTH.schema
    assert found.filter(pl.col("low") > pl.col("estimate")).is_empty()
    assert found.filter(pl.col("high") < pl.col("estimate")).is_empty()
