"""Lines cut out of a block are exactly the bytes between its newlines."""

import hashlib

import pytest

from llmops_pipelines.ingest.log_files.lines import Block, line_frame

LENGTHS_AROUND_A_VIEW = [b"x" * size for size in range(15)]
ENDINGS = [b"", b"\r", b"\r\r", b'{"a": 1}\r', b" \r"]
BLANK = [b" ", b"\t ", "\u2003".encode(), "\u0085".encode()]
NO_UTF8 = [b"\xff\xfe{", b"\xe2\x80", b'{"a": "' + b"\xe9" * 20 + b'"}']
PLAIN = [b'{"a": "' + "\u00fc".encode() * 40 + b'"}', b" {}", "\u2003{}".encode()]


@pytest.mark.parametrize("last", [*LENGTHS_AROUND_A_VIEW[:3], b"x" * 40], ids=len)
def test_every_line_has_its_own_bytes(last):
    written = [*LENGTHS_AROUND_A_VIEW, *ENDINGS, *BLANK, *NO_UTF8, *PLAIN, last]
    block = Block(b"".join(line + b"\n" for line in written), 7, len(written))
    expected = []
    for number, line in enumerate((line.removesuffix(b"\r") for line in written), start=7):
        text = None if line in NO_UTF8 else line.decode()
        digest = hashlib.sha256(line).hexdigest()[:32]
        blank = text is not None and not text.strip()
        expected.append((number, len(line), digest, text, blank))
    assert line_frame(block).rows() == expected
