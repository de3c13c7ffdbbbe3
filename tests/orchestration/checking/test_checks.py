"""Asset checks on small real tables: each passes, fails, says why, and blocks where it should."""

import json
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import dagster as dg
import polars as pl
import pytest

from llmops_pipelines import cost, ingest, judging, pricing
from llmops_pipelines.adapters.expectations import ExpectationFailure
from llmops_pipelines.definitions import resources_of
from llmops_pipelines.judging import ledger
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.resources import LogFolder
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows
from llmops_pipelines.orchestration.landing.landing import land_new_files, log_index
from llmops_pipelines.orchestration.money.catalogue import installed_catalogue
from llmops_pipelines.orchestration.runs.nightly import NightlyRunner
from llmops_pipelines.tables import (
    BUDGET_STATUS,
    CALL_COSTS,
    EVALUATION_COSTS,
    FEATURE_COSTS,
    JUDGE_CALLS,
    JUDGE_SCORES,
    JUDGE_SPECS,
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_REJECTIONS,
    LLM_CALLS,
    LOG_INDEX,
    PRICE_BOOK,
    QUALITY,
    REJECTED_LINES,
)
from tests.ingest.worlds import options
from tests.judging import worlds as judging_worlds
from tests.judging.worlds import NOON
from tests.orchestration.folders import DAY, NEXT, Folder, calls_of
from tests.reporting.worlds import rows

CANARY = "my-very-private-words"


@pytest.fixture
def folder(tmp_path):
    """Three calls of one day, landed."""
    folder = Folder(tmp_path)
    folder.log("one.jsonl", calls_of(DAY, 1, 2, 3))
    land(folder)
    return folder


@pytest.fixture
def priced(folder):
    """The same, computed as far as spend, which nobody knows."""
    compute(folder)
    calls = folder.lake.read(LLM_CALLS, [DAY]).drop("day")
    costs = pricing.price_calls(calls, PRICE_BOOK.empty())
    folder.lake.write(CALL_COSTS, costs, day=DAY)
    folder.lake.write(FEATURE_COSTS, cost.feature_costs(costs), day=DAY)
    return folder


def land(folder) -> None:
    files = LogFolder(root=str(folder.root / "logs")).files()
    land_new_files(folder.lake, files, options())


def compute(folder) -> None:
    """The row tables of the day, straight from the library."""
    lake, landed = folder.lake, folder.lake.read(LANDED_DAYS, [DAY])
    rows = landed_rows(lake, LANDED_CALLS, DAY, landed)
    lake.write(LLM_CALLS, ingest.llm_calls(rows), day=DAY)
    rows = landed_rows(lake, LANDED_REJECTIONS, DAY, landed)
    lake.write(REJECTED_LINES, ingest.rejected_lines(rows), day=DAY)


def faults(result: dg.AssetCheckResult) -> list[dict[str, str]]:
    return [record.data for record in result.metadata["faults"].records]


def rewrite(folder, table, change) -> None:
    """Replace a day's rows behind everybody's back."""
    rows = folder.lake.read(table, [DAY]).drop("day")
    folder.lake.write(table, change(rows), day=DAY)


# The propositions


def test_lines_that_went_astray_are_named_by_file(folder):
    assert checks.no_file_lost_lines(folder.lake).passed
    lost = log_index(folder.lake).with_columns(
        records=pl.col("records") + 2, landed_at=pl.col("landed_at").dt.offset_by("1h")
    )
    folder.lake.append(LOG_INDEX, lost, name="later")
    result = checks.no_file_lost_lines(folder.lake)
    assert not result.passed
    assert result.description == "1 file(s) whose lines do not add up"
    (fault,) = faults(result)
    assert (fault["source_file"], fault["missing"]) == ("one.jsonl", "2")


def test_a_call_that_vanished_or_was_invented_is_named(folder):
    compute(folder)
    assert checks.no_call_vanished(folder.lake, DAY).passed
    whole = folder.lake.read(LLM_CALLS, [DAY]).drop("day")
    folder.lake.write(LLM_CALLS, whole.head(2), day=DAY)
    assert "c-3" in str(faults(checks.no_call_vanished(folder.lake, DAY)))
    invented = whole.with_columns(call_id=pl.col("call_id").str.replace("c-3", "c-9"))
    folder.lake.write(LLM_CALLS, invented, day=DAY)
    assert "c-9" in str(faults(checks.no_call_vanished(folder.lake, DAY)))


def test_many_rejected_lines_are_told_with_the_first_of_them(folder):
    compute(folder)
    assert checks.few_rejected(folder.lake, DAY).passed
    folder.log("bad.jsonl", calls_of(DAY, 4) + b"{no json\n")
    land(folder)
    compute(folder)
    result = checks.few_rejected(folder.lake, DAY)
    assert not result.passed
    assert result.description.startswith("1 line(s) rejected, 20.0% of the day")
    assert faults(result)[0]["rejected"].startswith("bad.jsonl:2: ")


def test_few_rejected_lines_among_many_calls_pass(folder):
    folder.log("more.jsonl", calls_of(DAY, *range(10, 40)) + b"{no json\n")
    land(folder)
    compute(folder)
    assert folder.lake.read(REJECTED_LINES, [DAY]).height == 1
    assert checks.few_rejected(folder.lake, DAY).passed


def test_copies_of_a_file_do_not_make_its_rejected_lines_many(folder):
    file = calls_of(DAY, *range(10, 40)) + b"{no json\n"
    for name in ("one.jsonl", "two.jsonl", "three.jsonl"):
        folder.log(f"copies/{name}", file)
    land(folder)
    compute(folder)
    assert folder.lake.read(REJECTED_LINES, [DAY]).height == 3
    assert checks.few_rejected(folder.lake, DAY).passed


def test_calls_without_a_feature_are_counted(folder):
    folder.edit("features.yaml", "features:\n  support: {team: care}\n")
    nameless = calls_of(DAY, 7, feature=None)
    folder.log("nameless.jsonl", nameless)
    land(folder)
    compute(folder)
    result = checks.features_known(folder.lake, DAY, resources_of(folder.at()).reference)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description.startswith("1 of 4 call(s) name no feature and fit no rule")
    assert faults(result)[0]["calls"] == "1"


def test_a_feature_without_an_owner_is_a_warning_with_its_calls(folder):
    compute(folder)
    reference = resources_of(folder.at()).reference
    result = checks.features_known(folder.lake, DAY, reference)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert faults(result) == [{"feature": "support", "calls": "3"}]
    folder.edit("features.yaml", "features:\n  support: {team: care}\n")
    assert checks.features_known(folder.lake, DAY, reference).passed


def test_totals_that_contradict_their_tokens_are_counted_by_who_logged_them(folder):
    compute(folder)
    assert checks.totals_add_up(folder.lake, DAY).passed
    counts = {"prompt": 20, "completion": 5, "total": 31}
    says = {f"llm.token_count.{side}": count for side, count in counts.items()}
    says |= {"openinference.span.kind": "LLM", "llm.model_name": "m"}
    began = f"{DAY}T09:00:00Z"
    span = {"name": "llm", "context": {"trace_id": "a" * 32, "span_id": "b" * 16}}
    span |= {"start_time": began, "end_time": began, "attributes": says}
    folder.log("spans.jsonl", json.dumps(span).encode())
    land(folder)
    compute(folder)
    result = checks.totals_add_up(folder.lake, DAY)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description.startswith("1 call(s) whose logged total is not the sum")
    (fault,) = faults(result)
    assert (fault["source_format"], fault["calls"], fault["tokens_beyond"]) == (
        "openinference", "1", "6",
    )  # fmt: skip


def test_unpriced_models_are_named_with_the_remedy(priced):
    result = checks.all_priced(priced.lake, DAY)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == (
        "3 call(s) of 1 model(s) have no price (3 unknown_model); "
        "what they cost cannot be estimated"
    )
    (fault,) = faults(result)
    assert (fault["model"], fault["could_cost"]) == ("m-1", "unknown: nothing to compare with")
    assert fault["remedy"].startswith("under `overrides:` in prices.yaml: - {provider: ")
    rewrite(priced, CALL_COSTS, lambda rows: rows.with_columns(
        cost=pl.lit(Decimal("0.1"), CALL_COSTS.schema["cost"]),
        unpriced_reason=pl.lit(None, pl.String),
    ))  # fmt: skip
    assert checks.all_priced(priced.lake, DAY).passed


def test_reported_costs_that_differ_are_a_warning_with_both_sums(priced):
    lake = priced.lake
    assert checks.reported_agree(lake, DAY).passed, "nobody reports a cost"
    money = CALL_COSTS.schema["cost"]
    rewrite(priced, LLM_CALLS, lambda rows: rows.with_columns(
        model=pl.lit("gpt-4.1"), provider=pl.lit("openai"),
        cost_reported=pl.lit(Decimal(2), money),
    ))  # fmt: skip
    lake.write(PRICE_BOOK, pricing.price_book(pricing.PriceOverrides()))
    calls = lake.read(LLM_CALLS, [DAY]).drop("day")
    costs = pricing.price_calls(calls, lake.read(PRICE_BOOK))
    lake.write(CALL_COSTS, costs, day=DAY)
    result = checks.reported_agree(lake, DAY)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description.startswith("3 call(s) of 1 model(s) cost more than 1% more or less")
    (fault,) = faults(result)
    assert fault["reported"] == "6.000000000000"
    assert fault["ours"] == str(costs["cost"].sum())
    assert fault["direction"] == "reported is higher"


def test_a_catalogue_whose_newest_price_is_old_is_a_warning_with_the_remedy():
    installed = installed_catalogue(date(2026, 11, 26))
    assert checks.catalogue_recent(45, installed.day + timedelta(days=45)).passed
    result = checks.catalogue_recent(45, installed.day + timedelta(days=46))
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"is of {installed.day}, 46 days ago, more than 45" in result.description
    assert "install a newer release" in result.description


def test_a_judge_that_missed_its_canary_is_named_and_blocks_nothing(folder):
    lake, judge = folder.lake, judging_worlds.spec()
    assert checks.canaries_came_back(lake, DAY).passed, "nobody was asked"
    lake.append(JUDGE_SPECS, judging.judge_specs([judge]), name=judge.spec_id)
    rows = pl.DataFrame(
        [
            ledger.attempt_row(
                judge, judging_worlds.item(), judging.Reply(outcome), step=step, number=number,
                run_id="r", cost=None, asked_at=judging_worlds.NOON,
            )
            for number, (step, outcome) in enumerate(
                [("canary/verdict", "ok"), ("verdict", "ok"), ("canary/verdict", "canary_missed")]
            )
        ],
        schema=JUDGE_CALLS.schema,
    )  # fmt: skip
    lake.append(JUDGE_CALLS, rows.head(2), name="held", day=DAY)
    assert checks.canaries_came_back(lake, DAY).passed
    lake.append(JUDGE_CALLS, rows.tail(1), name="missed", day=DAY)
    result = checks.canaries_came_back(lake, DAY)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description.startswith("1 judge(s) missed a canary")
    assert faults(result)[0]["metric"] == "politeness"


def test_spend_that_differs_in_the_last_digit_fails(priced):
    assert checks.spend_adds_up(priced.lake, DAY, FEATURE_COSTS).passed, (
        "nothing is known on both sides"
    )
    money = CALL_COSTS.schema["cost"]
    for table, amount in ((CALL_COSTS, "0.1"), (FEATURE_COSTS, "0.3")):
        rewrite(priced, table, lambda rows, amount=amount: rows.with_columns(
            cost=pl.lit(Decimal(amount), money)
        ))  # fmt: skip
    assert checks.spend_adds_up(priced.lake, DAY, FEATURE_COSTS).passed
    rewrite(priced, FEATURE_COSTS, lambda rows: rows.with_columns(
        cost=pl.lit(Decimal("0.300000000001"), money)
    ))  # fmt: skip
    result = checks.spend_adds_up(priced.lake, DAY, FEATURE_COSTS)
    assert not result.passed
    assert faults(result) == [{"calls": "0.300000000000", "feature_costs": "0.300000000001"}]


def test_unknown_spend_is_not_the_same_as_none(priced):
    rewrite(priced, FEATURE_COSTS, lambda rows: rows.with_columns(
        cost=pl.lit(Decimal(0), FEATURE_COSTS.schema["cost"])
    ))  # fmt: skip
    assert not checks.spend_adds_up(priced.lake, DAY, FEATURE_COSTS).passed


def test_items_that_a_cap_left_without_a_verdict_are_a_warning_that_says_what_to_do(folder):
    row = {
        "spec_id": "s", "item_digest": "d", "repetition": 0, "metric": "groundedness",
        "attempts": 0, "library_versions": "{}", "scored_at": NOON,
    }  # fmt: skip
    rows = [
        row | {"call_id": "c-1", "outcome": "over_budget", "reason": "the cap is reached"},
        row | {"call_id": "c-2", "outcome": "over_budget", "reason": "the cap is reached"},
        row | {"call_id": "c-3", "outcome": "over_policy"},
        row | {"call_id": "c-4", "outcome": "scored", "score": 1.0},
    ]
    folder.lake.write(JUDGE_SCORES, pl.DataFrame(rows, schema=JUDGE_SCORES.schema), day=DAY)
    result = checks.all_judged(folder.lake, JUDGE_SCORES, DAY)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == "2 item(s) have no verdict yet; run the day again to go on"
    assert faults(result) == [
        {
            "metric": "groundedness", "outcome": "over_budget", "items": "2",
            "first_reason": "the cap is reached",
        }
    ]  # fmt: skip


def test_what_was_paid_twice_is_a_warning_with_its_price(folder):
    row = {
        "spec_id": "s", "metric": "groundedness", "kind": "rubric", "model": "m", "verdicts": 1,
        "calls": 3, "faults": 0, "truncated": 0, "unpriced_calls": 0, "paid_twice": 2,
        "paid_twice_cost": Decimal("0.02"),
    }  # fmt: skip
    frame = pl.DataFrame([row], schema=EVALUATION_COSTS.schema)
    folder.lake.write(EVALUATION_COSTS, frame, day=DAY)
    result = checks.nothing_paid_twice(folder.lake, DAY)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description.startswith("2 call(s) asked what had an answer")
    assert faults(result)[0]["paid_twice_cost"] == "0.020000000000"
    folder.lake.write(EVALUATION_COSTS, EVALUATION_COSTS.empty(), day=DAY)
    assert checks.nothing_paid_twice(folder.lake, DAY).passed


def test_each_expectation_that_is_not_met_is_a_row_with_its_examples(folder):
    compute(folder)
    failure = ExpectationFailure("ttft_ms", "not negative", 2, ("call c-1: -1", "call c-2: -3"))
    result = checks.expectations_met(folder.lake, DAY, lambda _calls, _day: [failure])
    assert result.description == "1 expectation(s) not met"
    assert faults(result) == [
        {
            "column": "ttft_ms",
            "expectation": "not negative",
            "unexpected_count": "2",
            "examples": "call c-1: -1; call c-2: -3",
        }
    ]
    assert checks.expectations_met(folder.lake, DAY, lambda _calls, _day: []).passed


def test_a_day_that_was_never_computed_has_nothing_to_find_fault_with(tmp_path):
    folder = Folder(tmp_path)
    for check in (
        checks.no_call_vanished,
        checks.few_rejected,
        checks.all_priced,
        checks.reported_agree,
        partial(checks.spend_adds_up, sums_of_calls=FEATURE_COSTS),
    ):
        assert check(folder.lake, DAY).passed


# In runs


def steps(result, kind: str) -> set[str]:
    return {event.step_key for event in result.all_events if event.event_type_value == kind}


def verdicts(result) -> dict[tuple[str, str | None], bool]:
    return {
        (event.check_name, event.partition): event.passed
        for event in result.get_asset_check_evaluations()
    }


def test_lost_lines_fail_the_landing(folder):
    lost = log_index(folder.lake).with_columns(
        records=pl.col("records") + 1, landed_at=pl.col("landed_at").dt.offset_by("1h")
    )
    folder.lake.append(LOG_INDEX, lost, name="later")
    result = folder.run("land_job")
    assert not result.success
    assert verdicts(result)["every_line_is_accounted_for", None] is False


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A day with an impossible call beside a sound one: its folder, and the run over both."""
    folder = Folder(tmp_path_factory.mktemp("broken"))
    texts = {"request": {"model": "m", "messages": [{"role": "user", "content": CANARY}]}}
    impossible = calls_of(DAY, 1, latency_ms=100.0, ttft_ms=900.0, **texts)
    folder.log("one.jsonl", impossible + calls_of(DAY, 2) + calls_of(NEXT, 3))
    assert folder.run("land_job").success
    job = folder.definitions().resolve_job_def("nightly_job")
    keys = ("llm_calls", "call_costs", "traces", "feedback")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(key) for key in keys],
            tags={
                "dagster/asset_partition_range_start": str(DAY),
                "dagster/asset_partition_range_end": str(NEXT),
            },
            raise_on_error=False,
        )
    return folder, result


@pytest.mark.slow
def test_a_failing_blocking_check_stops_what_lies_downstream_in_the_same_run(broken):
    _, result = broken
    assert not result.success
    assert steps(result, "STEP_FAILURE") == {"llm_calls_calls_meet_expectations"}
    assert {"llm_calls", "feedback"} <= steps(result, "STEP_SUCCESS")
    assert not {"call_costs", "traces"} & steps(result, "STEP_START")


@pytest.mark.slow
def test_in_a_range_every_day_has_its_own_verdict(broken):
    found = verdicts(broken[1])
    assert found["calls_meet_expectations", str(DAY)] is False
    assert found["calls_meet_expectations", str(NEXT)] is True
    assert found["every_landed_call_is_kept_or_a_duplicate", str(DAY)] is True


@pytest.mark.slow
def test_great_expectations_failure_shows_where_what_how_often_and_never_a_text(broken):
    (event,) = [
        event
        for event in broken[1].get_asset_check_evaluations()
        if event.check_name == "calls_meet_expectations" and not event.passed
    ]
    assert event.description == "1 expectation(s) not met"
    (fault,) = [record.data for record in event.metadata["faults"].records]
    assert fault["column"] == "latency_ms, ttft_ms"
    assert "first token" in fault["expectation"]
    assert fault["unexpected_count"] == "1"
    assert "call c-1" in fault["examples"]
    assert CANARY not in str(event)


@pytest.mark.slow
def test_the_next_night_does_not_continue_a_day_whose_check_failed(broken):
    folder, _ = broken
    with dg.DagsterInstance.ephemeral() as instance:
        runner = NightlyRunner(folder.definitions(), instance, lambda _: None)
        assert not runner.execute("nightly_job", DAY, [dg.AssetKey("call_costs")])
        assert runner.execute("nightly_job", NEXT, [dg.AssetKey("call_costs")])
    assert [failure.step for failure in runner.failures] == ["llm_calls_calls_meet_expectations"]
    assert folder.lake.days(CALL_COSTS) == [NEXT]


def test_wrong_spend_stops_the_budgets(priced):
    rewrite(priced, FEATURE_COSTS, lambda rows: rows.with_columns(
        cost=pl.lit(Decimal(1), FEATURE_COSTS.schema["cost"])
    ))  # fmt: skip
    with dg.DagsterInstance.ephemeral() as instance:
        runner = NightlyRunner(priced.definitions(), instance, lambda _: None)
        assert not runner.execute("nightly_job", DAY, [dg.AssetKey("budget_status")])
    (finding,) = runner.findings
    assert finding.check == "spend_adds_up_to_the_last_digit"
    assert priced.lake.days(BUDGET_STATUS) == []


def test_a_check_that_does_not_block_lets_the_run_go_on(folder):
    folder.log("bad.jsonl", calls_of(DAY, 4) + b"{no json\n{nor this\n")
    land(folder)
    result = folder.run("nightly_job", "rejected_lines", "trace_steps", day=DAY)
    assert result.success
    assert verdicts(result)["few_lines_are_rejected", str(DAY)] is False


def test_a_judge_that_another_snapshot_answers_for_is_named_and_blocks_nothing(folder):
    def measured(day, snapshot):
        row = {"judge": "rubric gpt", "metric": "tone", "prompt_version": "*", "n": 5}
        folder.lake.write(QUALITY, rows(QUALITY, row | {"snapshot": snapshot}), day=day)
        return checks.snapshots_hold(folder.lake, day)

    assert measured(DAY, "gpt-a").passed, "there is nothing before it"
    assert measured(NEXT, "gpt-a").passed
    result = measured(NEXT, "gpt-b")
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "a new series begins, nothing was judged again" in result.description
    assert [(fault["before"], fault["now"]) for fault in faults(result)] == [("gpt-a", "gpt-b")]
