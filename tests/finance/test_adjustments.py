from datetime import date, datetime
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_pipelines import finance
from llmops_pipelines.tables import COST_ADJUSTMENTS
from tests.finance.worlds import NOW, adjusted, call, closed, present

FIRST = call("2026-10-02 12:00", "3")
SECOND = call("2026-10-03 12:00", "1", feature="mail", team=None)


def told(found):
    return found.select("booked", "team", "feature", "difference", "reason").rows()


def test_nothing_changed_is_nothing_to_book():
    lines = present(FIRST, SECOND)
    assert adjusted(lines, lines).is_empty()


def test_an_open_month_is_not_adjusted():
    assert adjusted(present(FIRST, call("2026-11-02 12:00")), present(FIRST)).is_empty()


def test_late_calls_erased_calls_and_new_prices_are_told_apart():
    before = present(FIRST, SECOND, call("2026-10-04 12:00", "5", model="gone"))
    after = present(call("2026-10-02 12:00", "2"), SECOND, call("2026-10-09 12:00", "4", model="m"))
    found = adjusted(after, before)
    shown = found.select("model", "closed_cost", "present_cost", "difference", "reason").rows()
    assert shown == [
        ("gone", 5, None, -5, "erased"),
        ("gpt-4.1", 3, 2, -1, "repriced"),
        ("m", None, 4, 4, "late_calls"),
    ]
    assert set(found["month"]) == {"2026-10"}
    assert set(found["booked"]) == {"2026-11"}
    assert set(found["first_seen"]) == {NOW}


def test_a_new_owner_moves_money_and_adds_none():
    rule = "ownership:\n- {feature: chat, team: care}"
    found = adjusted(present(FIRST, text=rule), present(FIRST))
    assert told(found) == [
        ("2026-11", "care", "chat", 3, "reassigned_owner"),
        ("2026-11", "platform", "chat", -3, "reassigned_owner"),
    ]
    assert found["difference_calls"].to_list() == [1, -1]


def test_a_price_that_is_found_at_last_is_booked_whole_and_the_closed_figure_stays_unknown():
    (row,) = adjusted(
        present(call("2026-10-02 12:00", "2")), present(call("2026-10-02 12:00", None))
    ).rows(named=True)
    assert (row["closed_cost"], row["difference"], row["reason"]) == (None, 2, "repriced")


def test_a_late_call_without_a_price_is_booked_as_a_call():
    (row,) = adjusted(present(FIRST, call("2026-10-09 12:00", None)), present(FIRST)).rows(
        named=True
    )
    assert (row["difference"], row["difference_calls"], row["reason"]) == (0, 1, "late_calls")


def test_other_rates_change_the_other_currency_alone():
    euros = (
        "report_currency: EUR\nexchange_rates:\n"
        "- {{date: 2026-10-01, currency: EUR, per_usd: {}, source: x}}"
    )
    (row,) = adjusted(
        present(FIRST, text=euros.format("0.8")), present(FIRST, text=euros.format("0.9"))
    ).rows(named=True)
    assert (row["difference"], row["difference_report"]) == (0, Decimal("-0.3"))
    assert row["reason"] == "rate_changed"


def test_a_fee_that_changed_and_one_that_is_divided_otherwise_are_told_apart():
    fee = "fees:\n- {{name: gpu, usd_per_month: {}, by: calls, why: x}}"
    before = present(FIRST, SECOND, text=fee.format(8))
    changed = adjusted(present(FIRST, SECOND, text=fee.format(10)), before)
    assert {row[-2:] for row in told(changed)} == {(1, "charge_changed")}
    late = present(FIRST, FIRST | {"call_id": "late"}, call("2026-10-02 12:00"), SECOND,
                   text=fee.format(8))  # fmt: skip
    divided = adjusted(late, before).filter(kind="fee")
    assert {row[-2:] for row in told(divided)} == {(2, "reallocated"), (-2, "reallocated")}


def test_what_was_booked_stays_booked_and_only_the_rest_is_booked_later():
    before = present(FIRST)
    november = adjusted(present(FIRST, call("2026-10-09 12:00", "4")), before)
    more = present(
        FIRST, call("2026-10-09 12:00", "4"), call("2026-10-10 12:00", "2"), today=date(2026, 12, 1)
    )
    later = datetime.fromisoformat("2026-12-01 03:00")
    found = adjusted(more, before, november, today=date(2026, 12, 1), at=later)
    assert found.select("booked", "booked_before", "difference", "first_seen").rows() == [
        ("2026-11", 0, 4, NOW),
        ("2026-12", 4, 2, later),
    ]


def test_a_difference_that_came_and_went_is_taken_back_where_its_month_is_over():
    before = present(FIRST)
    november = adjusted(present(FIRST, call("2026-10-09 12:00", "4", model="m")), before)
    same_month = adjusted(before, before, november)
    assert same_month.is_empty()
    next_month = adjusted(before, before, november, today=date(2026, 12, 1))
    assert next_month["difference"].to_list() == [4, -4]


def test_finding_the_same_again_keeps_when_it_was_first_found():
    before, after = present(FIRST), present(FIRST, call("2026-10-09 12:00", "4"))
    first = adjusted(after, before)
    again = adjusted(after, before, first, at=datetime.fromisoformat("2026-11-09 03:00"))
    assert again.equals(first)


def test_the_books_show_a_closed_month_as_it_was_closed_and_the_rest_where_it_was_found():
    before = present(FIRST, SECOND)
    after = present(FIRST, SECOND, call("2026-10-09 12:00", "4"), call("2026-11-02 12:00", "7"))
    books = finance.booked_lines(after, closed(before), adjusted(after, before))
    assert books.filter(month="2026-10").equals(before.filter(month="2026-10"))
    november = books.filter(month="2026-11").select("kind", "of_month", "cost", "rule").rows()
    assert november == [
        ("adjustment", "2026-10", 4, "late_calls of usage, USD: now 7.000000000000, closed "
                                     "3.000000000000, booked before 0.000000000000"),
        ("usage", None, 7, None),
    ]  # fmt: skip


def test_a_fee_of_which_no_rate_is_known_changes_by_an_unknown_amount_of_that_currency():
    text = (
        "report_currency: EUR\nexchange_rates:\n"
        "- {{date: 2026-10-02, currency: EUR, per_usd: 0.9, source: ECB}}\n"
        "fees:\n- {{name: ptu, usd_per_month: {}, by: spend, why: w}}"
    )
    before, after = (present(FIRST, text=text.format(usd)) for usd in (100, 120))
    (row,) = adjusted(after, before).rows(named=True)
    assert (row["difference"], row["difference_report"]) == (20, None)
    books = finance.booked_lines(after, closed(before), adjusted(after, before))
    (line,) = books.filter(kind="adjustment").rows(named=True)
    assert (line["cost"], line["cost_report"]) == (20, None)


amounts = st.lists(st.integers(0, 10**15), min_size=3, max_size=3)


@settings(max_examples=20, deadline=None)
@given(worlds=st.lists(amounts, min_size=2, max_size=4))
def test_closed_figures_and_all_adjustments_are_what_the_calls_cost_now(worlds):
    """Month after month the past changes; nothing is ever lost or booked twice."""
    features = ("a", "b", "c")

    def lines(amounts, today):
        calls = [
            call("2026-10-02 12:00", Decimal(pico).scaleb(-12), feature=feature)
            for feature, pico in zip(features, amounts, strict=True)
            if pico % 3
        ]
        anchor = call("2026-10-01 12:00", "1", feature="z")
        return present(anchor, *calls, today=today)

    before, known = lines(worlds[0], date(2026, 11, 1)), COST_ADJUSTMENTS.empty()
    for month, world in enumerate(worlds[1:], start=1):
        today = date(2027, month, 1)
        after = lines(world, today)
        known = adjusted(after, before, known, today=today)
        october = pl.col("month") == "2026-10"
        assert (
            before.filter(october)["cost"].sum() + known["difference"].sum()
            == after.filter(october)["cost"].sum()
        )
