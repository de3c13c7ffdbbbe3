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
from llmops_pipelines.judging.entailment import (
    Entails,
    entailment_specs,
    entailment_verdicts,
)
from llmops_pipelines.judging.exchange import (
    RESPONSE_FORMATS,
    Ask,
    Message,
    Price,
    Reply,
    Request,
    ResponseFormat,
    WeighedToken,
    strict_schema,
)
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
from llmops_pipelines.judging.pace import Gate, Pace
from llmops_pipelines.judging.pairs import flip_rates
from llmops_pipelines.judging.policy import (
    endpoint_specs,
    features_by_ragas,
    judged_features,
    split_by_policy,
)
from llmops_pipelines.judging.purse import (
    Caps,
    OverBudgetError,
    Purse,
    Reservation,
    Spent,
    spent_today,
)
from llmops_pipelines.judging.quotes import Estimate, Quote, estimated_tokens, quote
from llmops_pipelines.judging.refusals import declines
from llmops_pipelines.judging.replies import Ruling, UnreadableReplyError, read_object
from llmops_pipelines.judging.response_format import check_schema, format_error, unfenced
from llmops_pipelines.judging.rubrics import Canary, Rubric, Rubrics
from llmops_pipelines.judging.specs import (
    JudgeSpec,
    embedded_specs,
    judge_specs,
    read_spec,
    rubric_spec,
)
from llmops_pipelines.judging.spend import evaluation_costs, paid_twice

__all__ = [
    "FINAL",
    "ITEM_SCHEMA",
    "LEDGER_KEY",
    "RESPONSE_FORMATS",
    "UNFINISHED",
    "Ask",
    "Canary",
    "CanaryResult",
    "Caps",
    "Circuit",
    "Conduct",
    "Embed",
    "Entails",
    "Estimate",
    "Gate",
    "GaveUpError",
    "Item",
    "Job",
    "Judge",
    "JudgeSpec",
    "Limits",
    "Message",
    "OnResults",
    "OverBudgetError",
    "Pace",
    "Price",
    "Purse",
    "Question",
    "Quote",
    "Reply",
    "Request",
    "Reservation",
    "ResponseFormat",
    "Rubric",
    "RubricJudge",
    "Rubrics",
    "Ruling",
    "Spent",
    "Tally",
    "UnreadableReplyError",
    "WeighedToken",
    "ask_canaries",
    "canary_estimate",
    "canary_item",
    "check_schema",
    "declines",
    "distinct_items",
    "embedded_specs",
    "embedded_verdicts",
    "endpoint_specs",
    "entailment_specs",
    "entailment_verdicts",
    "estimated_tokens",
    "evaluation_costs",
    "execute",
    "features_by_ragas",
    "flip_rates",
    "format_error",
    "heuristic_scores",
    "items",
    "judge_specs",
    "judged_features",
    "missed_canaries",
    "missing_field",
    "paid_twice",
    "quote",
    "read_item",
    "read_object",
    "read_spec",
    "rubric_spec",
    "spent_today",
    "split_by_policy",
    "strict_schema",
    "unfenced",
    "unpaid",
    "verdict_frame",
    "verdict_row",
    "verdicts_of",
    "with_digests",
    "without_verdict",
]
