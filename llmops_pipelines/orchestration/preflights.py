"""Findings of preflights, kept in the lake until they are old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pydantic import ValidationError

from llmops_pipelines import judging
from llmops_pipelines.adapters.judge_client import Endpoint
from llmops_pipelines.judging.preflight import Finding, finding_name, preflight_spec
from llmops_pipelines.orchestration.lake import Lake
from llmops_pipelines.tables import JUDGE_SPECS

FOLDER = "judge_preflights"
"""Below the lake root: one JSON file per endpoint and model, the last finding."""


def kept_finding(lake: Lake, endpoint: Endpoint) -> Finding | None:
    """The last finding about ``endpoint``; None where there is none that can be read."""
    content = lake.store.read(_path(endpoint))
    try:
        return None if content is None else Finding.model_validate_json(content)
    except ValidationError:
        return None


def checked(
    lake: Lake,
    endpoint: Endpoint,
    *,
    purse: judging.Purse,
    price: judging.Price,
    append: judging.OnResults,
    now: Callable[[], datetime],
    run_id: str,
    logprobs: bool,
    days: float,
) -> tuple[Finding, bool]:
    """What is known of ``endpoint``, found out anew if it is ``days`` old or was a fault.

    Returns:
        The finding, and whether the endpoint was asked for it now.
    """
    known = kept_finding(lake, endpoint)
    if known is not None and known.holds(now(), days=days, logprobs=logprobs):
        return known, False
    from llmops_pipelines.adapters.preflight import preflight

    spec = judging.judge_specs([preflight_spec(endpoint.model, logprobs=logprobs)])
    lake.append(JUDGE_SPECS, spec, name=spec["spec_id"][0])
    finding = preflight(
        endpoint,
        purse=purse,
        price=price,
        append=append,
        now=now,
        run_id=run_id,
        logprobs=logprobs,
    )
    if finding.outcome != "over_budget":  # which says nothing of the endpoint
        lake.store.put(_path(endpoint), finding.model_dump_json(indent=2).encode())
    return finding, True


def _path(endpoint: Endpoint) -> str:
    return f"{FOLDER}/{finding_name(endpoint.base_url, endpoint.model)}.json"
