"""Replays over the log: what the same calls would have cost."""

from llmops_pipelines.savings.answer_cache.recommendation import ALLOWED, least_hits
from llmops_pipelines.savings.answer_cache.requests import (
    ASKED,
    CACHEABLE,
    cacheable,
    logged_requests,
    normalised,
)
from llmops_pipelines.savings.answer_cache.rows import cache_rows
from llmops_pipelines.savings.answer_cache.savings import (
    CachePolicy,
    CacheReplay,
    replay_cache,
)
from llmops_pipelines.savings.batches import (
    BATCHED,
    QUALITY_COST,
    SUGGESTED,
    batch_rows,
    batchable,
    replay_batches,
)
from llmops_pipelines.savings.compression.choice import (
    BOUND,
    LOSES_TOO_MUCH,
    NOTHING_TO_SHORTEN,
)
from llmops_pipelines.savings.compression.costs import compressed_costs, prompt_tokens
from llmops_pipelines.savings.compression.examples import recurring_exchanges
from llmops_pipelines.savings.compression.frontier import (
    COMPRESSION_POINTS,
    compression_points,
    relative_loss,
)
from llmops_pipelines.savings.compression.likeness import Embed, Likeness
from llmops_pipelines.savings.compression.parts import (
    Count,
    Part,
    Prompt,
    Retrieved,
    Sent,
    contexts_of,
    prompt_parts,
)
from llmops_pipelines.savings.compression.replay import (
    COMPRESSED,
    LoggedPrompt,
    affordable,
    compressor,
    likeness_of,
    replay_compression,
    standard_techniques,
)
from llmops_pipelines.savings.compression.rows import compression_rows
from llmops_pipelines.savings.compression.techniques import Shorten, Technique, extractive
from llmops_pipelines.savings.plan.plan import PLANNED, STEPS, Changes, replay_plan
from llmops_pipelines.savings.plan.rows import WHOLE, plan_rows
from llmops_pipelines.savings.plan.steps import (
    Chosen,
    chosen_batch,
    chosen_cache,
    chosen_policy,
    chosen_setting,
    not_taken,
)
from llmops_pipelines.savings.prompt_cache.block_traces import block_marks
from llmops_pipelines.savings.prompt_cache.divergence import Divergence, divergences, examples
from llmops_pipelines.savings.prompt_cache.marks import PromptMarks, prompt_marks, together
from llmops_pipelines.savings.prompt_cache.prompt_cache import replay_prompt_cache
from llmops_pipelines.savings.prompt_cache.replay import WindowError
from llmops_pipelines.savings.prompt_cache.replayable import (
    CACHE_SCOPE,
    REPLAYED,
    leads_with_system,
    not_replayed,
)
from llmops_pipelines.savings.prompt_cache.rows import (
    COSTS_MORE,
    NOTHING_TO_SAVE,
    UNKNOWN_RULE,
    WORTH_IT,
    prompt_cache_rows,
)
from llmops_pipelines.savings.prompt_cache.rules import RULES, rule_of
from llmops_pipelines.savings.prompt_cache.rules import VERSION as RULES_VERSION
from llmops_pipelines.savings.recommendation import (
    CANNOT_TELL,
    NOTHING_SAVED,
    RECOMMENDED,
    is_proven,
)
from llmops_pipelines.savings.routing.complexity import Vectors
from llmops_pipelines.savings.routing.frontier import FRONTIER
from llmops_pipelines.savings.routing.logged_pairs import SCOPE, logged_pairs, pairs_digest
from llmops_pipelines.savings.routing.outcomes import (
    PAIRED,
    Outcomes,
    OutcomesError,
    paired_outcomes,
)
from llmops_pipelines.savings.routing.pair_shapes import as_paired
from llmops_pipelines.savings.routing.policies import TOO_FEW, policy_rows, too_few
from llmops_pipelines.savings.routing.policy import PolicyError, RoutingPolicy
from llmops_pipelines.savings.routing.replay import (
    LEAST_QUESTIONS,
    MAX_LOSS,
    Replayed,
    RoutingReplay,
    replay_routing,
    saved_a_year,
)
from llmops_pipelines.savings.routing.router_calls import is_routers_own
from llmops_pipelines.savings.routing.routing import ALL, routing_savings
from llmops_pipelines.savings.waiting import DETECTED, INTERACTIVE, MARKED, Waiting, waiting
from llmops_pipelines.savings.window_totals import DAYS_A_YEAR, days_of_traffic, with_traffic

__all__ = [
    "ALL",
    "ALLOWED",
    "ASKED",
    "BATCHED",
    "BOUND",
    "CACHEABLE",
    "CACHE_SCOPE",
    "CANNOT_TELL",
    "COMPRESSED",
    "COMPRESSION_POINTS",
    "COSTS_MORE",
    "DAYS_A_YEAR",
    "DETECTED",
    "FRONTIER",
    "INTERACTIVE",
    "LEAST_QUESTIONS",
    "LOSES_TOO_MUCH",
    "MARKED",
    "MAX_LOSS",
    "NOTHING_SAVED",
    "NOTHING_TO_SAVE",
    "NOTHING_TO_SHORTEN",
    "PAIRED",
    "PLANNED",
    "QUALITY_COST",
    "RECOMMENDED",
    "REPLAYED",
    "RULES",
    "RULES_VERSION",
    "SCOPE",
    "STEPS",
    "SUGGESTED",
    "TOO_FEW",
    "UNKNOWN_RULE",
    "WHOLE",
    "WORTH_IT",
    "CachePolicy",
    "CacheReplay",
    "Changes",
    "Chosen",
    "Count",
    "Divergence",
    "Embed",
    "Likeness",
    "LoggedPrompt",
    "Outcomes",
    "OutcomesError",
    "Part",
    "PolicyError",
    "Prompt",
    "PromptMarks",
    "Replayed",
    "Retrieved",
    "RoutingPolicy",
    "RoutingReplay",
    "Sent",
    "Shorten",
    "Technique",
    "Vectors",
    "Waiting",
    "WindowError",
    "affordable",
    "as_paired",
    "batch_rows",
    "batchable",
    "block_marks",
    "cache_rows",
    "cacheable",
    "chosen_batch",
    "chosen_cache",
    "chosen_policy",
    "chosen_setting",
    "compressed_costs",
    "compression_points",
    "compression_rows",
    "compressor",
    "contexts_of",
    "days_of_traffic",
    "divergences",
    "examples",
    "extractive",
    "is_proven",
    "is_routers_own",
    "leads_with_system",
    "least_hits",
    "likeness_of",
    "logged_pairs",
    "logged_requests",
    "normalised",
    "not_replayed",
    "not_taken",
    "paired_outcomes",
    "pairs_digest",
    "plan_rows",
    "policy_rows",
    "prompt_cache_rows",
    "prompt_marks",
    "prompt_parts",
    "prompt_tokens",
    "recurring_exchanges",
    "relative_loss",
    "replay_batches",
    "replay_cache",
    "replay_compression",
    "replay_plan",
    "replay_prompt_cache",
    "replay_routing",
    "routing_savings",
    "rule_of",
    "saved_a_year",
    "standard_techniques",
    "together",
    "too_few",
    "waiting",
    "with_traffic",
]
