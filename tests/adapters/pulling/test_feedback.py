"""What people said of calls, where a service keeps it apart from them."""

import json

import pytest

from llmops_pipelines.adapters.pulling import Count, PullError
from tests.adapters.pulling.services import DAY, LangfuseService, LangSmithService, serving
from tests.adapters.pulling.worlds import Waits, entry, ids, lines, pulled, source
from tests.formats.worlds import read_as

TIMES = [f"{DAY}T{hour:02d}:00:00.000Z" for hour in (0, 9, 9, 12, 23)]


def score(number, at, **changes):
    """A score as version 3 of Langfuse's API gives it."""
    return {
        "id": f"s-{number}", "projectId": "p", "name": "helpful", "value": True,
        "dataType": "BOOLEAN", "source": "ANNOTATION", "timestamp": at, "environment": "default",
        "createdAt": at, "updatedAt": at, "comment": "Gut.", "configId": None, "metadata": {},
        "subject": {"kind": "observation", "id": "o-1", "traceId": "t-1"},
    } | changes  # fmt: skip


def said(number, at, **changes):
    """Feedback as LangSmith's API gives it."""
    return {
        "id": f"f-{number}", "key": "helpful", "score": 1, "value": None, "comment": "Gut.",
        "run_id": "r-1", "trace_id": "t-1", "session_id": "project-1", "created_at": at,
        "modified_at": at, "feedback_source": {"type": "app"},
    } | changes  # fmt: skip


@pytest.fixture(params=["langfuse_scores", "langsmith_feedback"])
def world(request):
    """The kind, and a service with five of ``DAY`` and one on each day beside it."""
    langfuse = request.param == "langfuse_scores"
    make = score if langfuse else said
    beside = ["2026-11-09T23:59:59.000Z", "2026-11-11T00:00:00.000Z"]
    scores = [make(number, at) for number, at in enumerate([*TIMES, *beside])]
    service = (LangfuseService if langfuse else LangSmithService)([], scores=scores)
    with serving(service):
        yield request.param, service


def asking(world, waits=None, **changes):
    kind, service = world
    return source(entry(kind, service.url, **{"page_size": 2} | changes), waits)


def test_a_day_comes_in_pages_and_nothing_of_the_days_beside_it(world, tmp_path):
    result = pulled(asking(world), tmp_path)
    assert [name[2:] for name in ids(result)] == ["0", "1", "2", "3", "4"]
    assert result.counted == Count(None, None)


def test_limits_errors_and_a_torn_answer_lose_nothing(world, tmp_path):
    world[1].troubles = [(429, "1"), None, 500, "torn", None, 502]
    assert len(ids(pulled(asking(world), tmp_path))) == 5


def test_what_is_given_while_pages_come_is_kept_once(world, tmp_path):
    kind, service = world
    make = score if kind == "langfuse_scores" else said
    pages = asking(world).pages(DAY, None)
    got = [record.id for record in next(pages).records]
    service.scores.append(make(9, f"{DAY}T23:30:00.000Z"))
    got += [record.id for page in pages for record in page.records]
    assert {name[2:] for name in got} >= {"0", "1", "2", "3", "4"}


def test_an_interrupted_day_goes_on_where_it_stopped(world, tmp_path):
    service = world[1]
    service.troubles = [None, *[500] * 7]
    with pytest.raises(PullError, match="failed 7 times"):
        pulled(asking(world), tmp_path)
    service.cursors.clear()
    assert len(ids(pulled(asking(world), tmp_path))) == 5
    assert service.cursors[0] == "2"


def test_what_was_pulled_is_feedback_about_its_call(world, tmp_path):
    kind, _ = world
    found = lines(pulled(asking(world), tmp_path))
    read = read_as(kind.partition("_")[0], *(json.dumps(line) for line in found)).feedback
    told = read.select("trace_id", "name", "comment").unique().rows()
    assert (read.height, told) == (5, [("t-1", "helpful", "Gut.")])
    about = "o-1" if kind == "langfuse_scores" else "r-1"
    assert read["about_call"].to_list() == [about] * 5


def test_a_wrong_key_is_told_by_its_variable(world, tmp_path):
    waits = Waits()
    with pytest.raises(PullError, match=r"HTTP 40[13]; check the key in PUBLIC"):
        pulled(asking(world, waits, api_key_env="PUBLIC"), tmp_path)
    assert waits == []
