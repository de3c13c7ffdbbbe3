"""Messages, contexts and answers are read in every shape in which they are logged."""

from tests.formats.worlds import call, one, read, response


def messages(*found):
    return one(call(request={"messages": list(found)}))["messages"]


def test_parts_become_text_and_the_names_of_what_is_none():
    content = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "data:..."}},
        "and tell",
    ]
    assert messages({"role": "user", "content": content}) == [
        {"role": "user", "content": "Look:\n[image_url]\nand tell"}
    ]


def test_a_tool_call_without_content_is_an_empty_message():
    assert messages({"role": "assistant", "content": None, "tool_calls": [{}]}) == [
        {"role": "assistant", "content": ""}
    ]


def test_a_text_that_begins_like_a_list_stays_text():
    assert messages({"role": "user", "content": "[1, 2] sorted?"})[0]["content"] == "[1, 2] sorted?"


def test_a_message_without_role_is_of_unknown_role():
    assert messages({"content": "hm"}) == [{"role": "unknown", "content": "hm"}]


def test_plain_texts_as_messages_are_the_users():
    assert messages("hello") == [{"role": "user", "content": "hello"}]


CONTEXTS = [
    (["a", "b"], [(None, "a", None), (None, "b", None)]),
    ("alone", [(None, "alone", None)]),
    ([{"id": "kb-1", "content": "a", "score": 0.5}], [("kb-1", "a", 0.5)]),
    ([{"document_id": "kb-2", "text": "b"}], [("kb-2", "b", None)]),
    ([{"page_content": "c", "score": "high"}], [(None, "c", None)]),
    ([{"id": "kb-3", "score": 0.1}], [("kb-3", "", 0.1)]),
    ([{"id": 7, "content": "[x]"}, "d"], [("7", "[x]", None), (None, "d", None)]),
    ([], []),
    (None, []),
]


def test_contexts_come_plain_or_with_id_and_score():
    rows = read(*(call(contexts=logged) for logged, _ in CONTEXTS))
    found = [
        [tuple(context.values()) for context in row] for row in rows.calls["contexts"].to_list()
    ]
    assert found == [expected for _, expected in CONTEXTS]


ANSWERS = [
    ("plain", "plain"),
    ('{"total": 12}', '{"total": 12}'),
    ("[1, 2]", "[1, 2]"),
    ([{"type": "text", "text": "part"}], "part"),
    ({"total": 12}, '{"total":12}'),
    (None, None),
    ("", ""),
]


def test_answers_come_as_text_parts_or_json():
    rows = read(*(call(response=response(content)) for content, _ in ANSWERS))
    assert rows.calls["answer"].to_list() == [expected for _, expected in ANSWERS]


def test_escapes_and_line_breaks_are_read_back():
    text = 'a "quoted"\nline\t\u00e9\u4e2d\U0001f600 \\ end'
    found = one(call(response=response(text), contexts=[text]))
    assert (found["answer"], found["contexts"][0]["content"]) == (text, text)


def test_deeply_nested_content_is_text():
    deep = "[" * 2000 + "]" * 2000
    record = '{"timestamp":"2026-11-10T09:00:00Z","kind":"call","contexts":["' + deep + '"]}'
    assert one(record)["contexts"][0]["content"] == deep
