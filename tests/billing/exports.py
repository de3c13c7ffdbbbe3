"""Exports as providers write them; only what a test is about is spelled out."""

import json
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

OPENAI_COSTS = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,"
    "quantity_unit,line_item,user_id,api_key_id,project_id,organization_id,project_name,"
    "organization_name,user_email,api_source\n"
)
ANTHROPIC_COSTS = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,"
    "list_price_usd,cost_type,inference_geo,speed\n"
)
ANTHROPIC_USAGE = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,"
    "usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,"
    "usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,"
    "web_search_count,inference_geo,speed\n"
)


def openai_cost(day, amount, item="", *, hour=0, currency="usd", zone="UTC"):
    """A row of the dashboard's cost export; the day is that of ``zone``."""
    begins, ends = (
        datetime.combine(day + timedelta(days=n), time(hour), ZoneInfo(zone)).astimezone(UTC)
        for n in (0, 1)
    )
    stamps = f"{begins.timestamp():.0f},{ends.timestamp():.0f}"
    iso = f"{begins.isoformat()},{ends.isoformat()}"
    return f'{stamps},{iso},{amount},{currency},,,"{item}",,,,,,,,\n'


def openai_page(*results, day, more=False):
    """A page of the costs or usage endpoint with one bucket."""
    begins = int(datetime.combine(day, time(), UTC).timestamp())
    bucket = {"object": "bucket", "start_time": begins, "end_time": begins + 86_400}
    page = {"object": "page", "data": [{**bucket, "results": list(results)}], "has_more": more}
    return json.dumps(page)


def cost_result(value, item=None):
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": item,
        "project_id": None,
    }


def usage_result(**fields):
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": 0,
        "input_cached_tokens": 0,
        "output_tokens": 0,
        "num_model_requests": 1,
        "model": "gpt-4.1-2025-04-14",
        "batch": False,
        "service_tier": None,
        **fields,
    }


def anthropic_cost(day, model, token_type, usd):
    """A row of the console's cost export."""
    return f"{day},{model},Default,key,message,≤ 200k,{token_type},{usd},{usd},token,global,\n"


def anthropic_page(*results, day):
    """A page of the cost or usage report with one bucket."""
    bucket = {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
    }
    return json.dumps({"data": [{**bucket, "results": list(results)}], "has_more": False})
