from decimal import Decimal

from tests.finance.worlds import call, present

EUROS = """
report_currency: EUR
max_rate_age_days: 3
exchange_rates:
- {date: 2026-10-05, currency: EUR, per_usd: 0.9, source: late}
- {date: 2026-10-01, currency: EUR, per_usd: 0.8, source: early}
- {date: 2026-10-04, currency: GBP, per_usd: 0.7, source: other}
"""


def test_a_call_is_converted_at_the_rate_of_its_day_or_the_latest_that_is_recent_enough():
    found = present(
        call("2026-09-30 23:59"),
        call("2026-10-01 00:00"),
        call("2026-10-04 12:00"),
        call("2026-10-05 12:00", "3"),
        call("2026-10-09 12:00"),
        text=EUROS,
    )
    shown = found.select("month", "cost", "rate", "rate_source", "cost_report").rows()
    assert shown == [
        ("2026-09", 1, None, None, None),
        ("2026-10", 2, Decimal("0.8"), "early", Decimal("1.6")),
        ("2026-10", 3, Decimal("0.9"), "late", Decimal("2.7")),
        ("2026-10", 1, None, None, None),
    ]


def test_the_zone_decides_which_day_s_rate_it_is():
    zoned = "report_timezone: Asia/Kolkata" + EUROS
    (row,) = present(call("2026-10-04 18:30"), text=zoned).rows(named=True)
    assert row["rate_source"] == "late"


def test_an_amount_is_rounded_half_to_even_once_per_row():
    odd = EUROS.replace("0.8,", "0.5,")
    found = present(
        call("2026-10-01 12:00", "0.000000000001", feature="a"),
        call("2026-10-01 12:00", "0.000000000003", feature="b"),
        call("2026-10-01 12:00", None, feature="c"),
        text=odd,
    )
    assert found["cost_report"].to_list() == [Decimal(0), Decimal("0.000000000002"), None]


def test_dollars_need_no_rate():
    (row,) = present(call("2026-10-01 12:00")).rows(named=True)
    assert (row["rate"], row["rate_date"], row["cost_report"]) == (1, None, 1)
