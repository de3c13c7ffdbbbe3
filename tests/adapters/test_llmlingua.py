"""LLMLingua-2 with a model made on the spot; without its package the guard speaks."""

import sys

import pytest

from llmops_pipelines.adapters.llmlingua import LLMLinguaError, llmlingua
from tests.vocabulary import vocabulary

CONTEXTS = ["Parcels travel three days . Returns are free within 30 days .", "Returns are free ."]


def test_a_missing_package_is_named_with_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "llmlingua", None)
    with pytest.raises(LLMLinguaError, match=r"install -e .*\[llmlingua\]"):
        llmlingua(str(tmp_path))


def test_a_name_that_is_no_folder_is_not_downloaded():
    pytest.importorskip("llmlingua")
    with pytest.raises(LLMLinguaError, match="nothing is downloaded"):
        llmlingua("microsoft/llmlingua-2-xlm-roberta-large-meetingbank")


def test_without_the_vocabulary_it_counts_with_nothing_is_fetched(tmp_path):
    pytest.importorskip("llmlingua")
    folder = tmp_path / "xlm-roberta-large"
    folder.mkdir()
    with vocabulary("another"), pytest.raises(LLMLinguaError, match="TIKTOKEN_CACHE_DIR"):
        llmlingua(str(folder))


@pytest.mark.slow
def test_words_go_context_by_context_and_digits_stay(tmp_path):
    pytest.importorskip("llmlingua")
    import torch
    from transformers import BertConfig, BertForTokenClassification, BertTokenizerFast

    folder = tmp_path / "tiny-bert-base-multilingual-cased"
    folder.mkdir()
    words = sorted({word for text in CONTEXTS for word in text.split()})
    vocabulary_file = folder / "vocab.txt"
    vocabulary_file.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    torch.manual_seed(0)
    BertTokenizerFast(str(vocabulary_file), do_lower_case=False).save_pretrained(folder)
    config = BertConfig(
        vocab_size=5 + len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, num_labels=2,
    )  # fmt: skip
    BertForTokenClassification(config).save_pretrained(folder)
    with vocabulary("gpt-3.5-turbo"):
        shorten = llmlingua(str(folder))
        mild, hard = (shorten("q", CONTEXTS, share) for share in (0.9, 0.2))
    assert len(mild) == len(hard) == 2
    assert len("".join(hard)) < len("".join(mild)) < len("".join(CONTEXTS))
    assert "30" in hard[0]
    assert set(hard[0].replace(".", " .").split()) <= set(words)
