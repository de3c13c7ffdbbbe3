"""When an endpoint counts as dead."""

import pytest

from llmops_pipelines.judging import Circuit
from tests.judging.worlds import failure, ok


def after(*replies, dead_after=3, patience=6, most_late=8, named=False):
    circuit = Circuit(dead_after, patience, most_late, named=named)
    for reply in replies:
        circuit.record(reply)
    return circuit


@pytest.mark.parametrize(
    ("outcome", "variable"),
    [
        ("network", "JUDGE_BASE_URL"),
        ("http_401", "JUDGE_API_KEY"),
        ("http_403", "JUDGE_API_KEY"),
        ("http_404", "JUDGE_MODEL"),
        ("http_200", "JUDGE_BASE_URL"),
    ],
)
def test_the_first_failures_in_a_row_open_it_and_name_the_variable(outcome, variable):
    circuit = after(*[failure(outcome, detail="why")] * 3)
    assert circuit.opened.is_set()
    assert variable in circuit.reason
    assert f"failed 3 times in a row ({outcome}: why)" in circuit.reason


@pytest.mark.parametrize("outcome", ["network", "http_401", "http_403", "http_404", "http_200"])
def test_of_an_endpoint_that_judges_yaml_names_no_variable_of_another_is_told(outcome):
    circuit = after(*[failure(outcome)] * 3, named=True)
    assert "in judges.yaml" in circuit.reason
    assert "JUDGE_" not in circuit.reason


def test_fewer_failures_do_not():
    assert not after(*[failure("network")] * 2).opened.is_set()


def test_once_it_has_answered_it_takes_more():
    blip = [ok(), *[failure("network")] * 5]
    assert not after(*blip).opened.is_set()
    assert after(*blip, failure("network")).opened.is_set()


def test_an_answer_starts_the_count_anew():
    assert not after(*[*[failure("network")] * 2, ok()] * 5).opened.is_set()


def late(**fields):
    return failure("timeout", billable=True, **fields)


def test_requests_without_a_reply_in_time_take_more_and_the_remedy_is_less_at_once():
    assert not after(*[late()] * 7).opened.is_set()
    circuit = after(*[late(detail="no reply in 60 s")] * 8)
    assert circuit.opened.is_set()
    assert "LLMOPS_JUDGE_MAX_IN_FLIGHT" in circuit.reason
    assert "JUDGE_BASE_URL" not in circuit.reason


def test_where_nobody_takes_the_connection_the_address_is_wrong_however_long_it_takes():
    circuit = after(*[failure("timeout")] * 3)
    assert "JUDGE_BASE_URL" in circuit.reason


def test_server_errors_take_more_and_rate_limits_never_open_it():
    assert not after(*[failure("http_503")] * 5).opened.is_set()
    assert after(*[failure("http_503")] * 6).opened.is_set()
    assert not after(*[failure("http_429")] * 50).opened.is_set()


def test_a_fault_of_one_request_says_nothing_about_the_endpoint():
    assert not after(*[failure("http_400")] * 50).opened.is_set()
