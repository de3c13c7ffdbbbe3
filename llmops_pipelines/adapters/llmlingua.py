"""LLMLingua-2 as a way to shorten contexts word by word: an optional extra, with your own model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.savings import Shorten

_NAMES = ("bert-base-multilingual-cased", "xlm-roberta-large")
"""LLMLingua-2 tells by the model's name how its tokens are put together."""

_COUNTS_AS = "gpt-3.5-turbo"
"""LLMLingua counts with this model's vocabulary, and would download it."""


class LLMLinguaError(RuntimeError):
    """LLMLingua cannot be used. The message says why, and what to do."""


def llmlingua(model: str) -> Shorten:
    """Contexts without the words that the model in the folder ``model`` finds least telling.

    Digits are kept. Unlike the built-in compression it knows no blocks: code and JSON are cut too.

    Raises:
        LLMLinguaError: The package, its vocabulary or the model is not there.
    """
    compressor = _compressor(model)

    def shorten(question: str, contexts: Sequence[str], share: float) -> list[str]:  # noqa: ARG001
        told = compressor.compress_prompt(
            list(contexts), rate=share, force_reserve_digit=True, use_context_level_filter=False
        )
        return list(told["compressed_prompt_list"])

    return shorten


@lru_cache(maxsize=1)
def _compressor(model: str) -> Any:
    if find_spec("llmlingua") is None:
        raise LLMLinguaError(
            "the package llmlingua is not installed; pip install -e '.[llmlingua]' in the checkout"
        )
    folder = Path(model)
    if not folder.is_dir() or not any(name in model for name in _NAMES):
        raise LLMLinguaError(
            "name a folder that holds an LLMLingua-2 model and has "
            f"{' or '.join(_NAMES)} in its name, such as "
            "llmlingua-2-bert-base-multilingual-cased-meetingbank; nothing is downloaded"
        )
    if counter_of(_COUNTS_AS) is None:
        raise LLMLinguaError(
            f"it counts as {_COUNTS_AS} does, and tiktoken's vocabulary of that model is not on "
            "this machine; put it into the folder that TIKTOKEN_CACHE_DIR names"
        )
    from llmlingua import PromptCompressor

    try:
        # The package runs a model's own code unless told not to.
        return PromptCompressor(
            model,
            device_map="cpu",
            use_llmlingua2=True,
            model_config={"trust_remote_code": False, "local_files_only": True},
        )
    # Whatever lies in the folder is read by four libraries, each with errors of its own.
    except Exception as error:
        raise LLMLinguaError(f"{type(error).__name__}: {error}") from error
