"""Where nothing is planted, no rule has a reason to fire."""

from __future__ import annotations

from collections import defaultdict
from statistics import quantiles

import pytest

from tests.sample_company.sample import answer_of, wilson

PLANTED = {
    "errors": (6, "code_helper"),
    "retries": (6, "code_helper"),
    "refused": (7, "support_assistant"),
    "broken_json": (10, "invoice_extraction"),
}


@pytest.mark.parametrize(
    ("what", "threshold"),
    [("errors", 0.02), ("retries", 0.03), ("refused", 0.01), ("broken_json", 0.02)],
)
def test_healthy_rates_stay_far_below_their_thresholds(fortnight, what, threshold):
    healthy = {"n": 0, "x": 0}
    for day in fortnight.truth["days"]:
        for name, counts in day["features"].items():
            if (day["number"], name) == PLANTED[what]:
                continue
            low, _ = wilson(counts[what], counts["calls"])
            assert low < threshold / 3
            healthy["n"] += counts["calls"]
            healthy["x"] += counts[what]
    assert healthy["x"] / healthy["n"] < threshold / 5


def test_base_errors_are_about_three_in_a_thousand(fortnight):
    ordinary = [call for n in (1, 2, 3, 4, 5, 7, 8, 9) for call in fortnight.calls(n)]
    failed = sum(call["error"] is not None for call in ordinary)
    assert failed / len(ordinary) == pytest.approx(0.003, abs=0.0015)


def test_the_slowest_calls_stay_below_eight_seconds(fortnight):
    assert max(call["latency_ms"] for call in fortnight.calls()) <= 7000
    by_feature = defaultdict(list)
    for call in fortnight.calls():
        if call["error"] is None:
            by_feature[call["feature"]].append(call["latency_ms"])
    assert all(quantiles(values, n=100)[98] < 4000 for values in by_feature.values())


def test_first_tokens_come_well_within_800_ms(fortnight):
    for number in range(1, 15):
        for feature in ("support_assistant", "code_helper"):
            waits = [
                call["ttft_ms"]
                for call in fortnight.calls(number, feature)
                if call["ttft_ms"] is not None
            ]
            assert quantiles(waits, n=20)[18] < 700


def test_users_rate_healthy_features_about_four_and_a_half(fortnight):
    stars = defaultdict(list)
    for judgement in fortnight.of_kind("feedback"):
        rating = judgement.get("rating") or {"up": 5, "down": 1}[judgement["thumb"]]
        stars[judgement["timestamp"][:10], judgement["feature"]].append(rating)
    bad = {(fortnight.day(n), "support_assistant") for n in range(9, 15)}
    healthy = [values for key, values in stars.items() if key not in bad]
    assert all(sum(values) / len(values) >= 4.4 for values in healthy)
    everything = [star for values in healthy for star in values]
    assert sum(everything) / len(everything) == pytest.approx(4.5, abs=0.15)
    assert min(everything) == 1
    disappointed = [star for key in bad for star in stars[key]]
    assert sum(disappointed) / len(disappointed) < 4.3


def test_about_one_trace_in_twelve_is_rated(fortnight):
    assert len(fortnight.of_kind("feedback")) / len(fortnight.answers()) == pytest.approx(
        0.08, abs=0.005
    )


def test_other_answers_are_labels_code_mails_and_json(fortnight):
    labels = {answer_of(answer) for answer in fortnight.answers(feature="ticket_triage")}
    assert len(labels) == 7
    assert all(label.replace("_", "").isalpha() for label in labels)
    refused = set(fortnight.truth["refused"])
    for answer in fortnight.answers(feature="code_helper"):
        assert "```" in answer_of(answer) or answer["id"] in refused
    for answer in fortnight.answers(feature="sales_email"):
        assert answer_of(answer).startswith("Subject: ") or answer["id"] in refused
