"""Findings of preflights, kept in the lake until they are old."""

from __future__ import annotations

from pydantic import ValidationError

from llmops_pipelines import judging
from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.judging.execution.preflight import Finding, finding_name, preflight_spec
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import JUDGE_SPECS

FOLDER = "judge_preflights"
"""Below the lake root: one JSON file per endpoint and model, the last finding; and one of what was
found when log probabilities were asked for."""


def kept_finding(lake: Lake, endpoint: Endpoint, *, logprobs: bool) -> Finding | None:
    """The last finding about ``endpoint``, asked for log probabilities or not; None without any.

    One that was made in the other way serves where it found no fault and knows what is asked.
    """
    if own := _read(lake, endpoint, logprobs=logprobs):
        return own
    other = _read(lake, endpoint, logprobs=not logprobs)
    return other if other and not other.problem and (other.logprobs or not logprobs) else None


def _read(lake: Lake, endpoint: Endpoint, *, logprobs: bool) -> Finding | None:
    content = lake.store.read(_path(endpoint, logprobs=logprobs))
    try:
        return None if content is None else Finding.model_validate_json(content)
    except ValidationError:
        return None


def checked(
    lake: Lake,
    endpoint: Endpoint,
    append: judging.OnResults,
    run: judging.JudgingRun,
    *,
    logprobs: bool,
    days: float,
) -> tuple[Finding, bool]:
    """What is known of ``endpoint``, found out anew if it is ``days`` old or was a fault.

    Returns:
        The finding, and whether the endpoint was asked for it now.
    """
    known = kept_finding(lake, endpoint, logprobs=logprobs)
    if known is not None and known.holds(run.now(), days=days, logprobs=logprobs):
        return known, False
    from llmops_pipelines.adapters.endpoints.preflight import preflight

    spec = judging.judge_specs([preflight_spec(endpoint.model, logprobs=logprobs)])
    lake.append(JUDGE_SPECS, spec, name=spec["spec_id"][0])
    finding = preflight(endpoint, append, run, logprobs=logprobs)
    if finding.outcome != "over_budget":  # which says nothing of the endpoint
        content = finding.model_dump_json(indent=2).encode()
        lake.store.put(_path(endpoint, logprobs=logprobs), content)
    return finding, True


def _path(endpoint: Endpoint, *, logprobs: bool) -> str:
    name = finding_name(endpoint.base_url, endpoint.model)
    return f"{FOLDER}/{name}{'-logprobs' if logprobs else ''}.json"
