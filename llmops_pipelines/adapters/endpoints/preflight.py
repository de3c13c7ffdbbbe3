"""Asking an endpoint the five canned items, in the strictest way it takes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint, open_judge
from llmops_pipelines.judging import (
    RESPONSE_FORMATS,
    Circuit,
    Conduct,
    GaveUpError,
    JudgingRun,
    Limits,
    OnResults,
    Purse,
    Reply,
    ResponseFormat,
    RubricJudge,
    UnreadableReplyError,
    read_object,
    verdict_frame,
)
from llmops_pipelines.judging.execution.inquiry import Inquiry
from llmops_pipelines.judging.execution.preflight import (
    CANNED,
    ENOUGH_LEGIBLE,
    LENIENT_SCHEMA,
    METRIC,
    Finding,
    doubt_about,
    preflight_items,
    preflight_spec,
    rightly,
)
from llmops_pipelines.judging.judges.item import Item
from llmops_pipelines.judging.judges.weighing import NO_LOGPROBS
from llmops_pipelines.judging.ledger import attempt_frame, cost_of

_LIMITS = Limits(concurrency=4, attempts=3)
"""One that must load its model first has a minute, then two, then what is left of five."""

_HOPELESS = ("http_401", "http_402", "http_403", "http_404", "network", "timeout", "http_429")
"""Failures that another way of asking does not mend."""

_REMEDIES = {
    "http_401": "{key}: the endpoint does not accept the key (401)",
    "http_402": "the endpoint's account: it wants to be paid first (402)",
    "http_403": "{key}: the key may not use this model (403)",
    "http_404": "{url} and the model: the endpoint knows no such path or model (404)",
    "http_429": "the endpoint's quota: it is used up, or too many ask (429)",
    "network": "{url}: nothing answers there",
    "timeout": "{url}, and whether it has too much to do: it does not answer in time",
}


@dataclass
class _Heard:
    """What came back to one canned item."""

    replies: list[Reply] = field(default_factory=list)
    verdict: bool | None = None
    fault: str | None = None
    outcome: str = "ok"


class _HopelessError(Exception):
    """No way of asking will do; ``outcome`` is what items would end with."""

    def __init__(self, reason: str, outcome: Literal["failed", "over_budget"] = "failed") -> None:
        super().__init__(reason)
        self.outcome = outcome


def preflight(
    endpoint: Endpoint,
    append: OnResults,
    run: JudgingRun,
    *,
    logprobs: bool = False,
    limits: Limits = _LIMITS,
) -> Finding:
    """Ask ``endpoint`` the canned items and say what it does; never raises for what it may do.

    Attempts are reserved in the purse, priced and appended like any other, under the preflight's
    own spec. A judge without a price is asked while calls are left, and takes none of them.

    Args:
        endpoint: Where, and which model.
        append: Takes rows of ``JUDGE_LEDGER`` (none) and ``JUDGE_CALLS``.
        run: The one that follows.
        logprobs: Whether log probabilities are needed.
        limits: How hard to try.
    """
    priced = run.price(endpoint.model, {"uncached_input": 1, "output_text": 1}) is not None
    # A cap on calls below five would have it asked for nothing, night after night.
    purse = run.purse if priced or not run.purse.calls_left else Purse()
    own = JudgingRun(run.run_id, purse, run.price, run.now, limits)
    flight = _Flight(endpoint, own, logprobs)
    try:
        finding = asyncio.run(flight.find())
    finally:
        own.end()
    if flight.attempts:
        append(verdict_frame([]), attempt_frame(flight.attempts))
    return finding


@dataclass
class _Flight:
    endpoint: Endpoint
    run: JudgingRun
    logprobs: bool
    attempts: list[dict[str, Any]] = field(default_factory=list)

    async def find(self) -> Finding:
        """The finding over all ways of asking."""
        faults = []
        try:
            for way in RESPONSE_FORMATS:
                heard = await self._ask_by(way)
                if sum(one.verdict is not None for one in heard) >= ENOUGH_LEGIBLE:
                    return self._found(way, heard)
                faults.append(f"{way}: {next(one.fault for one in heard if one.fault)}")
        except _HopelessError as error:
            return self._finding(problem=str(error), outcome=error.outcome)
        return self._finding(
            problem="no reply to the canned items is the JSON that was asked for; "
            + "; ".join(faults)
        )

    async def _ask_by(self, way: ResponseFormat) -> list[_Heard]:
        """The replies to all items; to the first alone where that one cannot be read."""
        first, *others = preflight_items()
        async with open_judge(
            replace(self.endpoint, response_format=way), concurrency=self.run.limits.concurrency
        ) as ask:
            # One conduct for all: whoever waits for room in the purse is told when it is there.
            most = 3 * len(CANNED)
            conduct = self.run.conduct(ask, Circuit(self.run.limits.dead_after, most, most))
            heard = [await self._ask_about(first, conduct, way)]
            if heard[0].verdict is None:
                return heard
            rest = await asyncio.gather(
                *(self._ask_about(item, conduct, way) for item in others), return_exceptions=True
            )
        for one in rest:
            if isinstance(one, BaseException):
                raise one
            heard.append(one)
        return heard

    async def _ask_about(self, item: Item, conduct: Conduct, way: ResponseFormat) -> _Heard:
        judge = RubricJudge(preflight_spec(self.endpoint.model, logprobs=self.logprobs))
        heard = _Heard()
        inquiry = Inquiry(
            conduct=conduct,
            spec=judge.spec,
            item=item,
            record=self.attempts.append,
            deadline=asyncio.get_running_loop().time() + self.run.limits.item_deadline_s,
        )

        def read(text: str) -> None:
            # A reply that cannot be read is a finding: the endpoint is not asked to mend it.
            try:
                heard.verdict = bool(read_object(text, LENIENT_SCHEMA)["grounded"])
            except UnreadableReplyError as error:
                heard.fault = f"{error}; it wrote {_shown(text)}"

        try:
            await inquiry.ask(
                judge.request(item), read, step=f"{METRIC}/{way}", heard=heard.replies.append
            )
        except GaveUpError as error:
            last = inquiry.attempts[-1]["outcome"] if inquiry.attempts else error.outcome
            heard.fault = error.reason
            if error.outcome == "over_budget":
                raise _HopelessError(error.reason, "over_budget") from error
            if last in _HOPELESS:
                raise _HopelessError(self._failure(last, error.reason)) from error
        if heard.fault and inquiry.attempts:
            inquiry.attempts[-1]["outcome"] = (
                "unreadable" if heard.replies else inquiry.attempts[-1]["outcome"]
            )
        return heard

    def _failure(self, outcome: str, detail: str) -> str:
        """What the endpoint did and what to look at."""
        named = self.endpoint.named
        remedy = _REMEDIES[outcome].format(
            url="its address in judges.yaml" if named else "JUDGE_BASE_URL",
            key="the variable of its key in judges.yaml" if named else "JUDGE_API_KEY",
        )
        return (
            f"the judge endpoint failed its preflight ({detail}), so nothing else was asked; "
            f"check {remedy}, then run again"
        )

    def _found(self, way: ResponseFormat, heard: list[_Heard]) -> Finding:
        verdicts = [one.verdict for one in heard]
        replies = [reply for one in heard for reply in one.replies]
        weighs = all(reply.tokens_weighed for reply in replies) if self.logprobs else None
        return self._finding(
            response_format=way,
            logprobs=weighs,
            right=rightly(verdicts),
            model_served=next((r.model_served for r in replies if r.model_served), None),
            problem=f"{NO_LOGPROBS}; do without (--logprobs, or `logprobs` in judges.yaml)"
            if weighs is False
            else None,
            doubt=doubt_about(verdicts),
        )

    def _finding(self, **found: Any) -> Finding:
        costs = [row["cost"] for row in self.attempts]
        return Finding(
            base_url=self.endpoint.base_url,
            model=self.endpoint.model,
            checked_at=self.run.now(),
            calls=len(costs),
            cost=cost_of(costs),
            uncosted=costs.count(None),
            **found,
        )


def _shown(text: str) -> str:
    """The beginning of a reply to an item of ours: nobody's secret."""
    return json.dumps(text[:120], ensure_ascii=False)
