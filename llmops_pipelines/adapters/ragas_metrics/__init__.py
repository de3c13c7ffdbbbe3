"""RAGAS metrics as judges: RAGAS writes the prompts and the score; asking is ours.

Every request goes through our executor, so it is counted, capped and retried like any other;
RAGAS's own client layer, which repeats bad replies unseen, takes no part.
"""

from llmops_pipelines.adapters.ragas_metrics.judge import METRICS, RagasJudge, ragas_specs

__all__ = ["METRICS", "RagasJudge", "ragas_specs"]
