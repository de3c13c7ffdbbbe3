"""Rules, alert states, and the decision to roll a prompt back."""

from llmops_pipelines.incidents.evaluated_day import EvaluatedDay
from llmops_pipelines.incidents.evaluations import evaluate
from llmops_pipelines.incidents.measurements import MEASUREMENTS, measurements
from llmops_pipelines.incidents.metrics import METRICS, Metric
from llmops_pipelines.incidents.notification import notification, rollback_notification, trial
from llmops_pipelines.incidents.rollback import Evidence, Prompt, decide_rollback, decide_rollbacks
from llmops_pipelines.incidents.rules import EACH, TOTAL, Rule, Rules
from llmops_pipelines.incidents.states import (
    LAST_STATES,
    STATE_DAYS,
    last_states,
    transitions,
    untold,
)

__all__ = [
    "EACH",
    "LAST_STATES",
    "MEASUREMENTS",
    "METRICS",
    "STATE_DAYS",
    "TOTAL",
    "EvaluatedDay",
    "Evidence",
    "Metric",
    "Prompt",
    "Rule",
    "Rules",
    "decide_rollback",
    "decide_rollbacks",
    "evaluate",
    "last_states",
    "measurements",
    "notification",
    "rollback_notification",
    "transitions",
    "trial",
    "untold",
]
