"""A believable fortnight of a made-up company, and factories for single rows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from llmops_pipelines import cost
from llmops_pipelines.reporting import UNPRICED_MODELS, NightlyData
from llmops_pipelines.tables import (
    ALERTS,
    BUDGET_STATUS,
    COST_DRIVERS,
    FEATURE_COSTS,
    GOLDEN_DATASET,
    JUDGE_SPECS,
    QUALITY,
    REJECTED_LINES,
    ROLLBACKS,
    ROUTING_SAVINGS,
    RULE_EVALUATIONS,
    SERVICE_HEALTH,
    TOKEN_BUCKETS,
)
from llmops_pipelines.tables.table import Table

DAY = date(2026, 11, 10)
OUTAGE = (
    "8.1 % of 430 calls of support_assistant failed (5.8 % to 11.1 %, line 5 %); "
    "70 % of them timeouts between 13:00 and 15:00"
)
DROP = (
    "support of support_assistant is 14 % below its week (0.78, 0.76 to 0.80, line 10 %); "
    "prompt support_answer moved from version 3 to 4 on 8 November"
)
SURGE = "code_helper spent 128 % of its budget of $9.00 (line 120 %); calls rose 2.6 times"
WHY = "+$12.00 (+20%): 117% because code_helper asked more"
BAD_TIME = (
    "timestamp: is '10/11/26 09:00', expected ISO 8601; "
    "set `timestamp.format` in data/reference/sources.yaml"
)
CAVEAT = (
    "The replay keeps every call's tokens: another model would write longer or shorter answers, "
    "and nothing is said about their quality."
)
FEATURES = {
    "call_summary": ("sales", 180, 0.0061, 3400.0),
    "code_helper": ("platform", 260, 0.0148, 5200.0),
    "invoice_extraction": ("finance-systems", 240, 0.0039, 1900.0),
    "sales_email": ("sales", 140, 0.0027, 2600.0),
    "support_assistant": ("customer-care", 430, 0.0094, 2300.0),
    "ticket_triage": ("customer-care", 262, 0.0006, 640.0),
}


def rows(table: Table, *given: dict[str, Any], dated: bool = False) -> pl.DataFrame:
    """Rows of a table, a neutral value wherever one is silent; with ``day`` when asked for."""
    neutral = {pl.String: "-", pl.Int64: 0, pl.Float64: 0.0, pl.Boolean: False, pl.Date: DAY}

    def value(column, row):
        if column.name in row:
            return row[column.name]
        if table is REJECTED_LINES and column.name == "lines":
            return 1
        if column.default is not None:
            return column.default
        return None if column.nullable else neutral.get(column.dtype)

    frame = pl.DataFrame(
        [[value(column, row) for column in table.columns] for row in given],
        schema=table.schema,
        orient="row",
    )
    if not dated:
        return frame
    return frame.with_columns(day=pl.Series([row.get("day", DAY) for row in given], dtype=pl.Date))


def _costs(rng: np.random.Generator) -> pl.DataFrame:
    given = []
    for back in range(13, -1, -1):
        day = DAY - timedelta(days=back)
        weekend = 0.45 if day.weekday() > 4 else 1.0
        for name, (team, calls, price, _) in FEATURES.items():
            surge = 2.6 if name == "code_helper" and back < 2 else 1.0
            number = int(calls * weekend * surge * rng.uniform(0.93, 1.07))
            unpriced = 37 if name == "call_summary" and back == 0 else 0
            for model, share, factor in (("gpt-4.1-mini", 0.8, 1), ("claude-haiku-4-5", 0.2, 1.7)):
                count = max(1, int(number * share))
                cost = Decimal(str(round(count * price * factor * rng.uniform(0.95, 1.05), 6)))
                given.append(
                    {
                        "day": day,
                        "feature": name,
                        "team": team,
                        "model": model,
                        "calls": count,
                        "errors": int(
                            count * (0.08 if name == "support_assistant" and back == 0 else 0.006)
                        ),
                        "unpriced_calls": unpriced if model != "gpt-4.1-mini" else 0,
                        "cost": cost,
                        "retry_cost": cost / 90,
                        **dict.fromkeys(TOKEN_BUCKETS, 0),
                        "uncached_input": count * 900,
                        "cache_read": count * 300,
                        "output_text": count * 180,
                    }
                )
    return rows(FEATURE_COSTS, *given, dated=True)


def _health(rng: np.random.Generator) -> pl.DataFrame:
    given = []
    for back in range(13, -1, -1):
        day = DAY - timedelta(days=back)
        for name, (_, calls, _, latency) in FEATURES.items():
            error = (
                0.081 if name == "support_assistant" and back == 0 else rng.uniform(0.002, 0.011)
            )
            figures: dict[str, tuple[float | None, float, int, int]] = {
                "calls": (float(calls), 0.0, calls, 0),
                "error_rate": (error, 1.5 * (error / calls) ** 0.5, calls, 0),
                "error_rate/timeout": (error * 0.7, 0.004, calls, 0),
                "error_rate/rate_limit": (error * 0.3, 0.003, calls, 0),
                "retry_rate": (error * 1.1, 0.006, calls, 0),
                "latency_p50": (latency * 0.4, latency * 0.02, calls, 3),
                "latency_p95": (latency * 1.9, latency * 0.12, calls, 3),
                "latency_p99": (latency * 3.4, latency * 0.5, calls, 3),
                "ttft_p95": (latency * 0.21, latency * 0.01, calls - 9, 9),
                "output_tokens_per_s_p50": (61.0, 2.2, calls - 9, 9),
                "refusal_rate": (0.006, 0.005, calls, 2),
                "format_error_rate": (0.013, 0.009, calls, 0)
                if name == "invoice_extraction"
                else (None, 0.0, 0, 0),
                "context_utilisation": (0.68, 0.03, calls, 4)
                if name in ("support_assistant", "call_summary")
                else (None, 0.0, 0, 0),
                "csat": (4.31, 0.12, 41, 0) if name == "support_assistant" else (None, 0.0, 0, 0),
            }
            for metric, (estimate, half, n, missing) in figures.items():
                known = estimate is not None and metric != "calls"
                given.append(
                    {
                        "day": day,
                        "feature": name,
                        "model": "*",
                        "metric": metric,
                        "estimate": estimate,
                        "low": max(0.0, estimate - half) if known else None,
                        "high": estimate + half if known else None,
                        "n": n,
                        "missing": missing,
                    }
                )
    return rows(SERVICE_HEALTH, *given, dated=True)


def _quality(rng: np.random.Generator) -> pl.DataFrame:
    given = []
    base = {"support_assistant": 0.91, "call_summary": 0.87}
    for back in range(13, -1, -1):
        day = DAY - timedelta(days=back)
        for name, usual in base.items():
            bad = name == "support_assistant" and back < 3
            estimate = usual + rng.uniform(-0.012, 0.012) - (0.13 if bad else 0)
            versions = [("*", estimate, 395)]
            if name == "support_assistant" and back == 2:
                versions += [("3", usual, 140), ("4", usual - 0.2, 255)]
            if name == "support_assistant" and back == 0:
                versions += [("3", 0.905, 61), ("4", 0.766, 334)]
            for version, value, n in versions:
                given.append(
                    {
                        "day": day,
                        "feature": name,
                        "prompt_version": version,
                        "metric": "support",
                        "judge_spec": "5f1c9e0a77d2b3c4",
                        "judge": "embedded · lexical support v1",
                        "estimate": value,
                        "low": value - 0.35 / n**0.5,
                        "high": value + 0.35 / n**0.5,
                        "n": n,
                        "unscored": 12,
                        "not_applicable": 23,
                        "population": 430,
                        "method": "census; t interval clustered by session",
                    }
                )
        for name in FEATURES:
            value = 0.74 + 0.02 * len(name) / 10 + rng.uniform(-0.02, 0.02)
            given.append(
                {
                    "day": day,
                    "feature": name,
                    "prompt_version": "*",
                    "metric": "relevance",
                    "judge_spec": "a90b44de1f0e6612",
                    "judge": "embedded · all-MiniLM-L6-v2",
                    "estimate": value,
                    "low": value - 0.05,
                    "high": value + 0.05,
                    "n": 17,
                    "unscored": 1,
                    "population": 240,
                    "method": f"stratified sample of 17 of {240 + len(given)} traces, weighted",
                }
            )
    return rows(QUALITY, *given, dated=True)


def _evaluations() -> pl.DataFrame:
    given = []
    for name in FEATURES:
        status = "critical" if name == "support_assistant" else "ok"
        given.append(
            {
                "rule": "error_rate",
                "scope": name,
                "metric": "error_rate",
                "status": status,
                "estimate": 0.081,
                "low": 0.058,
                "high": 0.111,
                "n": 430,
                "warning": 0.02,
                "critical": 0.05,
                "smallest_effect": 0.021,
                "summary": "-",
            }
        )
        given.append(
            {
                "rule": "hallucination_rate",
                "scope": name,
                "metric": "hallucination_rate",
                "status": "no_data",
                "summary": "no judge measured groundedness; set `judging` in features.yaml",
            }
        )
    given += [
        {
            "rule": "support_drop",
            "scope": "support_assistant",
            "metric": "support",
            "status": "critical",
            "summary": DROP,
        },
        {
            "rule": "daily_spend",
            "scope": "code_helper",
            "metric": "budget_share",
            "status": "warning",
            "summary": SURGE,
        },
    ]
    return rows(RULE_EVALUATIONS, *given)


def fortnight() -> NightlyData:
    """The tables of 14 days that end with an outage, a bad prompt and a surge of spend."""
    rng = np.random.default_rng(7)
    costs = _costs(rng)
    budgets = {"code_helper": 9, "support_assistant": 6, "invoice_extraction": 2, "total": 30}
    today = costs.filter(pl.col("day") == DAY)
    spent = dict(today.group_by("feature").agg(pl.col("cost").sum()).iter_rows())
    spent["total"] = today["cost"].sum()
    status = []
    for scope in [*FEATURES, "total"]:
        budget = budgets.get(scope)
        share = float(spent[scope] / budget) if budget else None
        status.append(
            {
                "kind": "total" if scope == "total" else "feature",
                "scope": scope,
                "budget": Decimal(budget) if budget else None,
                "spent": spent[scope],
                "share": share,
                "status": "no_data" if share is None else "over" if share > 1 else "within",
                "hint": None if budget else "add it in data/reference/budgets.yaml",
            }
        )
    change = {"feature": "*", "before": Decimal(60), "after": Decimal(72)}
    return NightlyData(
        day=DAY,
        feature_costs=costs,
        cost_forecast=cost.cost_forecast(costs, DAY),
        cost_drivers=rows(
            COST_DRIVERS,
            change | {"driver": "volume", "amount": Decimal(14)},
            change | {"driver": "price", "amount": Decimal(-2)},
        ),
        past_spend=cost.past_spend(costs, DAY),
        why_spend_changed=WHY,
        budget_status=rows(BUDGET_STATUS, *status),
        unpriced_models=pl.DataFrame(
            [("mistral", "mistral-next-preview", "unknown_model", 37)],
            schema=UNPRICED_MODELS,
            orient="row",
        ),
        service_health=_health(rng),
        quality=_quality(rng),
        judge_specs=rows(
            JUDGE_SPECS,
            {
                "spec_id": "5f1c9e0a77d2b3c4",
                "metric": "support",
                "kind": "embedded",
                "model": "lexical support v1",
            },
            {
                "spec_id": "a90b44de1f0e6612",
                "metric": "relevance",
                "kind": "embedded",
                "model": "all-MiniLM-L6-v2",
            },
        ),
        rule_evaluations=_evaluations(),
        alerts=rows(
            ALERTS,
            {
                "rule": "error_rate",
                "scope": "support_assistant",
                "from_state": "ok",
                "to_state": "critical",
                "summary": OUTAGE,
                "alert_key": "a",
            },
            {
                "rule": "daily_spend",
                "scope": "code_helper",
                "from_state": "ok",
                "to_state": "warning",
                "summary": SURGE,
                "alert_key": "b",
            },
            {
                "rule": "refusal_rate",
                "scope": "sales_email",
                "from_state": "warning",
                "to_state": "ok",
                "summary": "refusals of sales_email are back at 0.6 %",
                "alert_key": "c",
            },
        ),
        rollbacks=rows(
            ROLLBACKS,
            {
                "rule": "support_drop",
                "scope": "support_assistant",
                "prompt": "support_answer",
                "from_version": "4",
                "to_version": "3",
                "outcome": "dry_run",
                "reason": "version 4 is worse than 3: difference -0.14 (-0.20 to -0.08)",
            },
        ),
        rejected_lines=rows(
            REJECTED_LINES,
            *(
                {
                    "source_file": "2026/11/10/gateway-07.jsonl.gz",
                    "source_line": 100 + 9 * i,
                    "feature": "unattributed",
                    "reason": "line is not JSON: expected ',' at character 418",
                }
                for i in range(9)
            ),
            *(
                {
                    "source_file": "2026/11/10/gateway-03.jsonl",
                    "source_line": 41 + i,
                    "feature": "ticket_triage",
                    "reason": "usage.prompt_tokens: is -12, expected 0 or more",
                }
                for i in range(3)
            ),
            {
                "source_file": "2026/11/10/gateway-03.jsonl",
                "source_line": 977,
                "feature": "unattributed",
                "reason": BAD_TIME,
            },
            {
                "source_file": "exports/broken.gz",
                "source_line": 0,
                "feature": "unattributed",
                "reason": "the gzip stream ends after 1,204 lines; copy it again",
            },
        ),
        routing_savings=rows(
            ROUTING_SAVINGS,
            *(
                {
                    "feature": name,
                    "calls": calls - 4,
                    "left_out": 4,
                    "paid": Decimal(str(round(calls * price, 4))),
                    "cheapest_model": "gpt-4.1-nano",
                    "all_cheapest": Decimal(str(round(calls * price * 0.21, 4))),
                    "dearest_model": "claude-sonnet-4-5",
                    "all_dearest": Decimal(str(round(calls * price * 6.4, 4))),
                    "caveat": CAVEAT,
                }
                for name, (_, calls, price, _) in FEATURES.items()
            ),
            {
                "feature": "*",
                "calls": 1488,
                "left_out": 24,
                "paid": Decimal("12.8842"),
                "cheapest_model": "gpt-4.1-nano",
                "all_cheapest": Decimal("2.7057"),
                "dearest_model": "claude-sonnet-4-5",
                "all_dearest": Decimal("82.4589"),
                "caveat": CAVEAT,
            },
        ),
        golden_dataset=rows(
            GOLDEN_DATASET,
            *(
                {
                    "case_id": f"{i:016x}",
                    "feature": list(FEATURES)[i % 6],
                    "why": ("low_score", "disputed", "bad_feedback")[i % 11 % 3],
                    "contexts": [],
                    "embedding": [],
                    "since_version": "2026.11.10-1f4c09ab" if i % 6 == 0 else "2026.11.09-77ab01cd",
                }
                for i in range(94)
            ),
        ),
        golden_version="2026.11.10-1f4c09ab",
        price_sources=("genai-prices 0.2.3", "data/reference/prices.yaml:14"),
        provenance={
            "llmops-pipelines": "0.1.0",
            "llm_calls": "sha256 9d0c1e7b42a6f7f0",
            "alert_rules.yaml": "sha256 77e0ab1290c4d1e3",
        },
    )
