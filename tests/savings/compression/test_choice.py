"""What is recommended, and what cannot be told."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.savings import (
    BOUND,
    CANNOT_TELL,
    COMPRESSED,
    COMPRESSION_POINTS,
    LOSES_TOO_MUCH,
    NOTHING_SAVED,
    NOTHING_TO_SHORTEN,
    RECOMMENDED,
    compression_points,
    compression_rows,
    with_traffic,
)
from llmops_pipelines.savings.compression.frontier import relative_loss
from llmops_pipelines.tables import COMPRESSION_SAVINGS, TOKEN_BUCKETS


def compressed(kept, *, technique="t", saved="0.001", full=0.8, calls=200, after=(90, 50)):
    """``calls`` at two settings; ``kept`` gives the score of call ``n`` at a step."""
    rows = [
        {
            "call_id": f"c{n:03}", "technique": technique, "step": step, "setting": 3.0 - step,
            "tokens_before": 100, "tokens_after": after[step - 1], "kept_prefix": 0,
            "summary_input": 0, "summary_output": 0, "score_full": full,
            "score_kept": kept(n, step), "used": 2, "used_lost": n % 2,
            "saved": None if saved is None else Decimal(saved) * step,
            "cost_before": Decimal("0.01"), "weight": 1.0, "session": f"s{n // 2}",
        }
        for n in range(calls)
        for step in (1, 2)
    ]  # fmt: skip
    money = pl.Decimal(38, 12)
    more = {"saved": money, "cost_before": money, "weight": pl.Float64, "session": pl.String}
    return pl.DataFrame(rows, schema=COMPRESSED | pl.Schema(more))


def rows_of(frame, **changes):
    told = {"feature": "f", "counted_by": "words", "digest": "d"} | changes
    return with_traffic(compression_rows(compression_points(frame), **told), 100.0)


def test_the_hardest_setting_that_is_proven_is_recommended_with_a_years_saving():
    rows = rows_of(compressed(lambda n, step: 0.8 if step == 1 else 0.79))
    assert COMPRESSION_SAVINGS.require(rows).equals(rows)
    (best,) = rows.filter("is_recommended").to_dicts()
    assert (best["step"], best["state"]) == (2, RECOMMENDED)
    assert best["loss"] == pytest.approx(0.0125)
    assert best["loss"] < best["loss_at_most"] < 0.05
    assert best["tokens_saved_share"] == pytest.approx(0.5)
    assert best["used_lost_share"] == pytest.approx(0.25)
    assert best["saved_a_year"] == pytest.approx(0.002 * 36_500)


def test_the_recommended_setting_tells_what_is_left_of_each_call_its_summary_included():
    frame = compressed(lambda n, step: 0.8, after=(90, 50)).with_columns(
        **dict.fromkeys(TOKEN_BUCKETS, pl.lit(0)),
        # Every other call is left alone.
        tokens_after=pl.when(pl.col("call_id").str.ends_with("1")).then("tokens_before")
        .otherwise("tokens_after"),
        summary_input=pl.lit(7), summary_output=pl.lit(2),
    ).with_columns(uncached_input="tokens_after", output_text=pl.lit(5))  # fmt: skip
    rows = rows_of(frame, replayed=frame)
    (best,) = rows.filter("is_recommended").to_dicts()
    left = {row["call_id"]: (row["uncached_input"], row["output_text"])
            for row in best["calls_after"]}  # fmt: skip
    assert len(left) == best["shortened"] == 180
    assert set(left.values()) == {(57, 7)}
    assert rows.filter(~pl.col("is_recommended"))["calls_after"].null_count() == 1


def test_no_setting_behind_one_that_fails_is_recommended():
    rows = rows_of(compressed(lambda n, step: 0.4 if step == 1 else 0.8))
    assert set(rows["state"]) == {LOSES_TOO_MUCH}
    assert not rows["is_recommended"].any()


def test_few_answers_prove_nothing_even_where_none_lost_anything():
    rows = rows_of(compressed(lambda n, step: 0.8, calls=12))
    assert set(rows["state"]) == {CANNOT_TELL}
    assert "12 scored answers bound the loss" in rows["reason"][0]


def test_unscored_answers_leave_the_loss_unknown():
    rows = rows_of(compressed(lambda n, step: None, full=None))
    assert set(rows["state"]) == {CANNOT_TELL}
    assert "no score speaks of it" in rows["reason"][0]
    assert rows["loss"].null_count() == rows.height
    assert set(rows["unscored"]) == {200}


def test_cutting_what_is_cached_is_told_to_save_nothing():
    rows = rows_of(compressed(lambda n, step: 0.8, saved="-0.001"))
    assert set(rows["state"]) == {NOTHING_SAVED}


def test_a_saving_that_may_be_none_is_not_recommended():
    """A call in ten saves a dollar and the others pay a cent more: too few calls to tell."""
    frame = compressed(lambda n, step: 0.8).with_columns(
        saved=pl.when(pl.col("call_id").str.slice(1).cast(pl.Int64) < 20)
        .then(pl.lit(Decimal("0.1")))
        .otherwise(pl.lit(Decimal("-0.008")))
        .cast(pl.Decimal(38, 12))
    )
    rows = rows_of(frame)
    assert set(rows["state"]) == {CANNOT_TELL}
    assert not rows["is_recommended"].any()
    saved, low = rows.select("saved", "saved_low").row(0)
    assert saved == pytest.approx(0.1 * 0.1 - 0.9 * 0.008)
    assert low < 0
    wanted = 200 * ((saved - low) / saved) ** 2
    assert rows["reason"][0].startswith("not proven to save anything: $0.002800 a call at best")
    assert rows["reason"][0].endswith(f"by 200 calls; about {wanted:,.0f} might do")


def test_a_setting_that_hardly_any_call_is_shortened_by_is_not_recommended_without_prices():
    one = pl.when(pl.col("call_id") == "c000").then("tokens_after").otherwise("tokens_before")
    rows = rows_of(compressed(lambda n, step: 0.8, saved=None).with_columns(tokens_after=one))
    assert set(rows["state"]) == {CANNOT_TELL}
    assert "not proven to save anything: 0.2 tokens a call at best" in rows["reason"][0]


def test_without_prices_tokens_decide_and_money_stays_unknown():
    rows = rows_of(compressed(lambda n, step: 0.8, saved=None))
    (best,) = rows.filter("is_recommended").to_dicts()
    assert (best["step"], best["saved"], best["saved_a_year"], best["unpriced"]) == (
        2, None, None, 200,
    )  # fmt: skip


def test_what_changes_no_call_is_one_row_and_a_bound_is_no_policy():
    alone = rows_of(compressed(lambda n, step: 0.8, after=(100, 100)))
    assert alone["state"].to_list() == [NOTHING_TO_SHORTEN]
    bound = rows_of(compressed(lambda n, step: 0.8, technique="unused_contexts"))
    assert set(bound["state"]) == {BOUND}


def test_no_call_is_no_row():
    empty = compressed(lambda n, step: 0.8, calls=0)
    assert compression_points(empty).schema == COMPRESSION_POINTS
    assert rows_of(empty).equals(COMPRESSION_SAVINGS.empty())


def test_the_bound_of_the_loss_holds_as_often_as_it_says():
    """Simulated: clusters of two; the true loss lies above the 95 % bound in 5 % of the worlds."""
    draw = np.random.default_rng(7)
    beyond = 0
    for _ in range(400):
        full = draw.beta(6, 2, 150)
        lost = np.repeat(draw.random(75) < 0.1, 2)
        _, at_most = relative_loss(
            full, full * np.where(lost, 0.5, 1.0), np.ones(150), pl.Series(np.repeat(range(75), 2))
        )
        beyond += at_most < 0.05
    assert beyond / 400 <= 0.08
