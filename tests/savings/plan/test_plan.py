"""All savings replayed as one: what a step leaves is what the next one works on."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.pricing import PriceOverrides, price_book, price_tokens
from llmops_pipelines.savings.plan.plan import PLANNED, STEPS, Changes, replay_plan
from llmops_pipelines.savings.plan.rows import plan_rows
from llmops_pipelines.savings.plan.steps import Promise
from llmops_pipelines.tables import TOKEN_BUCKETS
from tests.pricing.factories import call, calls

BOOK = price_book(PriceOverrides())
LARGE, SMALL = "gpt-4.1", "gpt-4.1-nano"


def planned(*rows, book=BOOK):
    """Calls of 1,000 prompt and 500 answer tokens on the large model, a session each."""
    usual = {"model": LARGE, "uncached_input": 1000, "output_text": 500}
    frame = calls(*(call(**{"call_id": f"c-{n}"} | usual | row) for n, row in enumerate(rows)))
    return price_tokens(frame, book).select(
        *(name for name in PLANNED if name not in ("session", "weight", "cost")),
        "cost",
        session="call_id",
        weight=pl.lit(1.0),
    ).select(PLANNED)  # fmt: skip


def changes(cached=(), routed=(), shortened=None, batched=()):
    """Routed ones go to the small model; shortened ones keep so many prompt tokens."""
    left = [
        {
            "call_id": name,
            **dict.fromkeys(TOKEN_BUCKETS, 0),
            "uncached_input": n,
            "output_text": 500,
        }
        for name, n in (shortened or {}).items()
    ]
    return Changes(
        cached=pl.Series(cached, dtype=pl.String),
        routed=pl.DataFrame(
            [(name, "openai", SMALL) for name in routed],
            schema={"call_id": pl.String, "provider": pl.String, "model": pl.String},
            orient="row",
        ),
        shortened=pl.DataFrame(
            left, schema={"call_id": pl.String, **dict.fromkeys(TOKEN_BUCKETS, pl.Int64)}
        ),
        batched=pl.Series(batched, dtype=pl.String),
    )


def cost_of(model, prompt, answer=500, *, batch=False):
    """What such a call costs, from the price list alone."""
    return planned({"model": model, "uncached_input": prompt, "output_text": answer,
                    "is_batch": batch})["cost"].item()  # fmt: skip


def test_each_step_works_on_what_the_steps_before_it_leave():
    one = ["c-0"]
    row = replay_plan(
        planned({}), changes(routed=one, shortened={"c-0": 400}, batched=one), BOOK
    ).row(0, named=True)
    assert row["after_cache"] == cost_of(LARGE, 1000)
    assert row["after_route"] == cost_of(SMALL, 1000)
    assert row["after_compress"] == cost_of(SMALL, 400)
    assert row["after_batch"] == cost_of(SMALL, 400, batch=True)
    assert row["alone_compress"] == cost_of(LARGE, 400)
    assert row["alone_batch"] == cost_of(LARGE, 1000, batch=True)


def test_a_team_keeps_its_discount_on_the_way():
    discount = {"provider": "openai", "percent": 50, "teams": ["search"], "why": "contract"}
    book = price_book(PriceOverrides.model_validate({"discounts": [discount]}))
    row = replay_plan(
        planned({"team": "search"}, book=book),
        changes(routed=["c-0"], shortened={"c-0": 400}),
        book,
    ).row(0, named=True)
    assert row["after_route"] * 2 == cost_of(SMALL, 1000)
    assert row["alone_compress"] * 2 == cost_of(LARGE, 400)


def test_what_the_cache_answers_costs_nothing_and_is_not_asked_for_again():
    one = ["c-0"]
    row = replay_plan(
        planned({}), changes(one, one, {"c-0": 400}, one), BOOK
    ).row(0, named=True)  # fmt: skip
    assert [row[f"after_{step}"] for step in STEPS] == [0] * 4
    assert [row[f"changed_{step}"] for step in STEPS] == [True, False, False, False]
    assert not any(row[f"refused_{step}"] for step in STEPS)


def test_a_step_that_is_dearer_or_has_no_price_is_not_taken_and_counted():
    found = replay_plan(
        planned({"model": "gpt-4.1-nano"}, {}),
        Changes(
            cached=pl.Series([], dtype=pl.String),
            routed=pl.DataFrame(
                {"call_id": ["c-0", "c-1"], "provider": "openai", "model": [LARGE, "no-such"]}
            ),
            shortened=changes().shortened,
            batched=pl.Series([], dtype=pl.String),
        ),
        BOOK,
    )
    assert found["refused_route"].to_list() == [True, True]
    assert found["after_batch"].to_list() == found["cost"].to_list()


def test_calls_without_a_price_are_in_no_figure_and_counted():
    asked = planned({}, {"model": "no-such"}, {"feature": "mail", "model": "no-such"})
    promises = {
        (name, step): Promise("as it is", False) for name in ("chat", "mail") for step in STEPS
    }
    rows = plan_rows(asked, replay_plan(asked, changes(), BOOK), promises, {"chat": 10.0}, "d")
    chat, mail, total = (rows.filter(feature=name, step="plan").row(0, named=True)
                         for name in ("chat", "mail", "*"))  # fmt: skip
    assert (chat["calls"], chat["unpriced"], chat["saved"]) == (1, 1, 0.0)
    assert (mail["calls"], mail["unpriced"], mail["saved"], mail["saved_a_year"]) == (
        0,
        1,
        None,
        None,
    )
    assert (total["calls"], total["unpriced"]) == (1, 2)


def test_the_plan_is_less_than_the_sum_of_its_parts_and_its_steps_add_up():
    names = [f"c-{n}" for n in range(40)]
    asked = planned(*({} for _ in names))
    replayed = replay_plan(
        asked,
        changes(names[:10], names[5:30], dict.fromkeys(names[::2], 300), names[20:]),
        BOOK,
    )
    promises = {("chat", step): Promise(step, True, 0.01) for step in STEPS}
    rows = plan_rows(asked, replayed, promises, {"chat": 100.0}, "d").filter(feature="chat")
    plan = rows.filter(step="plan").row(0, named=True)
    parts = rows.filter(pl.col("step") != "plan")
    assert parts["saved"].sum() == pytest.approx(plan["saved"])
    assert plan["saved_alone"] == pytest.approx(parts["saved_alone"].sum())
    assert 0 < plan["saved"] < plan["saved_alone"]
    assert plan["saved_low"] < plan["saved"] < plan["saved_high"]
    assert plan["saved_a_year"] == pytest.approx(plan["saved"] * 36_500)
    assert plan["loss_at_most"] == pytest.approx(0.04)
    assert plan["setting"] == "cache, then route, then compress, then batch"


def test_a_feature_called_star_does_not_pass_for_all():
    asked = planned({}, {"feature": "*"})
    promises = {(name, step): Promise(step, False) for name in ("chat", "*") for step in STEPS}
    rows = plan_rows(asked, replay_plan(asked, changes(), BOOK), promises, {"chat": 1, "*": 2}, "d")
    told = rows.filter(step="plan").select("feature", "calls", "calls_per_day").rows()
    assert told == [("*", 2, 3), ("* (feature)", 1, 2), ("chat", 1, 1)]


def test_all_features_together_lose_no_more_than_the_one_that_loses_most():
    asked = planned({}, {"feature": "mail"})
    losses = {("chat", "cache"): 0.04, ("mail", "route"): 0.03, ("mail", "compress"): -0.01}
    promises = {
        (name, step): Promise(step, (name, step) in losses, losses.get((name, step)))
        for name in ("chat", "mail")
        for step in STEPS
    }
    rows = plan_rows(asked, replay_plan(asked, changes(), BOOK), promises, {}, "d")
    told = dict(rows.filter(feature="*").select("step", "loss_at_most").iter_rows())
    assert told == {"cache": 0.04, "route": 0.03, "compress": -0.01, "batch": None, "plan": 0.04}
    assert rows.filter(step="plan")["setting"].to_list() == [
        "cache, then route, then compress", "cache", "route, then compress",
    ]  # fmt: skip
    unknown = promises | {("mail", "route"): Promise("route", True, None)}
    rows = plan_rows(asked, replay_plan(asked, changes(), BOOK), unknown, {}, "d")
    assert rows.filter(step="plan")["loss_at_most"].to_list() == [None, 0.04, None]


def test_a_feature_counts_by_its_traffic_however_many_of_its_calls_were_sampled():
    asked = planned(*({} for _ in range(6)), {"feature": "mail"}, {"feature": "mail"})
    replayed = replay_plan(asked, changes(cached=["c-0", "c-6", "c-7"]), BOOK)
    promises = {
        (name, step): Promise(step, True, 0.01) for name in ("chat", "mail") for step in STEPS
    }
    traffic = {"chat": 10.0, "mail": 1_000.0, "others": 5.0}
    rows = plan_rows(asked, replayed, promises, traffic, "d")
    chat, mail, total = (rows.filter(feature=name, step="plan").row(0, named=True)
                         for name in ("chat", "mail", "*"))  # fmt: skip
    assert total["calls_per_day"] == pytest.approx(1_010)
    assert total["saved_a_year"] == pytest.approx(chat["saved_a_year"] + mail["saved_a_year"])
    # All of mail is saved, for certain: what is not known of the sum is what is not known of chat.
    assert mail["saved_a_year_low"] == pytest.approx(mail["saved_a_year_high"])
    for end in ("_low", "_high"):
        off = chat[f"saved_a_year{end}"] - chat["saved_a_year"]
        assert total[f"saved_a_year{end}"] - total["saved_a_year"] == pytest.approx(off, rel=0.1)
    assert mail["saved_a_year"] == pytest.approx(365_000 * float(asked["cost"][0]))
    (unknown,) = (
        plan_rows(asked, replayed, promises, {}, "d").filter(feature="*", step="plan").to_dicts()
    )
    assert (unknown["calls"], unknown["saved"], unknown["calls_per_day"]) == (0, None, None)


ids = st.lists(st.sampled_from([f"c-{n}" for n in range(8)]), unique=True)


@settings(max_examples=25, deadline=None)
@given(
    ids,
    ids,
    st.dictionaries(st.sampled_from([f"c-{n}" for n in range(8)]), st.integers(0, 1000)),
    ids,
)
def test_no_plan_makes_a_call_dearer_and_every_cent_is_in_one_step(
    cached, routed, shortened, batched
):
    asked = planned(*({} for _ in range(8)))
    found = replay_plan(asked, changes(cached, routed, shortened, batched), BOOK)
    before = found["cost"]
    for step in STEPS:
        after = found[f"after_{step}"]
        assert (after <= before).all()
        assert ((after < before) == found[f"changed_{step}"]).all()
        before = after
    assert found["call_id"].to_list() == asked["call_id"].to_list()
