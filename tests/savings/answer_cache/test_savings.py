"""What a cache saves at each rung, its errors, and what may be recommended."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.savings import CachePolicy, cacheable, least_hits, replay_cache
from llmops_pipelines.savings.answer_cache.recommendation import recommend_rung
from llmops_pipelines.tables.cache import RUNG
from tests.savings.cache_worlds import NOON, asked, embed, requests

FOREVER = CachePolicy(ttl_hours=None, thresholds=(0.9, 0.99))


def rung(replay, name):
    return replay.rungs.filter(rung=name).row(0, named=True)


def faq(count, *, wrong=0, every=4, **changes):
    """A question at 0 degrees, then ``count`` at 5; the first ``wrong`` are answered otherwise."""
    return requests(
        *(
            {"question": f"{0 if n == 0 else 5}", "at": NOON + timedelta(minutes=30 * n),
             "answer": "no" if 0 < n <= wrong else "0 yes", "latency_ms": 500.0}
            | {name: value for name, value in changes.items() if n % every == 0}
            for n in range(count + 1)
        )
    )  # fmt: skip


def test_hits_money_and_waiting_add_up():
    replay = replay_cache(faq(200), embed, FOREVER)
    exact, similar = rung(replay, "exact"), rung(replay, "0.99")
    # Equal questions: all at 5 degrees but the first of them. Alike: that one too.
    assert (exact["hits"], similar["hits"], exact["requests"]) == (199, 200, 201)
    assert exact["hit_rate_low"] < exact["hit_rate"] == 199 / 201 < exact["hit_rate_high"]
    assert (exact["spend"], exact["saved"]) == (Decimal("2.01"), Decimal("1.99"))
    assert exact["saved_low"] < 1.99 < exact["saved_high"]
    assert exact["latency_saved_s"] == 99.5
    days = 201 * 30 / 60 / 24
    assert exact["saved_a_year"] == pytest.approx(1.99 * 365 / days)
    assert replay.recommended == "0.99"
    assert replay.hits.height == 200
    assert set(replay.hits["answered_by"]) == {"r0000"}
    assert replay.hits["cost"].sum() == similar["saved"]


def test_embedding_costs_at_every_rung_but_the_first():
    policy = CachePolicy(ttl_hours=None, thresholds=(0.9,), embedding_usd=Decimal("0.02"))
    replay = replay_cache(faq(200), embed, policy)
    assert rung(replay, "exact")["saved"] == Decimal("1.99")
    assert rung(replay, "0.9")["saved"] == Decimal("2.00") - 201 * Decimal("0.02")
    assert replay.recommended == "exact"


def test_an_unknown_cost_is_counted_and_no_money():
    replay = replay_cache(faq(200, cost=None), embed, FOREVER)
    exact = rung(replay, "exact")
    assert (exact["hits"], exact["unpriced_hits"]) == (199, 50)
    assert exact["saved"] == Decimal("1.49")
    nothing = rung(replay_cache(faq(200, cost=None, every=1), embed, FOREVER), "exact")
    assert (nothing["saved"], nothing["spend"], nothing["saved_a_year"]) == (None, None, None)
    assert nothing["unpriced_hits"] == 199


def test_less_than_a_day_of_traffic_tells_no_year_unless_it_is_given():
    assert rung(replay_cache(faq(20), embed, FOREVER), "exact")["saved_a_year"] is None
    policy = CachePolicy(ttl_hours=None, thresholds=(), calls_per_day=210)
    year = rung(replay_cache(faq(20), embed, policy), "exact")["saved_a_year"]
    assert year == pytest.approx(0.19 * 10 * 365)


def test_wrong_hits_are_those_whose_answers_are_unlike():
    replay = replay_cache(faq(300, wrong=40), embed, FOREVER)
    similar = rung(replay, "0.99")
    assert (similar["wrong"], similar["sampled"]) == (40, 300)
    assert similar["wrong_at_most"] > 40 / 300
    assert (replay.state, replay.recommended) == ("cannot_tell", None)
    assert replay.hits.is_empty()


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("It takes 0 days.", 0),
        ("it TAKES 0  days.", 0),
        ("It will take 0 days.", 0),
        ("It takes 00 days.", 1),  # another figure, though of the same direction
        ('{"days": 0}', 1),
    ],
)
def test_alike_answers_have_the_same_figures_and_are_no_json(answer, wrong):
    own = requests(
        {"question": "a", "answer": "It takes 0 days."}, {"question": "a", "answer": answer}
    )
    assert rung(replay_cache(own, embed, FOREVER), "exact")["wrong"] == wrong


def test_few_hits_prove_nothing():
    replay = replay_cache(faq(60), embed, FOREVER)
    assert replay.state == "cannot_tell"
    assert f"60 hits at most; {least_hits(0.02)} without a wrong answer are needed" in replay.reason
    assert least_hits(0.02) == 133


def test_a_judge_who_passed_the_logged_answer_only_finds_the_hit_wrong():
    own = faq(200)
    scores = pl.DataFrame({"id": own["id"], "spec_id": ["s"] * 201, "score": [0.1] + [0.9] * 200})
    replay = replay_cache(own, embed, FOREVER, scores)
    similar = rung(replay, "0.99")
    assert (similar["judged"], similar["judged_wrong"], similar["wrong"]) == (200, 200, 0)
    assert rung(replay, "exact")["judged_wrong"] == 0
    assert replay.recommended == "exact"
    assert rung(replay_cache(own, embed, FOREVER), "exact")["judged"] == 0


def test_what_has_no_vector_is_answered_by_equality_at_every_rung():
    history = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    own = cacheable(asked({"messages": history}, {"messages": history}, "0", "5"))[0]
    replay = replay_cache(own, embed, FOREVER)
    assert replay.rungs["hits"].to_list() == [1, 2, 2]


def test_a_feature_without_requests_saves_nothing():
    replay = replay_cache(requests(), embed, FOREVER)
    assert (replay.state, replay.reason) == ("nothing_saved", "no request could be replayed")
    assert replay.rungs["requests"].to_list() == [0, 0, 0]
    assert replay.rungs["hit_rate"].to_list() == [None] * 3


def test_only_the_latest_requests_are_replayed():
    policy = CachePolicy(ttl_hours=None, thresholds=(), most_requests=10)
    assert rung(replay_cache(faq(100), embed, policy), "exact")["requests"] == 10


def rungs(*rows):
    """Rungs of 1,000 requests; each saving's interval is half of it wide on either side."""
    names = ("rung", "hits", "sampled", "wrong", "wrong_at_most", "saved")
    told = [dict.fromkeys(RUNG) | dict(zip(names, row, strict=True)) for row in rows]
    half = [abs(float(row["saved"])) / 2 for row in told]
    return pl.DataFrame(
        [
            row
            | {"requests": 1_000}
            | {"saved_low": float(row["saved"]) - by, "saved_high": float(row["saved"]) + by}
            for row, by in zip(told, half, strict=True)
        ],
        schema=RUNG,
    )


def test_testing_stops_at_the_first_rung_that_is_not_proven():
    told = rungs(
        ("exact", 9, 9, 0, 0.3, Decimal(1)),  # too few to prove anything: passed over
        ("0.99", 400, 400, 0, 0.007, Decimal(4)),
        ("0.98", 500, 400, 1, 0.012, Decimal(5)),
        ("0.97", 600, 400, 9, 0.04, Decimal(6)),
        ("0.96", 700, 400, 1, 0.012, Decimal(7)),
    )
    assert recommend_rung(told, 0.02)[::2] == ("recommended", "0.98")


def test_nothing_saved_is_no_recommendation():
    told = rungs(("exact", 400, 400, 0, 0.007, Decimal(-1)))
    assert recommend_rung(told, 0.02)[0] == "nothing_saved"


def test_a_rung_whose_saving_may_be_none_is_not_recommended():
    told = rungs(
        ("exact", 300, 300, 0, 0.009, Decimal(2)), ("0.99", 400, 400, 0, 0.007, Decimal(4))
    )
    unsure = told.with_columns(saved_low=pl.when(rung="0.99").then(-4.0).otherwise("saved_low"))
    assert recommend_rung(unsure, 0.02)[::2] == ("recommended", "exact")
    assert recommend_rung(unsure.with_columns(saved_low=-4.0), 0.02) == (
        "cannot_tell",
        "not proven to save anything: $4.0000 in all at best, with 95 % confidence -$4.0000 in all "
        "to $6.0000 in all, by 1,000 requests; about 4,000 might do",
        None,
    )


def test_a_single_session_bounds_nothing():
    told = rungs(("exact", 400, 400, 0, None, Decimal(1)))
    state, reason, _ = recommend_rung(told, 0.02)
    assert state == "cannot_tell"
    assert "one session" in reason
