"""Backtest of the spend forecast and of what is called unusual, beside simpler forecasts.

Each case hides the end of a series and forecasts its sum: how often the sum lies within the 80 and
95 % intervals, and the absolute error of the median over the sum, beside three baselines: the last
week repeated, the mean of the last four weeks, and, on every tenth case, statsmodels' ETS (additive
errors on logarithms, weekday seasonality, simulated intervals). Simulated worlds have weekdays,
moving levels, level shifts, correlated and heavy-tailed noise, spikes, closed weekends, few calls,
customers who come and go, batches with heavy tails, regimes, launches. Beside coverage stands the
interval score of the 80 % intervals (T. Gneiting and A. Raftery, 2007: width, and what was missed
times 2 / alpha) over the mean of it all: less is better.

`python benchmarks/forecast.py [DATA] [--cases 90]`; DATA is a folder with `servegen`,
`azure_llm_2023` and `mooncake`: real traffic priced at $2 and $8 per million tokens. No public log
of LLM calls spans months, so the real rhythm of a day, cut in seven, stands in for that of a week.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.cost import cost_anomalies, cost_forecast
from llmops_pipelines.cost.season import future_paths
from llmops_pipelines.cost.unusual import THRESHOLD, judge_last
from llmops_pipelines.tables import FEATURE_COSTS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WORLDS = (
    "flat", "weekdays", "walk", "trend", "shifts", "correlated", "spikes", "heavy", "closed", "few",
    "bursts", "jobs", "regimes", "launch",
)  # fmt: skip
CALM = ("flat", "weekdays", "walk", "trend", "correlated", "heavy", "closed", "few")
ETS_EVERY = 10


class Case(NamedTuple):
    """A series with its places in the week, and how much of it is known."""

    series: Floats
    weekdays: Ints
    known: int


class Outcome(NamedTuple):
    """One case: whether the sum lay within, and relative errors; ETS's are NaN where not asked."""

    within_80: float
    within_95: float
    width: float
    error: float
    week: float
    mean: float
    ets: float
    ets_80: float
    ets_95: float
    ets_seconds: float
    score: float


def world(  # noqa: PLR0912
    name: str, days: int, random: np.random.Generator
) -> tuple[Floats, Ints]:
    """A made-up service's spend."""
    weekdays = (random.integers(7) + np.arange(days)) % 7
    pattern = np.append(np.exp(random.normal(0, 0.08, 5)), random.uniform(0.15, 0.9, 2))
    noise_size = random.uniform(0.05, 0.3)
    noise, level = random.normal(0, noise_size, days), np.zeros(days)
    match name:
        case "flat":
            pattern = np.ones(7)
        case "walk":
            level = np.cumsum(random.normal(0, random.uniform(0.02, 0.1), days))
        case "trend":
            level = np.arange(days) * random.uniform(-0.01, 0.02)
        case "shifts":
            level = np.cumsum((random.random(days) < 1 / 25) * random.normal(0, 0.5, days))
        case "correlated":
            share = random.uniform(0.3, 0.8)
            for day in range(1, days):
                noise[day] = share * noise[day - 1] + np.sqrt(1 - share**2) * noise[day]
        case "spikes":
            noise = noise + (random.random(days) < 0.04) * random.uniform(0.7, 1.6, days)
        case "heavy":
            noise = noise_size * random.standard_t(3, days)
        case "regimes":
            begins = random.random(days) < 1 / 15
            level = random.normal(0, 0.7, days + 1)[np.cumsum(begins)]
        case "launch":
            middle, pace = random.uniform(5, days), random.uniform(0.1, 0.4)
            grown = 1 / (1 + np.exp(-pace * (np.arange(days) - middle)))
            level = np.log(0.2 + random.uniform(1, 5) * grown)
    series = pattern[weekdays] * np.exp(level + noise) * 10 ** random.uniform(-2, 3)
    if name == "closed":
        series[weekdays >= 5] = 0
    if name == "jobs":
        batches = (random.random(days) < 0.12) * (random.pareto(1.5, days) + 1)
        series = series + series.mean() * batches * random.uniform(0.5, 3)
    if name == "bursts":
        come, go = random.uniform(0.1, 0.5, 2)
        on = [random.random() < 0.5]
        for chance in random.random(days - 1):
            on.append(chance >= go if on[-1] else chance < come)
        series = np.array(on) * random.lognormal(0, 0.7, days) + 0.02
    if name == "few":
        counts = random.poisson(random.uniform(2, 20) * pattern[weekdays])
        series = np.array([random.lognormal(0, 0.8, count).sum() for count in counts])
    return series, weekdays


def simulated(name: str, known: tuple[int, ...], cases: int) -> Iterator[Case]:
    random = np.random.default_rng(1)
    for case in range(cases):
        days = known[case % len(known)]
        ahead = (5, 12, 25)[case // len(known) % 3]
        yield Case(*world(name, days + ahead, random), days)


def cut(times: pl.Expr, spent: pl.Expr, of: str, rows: pl.DataFrame, size: float) -> list[Floats]:
    """One series a value of ``of``: spend per ``size`` seconds; series of few requests left out."""
    binned = rows.select(of, bin=(times / size).floor().cast(pl.Int64), spent=spent)
    bins = int(binned["bin"].max()) + 1  # type: ignore[arg-type]
    found = []
    for _, own in binned.group_by(of):
        if own.height > 20 * 98 // 10:
            found.append(np.bincount(own["bin"], own["spent"], minlength=bins)[: bins - 1])
    return found


def priced(prompt: str, answer: str) -> pl.Expr:
    return (2 * pl.col(prompt) + 8 * pl.col(answer)) / 1e6


def rolling(series: list[Floats], known: int, ahead: int, step: int) -> Iterator[Case]:
    for one in series:
        places = np.arange(len(one)) % 7
        for start in range(0, len(one) - known - ahead + 1, step):
            if (
                one[start : start + known].sum()
                and one[start + known : start + known + ahead].sum()
            ):
                part = slice(start, start + known + ahead)
                yield Case(one[part], places[part], known)


def real(folder: Path) -> Iterator[tuple[str, Iterator[Case]]]:
    served = pl.read_parquet(folder / "servegen/requests_resampled.parquet").filter(
        pl.col("model").str.starts_with("m-")
    )
    spent, at = priced("input_tokens", "output_tokens"), pl.col("t")
    day = 86_400.0
    clients = served.with_columns(of=pl.concat_str("model", pl.lit("/"), "client"))
    yield (
        "ServeGen clients, sevenths of days, 42 + 14",
        rolling(cut(at, spent, "of", clients, day / 7), 42, 14, 7),
    )
    yield (
        "ServeGen models, sevenths of days, 42 + 14",
        rolling(cut(at, spent, "model", served, day / 7), 42, 14, 3),
    )
    yield "ServeGen clients, days, 7 + 5", rolling(cut(at, spent, "of", clients, day), 7, 5, 1)
    azure = pl.read_parquet(folder / "azure_llm_2023/data.parquet")
    seconds = (pl.col("timestamp") - pl.col("timestamp").min()).dt.total_seconds()
    yield (
        "Azure services, minutes, 28 + 10",
        rolling(
            cut(seconds, priced("input_tokens", "output_tokens"), "service", azure, 60), 28, 10, 2
        ),
    )
    kimi = pl.read_parquet(folder / "mooncake/data.parquet")
    yield "Mooncake traces, minutes, 28 + 10", rolling(
        cut(pl.col("timestamp") / 1000, priced("input_length", "output_length"), "trace", kimi, 60),
        28, 10, 2,
    )  # fmt: skip


def ets(case: Case) -> tuple[float, Floats, float]:
    """Median, (2.5, 10, 90, 97.5) percentiles of the sum, and CPU seconds."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    started = time.process_time()
    past = case.series[: case.known]
    scale = past.mean()
    logs = np.log(past / scale + 0.2)
    ahead = len(case.series) - case.known
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = ETSModel(logs, seasonal="add", seasonal_periods=7).fit(disp=False)
        paths = fit.simulate(ahead, anchor="end", repetitions=500, rng=1)
    sums = (np.maximum(np.exp(np.minimum(np.asarray(paths), 20)) - 0.2, 0) * scale).sum(axis=0)
    ends: Floats = np.quantile(sums, [0.025, 0.1, 0.9, 0.975])
    return float(np.median(sums)), ends, time.process_time() - started


def outcome(case: Case, *, with_ets: bool) -> Outcome:
    past, weekdays = case.series[: case.known], case.weekdays[: case.known]
    ahead = case.weekdays[case.known :]
    true = case.series[case.known :].sum()
    scale = case.series.mean() * len(ahead)
    low95, low80, median, high80, high95 = ends_of(future_paths(past, weekdays, ahead))
    week = sum(
        past[weekdays == day][-1] if (weekdays == day).any() else past.mean() for day in ahead
    )
    nothing = float("nan")
    middle, ends, seconds = ets(case) if with_ets else (nothing, np.full(4, nothing), nothing)
    return Outcome(
        low80 <= true <= high80,
        low95 <= true <= high95,
        (high80 - low80) / true,
        abs(median - true) / true,
        abs(week - true) / true,
        abs(past[-28:].mean() * len(ahead) - true) / true,
        abs(middle - true) / true,
        float(ends[1] <= true <= ends[2]) if with_ets else nothing,
        float(ends[0] <= true <= ends[3]) if with_ets else nothing,
        seconds,
        interval_score(low80, high80, true) / scale,
    )


def ends_of(paths: Floats) -> Floats:
    ends: Floats = np.quantile(paths.sum(axis=1), [0.025, 0.1, 0.5, 0.9, 0.975])
    return ends


def interval_score(low: float, high: float, true: float) -> float:
    return high - low + 10 * max(low - true, true - high, 0.0)


def tell(name: str, outcomes: list[Outcome]) -> None:
    all_of = np.array(outcomes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean = Outcome(*np.nanmean(all_of, axis=0))
        middle = Outcome(*np.nanmedian(all_of, axis=0))
    beside = f"{mean.ets_80:6.0%} {mean.ets_95:5.0%} {middle.ets:6.1%}"
    held = f"{mean.within_80:5.0%} {mean.within_95:5.0%} {mean.score:5.2f} {middle.width:7.1%}"
    print(
        f"{name:44}{len(outcomes):5} {held} {middle.error:6.1%} {middle.week:6.1%}"
        f" {middle.mean:6.1%} {'' if np.isnan(middle.ets) else beside}"
    )


def backtest(name: str, cases: Iterator[Case], every: int) -> list[Outcome]:
    found = [
        outcome(case, with_ets=bool(every) and at % every == 0 and case.known >= 14)
        for at, case in enumerate(cases)
    ]
    tell(name, found)
    return found


def unusual(cases: int) -> None:
    """Share of last days called unusual: as they are, and with the last one times a factor."""
    changes = (1.0, 1.5, 2.0, 3.0, 0.5)
    print("\n  days before  as it is  x 1.5    x 2    x 3  x 1/2  x 2 for a week, any day  no data")
    for title, names in (("calm", CALM), ("bursts", ("bursts",)), ("jobs", ("jobs",))):
        for days in (7, 13, 20, 41):
            told: dict[float, list[bool]] = {times: [] for times in changes}
            week: list[bool] = []
            silent = 0
            for name in names:
                random = np.random.default_rng(5)
                for _ in range(cases):
                    series, weekdays = world(name, days + 7, random)
                    for times in changes:
                        z = judged(series[: days + 1], weekdays[: days + 1], 1, times)
                        silent += z is None and times == 1
                        # Nothing doubled is nothing.
                        if z is not None and (times == 1 or series[days] > 0):
                            told[times].append(abs(z) >= THRESHOLD)
                    lasting = [
                        judged(series[: days + at], weekdays[: days + at], at, 2.0)
                        for at in range(1, 8)
                    ]
                    week.append(any(z is not None and abs(z) >= THRESHOLD for z in lasting))
            shares = " ".join(f"{np.mean(told[times]):6.0%}" for times in changes)
            nothing = silent / cases / len(names)
            print(f"{title:7}{days:6} {shares} {np.mean(week):24.0%} {nothing:8.0%}", flush=True)


def judged(series: Floats, weekdays: Ints, last: int, times: float) -> float | None:
    changed = np.append(series[:-last], series[-last:] * times)
    return judge_last(changed, weekdays).z


def spent_by(features: int, days: int) -> pl.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        {
            "day": date(2026, 11, 30) - timedelta(days=back),
            "feature": f"feature {number}",
            "team": f"team {number % 9}",
            "model": "large",
            "calls": 100,
            "errors": 0,
            "unpriced_calls": 0,
            "cost": Decimal(f"{random.lognormal(number / 9, 0.2):.6f}"),
        }
        for back in range(days)
        for number in range(features)
    ]
    wanted: Callable[[str], bool] = set(rows[0]).__contains__
    schema = {name: kind for name, kind in FEATURE_COSTS.schema.items() if wanted(name)}
    return pl.DataFrame(rows, schema=schema | {"day": pl.Date})


def cost_of_a_day(runs: int = 5) -> None:
    costs = spent_by(features=40, days=72)
    print("\nCPU seconds of a day with 40 features and 9 teams (50 scopes), 42 days of history")
    for name, compute, day in (
        ("forecast at a month's end", cost_forecast, date(2026, 10, 31)),
        ("forecast at a month's beginning", cost_forecast, date(2026, 11, 1)),
        ("anomalies", cost_anomalies, date(2026, 11, 1)),
    ):
        spent = []
        window = costs.filter(pl.col("day").is_between(day - timedelta(days=41), day))
        for _ in range(runs):
            started = time.process_time()
            compute(window, day)
            spent.append(time.process_time() - started)
        print(f"{name:32} {min(spent):.2f} to {max(spent):.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--cases", type=int, default=90)
    asked = parser.parse_args()
    heads = f"{'cases':>5} {'80 %':>5} {'95 %':>5} score "
    heads += f"{'width':>7} {'error':>6} {'week':>6} {'mean':>6}"
    print(f"{'':44}{heads}    ETS: 80 %, 95 %, error")
    for known in ((3,), (4, 5, 6), (7, 10, 13), (14, 28, 42)):
        every = ETS_EVERY if known[0] >= 14 else 0
        met: list[Outcome] = []
        for name in WORLDS:
            title = f"{name}, {known[0]} to {known[-1]} days known"
            found = list(simulated(name, known, asked.cases))
            if every:
                met += backtest(title, iter(found), every)
            else:
                met += [outcome(case, with_ets=False) for case in found]
        tell(f"all worlds, {known[0]} to {known[-1]} days known", met)
        if every:
            seconds = np.nanmean([one.ets_seconds for one in met])
            print(f"ETS takes {seconds:.2f} CPU-s a series")
    if asked.data:
        for name, cases in real(asked.data):
            backtest(name, cases, ETS_EVERY)
    unusual(asked.cases)
    cost_of_a_day()


if __name__ == "__main__":
    main()
