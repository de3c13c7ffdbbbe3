"""One day of one source: downloaded page by page, compared with what its server counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple

from llmops_pipelines.adapters.pulling.protocol import Count, CursorGoneError, PullError, Source
from llmops_pipelines.adapters.pulling.staging import DayFile, Staging


class Pulled(NamedTuple):
    """A day that was downloaded to its end.

    ``outside`` records were sent and left out, because they began on another day; ``counted`` is
    what the server counts now.
    """

    file: DayFile
    pages: int
    duplicates: int
    outside: int
    counted: Count


def pull_day(source: Source, day: date, staging: Staging) -> Pulled:
    """Download what ``staging`` does not hold yet of ``day``, and count.

    Where the server does not know the cursor of an interrupted download any more, the day is
    downloaded from its beginning.

    Raises:
        PullError: The server refuses, or fails again and again; ``staging`` keeps what arrived.
    """
    try:
        _finish(source, day, staging)
    except CursorGoneError:
        staging.restart()
        _finish(source, day, staging)
    return Pulled(
        staging.day_file(day),
        staging.pages,
        staging.duplicates,
        staging.outside(day),
        count_day(source, day),
    )


def count_day(source: Source, day: date) -> Count:
    """What the server of ``source`` counts on ``day``.

    Raises:
        PullError: The server refuses, fails again and again, or answers in an unknown shape.
    """
    with _shapes_told():
        return source.count(day)


def _finish(source: Source, day: date, staging: Staging) -> None:
    if not staging.finished:
        with _shapes_told():
            for page in source.pages(day, staging.after):
                if page.after is not None and page.after == staging.after:
                    raise PullError(
                        "the server says that the next page is the one it just gave, so pages "
                        "would not end; choose a larger page_size in sources.yaml"
                    )
                staging.add(page)


@contextmanager
def _shapes_told() -> Iterator[None]:
    """Sources read answers as their services document them; this tells of other ones."""
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise PullError(
            f"the server's answer has another shape than its documentation ({type(error).__name__})"
            "; its version may have another API, or url leads elsewhere"
        ) from error
