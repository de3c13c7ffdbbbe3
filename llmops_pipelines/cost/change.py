"""Sums of two periods' calls beside each other, from which a change of spend is told."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from llmops_pipelines.cost.factors import ANSWER, CELL, PROMPT, cells_of
from llmops_pipelines.cost.spend import as_charged

_NAMELESS: Final = "a model without a name"
_OWN: Final = ("provider", "model")


class Pair(NamedTuple):
    """A figure of the earlier period and of the later one."""

    was: float
    now: float

    @property
    def grown(self) -> float:
        """By how much it grew; infinite from nothing."""
        return self.now / self.was - 1 if self.was else float("inf")


class Change:
    """A feature, or all of them, in both periods.

    Args:
        before: ``COST_CUBE`` rows of the earlier period.
        after: Those of the later one.
        feature: Whose sums; None for those of all.
        served: Provider and model that the change is most of.
    """

    def __init__(
        self,
        before: pl.DataFrame,
        after: pl.DataFrame,
        feature: str | None,
        served: tuple[str | None, str | None],
    ) -> None:
        self.feature = feature
        cells = [cells_of(period) for period in (before, after)]
        mine = pl.lit(value=True) if feature is None else pl.col("feature") == feature
        self._own = [period.filter(mine) for period in cells]
        self._cubes = [period.filter(mine) for period in (before, after)]
        self._all = [float(period["first"].sum()) for period in cells]
        self._served = served

    @property
    def model(self) -> str:
        """The model that the change is most of; with its provider where several serve it."""
        provider, model = self._served
        named = pl.concat(self._own).filter(pl.col("model").eq_missing(pl.lit(model)))
        several = named["provider"].n_unique() > 1
        return (model or _NAMELESS) + (f" of {provider or 'no provider'}" if several else "")

    def requests(self) -> Pair:
        """Calls that repeat none."""
        return Pair(*(float(own["first"].sum()) for own in self._own))

    def share_of_all(self) -> Pair:
        """The feature's requests in those of all."""
        return _each(self.requests(), Pair(*self._all))

    def ratio(self, part: str, whole: str) -> Pair:
        """Of two sums; 0 where there is nothing of ``whole``."""
        parts, wholes = (Pair(*(float(own[of].sum()) for own in self._own)) for of in (part, whole))
        return _each(parts, wholes)

    def like_for_like(self, part: str, whole: str) -> Pair:
        """A ratio over the models of both periods, each weighing as much in one as in the other.

        Otherwise a move to a model with short prompts would make them shorter, whatever they are.
        """
        was, now = (own.filter(pl.col(whole) > 0).select(*CELL, part, whole) for own in self._own)
        both = was.join(now, on=CELL, nulls_equal=True, suffix="_now")
        old, new = pl.col(whole) / pl.col(whole).sum(), pl.col(f"{whole}_now")
        weight = (old + new / new.sum()) / 2
        pair = both.select(
            was=(weight * pl.col(part) / pl.col(whole)).sum(),
            now=(weight * pl.col(f"{part}_now") / new).sum(),
        )
        return Pair(*pair.row(0))

    def moved(self) -> float:
        """By how much the share of ``model`` in the feature's attempts grew."""
        totals = Pair(*(float(own["attempts"].sum()) for own in self._own))
        was, now = _each(self._of_model("attempts"), totals)
        return now - was

    def unpriced(self) -> Pair:
        """The share of calls of ``model`` without a price."""
        return _each(self._of_model("unpriced"), self._of_model("attempts"))

    def is_of_unpriced(self) -> bool:
        """Whether a call of ``model`` costs what it did, more or less, where it has a price."""
        costs, attempts = self._of_model("cost"), self._of_model("attempts")
        all_of_it = _each(costs, attempts)
        missing = self._of_model("unpriced")
        with_price = Pair(attempts.was - missing.was, attempts.now - missing.now)
        priced = _each(costs, with_price)
        if 0 in with_price:
            return 0 not in attempts
        return abs(priced.now - priced.was) < abs(all_of_it.now - all_of_it.was) / 2

    def tier_moved(self) -> tuple[str, Pair] | None:
        """The tier whose share of the tokens of ``model`` changed what a token costs most.

        The cost of a token is the sum over tiers of share times cost there; its change is that of
        the shares at mean costs, and that of the costs at mean shares.

        Returns:
            The tier and its share in both periods; None where costs within tiers changed more.
        """
        tokens = pl.sum_horizontal(PROMPT + ANSWER)
        sums = [
            as_charged(self._served_by(cube))
            .filter(pl.col("cost").is_not_null())
            .group_by(tier="service_tier")
            .agg(tokens=tokens.sum(), cost=pl.col("cost").cast(pl.Float64).sum())
            .filter(pl.col("tokens") > 0)
            .with_columns(share=pl.col("tokens") / pl.col("tokens").sum())
            .with_columns(price=pl.col("cost") / pl.col("tokens"))
            for cube in self._cubes
        ]
        was, now = sums
        both = was.join(now, on="tier", how="full", coalesce=True, nulls_equal=True, suffix="_now")
        both = both.with_columns(
            pl.col("share", "share_now").fill_null(0),
            # A tier of one period alone changed no price.
            price=pl.coalesce("price", "price_now"),
            price_now=pl.coalesce("price_now", "price"),
        ).with_columns(
            moved=(pl.col("share_now") - pl.col("share")) * (pl.col("price_now") + pl.col("price")),
            dearer=(pl.col("price_now") - pl.col("price"))
            * (pl.col("share_now") + pl.col("share")),
        )
        if was.is_empty() or now.is_empty():
            return None
        moved, dearer = (abs(float(both[name].sum())) for name in ("moved", "dearer"))
        if moved <= dearer:
            return None
        # Of two that changed places, the one that gained.
        grown = pl.col("share_now") - pl.col("share")
        order = both.sort(grown.abs().round(9), grown, "tier", descending=[True, True, False])
        row = order.row(0, named=True)
        return str(row["tier"]), Pair(row["share"], row["share_now"])

    def _of_model(self, name: str) -> Pair:
        return Pair(*(float(self._served_by(own)[name].sum()) for own in self._own))

    def _served_by(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Those of ``rows`` that are of ``model``."""
        return rows.filter(
            pl.col(column).eq_missing(pl.lit(value))
            for column, value in zip(_OWN, self._served, strict=True)
        )


def _each(parts: Pair, wholes: Pair) -> Pair:
    """Parts of wholes; 0 where there is nothing of one."""
    both = zip(parts, wholes, strict=True)
    return Pair(*(part / whole if whole else 0.0 for part, whole in both))
