from datetime import date

import pytest
from pydantic import ValidationError

from llmops_pipelines.ingest import Pull, Source, Sources

PHOENIX = {"name": "shop", "kind": "phoenix", "url": "http://phoenix:6006", "project": "shop"}


def entry(**changes):
    return Pull(**PHOENIX | changes)


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden", "", "A", "a" * 65, "a\n", "a.b"])
def test_a_name_cannot_leave_the_landing_zone(name):
    with pytest.raises(ValidationError, match="name"):
        entry(name=name)


def test_a_day_is_a_file_below_the_name():
    assert entry().file(date(2026, 11, 10)) == "pulled/shop/2026-11-10.ndjson.zst"


@pytest.mark.parametrize(
    "url",
    [
        "http://me:secret@phoenix",
        "http://me@phoenix",
        "http://phoenix?key=secret",
        "ftp://phoenix",
        "phoenix",
        "http://",
        "http://pho enix",
        "http://phoenix:99999",
    ],
)
def test_an_address_is_http_and_holds_no_secret(url):
    with pytest.raises(ValidationError, match="url"):
        entry(url=url)


def test_a_database_has_a_user_and_no_password_in_its_address():
    database = {"kind": "litellm_postgres", "project": ""}
    assert entry(url="postgresql://me@db:5432/litellm", **database).size == 2000
    with pytest.raises(ValidationError, match="must hold no password"):
        entry(url="postgresql://me:secret@db/litellm", **database)
    with pytest.raises(ValidationError, match="must begin with postgresql://"):
        entry(url="http://db/litellm", **database)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"project": ""}, "project: is missing"),
        ({"kind": "mlflow"}, "experiment: is missing"),
        ({"kind": "langfuse", "api_key_env": "KEY"}, "langfuse has two keys; name both"),
        ({"kind": "langfuse_scores", "public_key_env": "KEY"}, "langfuse has two keys"),
        ({"kind": "langsmith", "page_size": 101}, "gives at most 100 records at once"),
        ({"page_size": 0}, "greater than or equal to 1"),
        ({"api_key_env": "sk-live-1234"}, "api_key_env"),
        ({"kind": "helicone"}, "kind"),
        ({"password": "x"}, "Extra inputs"),
    ],
)
def test_a_fault_is_told(changes, told):
    with pytest.raises(ValidationError, match=told):
        entry(**changes)


def test_days_go_from_seven_days_ago_to_yesterday_or_begin_where_it_says():
    today = date(2026, 11, 12)
    assert entry().days(today) == [date(2026, 11, n) for n in range(5, 12)]
    assert entry(since="2026-11-10").days(today) == [date(2026, 11, 10), date(2026, 11, 11)]
    assert entry(since="2026-11-12").days(today) == []


def test_pulled_files_are_read_in_the_format_of_their_service():
    sources = Sources(pull=[entry()])
    assert sources.of("pulled/shop/2026-11-10.ndjson.zst").format == "openinference"
    assert sources.of("pulled/other/2026-11-10.ndjson.zst") is None


def test_an_entry_of_its_own_decides_how_pulled_files_are_read():
    mine = Source(name="mine", match="pulled/shop/**", format="otel_genai")
    sources = Sources(sources=[mine], pull=[entry()])
    assert sources.of("pulled/shop/2026-11-10.ndjson.zst") is mine


def test_a_setting_of_the_download_does_not_read_files_anew():
    tags = {
        Sources(pull=[entry(page_size=size)]).of("pulled/shop/x.ndjson.zst").tag
        for size in (10, 20)
    }
    assert len(tags) == 1


def test_two_entries_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="are given twice"):
        Sources(pull=[entry(), entry(kind="langfuse")])
