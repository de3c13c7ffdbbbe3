"""The waterfall of a savings plan."""

from llmops_pipelines.adapters.charting.figures import svg
from llmops_pipelines.adapters.charting.plan_chart import savings_waterfall
from llmops_pipelines.tables import SAVINGS_PLAN
from tests.golden.worlds import frame

STEPS = {"cache": (2.0, 2.0), "route": (3.0, 4.0), "compress": (0.0, 0.0), "batch": (-0.0, 1.0)}


def plan(**of_all):
    """Ten dollars a call, one call a day: five are saved, seven by the steps alone."""
    whole = {"feature": "*", "step": "plan", "paid_per_call": 10.0, "calls_per_day": 1.0,
             "saved": 5.0, "saved_alone": 7.0, "saved_a_year": 1825.0, "saved_a_year_low": 1000.0,
             "saved_a_year_high": 2500.0} | of_all  # fmt: skip
    steps = [
        {"feature": "*", "step": step, "saved": saved, "saved_alone": alone}
        for step, (saved, alone) in STEPS.items()
    ]
    return frame(SAVINGS_PLAN, [*steps, whole])


def test_spend_falls_step_by_step_and_the_sum_of_parts_stands_beside():
    drawn = svg(savings_waterfall(plan(), title="All savings as one"))
    for told in ("$3,650", "-$730.00", "-$1,095", "$0.00", "$1,825", "$2,555",
                 "a year: $1,825 ($1,000 to $2,500) saved"):  # fmt: skip
        assert told in drawn, told


def test_nothing_known_is_said_not_drawn():
    for unknown in (plan(paid_per_call=None), plan(calls_per_day=None), SAVINGS_PLAN.empty()):
        assert "no sampled call has a known cost" in svg(savings_waterfall(unknown, title="x"))
