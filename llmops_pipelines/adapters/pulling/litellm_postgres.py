"""LiteLLM's proxy: rows of its table of spend logs, read from PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from llmops_pipelines.adapters.pulling.calling import ATTEMPTS, Pace
from llmops_pipelines.adapters.pulling.protocol import (
    Count,
    Page,
    PullError,
    Record,
    bounds,
    moment_of,
)

if TYPE_CHECKING:
    import psycopg

# The first condition looks superfluous; it lets an index on "startTime" alone find the page. The
# inner query keeps rows of later pages from being made JSON before they are left out.
_PAGE: Final = """
select request_id, row_to_json(log)::text
from (
  select * from "LiteLLM_SpendLogs"
  where "startTime" >= %(time)s::timestamp and "startTime" < %(end)s
    and ("startTime", request_id) > (%(time)s::timestamp, %(id)s)
  order by "startTime", request_id
  limit %(limit)s
) log
order by "startTime", request_id
"""
_COUNT: Final = """
select count(*), sum(total_tokens), round(sum(spend)::numeric, 6), max("endTime")
from "LiteLLM_SpendLogs"
where "startTime" >= %(start)s and "startTime" < %(end)s
"""


class LiteLLMPostgres:
    """Spend logs in the order of their start; pages go by key, so that none is read twice.

    Args:
        name: What people call the source.
        connect: Opens a connection; called again after the server broke one off.
        pace: How often it may be asked.
        size: Rows per page.
    """

    def __init__(
        self, name: str, connect: Callable[[], psycopg.Connection[Any]], pace: Pace, size: int
    ) -> None:
        self._name, self._connect, self._pace, self._size = name, connect, pace, size
        self._connection: psycopg.Connection[Any] | None = None

    def pages(self, day: date, after: str | None) -> Iterator[Page]:
        """Pages of calls that started on ``day``."""
        while True:
            rows = self._rows(_PAGE, _window(day, after))
            records = [self.record(json.loads(text)) for _, text in rows]
            full = len(records) == self._size
            after = json.dumps([records[-1].body["startTime"], records[-1].id]) if full else None
            yield Page(records, after)
            if after is None:
                return

    def count(self, day: date) -> Count:
        """Rows, tokens and spend of ``day``, and when the last of them ended."""
        ((rows, *sums),) = self._rows(_COUNT, _window(day, None))
        return Count(rows, json.dumps([rows, *sums], default=str))

    def record(self, body: dict[str, Any]) -> Record:
        """A record of ``pages``, told again from its body."""
        return Record(body["request_id"], moment_of(body.get("startTime")), body)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    def _rows(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        import psycopg

        failure = ""
        for attempt in range(ATTEMPTS):
            self._pace.take_turn()
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = self._connect()
                limited = {**values, "limit": self._size}
                rows: list[tuple[Any, ...]] = self._connection.execute(query, limited).fetchall()
                return rows
            except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
                raise PullError(
                    f"{self._name}: cannot read the table LiteLLM_SpendLogs "
                    f"({type(error).__name__}); check database, schema and grants"
                ) from error
            except psycopg.OperationalError as error:
                if refusal := _refusal(error):
                    raise PullError(f"{self._name}: {refusal}") from error
                failure, self._connection = type(error).__name__, None
                if isinstance(error, psycopg.errors.QueryCanceled) and query == _PAGE:
                    self._size = max(1, self._size // 2)
            except psycopg.Error as error:
                raise PullError(
                    f"{self._name}: PostgreSQL cannot be asked ({type(error).__name__}); check url "
                    "in sources.yaml, and that LiteLLM's version has this table as documented"
                ) from error
            if attempt + 1 < ATTEMPTS:
                self._pace.back_off(attempt)
        raise PullError(
            f"{self._name}: PostgreSQL failed {ATTEMPTS} times, last with {failure}; check host "
            "and port of url and timeout_s in sources.yaml, and that the server runs; pages that "
            "arrived are kept"
        )


def _refusal(error: psycopg.OperationalError) -> str | None:
    """What to do where the server turns a login away, which no repetition changes; else None.

    Drivers get no code for it, and its text is in the server's language.
    """
    tried = error.pgconn
    if tried is not None and tried.needs_password:
        return "PostgreSQL asks for a password; name its variable in api_key_env of sources.yaml"
    if tried is not None and error.sqlstate is None and tried.used_password:
        return (
            "PostgreSQL refuses the login; check role and database of url, and the password in the "
            "variable that api_key_env names in sources.yaml"
        )
    return None


def opened(url: str, password: str, timeout_s: float) -> psycopg.Connection[Any]:
    """A connection that cannot write, in UTC, whose statements end after ``timeout_s``.

    Raises:
        PullError: The driver is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise PullError(
            "reading PostgreSQL needs psycopg: pip install -e '.[postgres]' in the checkout"
        ) from error
    settings = {
        "default_transaction_read_only": "on",
        "timezone": "UTC",
        "datestyle": "ISO",
        "statement_timeout": f"{timeout_s * 1000:.0f}",
    }
    return psycopg.connect(
        url,
        password=password or None,
        autocommit=True,
        connect_timeout=max(2, int(timeout_s)),
        options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
    )


def _window(day: date, after: str | None) -> dict[str, Any]:
    start, end = (moment.replace(tzinfo=None) for moment in bounds(day))
    time, last = json.loads(after) if after else (start, "")
    return {"start": start, "end": end, "time": time, "id": last}
