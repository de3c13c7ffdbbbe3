"""The page and the summary where finance.yaml says whose days, which currency and who pays."""

import dataclasses
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from llmops_pipelines.cost import past_spend
from llmops_pipelines.reporting import PARTS, BusinessMoney, page, summarise, summary_text
from llmops_pipelines.tables import ALERTS, FEATURE_COSTS, MONEY, QUALITY, REJECTED_LINES
from tests.reporting.test_page import Reader
from tests.reporting.worlds import DAY, fortnight, rows

RATE = Decimal("88.7")
INR = {
    "zone": "Asia/Kolkata",
    "currency": "INR",
    "rate": RATE,
    "rate_date": DAY - timedelta(days=1),
    "rate_source": "RBI",
    "retry_cost": Decimal("0.5"),
}


def parts(*missing, day=DAY):
    """A week of Kolkata's days as of the UTC day of ``day``, some UTC days without calls."""
    return pl.DataFrame(
        [
            (own, utc, *clock, utc <= day and utc not in missing)
            for own in (day + timedelta(days=at) for at in range(-6, 2))
            for utc, clock in (
                (own - timedelta(days=1), ("00:00", "05:30")),
                (own, ("05:30", "24:00")),
            )
        ],
        schema=PARTS,
        orient="row",
    )


def night(costs=None, *, missing=(), rate=RATE, **more):
    costs = fortnight().feature_costs if costs is None else costs
    told = BusinessMoney(DAY, parts=parts(*missing), **{**INR, "rate": rate, **more})
    report = pl.lit(None) if rate is None else pl.col("cost") * rate
    return dataclasses.replace(
        fortnight(),
        feature_costs=costs.with_columns(cost_report=report.cast(MONEY)),
        past_spend=past_spend(costs, DAY),
        money=told,
    )


def text_of(night):
    return " ".join(" ".join(Reader(page(night)).text).split())


def spent(*given):
    return rows(FEATURE_COSTS, *({"model": "m", "calls": 1, **row} for row in given), dated=True)


def test_without_settings_the_page_knows_no_owners_and_no_other_day():
    text = text_of(fortnight())
    assert "By owner" not in text
    assert "Money is of" not in text


def test_the_headline_says_whose_day_it_is_and_both_currencies():
    text = text_of(night(spent({"feature": "chat", "team": "care", "cost": Decimal("14.02")})))
    assert "Tuesday 10 November 2026 in Asia/Kolkata: 1 call cost 1,243.57 INR ($14.02)." in text
    assert (
        "Money is of Tuesday 10 November 2026 in Asia/Kolkata. Of its hours lie 00:00 to 05:30 on "
        "2026-11-09 and 05:30 to 24:00 on 2026-11-10 UTC. The rate is 88.7 INR for a US dollar "
        "(RBI, 2026-11-09)." in text
    )


def test_owners_add_up_to_the_cent_and_those_without_one_are_among_them():
    text = text_of(
        night(
            spent(
                {"feature": "chat", "team": "care", "cost": Decimal("20000.30")},
                {"feature": "mail", "team": "care", "cost": Decimal("0.50")},
                {"feature": "loose", "team": "unattributed", "cost": Decimal("10.10")},
            )
        )
    )
    owners = text[text.index("By owner") :]
    assert (
        "care 2 0 1,774,070.96 INR $20,000.80 unattributed 1 0 895.87 INR $10.10 "
        "Total 3 0 1,774,966.83 INR $20,010.90" in owners
    )


def test_unattributed_is_told_where_nothing_is_so():
    text = text_of(night(spent({"feature": "chat", "team": "care", "cost": Decimal(1)})))
    assert "unattributed 0 0 0.00 INR $0.00 Total" in text


def test_an_owner_without_any_price_spent_something_unknown():
    costs = spent(
        {"feature": "chat", "team": "care", "cost": Decimal(1)},
        {"feature": "mail", "team": "sales", "cost": None, "unpriced_calls": 1},
    )
    assert "sales 1 0 1 \N{EN DASH} unattributed" in text_of(night(costs))


@pytest.mark.parametrize(("missing", "hours"), [(0, "05:30 to 24:00"), (1, "00:00 to 05:30")])
def test_half_a_day_is_not_shown_as_a_whole_one(missing, hours):
    gone = DAY - timedelta(days=missing)
    text = text_of(night(missing=[gone]))
    assert f"Tuesday 10 November 2026 in Asia/Kolkata without {hours}, which are missing: " in text
    assert (
        f"Not a whole day: of Tuesday 10 November 2026 in Asia/Kolkata {hours} are missing, since "
        f"no calls of {gone} UTC are in the lake." in text
    )


def test_the_day_that_has_begun_is_named_with_the_hours_to_come():
    assert (
        "Wednesday 11 November 2026 has begun: 00:00 to 05:30 of it are logged, 05:30 to 24:00 are "
        "still missing, and nothing of it is on this page." in text_of(night())
    )


def test_half_a_day_is_no_usual_day():
    costs = spent(
        *(
            {"feature": "a", "team": "t", "day": DAY - timedelta(days=back), "cost": Decimal(cost)}
            for back, cost in enumerate((8, 4, 4, 4, 400))
        )
    )
    gone = DAY - timedelta(days=5)
    assert "2.0 times" in text_of(night(costs))
    assert "Not whole days in the charts, and in no usual day: 2026-11-05 (05:30" in text_of(
        night(costs, missing=[gone])
    )
    # Of four days before two are partial: two are too few to be called usual.
    few = text_of(night(costs, missing=[DAY - timedelta(days=2)]))
    assert "against a usual day" not in few


def test_without_a_rate_amounts_are_dollars_and_say_so():
    costs = spent({"feature": "chat", "team": "care", "cost": Decimal("14.02")})
    text = text_of(night(costs, rate=None, rate_date=None, rate_source=None))
    assert "1 call cost $14.02." in text
    assert "No INR rate of 2026-11-10, or recent enough before it" in text


def test_a_day_without_calls_is_told_where_the_business_is():
    text = text_of(night(spent()))
    assert "No calls were logged for Tuesday 10 November 2026 in Asia/Kolkata." in text


def test_names_from_files_and_logs_are_only_ever_text():
    nasty = "<script>alert(1)</script>\u202e"
    html = page(
        night(
            spent({"feature": nasty, "team": nasty, "cost": Decimal(1)}),
            rate_source=nasty,
        )
    )
    assert "<script" not in html
    assert "\u202e" not in html


def summary(spend, told, **more):
    return summarise(
        rows(FEATURE_COSTS, dated=True),
        rows(REJECTED_LINES, {"feature": "chat"}, dated=True),
        rows(QUALITY, dated=True),
        rows(ALERTS, dated=True),
        money=told,
        spend=spend,
        **more,
    )


def test_the_summary_tells_owners_and_both_currencies():
    told = BusinessMoney(DAY, parts=parts(DAY - timedelta(days=3)), **INR)
    costs = night(
        spent(
            {"feature": "chat", "team": "care", "cost": Decimal("10"), "day": date(2026, 11, 7)},
            {"feature": "chat", "team": "care", "cost": Decimal("4.02")},
            {"feature": "mail", "team": "unattributed", "cost": None, "unpriced_calls": 1},
        )
    ).feature_costs
    text = summary_text(summary(costs, told))
    assert text.startswith("2 days, 7 November to 10 November 2026 in Asia/Kolkata\n")
    assert "  rejected lines, of UTC days  1\n" in text
    assert "1,243.57 INR = $14.02 (1 calls without a price not included)" in text
    assert "Not whole days: 2026-11-07 (05:30 to 24:00 missing)." in text
    assert "that of 2026-11-10 is 88.7 INR for a US dollar (RBI, 2026-11-09)." in text
    owners = text[text.index("Owners by cost") :].split("\n")
    assert owners[2].split() == ["care", "1,243.57", "INR", "$14.02", "2", "0"]
    assert owners[3].split() == ["unattributed", "\N{EN DASH}", "\N{EN DASH}", "1", "1"]


def test_a_sum_with_a_day_without_a_rate_is_in_dollars_alone():
    told = BusinessMoney(DAY, parts=parts(), **INR)
    costs = night(
        spent(
            {"feature": "chat", "team": "care", "cost": Decimal("10"), "day": date(2026, 11, 7)},
            {"feature": "chat", "team": "care", "cost": Decimal("4.02")},
        )
    ).feature_costs
    unrated = pl.when(pl.col("day") == DAY).then("cost_report")
    text = summary_text(summary(costs.with_columns(cost_report=unrated), told))
    assert "  spend                        $14.02\n" in text
    assert "1 of the days have no rate" in text


def test_a_run_without_calls_says_so_where_the_business_is():
    text = summary_text(summary(None, BusinessMoney(DAY, parts=parts(), **INR)))
    assert "no day up to Tuesday 10 November 2026 in Asia/Kolkata holds a call" in text
