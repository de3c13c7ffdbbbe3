"""Who judged what, at which price, and what the verdicts were."""

import polars as pl

from llmops_pipelines.tables.table import MONEY, Column, Table

JUDGE_SPECS = Table(
    name="judge_specs",
    row="One judge as it is known before paying; its id is the digest of the text.",
    key=("spec_id",),
    partitioned=False,
    columns=(
        Column("spec_id", pl.String, "SHA-256 of `spec`, first 16 hex digits."),
        Column("metric", pl.String, "What it measures."),
        Column("kind", pl.String, "embedded, entailment, rubric, ragas, deepeval or jury."),
        Column("model", pl.String, "Requested model, or the embedded scorer's name."),
        Column("spec", pl.String, "Its full text as JSON."),
    ),
)

_TOKENS = tuple(
    Column(name, pl.Int64, description, "tokens", nullable=True)
    for name, description in (
        ("uncached_input", "Of the prompt, those at full price."),
        ("cache_read", "Of the prompt, those the endpoint had in its cache."),
        ("output_text", "Of the reply."),
        ("reasoning", "Thought before the reply."),
    )
)

JUDGE_CALLS = Table(
    name="judge_calls",
    row="One attempt that reached a judge's endpoint, paid or not. Append-only.",
    key=("attempt_id",),
    volatile=("asked_at", "latency_ms"),
    version=2,
    columns=(
        Column("attempt_id", pl.String, "One attempt."),
        Column("spec_id", pl.String, "The judge."),
        Column("item_digest", pl.String, "SHA-256 of exactly what the judge sees."),
        Column("repetition", pl.Int32, "0 for the first draw."),
        Column("call_id", pl.String, "The judged call."),
        Column("step", pl.String, "Which of the metric's questions it asked; `canary/...`: of a canary."),
        Column("batch", pl.String, "The batch it was part of; null where it was asked by itself.", nullable=True),
        Column(
            "outcome",
            pl.String,
            "ok, refused, truncated, unreadable, cancelled, http_<status>, timeout, network, canary_missed.",
        ),
        Column("reason", pl.String, "What went wrong, as it was told.", nullable=True),
        Column("model_served", pl.String, "Snapshot that answered.", nullable=True),
        Column("input_tokens", pl.Int64, "As the endpoint counted.", "tokens", nullable=True),
        Column("output_tokens", pl.Int64, "As the endpoint counted.", "tokens", nullable=True),
        *_TOKENS,
        Column("cost", pl.Decimal(38, 12), "Null where nothing tells what it was.", "usd", nullable=True),
        Column("request_id", pl.String, "The endpoint's name for it.", nullable=True),
        Column("asked_at", pl.Datetime("us"), "When it was sent, UTC."),
        Column("latency_ms", pl.Float64, "Until the reply.", "ms", nullable=True),
    ),
)  # fmt: skip

JUDGE_QUOTES = Table(
    name="judge_quotes",
    row="What a run expected one judge to cost on one day's items, before it spent. Append-only.",
    key=("quote_id",),
    volatile=("quoted_at", "seconds"),
    columns=(
        Column("quote_id", pl.String, "One quote."),
        Column("run_id", pl.String, "The run, or rescoring, that quoted and then spent."),
        Column("spec_id", pl.String, "The judge."),
        Column("metric", pl.String, "What it measures."),
        Column("model", pl.String, "Requested model."),
        Column("items", pl.Int64, "Contents still to judge."),
        Column("already_paid", pl.Int64, "Contents whose verdict is in the ledger."),
        Column("calls", pl.Int64, "Requests if none is repeated, canaries included.", "calls"),
        Column("input_tokens", pl.Int64, "The same in prompt tokens.", "tokens"),
        Column("output_tokens", pl.Int64, "The same in reply tokens.", "tokens"),
        Column("calls_at_most", pl.Int64, "If every reply needed repair.", "calls"),
        Column("input_tokens_at_most", pl.Int64, "The same in prompt tokens.", "tokens"),
        Column("output_tokens_at_most", pl.Int64, "The same with replies of full length.", "tokens"),
        Column("usd", MONEY, "With expected retries; null without a price.", "usd", nullable=True),
        Column("usd_at_most", MONEY, "At most; null without a price.", "usd", nullable=True),
        Column("usd_in_batches", MONEY, "In batches, without repairs; null where none are taken or priced.", "usd", nullable=True),
        Column("counted_by", pl.String, "Vocabulary that tokens were counted with, or `text length`."),
        Column("seconds", pl.Float64, "Expected time at the set pace; null if no call was timed yet.", "s", nullable=True),
        Column("quoted_at", pl.Datetime("us"), "When, UTC; before anything was sent."),
    ),
)  # fmt: skip

JUDGE_RESCORES = Table(
    name="judge_rescores",
    row="What came of rescoring a day's sample under one judge, the last time it was asked for.",
    key=("spec_id", "repetition"),
    volatile=("rescored_at",),
    version=2,
    columns=(
        Column("spec_id", pl.String, "The judge."),
        Column("repetition", pl.Int32, "Which draw was asked for; 0: the first.", default=0),
        Column("metric", pl.String, "What it measures."),
        Column("items", pl.Int64, "Sampled calls it was asked about.", "calls"),
        Column(
            "judged", pl.Int64, "Of them, those with a final outcome, whenever paid for.", "calls"
        ),
        Column("scored", pl.Int64, "Of those, the ones with a score.", "calls"),
        Column("failed", pl.Int64, "Calls whose attempts failed.", "calls"),
        Column("over_budget", pl.Int64, "Calls for which a cap left no room.", "calls"),
        Column("over_policy", pl.Int64, "Calls whose texts may not go there.", "calls"),
        Column("pending", pl.Int64, "Calls whose request waits in a batch.", "calls", default=0),
        Column("run_id", pl.String, "The rescoring."),
        Column("rescored_at", pl.Datetime("us"), "When, UTC."),
    ),
)

_VERDICT = (
    Column("spec_id", pl.String, "The judge."),
    Column("item_digest", pl.String, "SHA-256 of exactly what the judge sees."),
    Column("repetition", pl.Int32, "0 for the first draw."),
    Column("metric", pl.String, "What was measured."),
    Column("call_id", pl.String, "The call whose content was judged."),
    Column(
        "outcome",
        pl.String,
        "scored, refused, unreadable, undecided (the verdict changed with the order of two answers, or a jury has no majority), failed, "
        "over_budget, over_policy, pending (waits in a batch) or not_applicable; in the ledger also half (one order of a pair).",
    ),
    Column("score", pl.Float64, "0 to 1; null unless scored.", nullable=True),
    Column("reason", pl.String, "The judge's reason, or why there is no score.", nullable=True),
    Column(
        "evidence",
        pl.String,
        "Supporting passage, category, or the verdicts of both orders.",
        nullable=True,
    ),
    Column("attempts", pl.Int32, "Requests that reached the endpoint."),
    *_TOKENS,
    Column("cost", pl.Decimal(38, 12), "Sum over its attempts.", "usd", nullable=True),
    Column("latency_ms", pl.Float64, "Sum over its attempts.", "ms", nullable=True),
    Column("request_id", pl.String, "The endpoint's name for its last attempt.", nullable=True),
    Column("model_served", pl.String, "Snapshot that answered.", nullable=True),
    Column("library_versions", pl.String, "Versions that took part, as JSON."),
    Column("scored_at", pl.Datetime("us"), "When, UTC."),
)

JUDGE_LEDGER = Table(
    name="judge_ledger",
    row="The one verdict of a judge on one content, whenever it was paid for. Append-only.",
    key=("spec_id", "item_digest", "repetition"),
    volatile=("scored_at", "latency_ms", "request_id"),
    version=2,
    columns=_VERDICT,
)

JUDGE_SCORES = Table(
    name="judge_scores",
    row="What one judge, rubric or embedded, says of one call sampled on the day.",
    key=("call_id", "spec_id", "repetition"),
    volatile=("scored_at", "latency_ms", "request_id"),
    version=2,
    columns=_VERDICT,
)

RAGAS_SCORES = Table(
    name="ragas_scores",
    row="What one RAGAS metric says of one call sampled on the day.",
    key=JUDGE_SCORES.key,
    volatile=JUDGE_SCORES.volatile,
    version=2,
    columns=_VERDICT,
)

EVALUATION_COSTS = Table(
    name="evaluation_costs",
    row="What one judge was asked about one day's calls, and what that cost: apart from production.",
    key=("spec_id",),
    columns=(
        Column("spec_id", pl.String, "The judge."),
        Column("metric", pl.String, "What it measures."),
        Column("kind", pl.String, "rubric or ragas."),
        Column("model", pl.String, "Requested model."),
        Column("verdicts", pl.Int64, "Sampled calls that have its verdict, whenever it was paid for.", "calls"),
        Column("calls", pl.Int64, "Requests that reached the endpoint.", "calls"),
        Column("faults", pl.Int64, "Of them, those that brought nothing of use.", "calls"),
        Column("truncated", pl.Int64, "Of them, those cut off at the token limit.", "calls"),
        *_TOKENS,
        Column("cost", pl.Decimal(38, 12), "Null where nothing tells what it was.", "usd", nullable=True),
        Column("unpriced_calls", pl.Int64, "Calls that may have been billed at an unknown cost.", "calls"),
        Column("paid_twice", pl.Int64, "Calls that asked what had an answer already.", "calls"),
        Column("paid_twice_cost", pl.Decimal(38, 12), "What those cost, as known.", "usd", nullable=True),
    ),
)  # fmt: skip

JUDGE_COVERAGE = Table(
    name="judge_coverage",
    row="How far one judge has come with one draw of verdicts on the sample of one day.",
    key=("day", "spec_id", "repetition"),
    partitioned=False,
    version=2,
    columns=(
        Column("day", pl.Date, "UTC day of the calls."),
        Column("spec_id", pl.String, "The judge."),
        Column("repetition", pl.Int32, "Which draw; 0: the first.", default=0),
        Column("metric", pl.String, "What it measures."),
        Column("model", pl.String, "Requested model."),
        Column("state", pl.String, "done, partial, pending (nothing judged, some waits in a batch), missing (nothing judged) or failed (nothing judged, but tried)."),
        Column("expected", pl.Int64, "Sampled calls it is there to judge.", "calls"),
        Column("judged", pl.Int64, "Of them, those with a final outcome.", "calls"),
        Column("scored", pl.Int64, "Of those, the ones with a score.", "calls"),
        Column("failed", pl.Int64, "Calls whose attempts failed.", "calls"),
        Column("over_budget", pl.Int64, "Calls for which a cap left no room.", "calls"),
        Column("pending", pl.Int64, "Calls whose request waits in a batch.", "calls", default=0),
        Column("missing", pl.Int64, "Calls it was never asked about.", "calls"),
    ),
)  # fmt: skip

JUDGE_BRIDGES = Table(
    name="judge_bridges",
    row="How much higher one judge (or snapshot) scores than another of the same metric, on the items of both.",
    key=("metric", "feature", "from_spec", "from_snapshot", "to_spec", "to_snapshot"),
    partitioned=False,
    version=2,
    columns=(
        Column("metric", pl.String, "What both measure."),
        Column("feature", pl.String, "Feature, or `*` for all."),
        Column("from_spec", pl.String, "The judge whose first verdict is older."),
        Column("from_snapshot", pl.String, "Snapshot that answered to its model; empty where nobody told.", default=""),
        Column("to_spec", pl.String, "The other judge, or the same."),
        Column("to_snapshot", pl.String, "Snapshot that answered to its model; empty where nobody told.", default=""),
        Column("from_judge", pl.String, "Its kind and model, for people."),
        Column("to_judge", pl.String, "Kind and model of the other."),
        Column("estimate", pl.Float64, "Mean of `to` minus `from`.", nullable=True),
        Column("low", pl.Float64, "Lower end of its 95 % interval; null for a single item or session.", nullable=True),
        Column("high", pl.Float64, "Upper end of its 95 % interval; the same.", nullable=True),
        Column("n", pl.Int64, "Items that both scored."),
        Column("from_mean", pl.Float64, "Mean of `from` on them."),
        Column("to_mean", pl.Float64, "Mean of `to` on them."),
        Column("changed", pl.Int64, "Items whose score is another."),
        Column("unpaired", pl.Int64, "Items of the same days that only one of them scored."),
        Column("first_day", pl.Date, "First day of the items."),
        Column("last_day", pl.Date, "Last day of the items."),
        Column("method", pl.String, "Estimator and interval."),
    ),
)  # fmt: skip
