import pytest

from llmops_pipelines.adapters.pulling import Count, PullError
from tests.adapters.pulling.services import DAY, LangfuseService, observation, serving
from tests.adapters.pulling.worlds import Waits, entry, ids, lines, pulled, source

FIVE = ["o-000", "o-001", "o-002", "o-003", "o-004"]


@pytest.fixture
def service():
    with serving(LangfuseService([observation(n) for n in range(5)])) as service:
        yield service


def asking(service, waits=None, **changes):
    return source(entry("langfuse", service.url, page_size=2, **changes), waits)


def test_a_day_comes_in_pages_and_is_as_many_records_as_the_server_counts(service, tmp_path):
    result = pulled(asking(service), tmp_path)
    assert ids(result) == FIVE
    assert lines(result)[0] == observation(0)
    assert (result.pages, result.counted.records, result.duplicates) == (3, 5, 0)
    assert service.cursors == [None, "2", "4"]


def test_what_the_server_sums_up_is_part_of_the_mark(service):
    before = asking(service).count(DAY)
    service.tokens = 11
    assert before == Count(5, '["5", 10, 0.5]')
    assert asking(service).count(DAY) == Count(5, '["5", 11, 0.5]')


def test_a_day_without_observations_is_an_empty_file(service, tmp_path):
    service.records = []
    result = pulled(asking(service), tmp_path)
    assert (ids(result), result.counted.records) == ([], 0)


def test_a_limit_is_waited_out_as_long_as_the_server_says(service, tmp_path):
    service.troubles = [(429, "7"), None, (429, "0")]
    waits = Waits()
    assert ids(pulled(asking(service, waits), tmp_path)) == FIVE
    assert waits[0] == 7.0
    assert service.limits.count(2) == 5  # a limit on requests does not make pages smaller


def test_a_wish_for_no_wait_at_all_is_no_leave_to_ask_seven_times_at_once(service, tmp_path):
    service.troubles = [(429, "0")] * 6
    waits = Waits()
    assert ids(pulled(asking(service, waits), tmp_path)) == FIVE
    assert all(0.25 * 2**n <= wait <= 0.5 * 2**n for n, wait in enumerate(waits))


def test_a_limit_of_a_minute_is_outlived_where_the_server_does_not_say_how_long(service, tmp_path):
    service.troubles = [429] * 6
    waits = Waits()
    assert ids(pulled(asking(service, waits), tmp_path)) == FIVE
    assert 59 <= sum(waits) <= 118


def test_a_server_that_wants_an_hour_is_left_for_the_next_run(service, tmp_path):
    service.troubles = [None, (429, "3600")]
    waits = Waits()
    with pytest.raises(PullError, match=r"asks to wait 3,600 s .HTTP 429.*requests_per_minute"):
        pulled(asking(service, waits), tmp_path)
    assert waits == []


def test_errors_are_met_with_longer_and_longer_waits_and_smaller_pages(service, tmp_path):
    service.troubles = [500, 524, 503]
    waits = Waits()
    assert ids(pulled(asking(service, waits), tmp_path)) == FIVE
    assert 0.25 <= waits[0] <= 0.5
    assert 0.5 <= waits[1] <= 1
    assert 1 <= waits[2] <= 2
    assert service.limits[:4] == [2, 2, 1, 1]


def test_an_answer_that_breaks_off_is_asked_for_again(service, tmp_path):
    service.troubles = [None, "torn"]
    assert ids(pulled(asking(service), tmp_path)) == FIVE
    assert service.cursors == [None, "2", "2", "4"]


def test_a_server_that_only_fails_is_given_up_and_pages_that_came_are_kept(service, tmp_path):
    service.troubles = [None, *[500] * 7]
    with pytest.raises(PullError, match=r"failed 7 times, last with HTTP 500; pages that arrived"):
        pulled(asking(service), tmp_path)
    service.cursors.clear()
    assert ids(pulled(asking(service), tmp_path)) == FIVE
    assert service.cursors == ["2", "4"]


def test_a_page_that_names_itself_as_the_next_is_no_endless_download(service, tmp_path):
    service.page = lambda found, *_: (200, found[:1], "1")
    with pytest.raises(PullError, match=r"the next page is the one it just gave.*page_size"):
        pulled(asking(service), tmp_path)


def test_an_interrupted_day_begins_anew_where_its_cursor_is_gone(service, tmp_path):
    service.troubles = [None, *[500] * 7]
    with pytest.raises(PullError):
        pulled(asking(service), tmp_path)
    service.cursor_gone = True
    service.cursors.clear()
    result = pulled(asking(service), tmp_path)
    assert (ids(result), result.duplicates) == (FIVE, 0)
    assert service.cursors == ["2", None, "2", "4"]


@pytest.mark.parametrize("value", ["cut \ud83d", 2**70])
def test_half_a_character_or_a_huge_number_does_not_cost_the_day(value, service, tmp_path):
    service.records[2]["input"] = value
    result = pulled(asking(service), tmp_path)
    assert ids(result) == FIVE
    assert lines(result)[2]["input"] == value


def test_a_record_on_two_pages_is_kept_once(service, tmp_path):
    service.repeats = 1
    result = pulled(asking(service), tmp_path)
    assert (ids(result), result.duplicates) == (FIVE, 2)


def test_records_of_other_days_by_their_own_clock_are_left_out_and_counted(service, tmp_path):
    service.late_end = True
    service.records += [
        observation(5, f"{DAY}T00:00:00.000Z"),
        observation(6, f"{DAY}T23:59:59.999Z"),
        observation(7, "2026-11-11T00:00:00.000Z"),
        observation(8, "2026-11-09T23:59:59.999Z"),
    ]
    result = pulled(asking(service), tmp_path)
    assert ids(result) == ["o-005", *FIVE, "o-006"]
    assert (result.outside, result.counted.records) == (1, 8)


def test_a_record_without_a_time_is_kept(service, tmp_path):
    bare = {"id": "o-x", "startTime": f"{DAY}T09:00:00.000Z"}
    service.records = [bare]
    service.during = lambda *_: [bare | {"startTime": "?"}]
    assert ids(pulled(asking(service), tmp_path)) == ["o-x"]


def test_the_same_records_in_another_order_make_the_same_bytes(service, tmp_path):
    first = pulled(asking(service), tmp_path / "a").file
    service.records = [dict(reversed(record.items())) for record in reversed(service.records)]
    assert pulled(asking(service), tmp_path / "b").file == first


def test_a_wrong_key_is_told_by_its_variable_and_never_shown(service, tmp_path):
    wanted = entry("langfuse", service.url, api_key_env="PUBLIC")
    with pytest.raises(PullError, match=r"HTTP 401; check the key in PUBLIC") as caught:
        pulled(source(wanted), tmp_path)
    assert "pk" not in str(caught.value)
    assert len(service.seen) == 1


def test_a_variable_that_is_not_set_is_told_before_anything_is_asked(service):
    with pytest.raises(PullError, match=r"shop: ABSENT is not set; sources\.yaml names it"):
        source(entry("langfuse", service.url, api_key_env="ABSENT"))
    assert service.seen == []


def test_a_redirect_is_not_followed(service, tmp_path):
    service.troubles = [302]
    with pytest.raises(PullError, match=r"HTTP 302; redirects are not followed"):
        pulled(asking(service), tmp_path)


def test_requests_keep_the_pace_they_are_given(service, tmp_path):
    waits = Waits()
    pulled(asking(service, waits, requests_per_minute=30), tmp_path)
    assert waits == [2.0, 2.0, 2.0]  # three pages and a count


def test_nobody_at_the_address_is_told_after_seven_attempts(tmp_path):
    waits = Waits()
    with pytest.raises(PullError, match=r"failed 7 times, last with ConnectError; check host and"):
        pulled(source(entry("langfuse", "http://127.0.0.1:9"), waits), tmp_path)
    assert len(waits) == 6


@pytest.mark.parametrize(
    "answer", [[], {}, {"data": None}, {"data": [{}]}, {"data": [3]}, "x", None]
)
def test_an_answer_of_another_shape_is_told(answer, service, tmp_path):
    service.answer = lambda *_: (200, answer)
    with pytest.raises(PullError, match="another shape than its documentation"):
        pulled(asking(service), tmp_path)


def test_an_answer_that_is_no_json_is_told_after_seven_attempts(service, tmp_path):
    service.answer = lambda *_: (200, b"<html>Please log in</html>")
    with pytest.raises(PullError, match="failed 7 times, last with JSONDecodeError"):
        pulled(asking(service), tmp_path)


def test_a_web_page_is_told_at_once(service, tmp_path):
    service.answer = lambda *_: (200, b"<!DOCTYPE html>")
    service.content_type = "text/html; charset=utf-8"
    with pytest.raises(PullError, match=r"HTTP 200 with a web page; give the service's root"):
        pulled(asking(service), tmp_path)
    assert len(service.seen) == 1
