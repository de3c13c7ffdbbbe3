"""Lines of a file and the verdicts on them, kept on disk while a file is judged.

A file may have any number of lines, so none of them stays in memory: SQLite keeps them in a private
temporary file that vanishes with the connection.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from decimal import Decimal
from threading import Lock
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from llmops_pipelines.judging import HALF

_TABLES = """
create table lines (
  line integer primary key, id text, digest text, outcome text, reason text
);
create table contents (line integer primary key, digest text unique);
create table verdicts (
  digest text primary key, outcome text, score real, reason text, attempts integer, cost text,
  bought integer
) without rowid;
create index ids on lines (id);
"""


class Line(NamedTuple):
    """One line: the digest of what is judged, or the outcome and reason it has without a judge."""

    line: int
    id: str
    digest: str | None = None
    outcome: str | None = None
    reason: str | None = None


class Verdict(NamedTuple):
    """What became of one content; ``cost`` is US dollars as text, None where it is not known."""

    digest: str
    outcome: str
    score: float | None
    reason: str | None
    attempts: int
    cost: str | None


class Row(NamedTuple):
    """One line with what became of it."""

    id: str
    outcome: str
    score: float | None
    reason: str | None
    attempts: int
    cost: str | None


class Spool:
    """Lines, the distinct contents among them, and their verdicts. Threads may share it."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._lock = Lock()
        # Nothing here outlives the process: neither journal nor flush is of use.
        self._db.executescript("pragma journal_mode=off; pragma synchronous=off;" + _TABLES)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the temporary file."""
        self.close()

    def close(self) -> None:
        """Let go of the temporary file."""
        self._db.close()

    def add_lines(self, lines: Iterable[Line]) -> None:
        """Keep ``lines``."""
        with self._lock:
            self._db.executemany(
                "insert into lines (line, id, digest, outcome, reason) values (?, ?, ?, ?, ?)",
                lines,
            )

    def add_contents(self, contents: Iterable[tuple[int, str]]) -> None:
        """Keep the line and digest of each content; the first line that brings one counts."""
        with self._lock:
            self._db.executemany("insert or ignore into contents values (?, ?)", contents)

    def add_verdicts(self, verdicts: Iterable[Verdict], *, bought: bool) -> None:
        """Keep verdicts; ``bought`` now, or known before. The first one on a content counts."""
        rows = ((*verdict, int(bought)) for verdict in verdicts)
        with self._lock:
            self._db.executemany(
                "insert or ignore into verdicts values (?, ?, ?, ?, ?, ?, ?)", rows
            )

    def unjudged(self, first: int, last: int) -> dict[int, str]:
        """Lines ``first`` to ``last`` that bring a content without verdict, and its digest."""
        return dict(
            self._all(
                "select line, digest from contents where line between ? and ? "
                "and digest not in (select digest from verdicts)",
                first, last,
            )
        )  # fmt: skip

    def copy_lines(self, other: Self) -> None:
        """Keep the lines and contents of ``other``, without its verdicts."""
        self.add_lines(
            Line(*row) for row in other._each("select line, id, digest, outcome, reason from lines")
        )
        self.add_contents(other._each("select line, digest from contents"))

    def verdicts(self) -> Iterator[Verdict]:
        """The verdict on every content in the order of the lines; what has none was not asked."""
        for row in self._each(
            "select c.digest, coalesce(v.outcome, 'failed'), v.score, coalesce(v.reason, 'was not "
            "asked'), coalesce(v.attempts, 0), case when v.digest is null then '0' else v.cost end "
            "from contents c left join verdicts v using (digest) order by c.line"
        ):
            yield Verdict(*row)

    def wait_for(self, digests: Iterable[str], reason: str) -> int:
        """Contents among ``digests`` without verdict are ``pending``; how many there are."""
        with self._lock:
            before = self._db.total_changes
            self._db.executemany(
                "insert or ignore into verdicts select digest, 'pending', null, ?, 0, '0', 1 "
                "from contents where digest = ?",
                ((reason, digest) for digest in digests),
            )
            return self._db.total_changes - before

    def wait_no_more(self, digests: Iterable[str]) -> None:
        """Contents among ``digests`` that are pending have no verdict again."""
        with self._lock:
            self._db.executemany(
                "delete from verdicts where digest = ? and outcome = 'pending'",
                ((digest,) for digest in digests),
            )

    def close_rest(self, outcome: str, reason: str) -> None:
        """Every content without verdict ends like this."""
        with self._lock:
            self._db.execute(
                "insert into verdicts select digest, ?, null, ?, 0, '0', 1 from contents "
                "where digest not in (select digest from verdicts)",
                (outcome, reason),
            )

    def count(self, state: Literal["known", "bought", "unjudged"]) -> int:
        """Contents whose verdict was known before, was bought now, or that have none."""
        if state == "bought":
            return self._count("select count(*) from verdicts where bought")
        if state == "known":
            return self._count("select count(*) from verdicts where not bought")
        return self._count(
            "select count(*) from contents where digest not in (select digest from verdicts)"
        )

    def saved_calls(self) -> int:
        """Calls that the verdicts known before took when they were bought."""
        return self._count("select sum(attempts) from verdicts where not bought")

    def digests(self) -> Iterator[str]:
        """The digests of all contents."""
        return (row[0] for row in self._each("select digest from contents"))

    def outcomes(self) -> dict[str, int]:
        """How many lines ended how."""
        return dict(
            self._all(
                "select coalesce(l.outcome, v.outcome) o, count(*) from lines l "
                "left join verdicts v using (digest) group by o order by o"
            )
        )

    def scores(self) -> tuple[list[float], list[str]]:
        """The scores of all lines that have one, and the digests of what was scored."""
        scores, digests = list[float](), list[str]()
        for score, digest in self._each(
            "select v.score, digest from lines l join verdicts v using (digest) "
            "where v.outcome = 'scored' order by l.line"
        ):
            scores.append(score)
            digests.append(digest)
        return scores, digests

    def reasons(self, outcome: str, most: int, begins: str = "") -> list[tuple[int, str, str]]:
        """Line, id and reason of the first ``most`` lines that ended so, for such a reason."""
        return self._all(
            "select l.line, l.id, coalesce(l.reason, v.reason) from lines l "
            "left join verdicts v using (digest) "
            "where coalesce(l.outcome, v.outcome) = ? "
            "and substr(coalesce(l.reason, v.reason, ''), 1, length(?)) = ? "
            "order by l.line limit ?",
            outcome, begins, begins, most,
        )  # fmt: skip

    def repeated_ids(self, most: int) -> tuple[int, list[tuple[str, int, int]]]:
        """How many ids stand on several lines, and the first of them: id, first line, lines."""
        count = self._count(
            "select count(*) from (select 1 from lines group by id having count(*) > 1)"
        )
        first = self._all(
            "select id, min(line), count(*) n from lines group by id having n > 1 "
            "order by min(line) limit ?",
            most,
        )
        return count, first

    def rows(self) -> Iterator[Row]:
        """Every line in order, with what became of it."""
        for row in self._each(
            "select l.id, coalesce(l.outcome, v.outcome), v.score, coalesce(l.reason, v.reason), "
            "coalesce(v.attempts, 0), case when l.digest is null then '0' else v.cost end "
            "from lines l left join verdicts v using (digest) order by l.line"
        ):
            yield Row(*row)

    def _each(self, query: str) -> Iterator[Any]:
        """The rows of a query, one by one; nothing may be added meanwhile."""
        with closing(self._db.cursor()) as cursor:
            yield from cursor.execute(query)

    def _all(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _count(self, query: str) -> int:
        return int(self._all(query)[0][0] or 0)


def verdicts_in(rows: Iterable[dict[str, Any]]) -> Iterator[Verdict]:
    """The rows of ``JUDGE_LEDGER`` as verdicts; halves of pairs are none."""
    for row in rows:
        if row["outcome"] == HALF:
            continue
        cost: Decimal | None = row["cost"]
        yield Verdict(
            row["item_digest"],
            row["outcome"],
            row["score"],
            row["reason"],
            row["attempts"],
            None if cost is None else str(cost),
        )
