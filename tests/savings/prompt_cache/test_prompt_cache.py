"""What a provider's cache could have served, and why not the rest."""

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines.pricing import price_tokens
from llmops_pipelines.savings import prompt_marks, replay_prompt_cache
from tests.savings.prompts import BOOK, GUIDE, REASONS, asked, frame, replay, tokens

CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}


def test_a_shared_prefix_that_was_not_read_is_missed_and_priced():
    calls = replay(*(asked(n) for n in range(3)))
    first, *later = calls["could_read"].to_list()
    assert first == 0
    assert all(n >= 1_024 and n % 128 == 0 for n in later)
    assert calls["missed"].to_list() == [0, *later]
    # gpt-4o: $2.50 a million, $1.25 from the cache.
    assert calls["saved"].to_list()[1] == Decimal("0.00000125") * later[0]
    assert calls["arrangement"].unique().to_list() == ["automatic"]


def test_what_was_read_is_neither_missed_nor_saved_again():
    read = {"uncached_input": 400, "cache_read": 1_600}
    calls = replay(asked(0), asked(1), asked(2, **read))
    assert calls["read"].to_list() == [0, 0, 1_600]
    last = calls.row(2, named=True)
    assert last["missed"] == last["could_read"] - 1_600
    assert last["already_saved"] == Decimal("0.00000125") * 1_600


def test_more_was_read_than_is_claimed():
    calls = replay(asked(0), asked(1, after=400, uncached_input=0, cache_read=2_000))
    assert tokens(calls.tail(1)) == {"read": 2_000}
    assert calls["saved"].sum() == 0


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"after": 400}, "lapsed"),
        ({"after": 4_000}, "expired"),
        ({"after": 0.1}, "in_flight"),
    ],
)
def test_time_keeps_prompts_from_being_read(fields, reason):
    calls = replay(asked(0, **fields), asked(1, **fields))
    assert calls["could_read"].sum() == 0
    assert tokens(calls.tail(1)).keys() == {reason, "new"}


def test_a_retention_of_a_day_is_named_where_it_is_offered():
    calls = replay(*(asked(n, after=4_000, model="gpt-4.1") for n in range(2)))
    assert tokens(calls.tail(1)).keys() == {"lapsed", "new"}


def test_short_prompts_are_below_the_minimum():
    calls = replay(*(asked(n, uncached_input=1_000) for n in range(2)))
    assert calls["could_read"].sum() == 0
    assert calls["cut_off"].to_list()[1] > 800


@pytest.mark.parametrize(
    "other", [{"model": "gpt-4o-mini"}, {"project": "b"}, {"prompt_version": "2"},
              {"service_tier": "flex"}]
)  # fmt: skip
def test_another_model_project_version_or_tier_has_a_cache_of_its_own(other):
    calls = replay(asked(0), asked(1, **other))
    assert tokens(calls.tail(1)).keys() == {"elsewhere", "new"}


def test_another_feature_is_not_compared():
    assert tokens(replay(asked(0), asked(1, feature="mail"))) == {"new": 4_000}


def test_a_static_part_behind_a_volatile_one_is_a_matter_of_order():
    calls = replay(*(asked(n, f"It is 09:{n:02}:17 now.\n{GUIDE}") for n in range(12)))
    assert calls["could_read"].sum() == 0
    assert tokens(calls).keys() == {"order", "new"}
    assert all(n % 128 == 0 and n > 1_500 for n in calls["order"].to_list()[1:])
    assert calls["reorder_saved"].sum() == Decimal("0.00000125") * calls["order"].sum()


def test_a_static_part_that_stands_first_gains_nothing_by_order():
    calls = replay(*(asked(n, after=400) for n in range(12)))
    assert calls["order"].sum() == 0


def test_equal_marks_of_redaction_are_no_sign_of_equal_values():
    calls = replay(*(asked(n, f"You help [EMAIL].\n{GUIDE}") for n in range(2)))
    assert calls["could_read"].sum() == 0
    assert tokens(calls.tail(1)).keys() == {"redacted", "new"}


def test_within_a_conversation_the_same_mark_is_the_same_message():
    calls = replay(*(asked(n, f"You help [EMAIL].\n{GUIDE}", session_id="one") for n in range(2)))
    assert calls["missed"].to_list()[1] > 1_024


@pytest.mark.parametrize(
    "of", [{"provider": "acme"}, {"provider": "google", "model": "gemini-2.5-pro"}]
)
def test_where_no_rule_is_known_nothing_is_claimed(of):
    calls = replay(*(asked(n, **of) for n in range(3)))
    claimed = ["could_read", "saved", "arrangement", "reorder_saved", *REASONS[1:]]
    assert calls.select(claimed).null_count().row(0) == (3,) * len(claimed)
    assert calls["read"].sum() == 0


def test_breakpoints_charge_for_writing():
    calls = replay(*(asked(n, **CLAUDE) for n in range(3)))
    assert calls["arrangement"].unique().to_list() == ["after the system text, kept 5 minutes"]
    assert calls["written"].to_list()[1:] == [0, 0]
    wrote = calls["written"][0]
    # Sonnet 4.5: $3 a million, $3.75 to write, $0.30 to read.
    assert calls["saved"].to_list() == [
        Decimal("-0.00000075") * wrote,
        *[Decimal("0.0000027") * calls["could_read"][1]] * 2,
    ]
    assert tokens(calls).keys() == {"not_switched_on", "new"}


def test_a_longer_lifetime_is_chosen_where_it_pays():
    calls = replay(*(asked(n, after=1_000, **CLAUDE) for n in range(4)))
    assert calls["arrangement"].unique().to_list() == ["after the system text, kept 1 hour"]


def test_a_conversation_is_worth_a_breakpoint_at_its_end():
    rows, history = [], [{"role": "system", "content": "Be brief."}]
    for n in range(5):
        history = [*history, {"role": "user", "content": f"{n} {GUIDE[:3_000]}"}]
        rows.append(asked(n, messages=history, uncached_input=1_500 * (n + 1), **CLAUDE))
    calls = replay(*rows)
    assert calls["arrangement"][0] == "after the system text and at the end, kept 5 minutes"
    assert calls["could_read"].to_list()[-1] > 5_000


def test_writing_what_is_never_read_costs_more_and_is_told_so():
    calls = replay(*(asked(n, f"{n}\n{GUIDE}", **CLAUDE) for n in range(12)))
    assert calls["could_read"].sum() == 0
    assert calls["saved"].sum() < 0
    assert calls["order"].sum() > 0


def test_caching_that_is_switched_on_is_not_told_to_be_switched_on():
    first = {"uncached_input": 100, "cache_write_5m": 1_900, **CLAUDE}
    calls = replay(asked(0, **first), asked(1, **CLAUDE))
    assert calls["missed"].sum() > 0
    assert calls["not_switched_on"].sum() == 0


def test_an_arrangement_without_a_price_is_not_taken_for_one_that_costs_nothing():
    hourly = (pl.col("bucket") == "cache_write_1h") & (pl.col("provider") == "anthropic")
    book = BOOK.filter(~hourly)
    calls = frame(*(asked(n, f"{n}\n{GUIDE}", **CLAUDE) for n in range(3)))
    marks = prompt_marks(calls.select("call_id", "messages", system_first=pl.lit(value=True)))
    replayed = replay_prompt_cache(calls.drop("messages"), marks, book)
    assert replayed["arrangement"].unique().to_list() == ["after the system text, kept 5 minutes"]
    assert replayed["saved"].sum() < 0


def test_a_call_without_a_price_is_in_the_tokens_and_not_in_the_money():
    calls = replay(*(asked(n, model="gpt-4o-unheard-of") for n in range(2)))
    assert calls["could_read"].sum() > 0
    assert calls["saved"].null_count() == 2


def test_marks_of_other_calls_are_refused():
    calls = frame(asked(0), asked(1))
    marks = prompt_marks(calls.head(1).select("call_id", "messages", system_first=pl.lit(False)))
    with pytest.raises(ValueError, match="2 calls and marks of 1 prompts are not the same calls"):
        replay_prompt_cache(calls.drop("messages"), marks, BOOK)


SYSTEMS = [GUIDE, f"09:01\n{GUIDE}", f"09:02\n{GUIDE}", f"[NAME] {GUIDE}", "", "hi"]
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "system": st.integers(0, len(SYSTEMS) - 1),
            "after": st.sampled_from([0.1, 30.0, 400.0]),
            "model": st.sampled_from(["gpt-4o", "gpt-4.1", "claude-sonnet-4-5", "claude-opus-4-5"]),
            "session_id": st.sampled_from(["a", "b", None]),
            "uncached_input": st.sampled_from([0, 900, 5_000]),
            "cache_read": st.sampled_from([0, 1_500]),
            "cache_write_5m": st.sampled_from([0, 700]),
        }
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(CALLS)
def test_every_token_and_every_dollar_has_one_place(world):
    rows = [
        asked(
            n,
            SYSTEMS[own["system"]],
            provider="openai" if own["model"].startswith("gpt") else "anthropic",
            **{name: value for name, value in own.items() if name != "system"},
        )
        for n, own in enumerate(world)
    ]
    calls = replay(*rows)
    assert (
        calls["prompt_tokens"].to_list()
        == calls.select(pl.sum_horizontal(REASONS)).to_series().to_list()
    )
    assert calls.select(pl.min_horizontal(REASONS).min()).item() >= 0
    after = calls.with_columns(
        pl.col(f"after_{name}").alias(name)
        for name in ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h")
    )
    prompt = pl.sum_horizontal("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h")
    assert after.select(prompt).to_series().to_list() == calls["prompt_tokens"].to_list()
    again = price_tokens(after.drop("cost"), BOOK)["cost"]
    assert (again == calls["cost_after"]).all()
    assert (calls["cost"] - calls["cost_after"] == calls["saved"]).all()
