import pytest

from llmops_pipelines.adapters.pulling import Count, PullError, open_source
from tests.adapters.pulling.services import DAY, LangSmithService, run, serving
from tests.adapters.pulling.worlds import Waits, entry, ids, lines, pulled, source

FIVE = ["r-000", "r-001", "r-002", "r-003", "r-004"]


@pytest.fixture
def service():
    with serving(LangSmithService([run(n) for n in range(5)])) as service:
        yield service


def asking(service, waits=None, **changes):
    return source(entry("langsmith", service.url, page_size=2, **changes), waits)


def test_a_day_comes_in_pages_and_is_as_many_runs_as_the_server_counts(service, tmp_path):
    result = pulled(asking(service), tmp_path)
    assert ids(result) == FIVE
    assert lines(result)[0] == run(0)
    assert (result.pages, result.counted.records) == (3, 5)
    assert service.seen.count("GET /api/v1/sessions") == 1


def test_what_the_server_sums_up_is_part_of_the_mark(service):
    assert asking(service).count(DAY) == Count(5, "[5, 10, null, null]")


def test_limits_errors_and_a_torn_answer_lose_nothing(service, tmp_path):
    service.troubles = [(429, "1"), None, 500, "torn", None, 502]
    assert ids(pulled(asking(service), tmp_path)) == FIVE


def test_a_date_in_retry_after_that_is_over_asks_for_no_more_than_the_usual_wait(service, tmp_path):
    service.troubles = [(429, "Sun, 01 Nov 2026 00:00:00 GMT")]
    waits = Waits()
    assert ids(pulled(asking(service, waits), tmp_path)) == FIVE
    assert 0.25 <= waits[0] <= 0.5


def test_a_run_that_changed_between_two_pages_is_kept_in_its_later_version(service, tmp_path):
    service.repeats = 1
    service.page = lambda found, limit, cursor, page=service.page: page(
        [record | {"status": "success" if cursor else "pending"} for record in found], limit, cursor
    )
    result = pulled(asking(service), tmp_path)
    assert [line["status"] for line in lines(result)] == [
        "pending", "success", "success", "success", "success",
    ]  # fmt: skip


def test_times_of_another_zone_are_days_of_utc(service, tmp_path):
    service.during = lambda *_: [
        run(1, "2026-11-11T01:30:00+02:00"),
        run(2, "2026-11-10T01:30:00+02:00"),
        run(3, "2026-11-10T23:59:59.999999"),
    ]
    result = pulled(asking(service), tmp_path)
    assert (ids(result), result.outside) == (["r-001", "r-003"], 1)


def test_an_unknown_project_is_told(service, tmp_path):
    with pytest.raises(PullError, match=r"LangSmith has no project 'other'; check sources\.yaml"):
        pulled(source(entry("langsmith", service.url, project="other")), tmp_path)


def test_a_wrong_key_is_told_by_its_variable(service, tmp_path):
    with pytest.raises(PullError, match=r"HTTP 403; check the key in PUBLIC"):
        pulled(source(entry("langsmith", service.url, api_key_env="PUBLIC")), tmp_path)


@pytest.mark.parametrize("key", ["sk\n", " sk", "šk"])
def test_a_key_that_no_header_can_carry_is_told_before_anything_is_asked(key, service):
    with pytest.raises(PullError, match="KEY holds what no key does") as caught:
        open_source(entry("langsmith", service.url), {"KEY": key}, Waits().pace())
    assert key not in str(caught.value)
    assert service.seen == []
