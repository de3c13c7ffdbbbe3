"""The installed price catalogue: which one it is, and how old its prices are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from llmops_pipelines import pricing

PACKAGE = "genai-prices"

_NO_CLOCK = date(2020, 1, 1)
"""Builds that are the same every time give their files an instant of long ago."""


class Catalogue(NamedTuple):
    """A release of the catalogue; ``day`` is that of its newest price."""

    version: str
    day: date

    def told_if_older(self, than_days: int, today: date) -> str | None:
        """What to say, and do, if its prices are older than ``than_days``; else None."""
        age = (today - self.day).days
        if age <= than_days:
            return None
        return (
            f"the newest price of {PACKAGE} {self.version} is of {self.day}, {age:,} days ago, "
            f"more than {than_days:,} (LLMOPS_PRICE_CATALOGUE_MAX_AGE_DAYS): install a newer "
            "release, then `llmops reprice` the days since"
        )


def installed_catalogue(today: date) -> Catalogue:
    """The catalogue that prices are taken from; nobody is asked about newer ones."""
    package = metadata.distribution(PACKAGE)
    file = Path(str(package.locate_file("genai_prices/data.py")))
    installed = datetime.fromtimestamp(file.stat().st_mtime, UTC).date()
    certain = installed if _NO_CLOCK <= installed <= today else today
    return Catalogue(package.version, pricing.catalogue_date(certain))
