"""A source for an entry under ``pull:``, with the secrets that it names."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from functools import partial

from llmops_pipelines.adapters.pulling.calling import Caller, Pace, open_client
from llmops_pipelines.adapters.pulling.langfuse import Langfuse
from llmops_pipelines.adapters.pulling.langfuse_scores import LangfuseScores
from llmops_pipelines.adapters.pulling.langsmith import LangSmith
from llmops_pipelines.adapters.pulling.langsmith_feedback import LangSmithFeedback
from llmops_pipelines.adapters.pulling.litellm_postgres import LiteLLMPostgres, opened
from llmops_pipelines.adapters.pulling.mlflow import MLflow
from llmops_pipelines.adapters.pulling.phoenix import Phoenix
from llmops_pipelines.adapters.pulling.protocol import PullError, Source
from llmops_pipelines.ingest import Pull


def open_source(entry: Pull, secrets: Mapping[str, str], pace: Pace) -> Source:
    """The service of ``entry``; nothing is asked yet.

    Args:
        entry: From sources.yaml.
        secrets: Values of the environment variables that entries name.
        pace: Counts requests, and waits.

    Raises:
        PullError: A variable that the entry names is not set, or holds no key.
    """
    if missing := [name for name in entry.variables if not secrets.get(name)]:
        raise PullError(f"{entry.name}: {missing[0]} is not set; sources.yaml names it for the key")
    key = secrets.get(entry.api_key_env, "")
    if entry.kind == "litellm_postgres":
        connect = partial(opened, entry.url, key, entry.timeout_s)
        return LiteLLMPostgres(entry.name, connect, pace, entry.size)
    headers = _credentials(entry, key, secrets.get(entry.public_key_env, ""))
    client = open_client(entry.url, entry.timeout_s, headers)
    named = entry.api_key_env or "a variable, named in api_key_env of sources.yaml"
    remedy = f"check the key in {named}"
    caller = Caller(entry.name, entry.url, client, pace, entry.size, remedy)
    sources: dict[str, Callable[[], Source]] = {
        "phoenix": lambda: Phoenix(caller, entry.project),
        "langfuse": lambda: Langfuse(caller),
        "langfuse_scores": lambda: LangfuseScores(caller),
        "langsmith": lambda: LangSmith(caller, entry.project),
        "langsmith_feedback": lambda: LangSmithFeedback(caller, entry.project),
        "mlflow": lambda: MLflow(caller, entry.experiment),
    }
    return sources[entry.kind]()


def _credentials(entry: Pull, key: str, public_key: str) -> dict[str, str]:
    """The header that proves who asks, as each service wants it."""
    if not key:
        return {}
    if entry.kind in ("langsmith", "langsmith_feedback"):
        return {"x-api-key": _sendable(entry, key)}
    of_langfuse = entry.kind in ("langfuse", "langfuse_scores")
    login = f"{public_key}:{key}" if of_langfuse else key
    if of_langfuse or (entry.kind == "mlflow" and ":" in key):
        return {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()}
    return {"Authorization": f"Bearer {_sendable(entry, key)}"}


def _sendable(entry: Pull, key: str) -> str:
    """``key`` if a header can carry it."""
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise PullError(
            f"{entry.name}: {entry.api_key_env} holds what no key does, such as a line break, a "
            "blank at an end or a letter with an accent; set it to the key alone"
        )
    return key
