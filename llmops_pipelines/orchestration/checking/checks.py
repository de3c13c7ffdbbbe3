"""Propositions about a day's tables, as Dagster shows them; the rooms compute what is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl

from llmops_pipelines import cost, ingest, judging, quality, savings
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows
from llmops_pipelines.orchestration.landing.landing import log_index
from llmops_pipelines.orchestration.landing.pulling import incomplete
from llmops_pipelines.orchestration.money.catalogue import installed_catalogue
from llmops_pipelines.orchestration.money.finance import days_that_differ
from llmops_pipelines.orchestration.money.invoices import MOST_UNEXPLAINED, unexplained_invoices
from llmops_pipelines.orchestration.money.known_names import known_names, unknown_names
from llmops_pipelines.orchestration.storage.lake import Lake, LakeError, last_days
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    CALL_COSTS,
    EVALUATION_COSTS,
    INVOICE_RECONCILIATION,
    JUDGE_CALLS,
    JUDGE_SPECS,
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    LLM_CALLS,
    PRICE_BOOK,
    PROMPT_CACHE_SAVINGS,
    PULLED_LOGS,
    QUALITY,
    REJECTED_LINES,
    ROUTING_POLICIES,
    SEMANTIC_CACHE_SAVINGS,
    Table,
)

MAX_REJECTED_SHARE = 0.05
RHYTHM_WEEKS = 4
SHOWN = 20
SNAPSHOT_DAYS = 30
"""How far back a judge's last snapshot is looked for."""


def no_file_lost_lines(lake: Lake) -> dg.AssetCheckResult:
    """Every landed file's lines are all accounted for."""
    faults = ingest.unaccounted_files(log_index(lake))
    return _result(faults, "{n:,} file(s) whose lines do not add up")


def logs_keep_their_rhythm(lake: Lake, today: date) -> dg.AssetCheckResult:
    """Of the last four weeks' days, those without calls or with far fewer than usual."""
    window = last_days(today, 2 * 7 * RHYTHM_WEEKS)
    landed = sorted(set(lake.days(LANDED_CALLS)) & set(window))
    counts = {"day": landed, "calls": [_landed_calls(lake, day) for day in landed]}
    rows = pl.DataFrame(counts, schema={"day": pl.Date, "calls": pl.Int64}).drop_nulls()
    first, yesterday = window[len(window) // 2], today - timedelta(days=1)
    return _result(
        ingest.gaps(rows, first, yesterday),
        "{n:,} day(s) without calls or with far fewer than usual",
        severity=dg.AssetCheckSeverity.WARN,
    )


def _landed_calls(lake: Lake, day: date) -> int | None:
    """How many calls landed on the day; null where its files are damaged, which the day tells."""
    try:
        calls = lake.scan(LANDED_CALLS, [day]).select((~ingest.NO_CALL).sum())
        return int(calls.collect().item())
    except LakeError:
        return None


def no_call_vanished(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Every landed call of ``day`` is in `llm_calls` once, and nothing else is.

    Messages that were logged apart from their call and found none are counted, and calls that a
    neighbouring day holds too and counts.
    """
    files = lake.read(LANDED_DAYS, [day])
    landed = landed_rows(lake, LANDED_CALLS, day, files)
    calls = lake.scan(LLM_CALLS, [day]).select(ingest.CALL_PLACE).collect()
    faults = ingest.unaccounted_rows(landed, calls)
    result = _result(faults, "{n:,} call(s) lost or invented")
    told = {
        "messages_without_a_call": ingest.unclaimed(landed, calls).height,
        "calls_counted_on_a_neighbouring_day": int(files["elsewhere"].list.len().sum()),
    }
    return result.with_metadata({**result.metadata, **told})


def expectations_met(
    lake: Lake, day: date, validate: Callable[[pl.DataFrame, date], Sequence[Any]]
) -> dg.AssetCheckResult:
    """Great Expectations' verdict; each failure names column, expectation, count and examples."""
    failures = [
        {**asdict(failure), "examples": "; ".join(failure.examples)}
        for failure in validate(lake.read(LLM_CALLS, [day]).drop("day"), day)
    ]
    return _result(pl.DataFrame(failures), "{n:,} expectation(s) not met")


def day_is_complete(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Every source of ``day`` was downloaded, and as many records as its server counts."""
    pulls = lake.read(PULLED_LOGS, [day]) if lake.stored(PULLED_LOGS, day) else PULLED_LOGS.empty()
    faults = incomplete(pulls)
    failed = "failed" in faults["outcome"]
    return _result(
        faults,
        "{n:,} source(s) that are not complete",
        severity=dg.AssetCheckSeverity.ERROR if failed else dg.AssetCheckSeverity.WARN,
    )


def few_rejected(lake: Lake, day: date) -> dg.AssetCheckResult:
    """The share of rejected lines of ``day``; what was logged twice counts twice on both sides."""
    rejected = lake.read(REJECTED_LINES, [day])
    lines = int(rejected["lines"].sum())
    share = lines / max(lines + _landed_records(lake, day), 1)
    shown = pl.format("{}:{}: {}", "source_file", "source_line", "reason").alias("rejected")
    return _result(
        rejected.select(shown) if share > MAX_REJECTED_SHARE else pl.DataFrame(),
        f"{lines:,} line(s) rejected, {share:.1%} of the day; "
        f"more than {MAX_REJECTED_SHARE:.0%} means that a source has changed",
    )


def _landed_records(lake: Lake, day: date) -> int:
    """How many calls, steps and judgements landed on the day, those logged twice counted twice."""
    current = lake.read(LANDED_DAYS, [day])
    return sum(
        landed_rows(lake, table, day, current).select(pl.len()).collect().item()
        for table in (LANDED_CALLS, LANDED_STEPS, LANDED_FEEDBACK)
    )


def features_known(lake: Lake, day: date, reference: ReferenceFolder) -> dg.AssetCheckResult:
    """Features without an owner in features.yaml, and calls without a feature."""
    calls = lake.read(LLM_CALLS, [day])
    unknown = cost.unknown_features(calls, reference.read("features.yaml", Features))
    nameless = cost.unattributed_calls(calls)
    sentences = {
        f"{unknown.height:,} feature(s) without an entry in features.yaml": unknown,
        f"{nameless['calls'].sum():,} of {calls.height:,} call(s) name no feature and fit no rule:"
        " they count as `unattributed` until a rule in features.yaml fits": nameless,
    }
    found = {told: faults for told, faults in sentences.items() if faults.height}
    return _result(
        pl.concat(found.values() or [unknown], how="diagonal"),
        "; ".join(found),
        severity=dg.AssetCheckSeverity.WARN,
    )


def totals_add_up(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Calls whose tool logged a total that its own counts do not come to, by who logged them."""
    by = ["source_format", "instrumentation", "model"]
    found = (
        lake.scan(LLM_CALLS, [day])
        .filter(pl.col("tokens_doubted").is_not_null())
        .group_by(by)
        .agg(
            calls=pl.len(),
            tokens_beyond=pl.col("tokens_doubted").clip(lower_bound=0).sum(),
            tokens_short=-pl.col("tokens_doubted").clip(upper_bound=0).sum(),
            first_call=pl.col("call_id").min(),
        )
        .sort("calls", *by, descending=[True, False, False, False], nulls_last=True)
        .collect()
    )
    return _result(
        found,
        f"{found['calls'].sum():,} call(s) whose logged total is not the sum of their tokens; they"
        " cost what their counts say, which leaves out what only the total has: upgrade the library"
        " that logs them, or compare with the invoice",
        severity=dg.AssetCheckSeverity.WARN,
    )


def all_priced(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Names the models without a price and why, the spend that may be missing, and the remedy."""
    unpriced = unpriced_of(lake, [day])
    return _result(
        unpriced.select(
            "model",
            "provider",
            "service",
            "reason",
            "calls",
            pl.Series(
                "could_cost", map(cost.told_estimate, unpriced.iter_rows(named=True)), pl.String
            ),
            "reported",
            "remedy",
        ),
        cost.told_unpriced(unpriced),
        severity=dg.AssetCheckSeverity.WARN,
    )


def unpriced_of(lake: Lake, days: Sequence[date]) -> pl.DataFrame:
    """``cost.unpriced_spend`` of some days; calls are read only where one has no price."""
    costs = lake.read(CALL_COSTS, days)
    if cost.unpriced_models(costs).is_empty():
        return cost.unpriced_spend(LLM_CALLS.empty(), CALL_COSTS.empty(), PRICE_BOOK.empty())
    calls = lake.scan(LLM_CALLS, days).select(cost.UNPRICED_COLUMNS).collect()
    return cost.unpriced_spend(calls, costs, lake.read(PRICE_BOOK))


def budgets_known(lake: Lake, reference: ReferenceFolder, day: date) -> dg.AssetCheckResult:
    """Budgets of features or teams that neither features.yaml nor the last weeks' logs name."""
    return _result(
        unknown_budgets(lake, reference, day),
        "{n:,} budget(s) of a name that no feature or team has: correct budgets.yaml",
        severity=dg.AssetCheckSeverity.WARN,
    )


def unknown_budgets(lake: Lake, reference: ReferenceFolder, day: date) -> pl.DataFrame:
    """Those budgets, as ``cost.unknown_names`` tells them."""
    known = known_names(lake, reference, day)
    return cost.unknown_names(
        reference.read("budgets.yaml", cost.Budgets), known.features, known.teams
    )


def names_known(lake: Lake, reference: ReferenceFolder, day: date) -> dg.AssetCheckResult:
    """Rules, prompts, owners and price lists of features, teams or providers that nobody has."""
    return _result(
        unknown_names(lake, reference, day),
        "{n:,} name(s) in alert_rules.yaml, prompts, finance.yaml or prices.yaml that nothing has: "
        "what is said of them holds for nothing",
        severity=dg.AssetCheckSeverity.WARN,
    )


def canaries_came_back(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Judges that missed an item whose verdict is known, in a batch that judged ``day``."""
    specs = lake.read(JUDGE_SPECS).select("spec_id", "metric", "model")
    missed = judging.missed_canaries(lake.scan(JUDGE_CALLS, [day]))
    return _result(
        missed.join(specs, on="spec_id", how="left"),
        "{n:,} judge(s) missed a canary, an item whose verdict is known; look at the verdicts of "
        "those batches before you trust them",
        severity=dg.AssetCheckSeverity.WARN,
    )


def snapshots_hold(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Judges whose model name was answered by another snapshot than the last time before."""
    window = lake.read(QUALITY, last_days(day, SNAPSHOT_DAYS))
    changed = quality.series_breaks(window, day).filter(
        pl.col("day") == day, pl.col("kind") == "snapshot"
    )
    return _result(
        changed.select("metric", "feature", spec_id="to_spec", before="from_judge", now="to_judge"),
        "{n:,} figure(s) come from another snapshot of the judge than before: a new series begins, "
        "nothing was judged again; pin a dated model, or `llmops rescore` under one",
        severity=dg.AssetCheckSeverity.WARN,
    )


def spend_adds_up(lake: Lake, day: date, sums_of_calls: Table) -> dg.AssetCheckResult:
    """Exact decimals: the two sums are equal or something is wrong; unknown is not nothing."""
    spend = pl.when(pl.col("cost").count() > 0).then(pl.col("cost").sum())
    sums = {
        name: lake.scan(table, [day]).select(spend).collect().item()
        for name, table in (("calls", CALL_COSTS), (sums_of_calls.name, sums_of_calls))
    }
    return _result(
        pl.DataFrame() if len(set(sums.values())) == 1 else pl.DataFrame([sums]),
        f"the spend of {sums_of_calls.name} is not the sum over the calls",
    )


def all_judged(lake: Lake, table: Table, day: date) -> dg.AssetCheckResult:
    """What a cap, a fault or a deadline left without a verdict, by metric and outcome."""
    left = (
        lake.scan(table, [day])
        .filter(pl.col("outcome").is_in(["failed", "over_budget"]))
        .group_by("metric", "outcome")
        .agg(items=pl.len(), first_reason=pl.col("reason").sort_by("call_id").first())
        .sort("metric", "outcome")
        .collect()
    )
    return _result(
        left,
        f"{left['items'].sum():,} item(s) have no verdict yet; run the day again to go on",
        severity=dg.AssetCheckSeverity.WARN,
    )


def nothing_paid_twice(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Calls that were answered although their question had an answer, and what they cost."""
    again = lake.read(EVALUATION_COSTS, [day]).filter(pl.col("paid_twice") > 0)
    return _result(
        again.select("metric", "model", "spec_id", "paid_twice", "paid_twice_cost"),
        f"{again['paid_twice'].sum():,} call(s) asked what had an answer: two runs judged the same "
        "content at once, or a run was killed between answer and ledger",
        severity=dg.AssetCheckSeverity.WARN,
    )


def losses_are_proven(lake: Lake) -> dg.AssetCheckResult:
    """Scopes whose pairs do not prove the loss of routing small: nothing is recommended there."""
    policies = lake.read(ROUTING_POLICIES).filter("is_own")
    return _result(
        policies.filter(pl.col("state").is_in([savings.CANNOT_TELL, savings.TOO_FEW])).select(
            "feature", "metric", "model_weak", "model_strong", "questions", "state", "reason"
        ),
        "cannot tell for {n:,} pair(s) of models whether routing loses little: none is recommended",
        severity=dg.AssetCheckSeverity.WARN,
    )


def business_days_add_up(lake: Lake) -> dg.AssetCheckResult:
    """UTC days whose spend is another by days of the business than by features."""
    return _result(
        days_that_differ(lake),
        "the business days of {n:,} UTC day(s) do not add up to the spend of the features",
    )


def caches_pay(lake: Lake) -> dg.AssetCheckResult:
    """Scopes that write to a cache and would pay less without it."""
    rows = lake.read(PROMPT_CACHE_SAVINGS)
    losing = rows.filter(pl.col("feature") != "*", pl.col("already_saved") < 0)
    return _result(
        losing.select("feature", "prompt_version", "provider", "model", "already_saved", "paid"),
        "{n:,} prompt(s) for which writing to the cache cost more than reading from it saved",
        severity=dg.AssetCheckSeverity.WARN,
    )


def catalogue_recent(max_age_days: int, today: date) -> dg.AssetCheckResult:
    """The age of the newest price that the installed catalogue holds."""
    catalogue = installed_catalogue(today)
    old = catalogue.told_if_older(max_age_days, today)
    return dg.AssetCheckResult(
        passed=old is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=old,
        metadata={"version": catalogue.version, "newest_price": str(catalogue.day)},
    )


def reported_agree(lake: Lake, day: date) -> dg.AssetCheckResult:
    """Models of which the source reports other costs than ours, with the likely reason."""
    differing = reported_of(lake, [day])
    return _result(
        differing,
        f"{differing['differ'].sum():,} call(s) of {{n:,}} model(s) cost more than "
        f"{cost.MAX_DIFFERENCE:.0%} more or less by their source's account than by ours",
        severity=dg.AssetCheckSeverity.WARN,
    )


def invoices_explained(lake: Lake) -> dg.AssetCheckResult:
    """What of an invoice is neither in our records nor shown to be a matter of reckoning."""
    return _result(
        unexplained_invoices(lake.read(INVOICE_RECONCILIATION)),
        f"{{n:,}} invoice(s) of which more than {MOST_UNEXPLAINED:.0%} is unexplained, or with "
        "lines that cannot be read; see `llmops reconcile`",
        severity=dg.AssetCheckSeverity.WARN,
    )


def reported_of(lake: Lake, days: Sequence[date]) -> pl.DataFrame:
    """``cost.reported_differences`` of some days; calls without a reported cost are not read."""
    calls = (
        lake.scan(LLM_CALLS, days)
        .filter(pl.col("cost_reported").is_not_null())
        .select(cost.REPORTED_COLUMNS)
        .collect()
    )
    if calls.is_empty():
        return cost.reported_differences(calls, CALL_COSTS.empty(), PRICE_BOOK.empty())
    costs = lake.scan(CALL_COSTS, days).select("call_id", "cost", "cache_read_cost").collect()
    return cost.reported_differences(calls, costs, lake.read(PRICE_BOOK))


def caches_are_right(lake: Lake) -> dg.AssetCheckResult:
    """Features with hits enough to prove a cache right, whose hits do not."""
    rungs = lake.read(SEMANTIC_CACHE_SAVINGS)
    enough = savings.least_hits(savings.ALLOWED)
    return _result(
        rungs.filter(state=savings.CANNOT_TELL)
        .group_by("feature", "reason", maintain_order=True)
        .agg(pl.col("hits").max())
        .filter(pl.col("hits") >= enough),
        "a cache would give wrong answers, or may, in {n:,} feature(s): none is recommended",
        severity=dg.AssetCheckSeverity.WARN,
    )


def _result(
    faults: pl.DataFrame,
    sentence: str,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> dg.AssetCheckResult:
    """Passed when there are no faults; else a sentence and the first of them as a table."""
    if faults.is_empty():
        return dg.AssetCheckResult(passed=True, severity=severity)
    return dg.AssetCheckResult(
        passed=False,
        severity=severity,
        description=sentence.format(n=faults.height),
        metadata={
            "faults": dg.MetadataValue.table(
                [
                    dg.TableRecord({name: str(value) for name, value in row.items()})
                    for row in faults.head(SHOWN).to_dicts()
                ]
            )
        },
    )
