"""What an object store refuses is told like what a disk refuses."""

import pytest

from llmops_pipelines.orchestration.storage.stores import open_store


@pytest.mark.parametrize(
    "deed",
    [
        lambda store: list(store.walk("")),
        lambda store: store.folders(""),
        lambda store: store.put("a", b"1"),
        lambda store: store.create("a", b"1"),
    ],
)
def test_a_bucket_that_is_not_there_is_an_oserror_that_names_it(deed, s3):
    store = open_store("s3://no-such-bucket/x", s3)
    with pytest.raises(OSError, match=r".") as raised:
        deed(store)
    assert "no-such-bucket" in f"{raised.value.filename} {raised.value}"


def test_an_option_that_no_store_knows_is_an_oserror_that_names_it():
    with pytest.raises(OSError, match="aws_regoin") as raised:
        open_store("s3://bucket/x", {"aws_regoin": "eu-west-1"})
    assert raised.value.filename == "s3://bucket/x"
