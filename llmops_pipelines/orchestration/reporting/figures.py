"""Key figures and a chart per asset, as people see them in the Dagster UI."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines import judging, savings
from llmops_pipelines.adapters.charting import charts
from llmops_pipelines.adapters.charting.coverage_chart import coverage_grid
from llmops_pipelines.adapters.charting.frontier_chart import routing_frontier
from llmops_pipelines.adapters.charting.trend_chart import judged_trends
from llmops_pipelines.adapters.charting.waterfall import waterfall
from llmops_pipelines.orchestration.judging.judge_quotes import errors, quotes_of
from llmops_pipelines.orchestration.money.business_weeks import told_week
from llmops_pipelines.orchestration.storage.lake import Lake

Figures = Mapping[str, Any]


def of_calls(calls: pl.DataFrame | pl.LazyFrame) -> Figures:
    """Errors, features and models of a day's calls."""
    calls = calls.lazy()
    counted = calls.select(
        errors=(pl.col("status") == "error").sum(),
        features=pl.col("feature").n_unique(),
        models=pl.col("model").drop_nulls().n_unique(),
        without_usage=pl.col("uncached_input").null_count(),
        redactions=pl.col("redactions").sum(),
    ).collect()
    return {
        **{name: int(count) for name, count in counted.row(0, named=True).items()},
        "chart": _bars(calls, "feature", "Calls by feature"),
    }


def of_pulls(pulls: pl.DataFrame) -> Figures:
    """What was downloaded, what the servers count, and how much asking it took."""
    if pulls.is_empty():
        return {"pulled": "nothing: sources.yaml lists no service under `pull:` for this day"}
    counts = pulls["server_count"]
    return {
        **{name: int(pulls[name].sum()) for name in ("pages", "records", "requests", "retries")},
        # One service that does not count leaves the others' sum for no sum of all.
        "server_count": "unknown" if counts.null_count() else int(counts.sum()),
        "seconds": float(pulls["seconds"].sum()),
        "outcomes": dg.MetadataValue.json(dict(pulls.select("source", "outcome").iter_rows())),
    }


def of_rejections(lines: pl.DataFrame) -> Figures:
    """How many lines could not be read, and the first reasons."""
    return {
        "rejected": int(lines["lines"].sum()),
        "first_reasons": dg.MetadataValue.json(lines["reason"].unique().sort().head(5).to_list()),
    }


def of_feedback(feedback: pl.DataFrame) -> Figures:
    """What users said, per question that they were asked, and how much of it is of a logged call.

    Ratings are means of what was rated; null where users only commented.
    """
    asked = (
        feedback.group_by(name=pl.col("name").fill_null("unnamed"))
        .agg(answers=pl.len(), mean_rating=pl.col("rating").mean())
        .sort("answers", "name", descending=[True, False])
    )
    return {
        "of_a_call": feedback["call_id"].count(),
        "of_a_trace_only": feedback.filter(pl.col("call_id").is_null())["trace_id"].count(),
        "comments": feedback["comment"].count(),
        "questions": dg.MetadataValue.json(asked.head(20).to_dicts()),
    }


def of_traces(traces: pl.DataFrame) -> Figures:
    """How many requests users made, what they took, and how many failed."""
    return {
        "failed": int((traces["status"] == "error").sum()),
        "calls": int(traces["call_count"].sum()),
        "steps": int(traces["step_count"].sum()),
        "sessions": traces["session_id"].drop_nulls().n_unique(),
        "without_text": int((~traces["has_text"]).sum()),
        "chart": _bars(traces, "feature", "Requests by feature"),
    }


def of_rule_evaluations(evaluations: pl.DataFrame) -> Figures:
    """How the rules stand, and in words which lines are crossed."""
    crossed = evaluations.filter(pl.col("status").is_in(["critical", "warning"])).sort(
        "status", "rule", "scope"
    )
    return {
        **{
            status: int((evaluations["status"] == status).sum())
            for status in ("critical", "warning", "ok", "no_data")
        },
        "crossed": dg.MetadataValue.md(
            "\n".join(f"- {text}" for text in crossed["summary"]) or "none"
        ),
    }


def of_golden_candidates(candidates: pl.DataFrame) -> Figures:
    """Why calls of the day are worth keeping, and of which features they are."""
    return {
        "why": dg.MetadataValue.json(_counted(candidates, "why")),
        "features": dg.MetadataValue.json(_counted(candidates, "feature")),
    }


def of_call_costs(costs: pl.DataFrame) -> Figures:
    """Spend, what it leaves out, and where the prices came from."""
    known = costs["cost"].drop_nulls()
    return {
        "cost_usd": float(known.sum()) if known.len() else "unknown",
        "without_cost": costs["cost"].null_count(),
        "without_cost_because": dg.MetadataValue.json(
            dict(costs["unpriced_reason"].drop_nulls().value_counts(sort=True).iter_rows())
        ),
        "price_sources": dg.MetadataValue.json(
            costs["price_source"].drop_nulls().unique().sort().to_list()
        ),
    }


def of_feature_costs(costs: pl.DataFrame) -> Figures:
    """Spend, what it leaves out, and the dearest features."""
    known = costs["cost"].drop_nulls()
    spend = costs.group_by("feature").agg(
        value=pl.when(pl.col("cost").count() > 0).then(pl.col("cost").sum()).cast(pl.Float64)
    )
    return {
        "cost_usd": float(known.sum()) if known.len() else "unknown",
        "unpriced_calls": int(costs["unpriced_calls"].sum()),
        "chart": _chart(
            charts.bars(
                spend.select("value", label="feature"), title="Spend by feature", scale="usd"
            )
        ),
    }


def of_cost_cube(cube: pl.DataFrame) -> Figures:
    """Spend of the day, what of it went to failures and repeats, and who owns it."""
    known = cube.filter(pl.col("cost").is_not_null())
    wasted = known.filter((pl.col("status") == "error") | pl.col("is_retry"))
    teams = known.group_by(label="team").agg(value=pl.col("cost").sum().cast(pl.Float64))
    return {
        "cost_usd": float(known["cost"].sum()) if known.height else "unknown",
        "failed_and_repeated_usd": float(wasted["cost"].sum()) if known.height else "unknown",
        "unpriced_calls": int(cube["unpriced_calls"].sum()),
        "chart": _chart(
            charts.bars(teams.select("value", "label"), title="Spend by team", scale="usd")
        ),
    }


def of_cost_drivers(drivers: pl.DataFrame) -> Figures:
    """What a week's spend changed by, and the drivers as a waterfall."""
    overall = drivers.filter(pl.col("feature") == "*")
    return {
        "change_usd": float(overall["amount"].sum()) if overall.height else "not compared",
        "chart": _chart(
            waterfall(
                overall,
                title="Why spend changed",
                subtitle="seven days against the seven before, by what changed",
            )
        ),
    }


def why_spend_changed(lake: Lake, day: date, _run_id: str) -> Figures:
    """The main driver of the week's change, in a sentence."""
    return {"why": told_week(lake, day)}


def of_cost_forecast(forecast: pl.DataFrame) -> Figures:
    """Where the month will end, with its 80 % interval, for all features together."""
    months = forecast.filter(kind="total").filter(
        pl.col("target").dt.month_start() == pl.col("target").min().dt.month_start()
    )
    if months.is_empty():
        return {"month_end_usd": "unknown"}
    end = months.sort("target").row(-1, named=True)
    return {
        "month_end": str(end["target"]),
        **{
            f"month_{name}_usd": end[f"month_{name}"] if end["reason"] is None else end["reason"]
            for name in ("expected", "low_80", "high_80")
        },
    }


def of_cost_anomalies(anomalies: pl.DataFrame) -> Figures:
    """Scopes whose spend was unusual, furthest out first."""
    unusual = anomalies.filter(status="unusual").sort(pl.col("z").abs(), descending=True)
    told = unusual.select(
        "kind", "scope", "direction", pl.col("spent").cast(pl.Float64), "expected", "z",
        "driver_feature", "driver_model", "driver_change",
    )  # fmt: skip
    return {
        "unusual": unusual.height,
        "without_verdict": anomalies.filter(status="no_data").height,
        "scopes": dg.MetadataValue.json(told.to_dicts()),
    }


def of_health(health: pl.DataFrame) -> Figures:
    """Error rate of the whole service, and latency by feature."""
    overall = health.filter((pl.col("feature") == "*") & (pl.col("metric") == "error_rate"))
    latency = (
        health.filter(
            (pl.col("model") == "*")
            & (pl.col("feature") != "*")
            & pl.col("metric").is_in(["latency_p50", "latency_p95", "latency_p99"])
        )
        .group_by(label="feature")
        .agg(
            pl.col("n").max(),
            **{
                name: pl.col("estimate").filter(pl.col("metric") == f"latency_{name}").first()
                for name in ("p50", "p95", "p99")
            },
        )
        .sort("label")
    )
    rate = overall["estimate"].to_list()
    return {
        "error_rate": rate[0] if rate and rate[0] is not None else "unknown",
        "chart": _chart(charts.latency_percentiles(latency)),
    }


def of_quality(quality: pl.DataFrame) -> Figures:
    """Every feature's rates with their intervals."""
    rows = quality.filter(pl.col("prompt_version") == "*").select(
        "estimate",
        "low",
        "high",
        "n",
        label=pl.concat_str("metric", "feature", separator=" · "),
        missing="unscored",
    )
    return {
        "unscored": int(rows["missing"].sum()),
        "judges": dg.MetadataValue.json(
            quality.select("judge_spec", "judge").unique().sort("judge_spec").to_dicts()
        ),
        "chart": _chart(charts.intervals(rows.sort("label"), title="Quality")),
    }


def of_alerts(alerts: pl.DataFrame) -> Figures:
    """What changed, in words."""
    return {
        "changes": alerts.height,
        "to_roll_back": int(alerts["to_roll_back"].sum()),
        "summaries": dg.MetadataValue.md("\n".join(f"- {text}" for text in alerts["summary"])),
    }


def of_heuristics(scores: pl.DataFrame) -> Figures:
    """How many answers were scored, refused, or broke their format."""
    return {
        "scored": scores["support"].count(),
        "refused": int(scores["refused"].sum()),
        "format_errors": int((~scores["format_valid"]).sum()),
    }


def of_savings(replayed: pl.DataFrame) -> Figures:
    """What was paid, and what the cheapest and the dearest model would have cost."""
    overall = replayed.filter(pl.col("feature") == "*")
    return {
        name: float(overall[name][0])
        if overall.height and overall[name][0] is not None
        else "unknown"
        for name in ("paid", "all_cheapest", "all_dearest")
    }


def of_policies(policies: pl.DataFrame, hint: str) -> Figures:
    """What a router would save and lose in each scope, and the frontier of the first."""
    if policies.is_empty():
        return {"policies": hint}
    own = policies.filter("is_own")
    told = own.select(
        "feature", "metric", "model_weak", "model_strong", "state", "reason", "questions",
        "strong_share", "loss", "loss_low", "loss_high", "loss_at_most", "saved", "saved_low",
        "saved_high", "saved_share", "saved_a_year", "saved_a_year_low", "saved_a_year_high",
    )  # fmt: skip
    shown = {"policies": dg.MetadataValue.json(told.to_dicts())}
    frontier = frontier_of(policies)
    return shown if frontier is None else shown | {"chart": _chart(frontier)}


def frontier_of(policies: pl.DataFrame) -> Any:
    """The frontier of the first policy that has one, as a chart; None where none has."""
    own = policies.filter("is_own")
    drawn = own.filter(pl.col("frontier").list.len() > 0).sort("state", descending=True)
    return None if drawn.is_empty() else _frontier(policies, drawn.row(0, named=True))


def _frontier(policies: pl.DataFrame, own: Mapping[str, Any]) -> Any:
    scope = {name: own[name] for name in savings.SCOPE}
    points = (
        policies.filter(**scope)
        .select("router", "frontier", step=pl.int_ranges(pl.col("frontier").list.len()))
        .explode("frontier", "step")
        .unnest("frontier")
    )
    steps = points.filter(router=own["router"], strong_share=own["strong_share"])["step"]
    return routing_frontier(
        points,
        router=own["router"],
        max_loss=savings.MAX_LOSS,
        recommended=steps[0] if own["state"] == savings.RECOMMENDED else None,
        title=f"{own['feature']}: {own['model_weak']} or {own['model_strong']}",
        questions=own["questions"],
    )


def of_sample(sample: pl.DataFrame) -> Figures:
    """Sample size by stratum."""
    return {"chart": _bars(sample, "stratum", "Sampled traces by stratum")}


def of_verdicts(verdicts: pl.DataFrame | pl.LazyFrame) -> Figures:
    """Outcomes and cost of a day's verdicts; what waits; how often pairs flip and juries agree."""
    verdicts = verdicts.lazy()
    outcomes = dict(verdicts.group_by("outcome").len().sort("outcome").collect().iter_rows())
    told = verdicts.select(
        pl.col("cost").sum(),
        known=pl.col("cost").count(),
        unknown=pl.col("cost").null_count(),
        versions=pl.col("library_versions").drop_nulls().unique().implode(),
    ).collect()
    flips = judging.flip_rates(verdicts)
    juries = judging.jury_agreement(verdicts)
    waiting = outcomes.get(judging.PENDING)
    return {
        "outcomes": dg.MetadataValue.json(outcomes),
        "cost_usd": float(told["cost"][0]) if told["known"][0] else "unknown",
        "without_cost": int(told["unknown"][0]),
        "versions": dg.MetadataValue.json(sorted(told["versions"][0])),
        **({"waiting_in_batches": waiting} if waiting else {}),
        **({"flip_rates": dg.MetadataValue.json(flips.to_dicts())} if flips.height else {}),
        **({"jury_agreement": dg.MetadataValue.json(juries.to_dicts())} if juries.height else {}),
    }


def of_coverage(coverage: pl.DataFrame) -> Figures:
    """How many days of how many judges are in which state, and the grid."""
    states = coverage.group_by("state").len().sort("state").iter_rows()
    return {
        "states": dg.MetadataValue.json(dict(states)),
        "chart": _chart(coverage_grid(coverage)),
    }


def of_bridges(bridges: pl.DataFrame, quality: pl.DataFrame) -> Figures:
    """Differences between judges over all features; lines of the last weeks, bridged with them."""
    rows = bridges.filter(pl.col("feature") == "*").select(
        "estimate",
        "low",
        "high",
        "n",
        label=pl.format("{}: {} → {}", "metric", _end("from"), _end("to")),
        missing="unpaired",
    )
    return {
        "trend": _chart(judged_trends(quality, bridges)),
        "chart": _chart(
            charts.intervals(
                rows,
                title="Same items, another judge",
                subtitle="dot: mean difference; line: 95 % interval; n: items that both scored",
            )
        ),
    }


def _end(end: str) -> pl.Expr:
    """The judge at one end of a bridge; by its snapshot where both ends are of one judge."""
    same = (pl.col("from_spec") == pl.col("to_spec")) & (pl.col(f"{end}_snapshot") != "")
    return pl.when(same).then(f"{end}_snapshot").otherwise(f"{end}_judge")


def of_quotes(lake: Lake, day: date, run_id: str) -> Figures:
    """What the run quoted before it spent, and how far quotes of the past were off."""
    quotes = quotes_of(lake, day, run_id)
    if not quotes:
        return {}
    asked = {quote["spec_id"] for quote in quotes["quotes"]}
    past = errors(lake).filter(pl.col("spec_id").is_in(asked))
    return {
        "quotes": dg.MetadataValue.json(quotes["quotes"]),
        "past_quotes": dg.MetadataValue.json(past.to_dicts()),
    }


def of_evaluation_costs(costs: pl.DataFrame) -> Figures:
    """What judging cost, what it leaves out, and what was paid for twice."""
    known = costs["cost"].drop_nulls()
    return {
        "cost_usd": float(known.sum()) if known.len() or costs.is_empty() else "unknown",
        **{
            name: int(costs[name].sum())
            for name in ("calls", "faults", "truncated", "unpriced_calls", "paid_twice")
        },
    }


def _counted(rows: pl.DataFrame, by: str) -> dict[str, int]:
    return dict(rows[by].value_counts(sort=True, name="rows").iter_rows())


def _bars(rows: pl.DataFrame | pl.LazyFrame, by: str, title: str) -> dg.MarkdownMetadataValue:
    counted = rows.lazy().group_by(label=by).agg(value=pl.len()).sort("label").collect()
    return _chart(charts.bars(counted, title=title))


def _chart(figure: Any) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(charts.png_markdown(figure))
