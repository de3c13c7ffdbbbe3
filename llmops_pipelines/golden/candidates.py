"""The day's calls worth keeping as test cases: low scores, disputes and complaints."""

from __future__ import annotations

import polars as pl

from llmops_pipelines.golden.content import WORST_REASON_FIRST, case_id
from llmops_pipelines.tables import GOLDEN_CANDIDATES

GROUNDING_METRICS = ("groundedness", "faithfulness")
"""Metrics of a judge that speak of truth to the sources."""

FAILING = 0.5
"""A judge's score below this says that the answer fails."""

LOWEST_SHARE = 0.1
"""Share of a feature's scored calls that counts as the bottom."""

BAD_RATING, GOOD_RATING = 2, 4


def candidates(
    sampled_traces: pl.DataFrame,
    verdicts: pl.DataFrame,
    heuristic_scores: pl.DataFrame,
    feedback: pl.DataFrame,
    texts: pl.DataFrame | pl.LazyFrame,
    *,
    per_day: int = 20,
) -> pl.DataFrame:
    """Choose at most ``per_day`` calls of a day, spread evenly over features and reasons.

    Looked at are sampled calls and calls that a user rated 2 stars or less, where question and
    answer were kept. A call is

    * ``disputed`` when judges contradict each other, or a judge or a user contradicts the scores:
      one judge finds the answer grounded and another does not, support lies in the upper half of
      its feature and a judge says ungrounded, or stars and scores point opposite ways;
    * ``bad_feedback`` when it was rated 2 stars or less and no score contradicts that;
    * ``low_score`` when a judge's groundedness or faithfulness is below 0.5, its format is invalid,
      or its support (its relevance, where it has no support) lies in the lowest tenth and the lower
      half of its feature.

    Args:
        sampled_traces: ``SAMPLED_TRACES`` of the day.
        verdicts: ``JUDGE_SCORES`` rows whose ``call_id`` is a call of the day.
        heuristic_scores: ``HEURISTIC_SCORES`` of the day.
        feedback: ``FEEDBACK`` of the day; feedback that names a sampled trace speaks of its call.
        texts: ``CALL_TEXTS`` of the day's kept lines; only those of chosen calls are read.
        per_day: How many at most.

    Returns:
        ``GOLDEN_CANDIDATES``. ``score`` is the judge's or the heuristic score that counted, 0 for
        an invalid format, and stars as (stars - 1) / 4.
    """
    calls = _calls(sampled_traces, verdicts, heuristic_scores, feedback)
    chosen = calls.with_columns(_reason()).filter(pl.col("why").is_not_null())
    cases = _with_texts(chosen.with_columns(_score()), texts)
    distinct = cases.sort(WORST_REASON_FIRST, "score", "call_id").unique(
        "case_id", keep="first", maintain_order=True
    )
    return GOLDEN_CANDIDATES.require(_spread(distinct, per_day))


def _calls(
    sampled: pl.DataFrame, verdicts: pl.DataFrame, scores: pl.DataFrame, feedback: pl.DataFrame
) -> pl.DataFrame:
    """One row a call that may be chosen, with everything that was said of it."""
    stars = _stars(feedback, sampled, scores)
    alike = (pl.col("feature"), pl.col("support").is_null())
    sampled_scores = pl.col("plain").filter("is_sampled")
    of_sample = sampled.select("call_id", "feature", is_sampled=pl.lit(True)).unique("call_id")
    complained = scores.select("call_id", "feature", is_sampled=pl.lit(False)).join(
        stars.filter(pl.col("stars") <= BAD_RATING), on="call_id", how="semi"
    )
    return (
        pl.concat([of_sample, complained.join(of_sample, on="call_id", how="anti")])
        .join(
            scores.select("call_id", "support", "format_valid").unique("call_id"),
            on="call_id",
            how="left",
        )
        .join(_judged(verdicts), on="call_id", how="left")
        .join(stars, on="call_id", how="left")
        .with_columns(plain=pl.coalesce("support", "relevance"))
        .with_columns(
            # Ranked among the sample alone: complaints are no fair share of the feature's calls.
            middle=sampled_scores.median().over(*alike),
            bottom=sampled_scores.quantile(LOWEST_SHARE, "lower").over(*alike),
        )
    )


def _stars(feedback: pl.DataFrame, sampled: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """The lowest rating of each call, by its id or by its trace.

    What names a step of the trace (its chain, an evaluator's span) speaks of the trace's call.
    """
    of_trace = sampled.select("trace_id", of_trace="call_id").unique("trace_id")
    calls = pl.concat([sampled["call_id"], scores["call_id"]]).unique()
    named = pl.when(pl.col("call_id").is_in(calls.implode())).then("call_id")
    return (
        feedback.select("call_id", "trace_id", "rating")
        .join(of_trace, on="trace_id", how="left")
        .with_columns(call_id=pl.coalesce(named, "of_trace"))
        .drop_nulls(["call_id", "rating"])
        .group_by("call_id")
        .agg(stars=pl.col("rating").min())
    )


def _judged(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Lowest and highest grounding score of each call over its judges, and its lowest relevance."""
    score = pl.col("score")
    grounding = score.filter(pl.col("metric").is_in(GROUNDING_METRICS))
    return (
        verdicts.select("call_id", "metric", "score")
        .drop_nulls()
        .group_by("call_id")
        .agg(
            worst=grounding.min(),
            best=grounding.max(),
            relevance=score.filter(pl.col("metric") == "relevance").min(),
        )
    )


def _reason() -> pl.Expr:
    """Why a call is chosen; null when it is not."""
    fails, passes = pl.col("worst") < FAILING, pl.col("best") >= FAILING
    looks_supported = pl.col("support") >= pl.col("middle")
    disliked, liked = pl.col("stars") <= BAD_RATING, pl.col("stars") >= GOOD_RATING
    scores_well = pl.coalesce(
        pl.col("worst") >= FAILING, pl.col("plain") >= pl.col("middle"), pl.lit(False)
    ) & pl.col("format_valid").fill_null(True)
    at_the_bottom = (pl.col("plain") <= pl.col("bottom")) & (pl.col("plain") < pl.col("middle"))

    def sure(condition: pl.Expr) -> pl.Expr:
        return condition.fill_null(False)

    return (
        pl.when(
            sure(fails & passes)
            | sure(fails & looks_supported)
            | sure(disliked & scores_well)
            | sure(liked & fails)
        )
        .then(pl.lit("disputed"))
        .when(sure(disliked))
        .then(pl.lit("bad_feedback"))
        .when(sure(fails) | ~pl.col("format_valid").fill_null(True) | sure(at_the_bottom))
        .then(pl.lit("low_score"))
        .alias("why")
    )


def _score() -> pl.Expr:
    """The score that made a call a candidate, 0 to 1."""
    judged_bad = pl.when(pl.col("worst") < FAILING).then("worst")
    broken = pl.when(~pl.col("format_valid")).then(0.0)
    return (
        pl.when(pl.col("why") == "bad_feedback")
        .then((pl.col("stars") - 1) / 4)
        .when(pl.col("why") == "disputed")
        .then(pl.coalesce("worst", "plain"))
        .otherwise(pl.coalesce(judged_bad, broken, "plain"))
        .cast(pl.Float64)
        .alias("score")
    )


def _with_texts(chosen: pl.DataFrame, texts: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Join question, answer and passages; a call whose texts were not kept makes no case."""
    kept = (
        texts.lazy()
        .select(
            "call_id",
            "question",
            "answer",
            contexts=pl.col("contexts").list.eval(
                pl.element().struct.field("content").drop_nulls()
            ),
        )
        .join(chosen.lazy().select("call_id"), on="call_id", how="semi")
        .filter(
            pl.col("question").str.strip_chars().str.len_chars() > 0,
            pl.col("answer").str.strip_chars().str.len_chars() > 0,
        )
        .unique("call_id", keep="first", maintain_order=True)
        .with_columns(pl.col("contexts").fill_null([]))
        .collect()
    )
    ids = [case_id(*row) for row in kept.select("question", "contexts").iter_rows()]
    return chosen.join(
        kept.with_columns(pl.Series("case_id", ids, dtype=pl.String)), on="call_id", how="inner"
    )


def _spread(cases: pl.DataFrame, per_day: int) -> pl.DataFrame:
    """Take turns: reasons within a feature, then features, worst score first in each."""
    severity = ("score", "case_id")
    return (
        cases.sort(*severity, nulls_last=True)
        .with_columns(turn=pl.int_range(pl.len()).over("feature", "why"))
        .sort("turn", WORST_REASON_FIRST, *severity)
        .with_columns(turn=pl.int_range(pl.len()).over("feature"))
        .sort("turn", *severity, nulls_last=True)
        .head(per_day)
    )
