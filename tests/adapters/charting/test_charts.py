import base64
import io
import re
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import polars as pl
import pytest
from PIL import Image

from llmops_pipelines.adapters.charting.charts import (
    bars,
    daily_spend,
    intervals,
    latency_percentiles,
    metric_over_days,
    png_markdown,
    svg,
)
from llmops_pipelines.adapters.charting.figures import CRITICAL, label
from llmops_pipelines.adapters.charting.waterfall import waterfall

DAYS = [date(2026, 11, 1) + timedelta(days=step) for step in range(5)]

COSTS = pl.Schema({"day": pl.Date, "feature": pl.String, "cost": pl.Decimal(38, 12)})
RATES = pl.Schema(
    {
        "day": pl.Date,
        "feature": pl.String,
        "estimate": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
    }
)
ROWS = pl.Schema(
    {
        "label": pl.String,
        "estimate": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "n": pl.Int64,
    }
)
LATENCIES = pl.Schema(
    {"label": pl.String, "p50": pl.Float64, "p95": pl.Float64, "p99": pl.Float64, "n": pl.Int64}
)
COUNTS = pl.Schema({"label": pl.String, "value": pl.Float64})


def frame(schema, *rows) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema, orient="row")


def costs(*names) -> pl.DataFrame:
    return frame(
        COSTS,
        *((day, name, Decimal(place + 1)) for day in DAYS for place, name in enumerate(names)),
    )


def rates(*estimates, feature="chat") -> pl.DataFrame:
    return frame(
        RATES,
        *(
            (day, feature, x, None if x is None else x - 0.01, None if x is None else x + 0.01, 50)
            for day, x in zip(DAYS, estimates, strict=False)
        ),
    )


def words(figure) -> list[str]:
    """Every text that the drawing shows."""
    tree = ElementTree.fromstring(svg(figure))
    return ["".join(node.itertext()).strip() for node in tree.iter() if node.tag.endswith("}text")]


ALL_CHARTS = {
    "daily_spend": lambda name="chat": daily_spend(costs(name, "mail")),
    "metric_over_days": lambda name="chat": metric_over_days(
        rates(0.01, 0.02, 0.06, feature=name), title="Failed calls", warning=0.02, critical=0.04
    ),
    "intervals": lambda name="chat": intervals(
        frame(ROWS, (name, 0.8, 0.7, 0.9, 40)), title="Quality"
    ),
    "latency_percentiles": lambda name="chat": latency_percentiles(
        frame(LATENCIES, (name, 300.0, 900.0, 2500.0, 40))
    ),
    "bars": lambda name="chat": bars(frame(COUNTS, (name, 12.0)), title="Calls"),
}

EMPTY_CHARTS = {
    "daily_spend": lambda: daily_spend(frame(COSTS)),
    "metric_over_days": lambda: metric_over_days(frame(RATES), title="Failed calls"),
    "intervals": lambda: intervals(frame(ROWS), title="Quality"),
    "latency_percentiles": lambda: latency_percentiles(frame(LATENCIES)),
    "bars": lambda: bars(frame(COUNTS), title="Calls"),
}


@pytest.mark.parametrize("chart", EMPTY_CHARTS)
def test_nothing_to_draw_is_a_chart_that_says_so(chart):
    assert any("no data" in text for text in words(EMPTY_CHARTS[chart]()))


def test_figures_that_are_all_unknown_are_no_data():
    unknown = intervals(frame(ROWS, ("chat", None, None, None, 0)), title="Quality")
    assert "no data" in words(unknown)
    unpriced = daily_spend(frame(COSTS, (DAYS[0], "chat", None)))
    assert "no data: no call of these days has a price" in words(unpriced)


@pytest.mark.parametrize("chart", ALL_CHARTS)
def test_the_same_figures_draw_the_same_bytes(chart):
    assert svg(ALL_CHARTS[chart]()) == svg(ALL_CHARTS[chart]())
    assert png_markdown(ALL_CHARTS[chart]()) == png_markdown(ALL_CHARTS[chart]())


def test_another_process_draws_the_same_bytes():
    code = (
        "import tests.adapters.charting.test_charts as t, hashlib;"
        "d = ''.join(t.svg(draw()) for draw in t.ALL_CHARTS.values());"
        "print(hashlib.sha256(d.encode()).hexdigest())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    ]
    assert runs[0] == runs[1] != ""


@pytest.mark.parametrize("chart", ALL_CHARTS)
def test_a_drawing_is_one_small_element_that_needs_nothing_else(chart):
    drawing = svg(ALL_CHARTS[chart](), 'Spend of "a" & b')
    tree = ElementTree.fromstring(drawing)
    assert tree.tag == "{http://www.w3.org/2000/svg}svg"
    assert tree.get("role") == "img"
    assert tree.get("aria-label") == 'Spend of "a" & b'
    assert tree.get("viewBox")
    assert tree.get("width") is None
    assert set(re.findall(r"https?://[^\"\s]+", drawing)) == {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert len(drawing) < 20_000
    assert "<metadata" not in drawing
    assert "DejaVu" not in drawing


def test_two_drawings_on_a_page_share_no_id():
    drawings = [svg(draw()) for draw in ALL_CHARTS.values()]
    ids = [re.findall(r'\bid="([^"]+)"', drawing) for drawing in drawings]
    assert sum(map(len, ids)) == len({name for names in ids for name in names})
    for drawing, names in zip(drawings, ids, strict=True):
        used = re.findall(r'(?:href="#|url\(#)([^")]+)', drawing)
        assert set(used) <= set(names)


def test_colours_follow_the_page():
    drawing = svg(ALL_CHARTS["daily_spend"]())
    assert "var(--chart-ink, #1f2937)" in drawing
    assert "var(--chart-grid, #e4e7ec)" in drawing


@pytest.mark.parametrize("chart", ALL_CHARTS)
@pytest.mark.parametrize(
    "name", ["</text><script>alert(1)</script>", "$\\frac{x}{", "a\x00\u202eb"]
)
def test_a_hostile_name_is_only_a_name(chart, name):
    figure = ALL_CHARTS[chart](name)
    assert any(label(name) in text for text in words(figure))
    assert "<script" not in svg(figure)
    png_markdown(figure, name)


@pytest.mark.parametrize("chart", ALL_CHARTS)
def test_markdown_carries_a_small_png(chart):
    markdown = png_markdown(ALL_CHARTS[chart](), "spend](x) `of` today")
    alternative, encoded = re.fullmatch(
        r"!\[([^\]]*)\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", markdown
    ).groups()
    assert alternative == "spend  x   of  today"
    assert len(markdown) < 60_000
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).width > 500


def test_a_crowded_chart_still_fits_in_60_kb():
    many = pl.concat(
        [rates(*(0.1 * (i % 7) for _ in DAYS), feature=f"feature {i}") for i in range(9)]
    )
    assert len(png_markdown(metric_over_days(many, title="Failed calls"))) < 60_000


def test_no_figure_is_left_open():
    for draw in ALL_CHARTS.values():
        draw()
    code = (
        "import sys, tests.adapters.charting.test_charts as t;"
        "assert 'matplotlib' not in sys.modules;"
        "[t.svg(draw()) for draw in t.ALL_CHARTS.values()];"
        "assert 'matplotlib' in sys.modules;"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_users_own_settings_do_not_show():
    import matplotlib as mpl

    plain = svg(ALL_CHARTS["bars"]())
    with mpl.rc_context({"font.size": 30, "text.color": "red", "svg.fonttype": "path"}):
        assert svg(ALL_CHARTS["bars"]()) == plain
        assert mpl.rcParams["font.size"] == 30


def test_spend_names_the_dearest_features_and_sums_up_the_rest():
    shown = words(daily_spend(costs(*"abcdefgh"), top=3))
    assert {"h $8.00", "g $7.00", "f $6.00", "5 other $15.00", "$36.00"} <= set(shown)


def test_spend_of_several_models_adds_up():
    doubled = pl.concat([costs("chat"), costs("chat")])
    assert "chat $2.00" in words(daily_spend(doubled))


def test_a_last_day_without_any_price_is_unknown_and_not_free():
    begun = [(DAYS[0], "chat", Decimal(2)), (DAYS[0], "mail", Decimal(1))]
    shown = words(daily_spend(frame(COSTS, *begun, (DAYS[1], "chat", None))))
    assert {"chat unknown", "mail unknown", "unknown"} <= set(shown)
    assert any("unknown in all" in said for said in shown)
    assert not any("$0.00" in said for said in shown if "chat" in said or "all" in said)
    some = words(daily_spend(frame(COSTS, *begun, (DAYS[1], "mail", Decimal(3)))))
    assert {"chat $0.00", "mail $3.00"} <= set(some)


def test_a_day_without_spend_is_an_empty_place_not_a_missing_one():
    gap = costs("chat").filter(pl.col("day") != DAYS[2])
    shown = words(daily_spend(gap))
    assert "3 Nov" in shown


def test_panels_name_feature_base_last_figure_and_lines():
    shown = words(ALL_CHARTS["metric_over_days"]())
    assert {"chat · n 50", "6 %", "warning 2 %", "critical 4 %", "Failed calls"} <= set(shown)


def test_only_a_day_whose_whole_interval_is_beyond_is_marked():
    drawing = svg(metric_over_days(rates(0.01, 0.045, 0.01), title="x", critical=0.04))
    marked = svg(metric_over_days(rates(0.01, 0.055, 0.01), title="x", critical=0.04))
    assert marked.count(CRITICAL) > drawing.count(CRITICAL)


def test_trouble_may_lie_below_the_line():
    fallen = metric_over_days(
        rates(0.9, 0.5), title="x", scale="score", critical=0.6, worse="below", bounds=(None, None)
    )
    assert {"critical 0.60", "0.50"} <= set(words(fallen))


def test_a_day_without_an_estimate_is_a_gap():
    whole = svg(metric_over_days(rates(0.1, 0.1, 0.1, 0.1, 0.1), title="x"))
    broken = svg(metric_over_days(rates(0.1, 0.1, None, 0.1, 0.1), title="x"))
    assert whole.count("M ") < broken.count("M ")


def test_features_beyond_nine_are_counted():
    many = pl.concat([rates(0.1, 0.2, feature=f"f{i:02}") for i in range(12)])
    shown = words(metric_over_days(many, title="x"))
    assert any("3 more features" in text for text in shown)
    assert not any("f09" in text for text in shown)


def test_an_interval_stands_beside_its_base_and_what_is_missing():
    rows = frame(ROWS, ("chat", 0.8, 0.7, 0.9, 40), ("mail", None, None, None, 0)).with_columns(
        missing=pl.Series([3, 7])
    )
    shown = words(intervals(rows, title="Quality"))
    assert "0.80 (0.70 to 0.90), n 40, 3 missing" in shown
    assert "not measured, n 0, 7 missing" in shown


def test_an_estimate_without_an_interval_claims_none():
    assert "0.80, n 1" in words(
        intervals(frame(ROWS, ("chat", 0.8, None, None, 1)), title="Quality")
    )


@pytest.mark.parametrize("draw", [intervals, bars])
def test_rows_beyond_the_chart_are_counted(draw):
    rows = frame(ROWS, *((f"r{i}", 0.5, 0.4, 0.6, 9) for i in range(30))).with_columns(
        value="estimate"
    )
    assert any("6 more not shown" in text for text in words(draw(rows, title="x")))


def test_latencies_are_told_in_seconds():
    shown = words(ALL_CHARTS["latency_percentiles"]())
    assert {"P50 300 ms", "P95 900 ms", "P99 2.5 s", "n 40"} <= set(shown)


def test_an_unknown_percentile_is_left_out():
    rows = frame(LATENCIES, ("chat", 300.0, None, 0.0, 4), ("mail", None, None, None, 0))
    shown = words(latency_percentiles(rows))
    assert "P50 300 ms" in shown
    assert "mail" not in shown
    assert not any(text.startswith(("P95", "P99")) and text[3:] for text in shown)


def test_bars_are_sorted_and_an_unknown_value_is_no_zero():
    shown = words(bars(frame(COUNTS, ("a", None), ("b", 2.5), ("c", 1512.0)), title="Calls"))
    assert [text for text in shown if text in ("a", "b", "c")] == ["c", "b", "a"]
    assert {"unknown", "2.5", "1,512"} <= set(shown)


def test_large_sums_are_told_without_cents():
    rows = frame(COUNTS, ("a", 12_345.6), ("b", 9.5))
    assert {"$12,346", "$9.50"} <= set(words(bars(rows, title="Spend", scale="usd")))


def test_a_change_of_spend_is_drawn_from_before_to_after():
    names = ["volume", "cache_rate", "price"]
    drivers = pl.DataFrame(
        {"driver": names, "amount": [2.0, -1.0, 0.0], "before": [3.0] * 3, "after": [4.0] * 3}
    )
    shown = set(words(waterfall(drivers, title="Why spend changed")))
    assert {"$3.00", "+$2.00", "-$1.00", "$4.00", "volume", "before", "after"} <= shown
    assert "price" not in shown
    small = drivers.with_columns(pl.col("before", "after") + 96)
    assert "bars begin at $98.00" in " ".join(words(waterfall(small, title="Why")))
    nothing = drivers.with_columns(before=pl.lit(0.0), after=pl.lit(0.0))
    assert "no data: nothing was spent in either week" in words(waterfall(nothing, title="Why"))


def test_labels_of_near_percentiles_stand_apart():
    far, near = ("mail", 237.0, 382.0, 484.0, 390), ("*", 1_120.0, 1_580.0, 1_720.0, 177)
    figure = latency_percentiles(frame(LATENCIES, far, near))
    figure.canvas.draw()
    boxes = {
        text.get_text()[:3]: text.get_window_extent()
        for text in figure.axes[0].texts
        if text.get_text().startswith("P") and text.xy[1] == 1
    }
    assert boxes["P50"].x1 < boxes["P95"].x0
    assert boxes["P95"].x1 < boxes["P99"].x0
    assert "all features" in words(figure)
