import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from rich.console import Console

from llmops_pipelines.cli import summary
from llmops_pipelines.orchestration.runs.nightly import Failure, Finding, Night
from llmops_pipelines.reporting import summarise
from llmops_pipelines.tables import ALERTS, FEATURE_COSTS, QUALITY, REJECTED_LINES
from tests.reporting.worlds import rows

DAY = date(2026, 11, 10)
NIGHT = Night([DAY], {DAY: 20}, [], [])
LONG = (
    "12.4 % of 1,350 answers were found unsupported, certainly more than 10.7 %; "
    "critical is 8 %, and the day before it was 1.9 %"
)


def changed(rule: str, scope: str, state: str, day: date) -> dict:
    return {
        "rule": rule,
        "scope": scope,
        "from_state": "ok",
        "to_state": state,
        "summary": LONG,
        "day": day,
        "alert_key": rule,
    }


def found():
    estimates = [
        {
            "feature": feature,
            "metric": metric,
            "prompt_version": "*",
            "estimate": 0.77,
            "low": 0.75,
            "high": 0.79,
            "n": 395,
            "unscored": 12,
            "judge_spec": "e3e4f8b0adf6c858",
            "snapshot": "gpt-4.1-2025-04-14",
        }
        for feature in ("invoice_extraction", "support_assistant")
        for metric in ("answer_relevancy", "groundedness")
    ]
    return summarise(
        rows(
            FEATURE_COSTS,
            {"feature": "support_assistant", "calls": 1350, "cost": Decimal("1.16")},
            {"feature": "[bold]odd[/bold]", "calls": 3, "cost": None, "unpriced_calls": 3},
            dated=True,
        ),
        rows(REJECTED_LINES, dated=True),
        rows(QUALITY, *estimates, dated=True),
        rows(
            ALERTS,
            changed("hallucination_rate", "support_assistant", "critical", DAY),
            changed("refusal_rate", "chat", "warning", DAY - timedelta(days=1)),
            dated=True,
        ),
        report="/data/" + "lake/" * 20 + "reports/2026-11-10.html",
    )


def printed(width: int, night: Night = NIGHT) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    summary.print_summary(console, found(), night, seconds=3.2)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_cut_off_however_narrow_the_terminal(width):
    lines = printed(width)
    report = next(line for line in lines if line.startswith("report: "))
    assert [line for line in lines if len(line) > width and line != report] == []
    assert "…" not in "\n".join(lines)


def test_an_alert_is_one_sentence_wrapped_between_words():
    lines = printed(80)
    at = lines.index("Alerts, newest first")
    assert lines[at + 1 : at + 5] == [
        "10 Nov  ok to critical  hallucination_rate support_assistant: 12.4 % of 1,350",
        "    answers were found unsupported, certainly more than 10.7 %; critical is 8 %,",
        "    and the day before it was 1.9 %",
        "9 Nov  ok to warning  refusal_rate chat: 12.4 % of 1,350 answers were found",
    ]


def test_a_wide_terminal_has_room_for_the_judge_and_a_narrow_one_for_the_figures():
    assert any("judge spec" in line and "answered by" in line for line in printed(140))
    assert any("e3e4f8b0adf6c858  gpt-4.1-2025-04-14" in line for line in printed(140))
    narrow = printed(80)
    assert not any("judge spec" in line for line in narrow)
    assert "support_assistant   answer_relevancy      0.77   0.75 to 0.79  395        12" in narrow


def test_names_from_logs_are_no_markup():
    assert any(line.startswith("[bold]odd[/bold]") for line in printed(120))


def test_a_path_is_never_broken_so_that_it_can_be_copied():
    assert printed(60)[-1] == "report: /data/" + "lake/" * 20 + "reports/2026-11-10.html"


def test_the_first_line_says_what_was_done():
    assert printed(80)[1] == "1 day(s) computed, 3 s"
    idle = Night([DAY], {}, [], [])
    assert printed(80, idle)[1] == "nothing is new or changed; nothing was recomputed, 3 s"
    assert "savings were replayed: features.yaml" in printed(120, idle._replace(replayed=True))[1]


def test_troubles_name_day_step_and_cause():
    night = Night(
        [DAY],
        {DAY: 3},
        [
            Failure(DAY, "judge_scores", "ReferenceFileError: rubrics.yaml:3: prompt", "r"),
            Failure(None, "landing", "PermissionError: logs", "r"),
        ],
        [],
        [Finding("every_feature_is_known", f"{DAY}: 1 feature(s) unknown: feature chat")],
    )
    console = Console(file=io.StringIO(), width=100, color_system=None)
    summary.print_troubles(console, night)
    assert console.file.getvalue().splitlines() == [
        "check every_feature_is_known: 2026-11-10: 1 feature(s) unknown: feature chat",
        "failed: 2026-11-10, judge_scores: ReferenceFileError: rubrics.yaml:3: prompt",
        "failed: landing: PermissionError: logs",
    ]


def test_a_path_in_a_trouble_stays_whole_in_a_narrow_terminal():
    path = "/data/" + "lake/" * 20 + "reports"
    night = Night([DAY], {}, [Failure(DAY, "nightly_report", f"FileExistsError: {path}", "r")], [])
    console = Console(file=io.StringIO(), width=60, color_system=None)
    summary.print_troubles(console, night)
    assert f"    {path}" in console.file.getvalue().splitlines()


def test_the_json_object_has_the_promised_keys_and_what_happened():
    night = Night([DAY], {DAY: 20}, [Failure(DAY, "traces", "boom", "r")], [])
    object_ = summary.as_json(found(), night)
    assert list(object_) == ["days", "quality", "alerts", "report", "computed", "failures"]
    assert object_["computed"] == {"2026-11-10": 20}
    assert object_["failures"] == [{"day": "2026-11-10", "step": "traces", "error": "boom"}]


def test_an_object_about_nothing_has_the_same_keys_and_says_why():
    object_ = summary.nothing_as_json("no such folder")
    assert list(object_) == ["days", "quality", "alerts", "report", "computed", "failures"]
    assert [object_[name] for name in ("days", "quality", "alerts")] == [[], [], []]
    assert object_["failures"] == [{"day": None, "step": "set-up", "error": "no such folder"}]


def test_the_night_without_any_day_is_a_summary_too():
    tables = (FEATURE_COSTS, REJECTED_LINES, QUALITY, ALERTS)
    empty = summarise(*(rows(table, dated=True) for table in tables))
    console = Console(file=io.StringIO(), width=80, color_system=None)
    summary.print_summary(console, empty, Night([], {}, [], []), seconds=0)
    assert "No calls\nno day of the run holds a call" in console.file.getvalue()
