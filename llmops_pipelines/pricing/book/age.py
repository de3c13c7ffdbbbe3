"""How old the prices of the catalogue are: the data, not the day they were installed or read."""

from __future__ import annotations

from datetime import date

from llmops_pipelines.pricing.book.catalogue import catalogue_rows


def catalogue_date(not_after: date) -> date:
    """The newest day on which a price of the installed catalogue begins, up to ``not_after``.

    genai-prices does not tell when it was released. Hundreds of its prices begin on a known day and
    releases follow each other within days, so that the newest of them comes close to the release,
    from before. A price announced ahead would come from behind it: ``not_after`` is a day by which
    the catalogue was certainly made, as that of its installation is.
    """
    days = {row.valid_from.date() for row in catalogue_rows()}
    return max(day for day in days if day <= not_after)
