"""LiteLLM's spend logs in a real PostgreSQL server."""

from datetime import date, datetime, time, timedelta

import pytest

from llmops_pipelines.adapters.pulling import PullError, litellm_postgres, open_source
from tests.adapters.pulling.postgres import PASSWORD, postgres, programs
from tests.adapters.pulling.worlds import Waits, entry, lines, pulled

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: pip install .[postgres]")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(programs() is None, reason="no PostgreSQL on this machine"),
]

DAY = date(2026, 11, 10)
START = datetime.combine(DAY, time())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def rows(server):
    """Twelve calls in six seconds of the day, and one on each day beside it."""
    starts = {f"c-{n:02d}": START + timedelta(hours=9, seconds=n // 2) for n in range(12)}
    starts |= {"first": START, "last": START + timedelta(hours=24, milliseconds=-1)}
    starts |= {"before": START - timedelta(milliseconds=1), "after": START + timedelta(days=1)}
    server.owner.execute('truncate "LiteLLM_SpendLogs"')
    insert = """
        insert into "LiteLLM_SpendLogs"
          (request_id, call_type, spend, total_tokens, "startTime", "endTime", metadata)
        values (%s, 'acompletion', 0.1, 30, %s, %s, %s)"""
    metadata = psycopg.types.json.Jsonb({"user_api_key_alias": "web", "größe": [1, None]})
    for name, start in starts.items():
        server.owner.execute(insert, [name, start, start + timedelta(seconds=1), metadata])


def asking(server, role="reader", waits=None, password=PASSWORD, **changes):
    wanted = entry("litellm_postgres", server.url(role), **changes)
    return open_source(wanted, {"KEY": password}, (Waits() if waits is None else waits).pace())


def ids(result):
    return [line["request_id"] for line in lines(result)]


def test_a_day_comes_in_pages_by_key_however_many_calls_begin_together(server, rows, tmp_path):
    result = pulled(asking(server, page_size=5), tmp_path)
    assert ids(result) == ["first", *[f"c-{n:02d}" for n in range(12)], "last"]
    assert (result.pages, result.counted.records, result.duplicates) == (3, 14, 0)


def test_a_row_has_its_columns_with_json_as_objects_and_times_of_utc(server, rows, tmp_path):
    first = lines(pulled(asking(server), tmp_path))[0]
    assert first["startTime"] == "2026-11-10T00:00:00"
    assert first["metadata"] == {"user_api_key_alias": "web", "größe": [1, None]}
    assert (first["spend"], first["total_tokens"], first["status"]) == (0.1, 30, None)


def test_a_row_that_changes_changes_the_mark(server, rows):
    source = asking(server)
    before = source.count(DAY)
    assert source.count(DAY) == before
    server.owner.execute(
        """update "LiteLLM_SpendLogs" set total_tokens = 31 where request_id = 'c-03'"""
    )
    assert source.count(DAY).mark != before.mark
    assert source.count(DAY).records == 14


def test_a_connection_that_the_server_ends_is_opened_again(server, rows, tmp_path):
    source, waits = asking(server, page_size=5), Waits()
    source._pace = waits.pace()
    pages = source.pages(DAY, None)
    got = list(next(pages).records)
    server.owner.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'"
    )
    got += [record for page in pages for record in page.records]
    assert len({record.id for record in got}) == len(got) == 14
    assert len(waits) == 1


def test_nothing_can_be_written(server, rows):
    source = asking(server)
    source.count(DAY)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        source._connection.execute('create table "x" ()')


def test_a_role_without_the_grant_is_told_to_ask_for_it(server, rows, tmp_path):
    with pytest.raises(PullError, match=r"LiteLLM_SpendLogs \(InsufficientPrivilege\); check"):
        pulled(asking(server, "stranger"), tmp_path)


@pytest.mark.parametrize(
    ("role", "database", "password"),
    [
        ("reader", "postgres", "guess-me"),
        ("nobody", "postgres", PASSWORD),
        ("reader", "litellm", PASSWORD),
    ],
)
def test_a_refused_login_is_told_at_once_without_the_password(role, database, password, server):
    wanted = entry("litellm_postgres", server.url(role).replace("/postgres", f"/{database}"))
    waits = Waits()
    with pytest.raises(PullError, match="refuses the login; check role and database") as caught:
        open_source(wanted, {"KEY": password}, waits.pace()).count(DAY)
    assert password not in str(caught.value)
    assert waits == []


def test_a_password_that_is_asked_for_is_told_by_its_setting(server):
    wanted = entry("litellm_postgres", server.url(), api_key_env="")
    with pytest.raises(PullError, match="asks for a password; name its variable in api_key_env"):
        open_source(wanted, {}, Waits().pace()).count(DAY)


def test_nobody_at_the_address_is_told_after_seven_attempts():
    waits = Waits()
    wanted = entry("litellm_postgres", "postgresql://reader@127.0.0.1:9/litellm")
    with pytest.raises(PullError, match="failed 7 times, last with OperationalError; check host"):
        open_source(wanted, {"KEY": PASSWORD}, waits.pace()).count(DAY)
    assert len(waits) == 6


@pytest.mark.parametrize("url", ["postgresql://reader@db/lite%llm"])
def test_what_the_driver_does_not_take_is_a_sentence_too(url):
    with pytest.raises(PullError, match=r"cannot be asked \(ProgrammingError\); check url"):
        open_source(entry("litellm_postgres", url), {"KEY": PASSWORD}, Waits().pace()).count(DAY)


def test_pages_get_smaller_while_the_server_takes_too_long_for_them(server, rows, tmp_path):
    slow = """
        create or replace function slow(rows integer) returns boolean language plpgsql as
        $$ begin if rows > 5 then perform pg_sleep(5); end if; return true; end $$"""
    server.owner.execute(slow)
    waits = Waits()
    source = asking(server, waits=waits, page_size=12, timeout_s=0.5)
    limit = "case when slow(%(limit)s) then %(limit)s end"
    page = litellm_postgres._PAGE.replace("limit %(limit)s", f"limit {limit}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(litellm_postgres, "_PAGE", page)
        result = pulled(source, tmp_path)
    assert (len(ids(result)), result.pages, result.counted.records) == (14, 5, 14)
    assert len(waits) == 2
