from decimal import Decimal

import pytest

from llmops_pipelines.pricing import PriceOverrides, price_book, price_calls
from llmops_pipelines.savings import routing_savings
from llmops_pipelines.tables import CALL_COSTS, LLM_CALLS, ROUTING_SAVINGS
from tests.pricing.factories import at, call, calls, parquet_bytes


@pytest.fixture(scope="module")
def book():
    return price_book(PriceOverrides())


@pytest.fixture
def replay(book):
    def run(*rows, book=book):
        day = calls(*rows)
        savings = routing_savings(day, price_calls(day, book), book)
        return {row["feature"]: row for row in savings.to_dicts()}

    return run


def million(model, **fields):
    return call(model=model, uncached_input=1_000_000, **fields)


def test_the_same_tokens_are_charged_at_other_models_prices(replay):
    # gpt-4.1 $2, gpt-4.1-mini $0.40 per million.
    chat = replay(million("gpt-4.1"), million("gpt-4.1-mini"))["chat"]
    assert (chat["calls"], chat["left_out"], chat["paid"]) == (2, 0, Decimal("2.4"))
    assert (chat["cheapest_model"], chat["all_cheapest"]) == ("gpt-4.1-mini", Decimal("0.8"))
    assert (chat["dearest_model"], chat["all_dearest"]) == ("gpt-4.1", Decimal(4))


def test_one_model_alone_saves_nothing(replay):
    chat = replay(million("gpt-4.1"))["chat"]
    assert chat["paid"] == chat["all_cheapest"] == chat["all_dearest"] == 2


def test_what_was_paid_lies_between_the_two_replays(replay):
    rows = replay(
        *(million(m, feature=f) for m in ("gpt-4.1", "o3", "gpt-4o-mini") for f in ("a", "b"))
    )
    assert all(row["all_cheapest"] <= row["paid"] <= row["all_dearest"] for row in rows.values())


def test_the_day_as_a_whole_knows_models_that_one_feature_does_not(replay):
    rows = replay(million("gpt-4.1", feature="a"), million("gpt-4.1-mini", feature="b"))
    assert rows["a"]["cheapest_model"] == "gpt-4.1"
    assert rows["*"]["cheapest_model"] == "gpt-4.1-mini"
    assert rows["*"]["paid"] == rows["a"]["paid"] + rows["b"]["paid"]


def test_cheapest_is_what_the_replay_comes_to_not_the_list_price(replay):
    # o3 ($2 / $8, cache $0.50) against gpt-4o ($2.50 / $10, cache $1.25), and claude-haiku-4-5
    # ($1 / $5, cache $0.10): with long answers and no input, output alone decides.
    answers = {"uncached_input": 0, "output_text": 1_000_000}
    haiku = call(provider="anthropic", model="claude-haiku-4-5", **answers)
    chat = replay(call(model="o3", **answers), haiku, call(model="gpt-4o", **answers))["chat"]
    assert (chat["cheapest_model"], chat["all_cheapest"]) == ("claude-haiku-4-5", 15)
    assert (chat["dearest_model"], chat["all_dearest"]) == ("gpt-4o", 30)


def test_cache_reads_are_replayed_at_the_cache_price_or_else_at_the_input_price(replay):
    cached = {"uncached_input": 0, "cache_read": 1_000_000}
    chat = replay(call(model="gpt-4.1", **cached), call(model="gpt-3.5-turbo", **cached))["chat"]
    # gpt-3.5-turbo has no cache price: $0.50 of input beside gpt-4.1's $0.50 of cache.
    assert chat["all_cheapest"] == chat["all_dearest"] == 1
    assert (chat["cheapest_model"], chat["dearest_model"]) == ("gpt-3.5-turbo", "gpt-3.5-turbo")


def test_batch_calls_are_replayed_as_batch_calls_where_the_model_has_batches(replay):
    batch = {"is_batch": True}
    chat = replay(million("gpt-4.1", **batch), million("gpt-4.1-mini", **batch))["chat"]
    assert (chat["all_cheapest"], chat["all_dearest"]) == (Decimal("0.4"), Decimal(2))


def test_a_model_without_batches_would_have_answered_at_its_standard_price(replay):
    groq = million("qwen/qwen3-32b", provider="groq")
    chat = replay(million("gpt-4.1", is_batch=True), groq)["chat"]
    alone = replay(groq)["chat"]["paid"]
    assert (chat["cheapest_model"], chat["all_cheapest"]) == ("qwen/qwen3-32b", 2 * alone)


def test_calls_without_a_price_are_left_out_and_counted(replay):
    chat = replay(million("gpt-4.1"), million("acme-7b"), call(usage=False))["chat"]
    assert (chat["calls"], chat["left_out"], chat["paid"]) == (1, 2, 2)


def test_failed_calls_are_neither_replayed_nor_left_out(replay):
    chat = replay(million("gpt-4.1"), call(status="error", usage=False))["chat"]
    assert (chat["calls"], chat["left_out"]) == (1, 0)


def test_a_feature_of_unpriced_calls_has_nothing_to_replay(replay):
    chat = replay(million("acme-7b"))["chat"]
    assert (chat["calls"], chat["left_out"]) == (0, 1)
    figures = ("paid", "cheapest_model", "all_cheapest", "dearest_model", "all_dearest")
    assert [chat[figure] for figure in figures] == [None] * 5


def few_tokens(model, count, **fields):
    return [call(model=model, uncached_input=1_000, **fields) for _ in range(count)]


def test_a_model_that_served_one_call_in_a_thousand_is_not_in_use(replay):
    rare = replay(*few_tokens("gpt-4.1", 1_000), *few_tokens("gpt-4o-mini", 9))
    assert rare["chat"]["cheapest_model"] == "gpt-4.1"


@pytest.mark.parametrize(("usual", "rare"), [(1_500, 10), (297, 3)])
def test_ten_calls_or_one_in_a_hundred_make_a_model_one_in_use(replay, usual, rare):
    rows = replay(*few_tokens("gpt-4.1", usual), *few_tokens("gpt-4o-mini", rare))
    assert rows["chat"]["cheapest_model"] == "gpt-4o-mini"


def test_a_model_that_has_no_price_for_some_of_the_calls_is_no_candidate(replay):
    embedding = million("text-embedding-3-small")
    answer = call(model="gpt-4.1", uncached_input=1_000, output_text=10)
    chat = replay(embedding, answer)["chat"]
    assert (chat["cheapest_model"], chat["dearest_model"]) == ("gpt-4.1", "gpt-4.1")


def test_calls_are_replayed_at_the_prices_of_their_own_time(replay):
    cheaper_since = at("2025-06-10")
    before = at("2025-06-09 23:00")
    chat = replay(million("o3", started_at=cheaper_since), million("gpt-4o", started_at=before))[
        "chat"
    ]
    # o3 cost $10 before that midnight and $2 after it; gpt-4o $2.50 throughout.
    assert (chat["dearest_model"], chat["all_dearest"]) == ("o3", 12)
    assert (chat["cheapest_model"], chat["all_cheapest"]) == ("gpt-4o", 5)


def test_a_name_without_provider_is_replayed_as_it_was_priced(replay):
    chat = replay(million("gpt-4-0613", provider=None), million("gpt-4.1"))["chat"]
    assert (chat["dearest_model"], chat["all_dearest"]) == ("gpt-4-0613", 60)


def test_a_feature_called_star_does_not_pass_for_all(replay):
    rows = replay(million("gpt-4.1", feature="*"), million("gpt-4.1"))
    assert (rows["* (feature)"]["calls"], rows["*"]["calls"]) == (1, 2)


def test_an_empty_day_has_no_savings(book):
    assert routing_savings(LLM_CALLS.empty(), CALL_COSTS.empty(), book).equals(
        ROUTING_SAVINGS.empty()
    )


def test_the_order_of_calls_changes_no_byte(book):
    day = calls(
        *(
            call(
                call_id=f"c-{i}",
                model=("gpt-4.1", "o3", "gpt-4o-mini")[i % 3],
                feature="ab"[i % 2],
                uncached_input=i * 7_919,
                output_text=i * 31,
            )
            for i in range(90)
        )
    )
    shuffled = day.sample(fraction=1.0, shuffle=True, seed=2)
    assert parquet_bytes(routing_savings(shuffled, price_calls(shuffled, book), book)) == (
        parquet_bytes(routing_savings(day, price_calls(day, book), book))
    )


def test_what_routing_saved_is_net_of_the_routers_own_calls_and_has_an_interval(replay):
    # Half of the calls went to the small model; a router was asked before each.
    answers = [
        million(model, session_id=f"s{n}")
        for n in range(20)
        for model in ("gpt-4.1", "gpt-4.1-mini")
    ]
    asked = [call(model="gpt-4.1-nano", name="llm_router", uncached_input=10_000)]
    routed = [million("gpt-4.1-nano", feature="routing")]
    rows = replay(*answers, *asked, *routed)
    chat, every = rows["chat"], rows["*"]
    # 20 million tokens at $0.40 instead of $2; the router read 10,000 at $0.10.
    assert (chat["calls"], chat["router_calls"], chat["router_cost"]) == (40, 1, Decimal("0.001"))
    assert chat["saved"] == Decimal(32) - Decimal("0.001")
    # Each session saves the same: nothing but the router's cost stands between the ends.
    assert chat["saved_low"] == pytest.approx(chat["saved_high"]) == pytest.approx(31.999)
    assert chat["saved_a_year"] == pytest.approx(31.999 * 365)
    assert (rows["routing"]["calls"], rows["routing"]["saved"]) == (0, None)
    assert every["saved"] == Decimal(32) - Decimal("0.101")


def test_sessions_that_save_differently_leave_the_saving_uncertain(replay):
    day = [million(m, session_id=f"s{n}") for n in range(10) for m in ["gpt-4.1"] * (n % 3 + 1)]
    day += [million("gpt-4.1-mini", session_id=f"s{n}") for n in range(10)]
    chat = replay(*day)["chat"]
    assert chat["saved_low"] < chat["saved"] == 16 < chat["saved_high"]


def test_an_unpriced_router_leaves_the_saving_unknown(replay):
    chat = replay(million("gpt-4.1"), million("acme-router-1b", name="router"))["chat"]
    assert (chat["router_calls"], chat["router_cost"], chat["saved"]) == (1, None, None)
    assert chat["left_out"] == 0


@pytest.mark.parametrize(
    ("name", "is_router"),
    [("router", True), ("llm-routing.v2", True), ("Route", False), ("reroute_parcel", False)],
)
def test_a_routers_calls_are_known_by_their_name(replay, name, is_router):
    chat = replay(million("gpt-4.1", name=name))["chat"]
    assert chat["router_calls"] == is_router
