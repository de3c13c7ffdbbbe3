import json
from datetime import timedelta
from decimal import Decimal

import polars as pl

from llmops_pipelines.reporting import (
    SummaryTable,
    summarise,
    summary_json,
    summary_tables,
    summary_text,
)
from llmops_pipelines.tables import (
    ALERTS,
    DELIVERIES,
    FEATURE_COSTS,
    QUALITY,
    REJECTED_LINES,
    ROLLBACKS,
)
from tests.reporting.worlds import DAY, fortnight, rows

BEFORE = DAY - timedelta(days=1)


def nothing(table) -> pl.DataFrame:
    return rows(table, dated=True)


def summary(*, costs=(), rejected=(), quality=(), alerts=(), **more):
    return summarise(
        rows(FEATURE_COSTS, *costs, dated=True),
        rows(REJECTED_LINES, *rejected, dated=True),
        rows(QUALITY, *quality, dated=True),
        rows(ALERTS, *alerts, dated=True),
        **more,
    )


def cost(feature, amount, **more) -> dict:
    amount = None if amount is None else Decimal(amount)
    return {"feature": feature, "calls": 10, "cost": amount, **more}


def alert(key, **more) -> dict:
    return {
        "rule": "error_rate",
        "scope": "chat",
        "from_state": "ok",
        "to_state": "critical",
        "summary": "it broke",
        "alert_key": key,
        **more,
    }


def test_a_day_and_feature_are_one_row_whatever_its_models():
    found = summary(
        costs=[cost("chat", "1.25", model="a"), cost("chat", "0.5", model="b", unpriced_calls=2)],
        rejected=[{"feature": "chat", "source_line": line} for line in (1, 2)],
    )
    assert found.days.rows() == [(DAY, "chat", 20, 2, Decimal("1.75"), 2)]


def test_rejected_lines_of_an_unknown_feature_are_not_lost():
    found = summary(
        costs=[cost("chat", "1")], rejected=[{"feature": "unattributed", "day": BEFORE}]
    )
    assert found.days.rows() == [
        (BEFORE, "unattributed", 0, 1, None, 0),
        (DAY, "chat", 10, 0, Decimal(1), 0),
    ]


def test_a_file_that_could_not_be_read_counts_with_all_its_lines():
    found = summary(rejected=[{"feature": "unattributed", "lines": 40}])
    assert found.days["rejected"].to_list() == [40]


def test_an_unknown_cost_is_null_in_json_and_unknown_in_words():
    found = summary(costs=[cost("chat", None, unpriced_calls=10)])
    assert summary_json(found)["days"][0]["cost_usd"] is None
    assert "spend           unknown (10 calls without a price not included)" in summary_text(found)


def test_the_json_has_exactly_the_promised_names():
    found = summary(
        costs=[cost("chat", "1.5")],
        quality=[
            {
                "feature": "chat",
                "prompt_version": "*",
                "metric": "support",
                "judge_spec": "abc",
                "snapshot": "gpt-4.1-2025-04-14",
                "estimate": 0.8,
                "n": 9,
            }
        ],
        alerts=[alert("k")],
        report="reports/x.html",
    )
    assert json.loads(json.dumps(summary_json(found))) == {
        "days": [
            {
                "day": "2026-11-10",
                "feature": "chat",
                "calls": 10,
                "rejected": 0,
                "cost_usd": 1.5,
                "unpriced_calls": 0,
            }
        ],
        "quality": [
            {
                "day": "2026-11-10",
                "feature": "chat",
                "metric": "support",
                "estimate": 0.8,
                "low": None,
                "high": None,
                "n": 9,
                "unscored": 0,
                "judge_spec": "abc",
                "snapshot": "gpt-4.1-2025-04-14",
            }
        ],
        "alerts": [
            {
                "rule": "error_rate",
                "scope": "chat",
                "day": "2026-11-10",
                "from": "ok",
                "to": "critical",
                "acted": False,
            }
        ],
        "report": "reports/x.html",
    }


def test_estimates_of_single_prompt_versions_stay_out():
    versions = [{"prompt_version": version, "estimate": 0.5} for version in ("*", "3")]
    assert summary(quality=versions).quality.height == 1


def test_a_delivered_alert_was_acted_on_and_a_failed_delivery_was_not():
    deliveries = pl.DataFrame(
        [
            {"alert_key": "a", "outcome": "delivered", "detail": "200"},
            {"alert_key": "b", "outcome": "failed", "detail": "500"},
        ],
        schema=DELIVERIES.schema,
    )
    found = summary(alerts=[alert("a"), alert("b", scope="mail")], deliveries=deliveries)
    assert found.alerts.select("scope", "acted").rows() == [("chat", True), ("mail", False)]


def test_an_alert_whose_prompt_went_back_was_acted_on():
    rollback = {"rule": "error_rate", "scope": "chat", "reason": "-"}
    for outcome, acted in (("rolled_back", True), ("dry_run", False)):
        undone = rows(ROLLBACKS, {**rollback, "outcome": outcome}, dated=True)
        assert summary(alerts=[alert("a")], rollbacks=undone).alerts["acted"].to_list() == [acted]


def test_a_run_without_anything_says_so():
    text = summary_text(summary())
    assert text == (
        "No calls\n  no day of the run holds a call\n\n"
        "Features by cost\n\n"
        "Quality\n  nothing was scored\n\n"
        "Alerts\n  no alert changed its state\n"
    )


def test_the_text_is_readable_at_a_glance():
    night = fortnight()
    dated = {
        name: getattr(night, name).with_columns(day=pl.lit(DAY))
        for name in ("rejected_lines", "alerts", "rollbacks")
    }
    found = summarise(
        night.feature_costs,
        dated["rejected_lines"],
        night.quality,
        dated["alerts"],
        rollbacks=dated["rollbacks"],
        report="lake/reports/2026-11-10.html",
    )
    text = summary_text(found)
    assert text.startswith("14 days, 28 October to 10 November 2026\n  calls           18,346\n")
    assert "  spend           $153.17 (37 calls without a price not included)\n" in text
    assert "  code_helper         $65.74  3,857         0\n" in text
    assert "  support_assistant   support        0.77   0.75 to 0.79  395        12  5f1c" in text
    assert "  10 Nov  ok to critical  error_rate support_assistant: 8.1 % of 430 calls" in text
    assert text.endswith("Report: lake/reports/2026-11-10.html\n")


def test_one_day_is_named_alone():
    assert summary_text(summary(costs=[cost("chat", "1")])).startswith("10 November 2026\n")


def test_the_newest_and_worst_alert_comes_first():
    found = summary(
        alerts=[
            alert("a", day=BEFORE, scope="a"),
            alert("b", to_state="ok", from_state="warning", scope="b"),
            alert("c", scope="c", backfilled=True),
        ]
    )
    table = summary_tables(found)[3]
    assert [row[3] for row in table.rows] == ["c", "b", "a"]
    assert table.rows[0][4] == "it broke (evaluated late, nobody told)"


def test_long_lists_are_cut_and_counted():
    found = summary(
        costs=[cost(f"f{i}", "1") for i in range(9)],
        alerts=[alert(f"k{i}", scope=f"s{i}") for i in range(25)],
    )
    _, features, _, alerts = summary_tables(found)
    assert (len(features.rows), features.remark) == (6, "and 3 more")
    assert (len(alerts.rows), alerts.remark) == (20, "and 5 older ones")


def test_terminal_control_sequences_of_a_name_are_only_named():
    text = summary_text(summary(costs=[cost("\x1b[31mred\x07", "1")]))
    assert "\x1b" not in text
    assert "[U+001B][31mred[U+0007]" in text


def test_a_sentence_that_names_rule_and_scope_is_not_told_them_again():
    said = "error_rate: chat 9 %, above the critical line 5 %"
    row = ("9 Nov", "ok to critical", "error_rate", "chat", said)
    assert SummaryTable("Alerts", (), (row,), flowing=True).sentences == (
        f"9 Nov  ok to critical  {said}",
    )
