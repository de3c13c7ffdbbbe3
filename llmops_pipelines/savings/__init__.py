"""Replays over the log: what the same calls would have cost."""

from llmops_pipelines.savings.complexity import Vectors
from llmops_pipelines.savings.frontier import FRONTIER
from llmops_pipelines.savings.logged_pairs import SCOPE, logged_pairs, pairs_digest
from llmops_pipelines.savings.outcomes import PAIRED, Outcomes, OutcomesError, paired_outcomes
from llmops_pipelines.savings.policies import TOO_FEW, policy_rows, too_few
from llmops_pipelines.savings.policy import PolicyError, RoutingPolicy
from llmops_pipelines.savings.recommendation import CANNOT_TELL, NOTHING_SAVED, RECOMMENDED
from llmops_pipelines.savings.replay import (
    LEAST_QUESTIONS,
    MAX_LOSS,
    ROUTERS,
    Replayed,
    RoutingReplay,
    replay_routing,
    saved_a_year,
)
from llmops_pipelines.savings.routing import routing_savings

__all__ = [
    "CANNOT_TELL",
    "FRONTIER",
    "LEAST_QUESTIONS",
    "MAX_LOSS",
    "NOTHING_SAVED",
    "PAIRED",
    "RECOMMENDED",
    "ROUTERS",
    "SCOPE",
    "TOO_FEW",
    "Outcomes",
    "OutcomesError",
    "PolicyError",
    "Replayed",
    "RoutingPolicy",
    "RoutingReplay",
    "Vectors",
    "logged_pairs",
    "paired_outcomes",
    "pairs_digest",
    "policy_rows",
    "replay_routing",
    "routing_savings",
    "saved_a_year",
    "too_few",
]
