"""Lines of a file as samples, well-meant or hostile."""

from __future__ import annotations

import json

import pytest

from llmops_pipelines.judging import ITEM_SCHEMA
from llmops_pipelines.judging.samples import BadLine, Sample, meant, read_sample, sample_frame


def read(record: object, line: int = 7) -> Sample | BadLine:
    return read_sample(json.dumps(record).encode(), line)


def test_fields_are_those_of_ragas():
    sample = read(
        {"id": "s1", "user_input": "q", "retrieved_contexts": ["a", " ", None, "b"],
         "response": "r", "reference": "t", "feature": "chat", "extra": 1}
    )  # fmt: skip
    assert (sample.id, sample.feature, sample.unread) == ("s1", "chat", ("extra",))
    frame = sample_frame([sample])
    assert frame.schema == ITEM_SCHEMA
    assert frame.row(0) == ("s1", "s1", "chat", "q", "r", ["a", "b"], "t", None)


@pytest.mark.parametrize(
    ("given", "name"), [(None, "line-7"), ("", "line-7"), (12, "12"), ("a", "a")]
)
def test_a_sample_without_an_id_is_called_by_its_line(given, name):
    assert read({"id": given, "response": "r"}).id == name


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ([1], "is a list, expected one JSON object"),
        ("text", "is text, expected one JSON object"),
        (None, "is null, expected one JSON object"),
        ({"id": True}, "id: is true or false, expected text or a whole number"),
        ({"id": 1.5}, "id: is a number, expected"),
        ({"response": {"a": 1}}, "response: is an object, expected text"),
        ({"retrieved_contexts": "one"}, "retrieved_contexts: is text, expected a list of texts"),
        ({"retrieved_contexts": ["a", 3]}, "retrieved_contexts[1]: is a number, expected text"),
        ({"feature": 3}, "feature: is a number, expected text"),
        ({"user_input": [{"type": "human", "content": "hi"}]}, "a multi-turn sample of RAGAS"),
    ],
)
def test_wrong_types_are_told_by_field(record, says):
    bad = read(record)
    assert isinstance(bad, BadLine)
    assert says in bad.reason


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\x80\x81{}", "is not UTF-8 (byte 1)"),
        (b'{"response": "a\xff"}', "is not UTF-8 (byte 16)"),
        (b"\x00\x01\x02", "holds zero bytes: is the file binary, or UTF-16?"),
        (b"[", "is part of one JSON array; write one object a line"),
        (b'{"response": NaN}', "is not JSON"),
        (b'{"response": "\\ud800"}', "is not JSON"),
        (b'{"response": "cut', "is not JSON"),
        (b"{" * 5000, "is not JSON"),
        (b"[" * 5000, "is not JSON"),
    ],
)
def test_what_is_no_json_is_told(raw, says):
    bad = read_sample(raw, 1)
    assert isinstance(bad, BadLine)
    assert says in bad.reason


def test_fields_under_other_names_are_guessed():
    found = meant(["question", "contexts", "ground_truth", "answer", "latency", "user_inputs"])
    assert found == {
        "user_input": "question", "retrieved_contexts": "contexts", "reference": "ground_truth",
        "response": "answer",
    }  # fmt: skip
    assert meant(["latency", "model"]) == {}


@pytest.mark.parametrize("cell", ['["a", "b\'s"]', "['a', \"b's\"]", ' ["a", "b\'s", " "] '])
def test_a_cell_of_a_table_holds_its_contexts_as_text(cell):
    found = read({"response": "r", "retrieved_contexts": cell})
    assert found.texts["contexts"] == ["a", "b's"]
    assert read({"response": "r", "retrieved_contexts": ""}).texts["contexts"] == []
