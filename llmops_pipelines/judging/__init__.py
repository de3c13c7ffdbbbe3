"""Rubrics, judge specs, the embedded scorers, the judgement ledger and the purse."""

from llmops_pipelines.judging.canaries import (
    CanaryResult,
    ask_canaries,
    canary_estimate,
    canary_item,
    missed_canaries,
)
from llmops_pipelines.judging.circuit import Circuit
from llmops_pipelines.judging.embedded import Embed, embedded_verdicts
from llmops_pipelines.judging.exchange import Ask, Message, Price, Reply, Request, strict_schema
from llmops_pipelines.judging.execution import Job, OnResults, Tally, execute
from llmops_pipelines.judging.heuristics import heuristic_scores
from llmops_pipelines.judging.inquiry import Conduct, GaveUpError, Limits
from llmops_pipelines.judging.item import (
    ITEM_SCHEMA,
    Item,
    items,
    missing_field,
    read_item,
    with_digests,
)
from llmops_pipelines.judging.judges import Judge, Question, RubricJudge
from llmops_pipelines.judging.ledger import (
    FINAL,
    LEDGER_KEY,
    UNFINISHED,
    distinct_items,
    unpaid,
    verdict_frame,
    verdict_row,
    verdicts_of,
    without_verdict,
)
from llmops_pipelines.judging.pairs import flip_rates
from llmops_pipelines.judging.past_quotes import (
    past_latency,
    quote_errors,
    quote_frame,
    quote_row,
    told_error,
)
from llmops_pipelines.judging.policy import (
    endpoint_specs,
    features_by_ragas,
    features_judged,
    judged_features,
    split_by_policy,
)
from llmops_pipelines.judging.purse import Caps, Purse, Spent, spent_today
from llmops_pipelines.judging.quotes import (
    BY_LENGTH,
    Count,
    Estimate,
    Quote,
    counted_with,
    estimated_tokens,
    expected_seconds,
    in_dollars,
    quote,
    total,
)
from llmops_pipelines.judging.refusals import declines
from llmops_pipelines.judging.replies import Ruling, UnreadableReplyError, read_object
from llmops_pipelines.judging.response_format import check_schema, format_error, unfenced
from llmops_pipelines.judging.rubrics import Canary, Rubric, Rubrics
from llmops_pipelines.judging.specs import (
    JudgeSpec,
    asked_of_all,
    embedded_specs,
    judge_specs,
    read_spec,
    rubric_spec,
)

__all__ = [
    "BY_LENGTH",
    "FINAL",
    "ITEM_SCHEMA",
    "LEDGER_KEY",
    "UNFINISHED",
    "Ask",
    "Canary",
    "CanaryResult",
    "Caps",
    "Circuit",
    "Conduct",
    "Count",
    "Embed",
    "Estimate",
    "GaveUpError",
    "Item",
    "Job",
    "Judge",
    "JudgeSpec",
    "Limits",
    "Message",
    "OnResults",
    "Price",
    "Purse",
    "Question",
    "Quote",
    "Reply",
    "Request",
    "Rubric",
    "RubricJudge",
    "Rubrics",
    "Ruling",
    "Spent",
    "Tally",
    "UnreadableReplyError",
    "ask_canaries",
    "asked_of_all",
    "canary_estimate",
    "canary_item",
    "check_schema",
    "counted_with",
    "declines",
    "distinct_items",
    "embedded_specs",
    "embedded_verdicts",
    "endpoint_specs",
    "estimated_tokens",
    "execute",
    "expected_seconds",
    "features_by_ragas",
    "features_judged",
    "flip_rates",
    "format_error",
    "heuristic_scores",
    "in_dollars",
    "items",
    "judge_specs",
    "judged_features",
    "missed_canaries",
    "missing_field",
    "past_latency",
    "quote",
    "quote_errors",
    "quote_frame",
    "quote_row",
    "read_item",
    "read_object",
    "read_spec",
    "rubric_spec",
    "spent_today",
    "split_by_policy",
    "strict_schema",
    "told_error",
    "total",
    "unfenced",
    "unpaid",
    "verdict_frame",
    "verdict_row",
    "verdicts_of",
    "with_digests",
    "without_verdict",
]
