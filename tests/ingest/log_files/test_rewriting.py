"""Lines that landing puts together: what cannot be written anew stays as it is."""

from llmops_pipelines.ingest.log_files.lines import Block
from llmops_pipelines.ingest.log_files.rewriting import lines_of, object_in, with_lines, written


def nested(depth: int) -> dict:
    inner: dict = {}
    for _ in range(depth):
        inner = {"k": inner}
    return inner


def test_a_block_keeps_its_place_with_other_lines():
    block = Block(b"a\n\nc\n", 7, 3)
    assert lines_of(block) == [b"a", b"", b"c"]
    assert with_lines(block, [b"", b"b", b"c"]) == Block(b"\nb\nc\n", 7, 3)


def test_a_line_is_read_as_landing_reads_it():
    assert object_in(b'{"a": NaN, "b": "\\ud83d"}') == {"a": None, "b": "\ufffd"}
    assert object_in('{"a": 1}') == {"a": 1}


def test_what_is_no_object_is_none():
    deep = b'{"k":' * 100_000
    for line in (b"", b"[1]", b"{", b'"text"', b"\xff{}", b"{'a': 1}", deep):
        assert object_in(line) is None


def test_what_cannot_be_written_is_none():
    assert written({"a": 1}) == b'{"a":1}'
    assert written(nested(300)) is None
    assert written({"a": 2**70}) is None
