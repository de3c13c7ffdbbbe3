"""Lines are asked only for keys that occur, and what a line gives depends on itself alone."""

import json

import pytest

from tests.formats.worlds import call, read, reasons


def test_a_field_is_read_from_the_one_line_that_has_it():
    calls = [call(id=f"c-{number}") for number in range(20)] + [call(id="c-x", team="web")]
    found = read(*calls).calls
    assert found.filter(call_id="c-x")["team"].to_list() == ["web"]
    assert found["team"].drop_nulls().to_list() == ["web"]


@pytest.mark.parametrize("key", ["id", "feature", "request", "timestamp"])
def test_a_key_with_escaped_letters_is_read_alone_and_in_company(key):
    spelled = f"\\u00{ord(key[0]):02x}{key[1:]}"
    line = json.dumps(call()).replace(f'"{key}"', f'"{spelled}"', 1)
    plain = read(json.dumps(call())).calls
    assert read(line).calls.equals(plain)
    company = read(line, *(call(id=f"c-{number}") for number in range(2, 12)))
    assert company.calls.filter(n=0).equals(plain)


def test_escapes_in_texts_are_no_keys():
    text = json.dumps(call()).replace("Where is my order?", "\\u003cb\\u003e order")
    asked = read(text).calls["messages"].to_list()[0]
    assert asked == [{"role": "user", "content": "<b> order"}]


def test_a_container_that_is_none_is_still_told():
    assert "request: is text" in reasons(call(request="x"))[0]
