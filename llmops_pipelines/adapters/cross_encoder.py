"""Entailment models of one's own: any cross-encoder that sentence-transformers loads, offline.

A model is a folder, or the name of one that the Hugging Face cache already holds; nothing is ever
downloaded. Which of its outputs is entailment is read from its config.json, by name. A model that
does not say is refused: guessed wrong, contradiction would count as support.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from hashlib import file_digest, sha256
from importlib import metadata
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np

from llmops_pipelines.judging.entailment import Pair

Probabilities = np.ndarray[tuple[int], np.dtype[np.float32]]

_BATCH = 8
_ENTAILED = {"entailment", "entail", "entails", "entailed", "supported", "supports", "support"}
_LIBRARIES = ("sentence-transformers", "transformers", "tokenizers", "torch")
_DIGITS = 16


class EntailmentModelError(ValueError):
    """A model cannot be found, loaded or understood; the message says what to do."""


@dataclass(frozen=True)
class EntailmentModel:
    """One model, known by its files; it is loaded when it is first asked."""

    name: str
    folder: Path
    weights: str
    """SHA-256 over its files, first 16 hex digits."""
    entailment: int | None
    """The output that is entailment; None where there is one output, the probability itself."""

    def entails(self, pairs: Sequence[Pair]) -> Probabilities:
        """The probability of each pair that the first text entails the second, float32.

        Pairs of like length go through the model together, one batch a core and one thread a
        batch. What does not fit into the model's window is left out of the longer text.

        Raises:
            EntailmentModelError: The model cannot be loaded, or answers with no number.
        """
        if not pairs:
            return np.zeros(0, dtype=np.float32)
        model = _load(self.folder, self.weights)
        order = sorted(range(len(pairs)), key=lambda n: sum(map(len, pairs[n])))
        batches = [order[first : first + _BATCH] for first in range(0, len(order), _BATCH)]
        logits: list[Any] = [None] * len(pairs)

        def run(rows: list[int]) -> None:
            for row, values in zip(rows, _predict(model, [pairs[n] for n in rows]), strict=True):
                logits[row] = values

        with ThreadPoolExecutor(max_workers=min(len(batches), cpu_count() or 1)) as pool:
            # Longest first, so that no core is left alone with a long batch at the end.
            for _ in pool.map(run, reversed(batches)):
                pass
        return self._probabilities(np.stack(logits))

    def _probabilities(self, logits: np.ndarray[Any, Any]) -> Probabilities:
        if not np.isfinite(logits).all():
            raise EntailmentModelError(
                f"{self.name} answers with something that is no number: are its weights whole?"
            )
        logits = logits.astype(np.float64)
        if self.entailment is None:
            told = 1 / (1 + np.exp(-logits[:, 0]))
        else:
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            told = weights[:, self.entailment] / weights.sum(axis=1)
        probabilities: Probabilities = told.astype(np.float32)
        return probabilities


def open_entailment_model(name: str) -> EntailmentModel:
    """The model called ``name``: a folder, or a name on the hub whose files are in the cache.

    Neither torch nor the weights are loaded: what is known of a model costs its digest.

    Raises:
        EntailmentModelError: It is not there, or does not tell which output is entailment.
    """
    folder = _folder(name)
    files = _files(folder)
    return EntailmentModel(
        name=folder.name if Path(name).is_dir() else name,
        folder=folder,
        weights=_digest(tuple((file, _stamp(file)) for file in files), folder),
        entailment=_entailment(name, folder),
    )


def library_versions() -> dict[str, str]:
    """The versions of what runs the model."""
    return {name: metadata.version(name) for name in _LIBRARIES}


def _folder(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name).resolve()
    if name.startswith(("/", ".", "~")) or name.count("/") > 1:  # no name of a model does
        raise EntailmentModelError(f"there is no folder {name}{_meant(Path(name))}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (HFValidationError, LocalEntryNotFoundError) as error:
        raise EntailmentModelError(
            f"{name} is neither a folder nor a model in the Hugging Face cache. Nothing is "
            f"downloaded here: fetch it once (`hf download {name}`), or name the folder it is in"
        ) from error


def _meant(missing: Path) -> str:
    """A model beside ``missing`` whose name is almost that, as a question."""
    beside = [config.parent.name for config in missing.parent.glob("*/config.json")]
    close = get_close_matches(missing.name, beside, n=1)
    return f"; did you mean {missing.with_name(close[0])}?" if close else ""


def _files(folder: Path) -> list[Path]:
    """What is loaded of a model: configuration, vocabulary and one form of the weights."""
    below = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    kept = [
        file
        for file in below
        if file.suffix in {".json", ".txt", ".model", ".safetensors", ".bin"}
        and not any(
            part.startswith(".") or part in ("onnx", "openvino")
            for part in file.relative_to(folder).parts
        )
    ]
    if any(file.suffix == ".safetensors" for file in kept):
        kept = [file for file in kept if file.suffix != ".bin"]
    return kept


def _stamp(file: Path) -> tuple[int, int]:
    state = file.stat()
    return state.st_size, state.st_mtime_ns


@lru_cache(maxsize=4)
def _digest(stamped: tuple[tuple[Path, tuple[int, int]], ...], folder: Path) -> str:
    """SHA-256 over names and contents; ``stamped`` has it computed anew when a file changes."""
    whole = sha256()
    for file, _ in stamped:
        with file.open("rb") as content:
            one = file_digest(content, "sha256").hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()} {one}\n".encode())
    return whole.hexdigest()[:_DIGITS]


def _entailment(name: str, folder: Path) -> int | None:
    """Which output is entailment, by the names in config.json; None for a single output."""
    config = _read_json(folder / "config.json")
    if config is None:
        raise EntailmentModelError(f"{folder} holds no model: it has no readable config.json")
    labels = config.get("id2label")
    if not isinstance(labels, dict) or not labels:
        raise EntailmentModelError(_unnamed(name, folder, "names no labels"))
    if len(labels) == 1:
        _check_probability(name, folder, config)
        return None
    named = [int(n) for n, label in labels.items() if _plain(label) in _ENTAILED]
    if len(named) != 1:
        what = f"names its labels {', '.join(str(label) for label in labels.values())}"
        raise EntailmentModelError(_unnamed(name, folder, what))
    return named[0]


def _plain(label: object) -> str:
    return re.sub(r"[^a-z]", "", str(label).lower())


def _unnamed(name: str, folder: Path, what: str) -> str:
    return (
        f"{folder / 'config.json'} of {name} {what}: which output is entailment cannot be told. "
        "Exactly one must be called entailment (or supported). If you know the order, write it "
        'there, such as "id2label": {"0": "contradiction", "1": "entailment", "2": "neutral"}'
    )


def _check_probability(name: str, folder: Path, config: dict[str, Any]) -> None:
    """A single output must be a logit: a ranker's score says nothing between 0 and 1."""
    own = config.get("sentence_transformers")
    saved = _read_json(folder / "config_sentence_transformers.json") or {}
    activation = (
        (own.get("activation_fn") if isinstance(own, dict) else None)
        or config.get("sbert_ce_default_activation_function")
        or saved.get("activation_fn")
    )
    if activation and not str(activation).endswith(".Sigmoid"):
        raise EntailmentModelError(
            f"{name} has one output, which its configuration passes through {activation}: that is "
            "a ranker's score and no probability. Name a model that tells entailment"
        )


def _read_json(file: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


@lru_cache(maxsize=2)
def _load(folder: Path, _weights: str) -> Any:
    """The model, loaded once a process and again if its files change."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(1)
    try:
        # Code that comes with a model is never run.
        return CrossEncoder(
            str(folder), device="cpu", local_files_only=True, trust_remote_code=False
        ).eval()
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise EntailmentModelError(
            f"{folder.name} is no cross-encoder that sentence-transformers loads: "
            f"{str(error).splitlines()[0][:300]}"
        ) from error


def _predict(model: Any, pairs: list[Pair]) -> Iterator[np.ndarray[Any, Any]]:
    """Logits of ``pairs``, one row each."""
    import torch

    rows = model.predict(
        pairs, batch_size=_BATCH, show_progress_bar=False, activation_fn=torch.nn.Identity()
    )
    yield from np.asarray(rows, dtype=np.float32).reshape(len(pairs), -1)
