"""Which batch API an endpoint is asked by."""

from __future__ import annotations

from functools import lru_cache

from llmops_pipelines.adapters.endpoints.anthropic_batches import AnthropicBatches
from llmops_pipelines.adapters.endpoints.batch_api import ApiName, BatchApi
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.endpoints.openai_batches import OpenAIBatches


@lru_cache(maxsize=8)
def batches_at(endpoint: Endpoint, api: ApiName) -> BatchApi:
    """The batches at ``endpoint``; making a client takes longer than asking it."""
    return OpenAIBatches(endpoint) if api == "openai" else AnthropicBatches(endpoint)
