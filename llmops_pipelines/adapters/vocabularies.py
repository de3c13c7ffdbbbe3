"""Token counts by tiktoken, for models whose vocabulary lies on this machine; nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import NamedTuple, NoReturn

from llmops_pipelines.judging import Count


class Counter(NamedTuple):
    """How texts of a model are counted, and the vocabulary's name."""

    vocabulary: str
    count: Count


@lru_cache(maxsize=64)
def counter_of(model: str) -> Counter | None:
    """Counts tokens as ``model`` does; None where its vocabulary is not known or not here.

    tiktoken keeps vocabularies in the folder that ``TIKTOKEN_CACHE_DIR`` names. It would download
    what is not there; that is forbidden here, since a quote sends nothing anywhere.
    """
    import tiktoken

    try:
        name = tiktoken.encoding_name_for_model(model)
        with _without_downloads():
            encoding = tiktoken.get_encoding(name)
    except (KeyError, _NotHereError):
        return None

    def count(text: str) -> int:
        # What a log holds is text, also where it spells a special token.
        return len(encoding.encode_ordinary(text))

    return Counter(f"tiktoken {name}", count)


class _NotHereError(Exception):
    """A vocabulary would have to be downloaded."""


_lock = Lock()


@contextmanager
def _without_downloads() -> Iterator[None]:
    """There is no setting for it: the function that tiktoken downloads with is put aside."""
    import tiktoken.load

    def refuse(blobpath: str) -> NoReturn:
        raise _NotHereError(blobpath)

    with _lock:
        before = tiktoken.load.read_file
        tiktoken.load.read_file = refuse
        try:
            yield
        finally:
            tiktoken.load.read_file = before
