"""Five canned items in front of endpoints of every kind, on loopback."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.adapters.endpoints.judge_client import Endpoint
from llmops_pipelines.adapters.endpoints.preflight import preflight
from llmops_pipelines.judging import Caps, JudgingRun, Limits, Purse
from llmops_pipelines.judging.execution.preflight import METRIC, Finding, preflight_spec
from tests.judge_stub import Fault, JudgeStub
from tests.judging.worlds import NOON, cent_a_call, no_price

QUICK = Limits(attempts=3, backoff_s=0.001, backoff_most_s=0.002)


@dataclass
class Checked:
    """What a preflight found, asked and paid."""

    finding: Finding
    attempts: pl.DataFrame
    purse: Purse
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ways(self) -> list[str]:
        return [body.get("response_format", {}).get("type", "text") for body in self.requests]


def check(
    url: str = "",
    *,
    logprobs: bool = False,
    purse: Purse | None = None,
    price: Any = cent_a_call,
    **stub: Any,
) -> Checked:
    parts: list[pl.DataFrame] = []
    purse = purse or Purse()
    with JudgeStub(**stub) as judge:
        finding = preflight(
            Endpoint(url or judge.base_url, "judge-1", "sk-very-secret"),
            lambda verdicts, attempts: parts.append(attempts),
            JudgingRun("run-1", purse, price, lambda: NOON),
            logprobs=logprobs,
            limits=QUICK,
        )
        return Checked(finding, pl.concat(parts) if parts else pl.DataFrame(), purse,
                       judge.requests)  # fmt: skip


def test_a_good_judge_is_asked_five_times_by_schema_and_priced_apart():
    checked = check()
    finding = checked.finding
    assert (finding.problem, finding.doubt) == (None, None)
    assert (finding.response_format, finding.right, finding.calls) == ("json_schema", 5, 5)
    assert finding.cost == checked.purse.spent == Decimal("0.05")
    assert finding.model_served == "stub-judge-2026-01-01"
    assert set(checked.attempts["spec_id"]) == {preflight_spec("judge-1").spec_id}
    assert set(checked.attempts["step"]) == {f"{METRIC}/json_schema"}
    assert checked.attempts["call_id"].n_unique() == 5


def test_the_names_of_the_reply_stand_in_the_schema_alone():
    checked = check()
    told = " ".join(m["content"] for m in checked.requests[0]["messages"])
    assert "grounded" not in told
    assert "grounded" in str(checked.requests[0]["response_format"])


@pytest.mark.parametrize(
    ("refused", "ways"),
    [
        ({"json_schema"}, ["json_schema", *["json_object"] * 5]),
        ({"json_schema", "json_object"}, ["json_schema", "json_object", *["text"] * 5]),
    ],
)
def test_an_endpoint_that_refuses_a_way_of_asking_is_asked_the_next(refused, ways):
    checked = check(refuses_formats=frozenset(refused))
    assert (checked.ways, checked.finding.response_format) == (ways, ways[-1])
    assert checked.finding.problem is None
    assert "JSON schema" in checked.requests[-1]["messages"][0]["content"]


def test_an_endpoint_that_ignores_schemas_is_told_in_words_and_never_asked_to_mend():
    checked = check(ignores_formats=True)
    assert checked.finding.response_format == "json_object"
    assert checked.ways == ["json_schema", *["json_object"] * 5]
    assert checked.attempts["outcome"].sort().to_list() == [*["ok"] * 5, "unreadable"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (
            Fault(status=401),
            "check JUDGE_API_KEY: the endpoint does not accept the key (401), then run again",
        ),
        (Fault(status=403), "the key may not use this model (403)"),
        (Fault(status=404, message="no model judge-1"), "no such path or model (404)"),
        (Fault(text="I would say yes."), 'it wrote "I would say yes."'),
        (Fault(status=400, message="temperature is not known"), "temperature is not known"),
    ],
)
def test_what_an_endpoint_did_is_named(fault, says):
    finding = check(faults=lambda _: fault).finding
    assert says in finding.problem
    assert says in str(finding)
    assert (finding.response_format, finding.right) == (None, None)
    assert "very-secret" not in str(finding)


def test_where_nothing_listens_is_told():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    problem = check(url).finding.problem
    assert problem.startswith("the judge endpoint failed its preflight (3 attempts failed, ")
    assert problem.endswith("check JUDGE_BASE_URL: nothing answers there, then run again")


def test_a_judge_that_always_says_the_same_is_doubted():
    finding = check(stubborn=True).finding
    assert finding.problem is None
    assert finding.doubt.startswith("it calls all 5 canned answers supported, though 3 of 5")


def test_a_passing_fault_is_asked_again():
    checked = check(faults={0: Fault(status=500), 3: Fault(status=429)})
    assert (checked.finding.right, checked.finding.calls) == (5, 7)


def test_log_probabilities_are_missed_only_where_they_are_needed():
    assert check().finding.logprobs is None
    without = check(logprobs=True).finding
    assert (without.logprobs, "no log probabilities" in without.problem) == (False, True)
    assert check(logprobs=True, doubt=0.2).finding.logprobs is True


def test_an_empty_purse_sends_nothing():
    checked = check(purse=Purse(Caps(usd_per_run=Decimal(0))))
    assert checked.requests == []
    assert "the cap of $0.0000 a run is reached" in checked.finding.problem


def test_what_replies_without_a_price_cost_is_not_nothing_because_a_refusal_did():
    checked = check(price=no_price, refuses_formats=frozenset({"json_schema"}))
    assert (checked.finding.calls, checked.finding.cost) == (6, None)


def test_money_that_ends_half_way_ends_the_preflight():
    checked = check(purse=Purse(Caps(usd_per_run=Decimal("0.055"))))
    assert (checked.finding.outcome, checked.finding.calls) == ("over_budget", 3)
    assert "is reached" in checked.finding.problem


@pytest.mark.parametrize(("cap", "calls"), [(0, 0), (1, 5)])
def test_a_judge_without_a_price_takes_no_calls_from_its_items(cap, calls):
    purse = Purse(Caps(calls_per_run=cap))
    checked = check(purse=purse, price=no_price)
    assert (len(checked.requests), purse.unpriced_calls) == (calls, 0)
    assert checked.finding.cost == (None if calls else Decimal(0))


def test_a_finding_holds_until_it_is_old_or_something_else_is_asked():
    finding = check().finding
    assert finding.holds(NOON + timedelta(days=6), days=7, logprobs=False)
    assert not finding.holds(NOON + timedelta(days=7), days=7, logprobs=False)
    assert not finding.holds(NOON, days=7, logprobs=True)
    assert not finding.model_copy(update={"doubt": "x"}).holds(NOON, days=7, logprobs=False)
    assert Finding.model_validate_json(finding.model_dump_json()) == finding
