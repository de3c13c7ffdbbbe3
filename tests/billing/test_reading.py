"""Exports of providers become lines; what cannot be read is counted, with its place."""

import io
import json
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.billing import NoInvoiceError, read_invoice
from tests.billing.exports import (
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    OPENAI_COSTS,
    anthropic_cost,
    anthropic_page,
    cost_result,
    openai_cost,
    openai_page,
    usage_result,
)

DAY = date(2026, 11, 10)


def told(text, *columns):
    return read_invoice(text.encode()).lines.select(columns).rows()


def test_openai_costs_are_divided_by_model_and_meter():
    text = OPENAI_COSTS + "".join(
        openai_cost(DAY, amount, item)
        for amount, item in (
            ("0.003835980000000000000000000000", "gpt-4.1-2025-04-14, input"),
            ("0.5", "gpt-4.1-2025-04-14, cached input"),
            ("1", "gpt-4.1-2025-04-14 batch, batch output"),
            ("0.25", "ft:gpt-4o-mini:acme::x, output_tokens"),
            ("0.01", "web search tool calls"),
            ("2", ""),
        )
    )
    assert told(text, "model", "tier", "meter", "amount") == [
        ("gpt-4.1-2025-04-14", None, "input", Decimal("0.00383598")),
        ("gpt-4.1-2025-04-14", None, "cached_input", Decimal("0.5")),
        ("gpt-4.1-2025-04-14 batch", "batch", "output", Decimal(1)),
        ("ft:gpt-4o-mini:acme::x", None, "output", Decimal("0.25")),
        ("web search tool calls", None, "tool", Decimal("0.01")),
        (None, None, None, Decimal(2)),
    ]


def test_openai_pages_are_costs_or_usage_and_floats_are_read_as_written():
    costs = openai_page(cost_result(0.1), cost_result(1.095e-05, "gpt-4.1, output"), day=DAY)
    assert told(costs, "day", "amount") == [(DAY, Decimal("0.1")), (DAY, Decimal("0.00001095"))]
    usage = openai_page(
        usage_result(input_tokens=1_000, input_cached_tokens=800, output_tokens=50, batch=True),
        day=DAY,
    )
    assert told(usage, "tier", "meter", "tokens") == [
        ("batch", "input", 200),
        ("batch", "cached_input", 800),
        ("batch", "output", 50),
    ]


def test_days_without_spend_are_empty_lines_that_still_cover_their_day():
    text = OPENAI_COSTS + openai_cost(DAY, "", "").replace("usd", "") + openai_cost(DAY, "1", "")
    invoice = read_invoice(text.encode())
    assert (invoice.read, invoice.empty) == (1, 1)
    bare = read_invoice(
        (openai_page(day=DAY) + "\n" + openai_page(cost_result(1), day=DAY)).encode()
    )
    assert (bare.read, bare.empty) == (1, 1)


def test_anthropic_reports_are_in_cents_and_their_csv_in_dollars():
    result = {
        "currency": "USD", "amount": "123.78912", "workspace_id": None, "cost_type": "tokens",
        "model": "claude-sonnet-4-5-20250929", "service_tier": "batch",
        "token_type": "cache_creation.ephemeral_1h_input_tokens",
    }  # fmt: skip
    search = {**result, "cost_type": "web_search", "model": None, "token_type": None}
    assert told(anthropic_page(result, search, day=DAY), "model", "tier", "meter", "amount") == [
        ("claude-sonnet-4-5-20250929", "batch", "input", Decimal("1.2378912")),
        ("web_search", "batch", "tool", Decimal("1.2378912")),
    ]
    text = ANTHROPIC_COSTS + anthropic_cost(DAY, "Claude Haiku 4.5", "input_cache_read", "18.71")
    assert told(text, "model", "tier", "meter", "amount", "places") == [
        ("claude-haiku-4-5", "standard", "cached_input", Decimal("18.71"), 2)
    ]


def test_anthropic_usage_adds_cache_writes_to_the_prompt():
    result = {
        "uncached_input_tokens": 100, "cache_read_input_tokens": 7, "output_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 3},
        "model": "claude-sonnet-4-5", "service_tier": "standard",
    }  # fmt: skip
    meters = [("input", 123), ("cached_input", 7), ("output", 5)]
    assert told(anthropic_page(result, day=DAY), "meter", "tokens") == meters
    row = f"{DAY},claude-sonnet-4-5,key,Default,standard,≤ 200k,100,20,3,7,5,0,global,\n"
    assert told(ANTHROPIC_USAGE + row, "meter", "tokens") == meters


def test_litellm_spend_comes_as_rows_sums_and_activity():
    row = {
        "request_id": "r", "call_type": "acompletion", "spend": 0.25, "prompt_tokens": 10,
        "completion_tokens": 5, "startTime": "2026-11-10T23:30:00+02:00", "model": "openai/gpt-4.1",
        "custom_llm_provider": "openai",
    }  # fmt: skip
    assert told(json.dumps(row), "day", "provider", "model", "amount", "tokens") == [
        (DAY, "openai", "gpt-4.1", Decimal("0.25"), 15)
    ]
    summed = [{"startTime": "2026-11-10", "spend": 3, "models": {"gpt-4.1": 1, "azure/gpt-4o": 2}}]
    assert told(json.dumps(summed), "provider", "model", "amount") == [
        ("", "gpt-4.1", Decimal(1)),
        ("azure", "gpt-4o", Decimal(2)),
    ]
    metrics = {"spend": 0.5, "prompt_tokens": 1, "completion_tokens": 2}
    activity = {
        "results": [
            {
                "date": "2026-11-10",
                "metrics": metrics,
                "breakdown": {"models": {"gpt-4.1": {"metrics": metrics, "metadata": {}}}},
            }
        ],
        "metadata": {},
    }
    assert told(json.dumps(activity), "model", "amount", "tokens") == [
        ("gpt-4.1", Decimal("0.5"), 3)
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (openai_cost(DAY, "NaN", "x, input"), "amount: 'NaN' is no amount of money"),
        (openai_cost(DAY, "1e400", "x, input"), "is no amount of money"),
        (openai_cost(DAY, "5", "x", currency="eur"), "currency: 'eur'; export it in US dollars"),
        (openai_cost(DAY, "5", "x").replace("2026", "1226"), "is no time of an invoice"),
        ("a,b\n", "2 cells where the header has 17"),
    ],
)
def test_a_bad_line_is_counted_with_its_number_and_the_others_are_read(row, says):
    invoice = read_invoice((OPENAI_COSTS + row + openai_cost(DAY, "1", "y, input")).encode())
    assert invoice.read == 1
    ((line, reason),) = invoice.unreadable
    assert line == 2
    assert says in reason


def test_a_page_that_is_not_the_last_one_is_told():
    first, last = (openai_page(cost_result(1), day=DAY, more=more) for more in (True, False))
    assert "export the others too" in read_invoice(first.encode()).unreadable[0].reason
    assert read_invoice(f"{first}\n{last}".encode()).unreadable == []


def test_amounts_may_be_written_for_people():
    text = OPENAI_COSTS + openai_cost(DAY, '"$1,234.50"', "x") + openai_cost(DAY, "(0.05)", "y")
    assert told(text, "amount") == [(Decimal("1234.50"),), (Decimal("-0.05"),)]


def test_tables_may_be_divided_by_tabs_and_begin_with_a_mark():
    text = "\ufeff" + (OPENAI_COSTS + openai_cost(DAY, "1", "x")).replace(",", "\t")
    assert told(text, "amount") == [(Decimal(1),)]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00d", "no UTF-8 text"),
        (b"name,colour\nx,red\n", "its records have the fields name, colour"),
        (b'{"data": [', "broken JSON"),
        (b"[" * 200_000, "broken JSON"),
        (b"[1, 2]", "'1' is no record"),
        (b"\x00" * 50, "not an invoice"),
        (b'"' * 300_000, "not an invoice"),
    ],
)
def test_what_is_no_invoice_is_refused_with_what_was_expected(data, says):
    with pytest.raises(NoInvoiceError) as refused:
        read_invoice(data)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 500


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_lines_or_refused(data):
    try:
        read_invoice(OPENAI_COSTS.encode() + data)
    except NoInvoiceError:
        return


_RESULT = st.fixed_dictionaries(
    {}, optional={name: st.none() | st.floats() | st.text(max_size=5) | st.booleans()
                  for name in ("amount", "line_item", "start_time", "spend", "date", "metrics",
                               "starting_at", "uncached_input_tokens", "num_model_requests")},
)  # fmt: skip


@given(st.lists(_RESULT, max_size=5))
def test_every_record_is_read_empty_or_unreadable(results):
    page = json.loads(openai_page(cost_result(1), day=DAY))
    page["data"][0]["results"] += results
    invoice = read_invoice(json.dumps(page).encode())
    assert invoice.read + invoice.empty + len(invoice.unreadable) == 1 + len(results)


def test_buckets_of_an_hour_know_their_length():
    begins = datetime.fromisoformat("2026-11-10T05:00:00")
    page = json.loads(openai_page(usage_result(input_tokens=1), day=DAY))
    page["data"][0] |= {"start_time": 1_794_286_800, "end_time": 1_794_290_400}
    assert told(json.dumps(page), "begins", "hours")[0] == (begins, 1.0)


def _costs(names):
    return ",".join(names) + "\n2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,0.2,usd,gpt-4.1\n"


@pytest.mark.parametrize(
    "names",
    [
        ("start_time_iso", "end_time_iso", "amount_value", "amount_currency", "line_item"),
        ("Start_Time", "End_Time", "Amount_Value", "Amount_Currency", "Line_Item"),
        ("Start Time", "End Time", "Amount Value", "Amount Currency", "Line Item"),
    ],
)
def test_columns_of_other_export_versions_are_known(names):
    found = read_invoice(_costs(names).encode())
    assert (found.source, found.unreadable) == ("openai_costs", [])
    (line,) = found.lines.rows(named=True)
    assert (str(line["day"]), line["model"], line["amount"]) == (
        "2026-11-20", "gpt-4.1", Decimal("0.2"),
    )  # fmt: skip


def test_a_parquet_export_reads_as_its_csv_does():
    text = _costs(("start_time", "end_time", "amount_value", "amount_currency", "line_item"))
    table = pl.read_csv(text.encode(), try_parse_dates=True)
    file = io.BytesIO()
    table.write_parquet(file)
    assert (
        read_invoice(file.getvalue())
        .lines.drop("line", "places")
        .equals(read_invoice(text.encode()).lines.drop("line", "places"))
    )
    with pytest.raises(NoInvoiceError, match="broken Parquet"):
        read_invoice(file.getvalue()[:-20])
