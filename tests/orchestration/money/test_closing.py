"""Closing a month in a lake: once, when it is over, for good."""

from datetime import date, datetime

import polars as pl
import pytest

from llmops_pipelines.orchestration.money import closing, finance
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import CLOSED_COSTS, LANDED_DAYS, MONTHLY_COSTS
from tests.finance.worlds import call, settings
from tests.orchestration.books import NOW, close, kept, write


@pytest.fixture
def lake(tmp_path):
    lake = Lake(open_store(str(tmp_path / "lake")))
    write(lake, *(call(f"2026-10-{day} 20:00", str(day)) for day in (30, 31)))
    return lake


def test_a_month_is_closed_once_and_only_when_it_is_over_where_the_business_is(lake):
    with pytest.raises(finance.FinanceError, match="2026-11 has not ended: it is 2026-11-05"):
        close(lake, "2026-11")
    apia = settings("report_timezone: Pacific/Apia")
    eve = "2026-10-31T{}:00:00"
    with pytest.raises(finance.FinanceError, match="2026-10 has not ended: it is 2026-10-31"):
        close(lake, rules=apia, now=eve.format("10"))
    assert close(lake, rules=apia, now=eve.format("11"))["cost"].to_list() == [30]
    with pytest.raises(finance.FinanceError, match="closed by ada on 2026-10-31 11:00 UTC"):
        close(lake, rules=apia)


def test_a_month_without_anything_is_not_closed(lake):
    with pytest.raises(finance.FinanceError, match=r"2026-08 holds no cost.* from 2026-10 to"):
        close(lake, "2026-08")


def test_what_would_be_closed_without_its_calls_is_named(lake):
    lake.write(LANDED_DAYS, LANDED_DAYS.empty(), day=date(2026, 11, 1))
    days, _ = finance.summed_days(lake, "UTC")
    quiet, unpriced = closing.days_left_out(lake, days, "2026-10")
    assert quiet == [date(2026, 10, day) for day in range(1, 30)]
    assert unpriced == [date(2026, 11, 1)]


def test_of_two_processes_that_close_at_once_one_does(lake):
    books, at = kept(lake), datetime.fromisoformat(NOW)
    arguments = {"by": "ada", "now": at}
    closing.close_month(lake, books, settings(), "2026-10", **arguments)
    with pytest.raises(finance.FinanceError, match="by another process just now"):
        closing.close_month(lake, books, settings(), "2026-10", **arguments)


@pytest.mark.parametrize("change", ["report_timezone: Asia/Kolkata", "report_currency: EUR"])
def test_closed_months_hold_zone_and_currency_fast(lake, change):
    close(lake)
    rates = "\nexchange_rates:\n- {date: 2026-10-01, currency: EUR, per_usd: 0.9, source: x}"
    with pytest.raises(finance.FinanceError, match="2026-10 was closed with report_timezone UTC"):
        kept(lake, settings(change + rates))


def test_a_release_with_more_columns_still_believes_what_was_closed(lake):
    (row,) = close(lake).rows(named=True)
    lines = kept(lake).closed.select(MONTHLY_COSTS.schema.names())
    assert finance.lines_digest(lines.with_columns(new=None)) == row["digest"]
    assert finance.lines_digest(lines.with_columns(new=pl.lit(1))) != row["digest"]


def test_a_closed_month_that_somebody_changed_is_not_believed(lake):
    close(lake)
    path = "closed_costs/2026-10.parquet"
    lake.rewrite(CLOSED_COSTS, lambda rows: (rows.with_columns(team=pl.lit("others")), 1))
    with pytest.raises(finance.FinanceError, match=rf"{path}: is not what was closed"):
        kept(lake)
