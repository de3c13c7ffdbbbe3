"""Format mapped: an entry of sources.yaml places the fields of any record."""

from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from llmops_pipelines.formats import FORMATS, MappedFields, check_mapping
from tests.formats.worlds import one, read, reason, utc

AT = "2026-11-10T09:00:00Z"


def reading(zone="UTC", **fields):
    parsed = TypeAdapter(MappedFields).validate_python({"started_at": "at"} | fields)
    check_mapping(parsed)
    return FORMATS["mapped"].reading({n: f.place() for n, f in parsed.items()}, zone)


def test_a_record_without_usage_still_is_a_call():
    found = one({"at": AT}, reading())
    assert (found["started_at"], found["status"]) == (utc("2026-11-10T09:00:00"), "ok")
    assert found["uncached_input"] is None


def test_paths_reach_into_objects_and_lists():
    record = {"at": AT, "out": {"items": [{"x": 1}, {"text": "second"}]}, "tags": ["a", "b"]}
    found = one(record, reading(answer="out.items[1].text", environment="tags[1]"))
    assert (found["answer"], found["environment"]) == ("second", "b")


def test_a_list_of_steps_reaches_keys_with_dots():
    record = {"at": AT, "attributes": {"gen_ai.request.model": "m-1", 'qu"ote': "x"}}
    found = one(
        record,
        reading(
            model={"path": ["attributes", "gen_ai.request.model"]},
            environment={"path": ["attributes", 'qu"ote']},
        ),
    )
    assert (found["model"], found["environment"]) == ("m-1", "x")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"{at}": "2099-01-01T00:00:00Z"}, "{at}: '2099-01-01T00:00:00Z' is more than a day"),
        ({"{at}": "soon"}, "{at}: 'soon' is not a time"),
        ({"{}": "odd"}, "{}: 'odd' is no known status"),
        ({"{in}": 1, "c{": 9}, "c{: 9 cached and audio tokens exceed the 1 of {in}"),
    ],
)
def test_keys_with_braces_are_named_as_they_are(said, fault):
    places = {"started_at": "{at}", "status": "{}", "input_tokens": "{in}", "cache_read": "c{"}
    assert reason({"{at}": AT} | said, reading(**places)).startswith(fault)


@pytest.mark.parametrize(
    ("unit", "logged"), [("s", 1.5), ("ms", 1500), ("us", 1_500_000), ("ns", 1_500_000_000)]
)
def test_durations_become_milliseconds(unit, logged):
    found = one({"at": AT, "took": logged}, reading(latency_ms={"path": "took", "unit": unit}))
    assert found["latency_ms"] == pytest.approx(1500)


@pytest.mark.parametrize(
    ("unit", "logged", "dollars"),
    [
        ("usd", 0.0123, "0.0123"),
        ("cents", 1.23, "0.0123"),
        ("usd", 1.2e-05, "0.000012"),
        ("usd", "0.000000000001", "0.000000000001"),
    ],
)
def test_costs_become_exact_dollars(unit, logged, dollars):
    found = one({"at": AT, "cost": logged}, reading(cost_reported={"path": "cost", "unit": unit}))
    assert found["cost_reported"] == Decimal(dollars)


@pytest.mark.parametrize(
    ("decimal", "tokens", "cost", "took"),
    [
        (".", "1,234", "$0.02", "812.5"),
        (",", "1.234", "0,02", "812,5"),
        (",", "1 234", 0.02, 812.5),
    ],
)
def test_numbers_that_people_wrote_are_read(decimal, tokens, cost, took):
    names = {"input_tokens": "in", "cost_reported": "cost", "latency_ms": "took"}
    fields = {name: {"path": path, "decimal": decimal} for name, path in names.items()}
    found = one({"at": AT, "in": tokens, "cost": cost, "took": took}, reading(**fields))
    read = (found["uncached_input"], found["cost_reported"], found["latency_ms"])
    assert read == (1234, Decimal("0.02"), 812.5)


def test_a_constant_fills_what_the_record_does_not_hold():
    rows = read(
        {"at": AT, "f": "chat"},
        {"at": AT},
        reading=reading(feature={"path": "f", "constant": "web"}, provider={"constant": "openai"}),
    )
    assert rows.calls["feature"].to_list() == ["chat", "web"]
    assert rows.calls["provider"].to_list() == ["openai", "openai"]


def test_status_words_are_translated():
    how = reading(status={"path": "s", "values": {"OK": "ok", "DENIED": "error", "429": "error"}})
    rows = read(*({"at": AT, "s": s} for s in ("OK", "DENIED", 429, "error")), reading=how)
    assert rows.calls["status"].to_list() == ["ok", "error", "error", "error"]


def test_an_unknown_status_names_the_remedy():
    assert "what `values` of its source in sources.yaml translates" in reason(
        {"at": AT, "s": "DENIED"}, reading(status="s")
    )


def test_an_error_code_alone_makes_a_failure():
    found = one({"at": AT, "err": "rate_limit_exceeded"}, reading(error_code="err"))
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")


def test_error_words_are_translated_to_classes():
    how = reading(error_class={"path": "e", "values": {"E17": "content_filter"}})
    assert one({"at": AT, "e": "E17"}, how)["error_class"] == "content_filter"


def test_question_and_system_become_messages():
    found = one({"at": AT, "sys": "Be brief.", "q": "Why?"}, reading(question="q", system="sys"))
    assert found["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
    ]


def test_a_question_that_is_missing_leaves_no_message():
    assert one({"at": AT}, reading(question="q"))["messages"] == []


def test_logged_messages_win_over_a_question():
    record = {"at": AT, "m": [{"role": "user", "content": "a"}], "q": "b"}
    assert one(record, reading(messages="m", question="q"))["messages"][0]["content"] == "a"


def test_one_path_may_fill_two_fields():
    found = one({"at": AT, "id": "r-1"}, reading(call_id="id", trace_id="id", session_id="id"))
    assert (found["call_id"], found["trace_id"], found["session_id"]) == ("r-1", "r-1", "r-1")


def test_a_value_and_something_inside_it_may_both_be_placed():
    found = one(
        {"at": AT, "prompt": {"name": "greet"}},
        reading(prompt_name="prompt.name", response_schema="prompt"),
    )
    assert (found["prompt_name"], found["response_schema"]) == ("greet", '{"name":"greet"}')


def test_a_container_of_the_wrong_kind_is_rejected():
    assert "usage: is text, expected an object" in reason(
        {"at": AT, "usage": "n/a"}, reading(input_tokens="usage.in")
    )


def test_the_zone_of_the_source_is_used():
    found = one({"at": "2026-11-10 10:00:00"}, reading(zone="Europe/Berlin"))
    assert found["started_at"] == utc("2026-11-10T09:00:00")


def test_text_constants_survive_texts_in_other_shapes():
    how = reading(answer={"path": "a", "constant": "(none)"}, contexts="c")
    assert one({"at": AT, "c": ["x"]}, how)["answer"] == "(none)"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"lattency_ms": "x"}, "'latency_ms'"),
        ({"feature": {}}, "give a path, a constant, or both"),
        ({"feature": "a..b"}, "is not a path"),
        ({"feature": {"path": []}}, "a path needs at least one step"),
        ({"latency_ms": {"path": "x", "unit": "usd"}}, "accepted: s, ms, us, ns"),
        ({"feature": {"path": "x", "unit": "s"}}, "accepted: none"),
        ({"status": {"path": "x", "values": {"a": "fine"}}}, "accepted: ok, error"),
        ({"input_tokens": {"path": "x", "values": {"a": "b"}}}, "takes no values"),
        ({"messages": {"path": "x", "constant": "y"}}, "takes no constant"),
        ({"tags": {"constant": "y"}}, "takes no constant; give the path of a list"),
        ({"tool_calls": {"constant": "y"}}, "takes no constant; give the path of a list"),
        ({"feature": "Tags.f", "team": "tags.t"}, "differ only in case"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(fields, says):
    with pytest.raises((ValueError, ValidationError), match=says):
        reading(**fields)


def test_fields_of_different_kinds_may_share_a_path():
    how = reading(question="text", response_schema="text", messages="talk", contexts="talk")
    talk = [{"role": "user", "content": "hi"}]
    found = one({"at": AT, "text": "why?", "talk": talk}, how)
    assert found["response_schema"] == '"why?"'
    assert found["messages"] == talk
    assert [context["content"] for context in found["contexts"]] == ["hi"]


def test_a_list_may_be_placed_whole_and_by_position():
    how = reading(environment="tags[0]", contexts="tags", session_id={"path": ["tags", "x"]})
    found = one({"at": AT, "tags": ["prod", "b"]}, how)
    assert found["environment"] == "prod"
    assert [context["content"] for context in found["contexts"]] == ["prod", "b"]


def test_the_words_of_an_error_may_be_json():
    record = {"at": AT, "failed": '{"message": "Rate limit reached"}'}
    found = one(record, reading(error_message="failed"))
    assert (found["status"], found["error_class"]) == ("error", "rate_limit")
