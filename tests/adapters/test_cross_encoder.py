"""Entailment models of one's own, tried with a tiny one that is made here."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

from llmops_pipelines.adapters import cross_encoder
from llmops_pipelines.adapters.cross_encoder import EntailmentModelError, open_entailment_model
from llmops_pipelines.judging import entailment_specs, entailment_verdicts
from llmops_pipelines.tables import JUDGE_LEDGER
from tests.cli.judging.test_scoring import lake, rows, sample, samples, score
from tests.cli.test_doctor import doctor, told
from tests.judging.worlds import NOON, item_frame

PAIRS = [
    ("refunds take five days", "refunds take five days"),
    ("refunds take five days", "cards are charged at once"),
    ("parcels ship on monday " * 100, "refunds take days"),
    ("a", "b"),
    *[(f"refunds take {n} days", "five days") for n in range(20)],
]
THREE = {0: "contradiction", 1: "ENTAILMENT", 2: "neutral"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A BERT of two layers, 16 wide, that was taught nothing."""
    import torch
    from tokenizers.implementations import BertWordPieceTokenizer
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "tiny-nli"
    folder.mkdir()
    letters = list("abcdefghijklmnopqrstuvwxyz0123456789")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    vocabulary += [f"##{letter}" for letter in letters]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    words = BertWordPieceTokenizer(str(folder / "vocab.txt"))
    BertTokenizerFast(tokenizer_object=words._tokenizer).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=64, initializer_range=0.5,
        id2label=THREE, label2id={name: n for n, name in THREE.items()},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def relabelled(tiny, folder, **config):
    """A copy of ``tiny`` whose config.json says something else."""
    shutil.copytree(tiny, folder)
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))
    return folder


def expected(tiny):
    """Softmax over the outputs, pair by pair, without sentence-transformers."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    model = AutoModelForSequenceClassification.from_pretrained(tiny).eval()
    rows = []
    with torch.inference_mode():
        for given, claim in PAIRS:
            tokens = tokenizer(given, claim, truncation=True, max_length=64, return_tensors="pt")
            rows.append(model(**tokens).logits.softmax(1)[0].numpy())
    return np.stack(rows)


def test_probabilities_are_the_models_own_whatever_the_order(tiny, tmp_path):
    own = expected(tiny)
    assert np.ptp(own[:, 1]) > 0.05, "a model that says the same of all pairs shows nothing"
    assert np.allclose(open_entailment_model(str(tiny)).entails(PAIRS), own[:, 1], atol=1e-5)
    swapped = {"0": "neutral", "1": "contradiction", "2": "entailment"}
    other = relabelled(tiny, tmp_path / "other", id2label=swapped)
    assert np.allclose(open_entailment_model(str(other)).entails(PAIRS), own[:, 2], atol=1e-5)
    reverse = open_entailment_model(str(tiny)).entails(PAIRS[::-1])[::-1]
    assert np.allclose(reverse, own[:, 1], atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "is_logit"),
    [({0: "not_entailment", 1: "entailment"}, False), ({0: "LABEL_0"}, True)],
)
def test_models_of_two_labels_and_of_one_are_read(tiny, tmp_path, labels, is_logit):
    from transformers import AutoConfig, AutoModelForSequenceClassification

    folder = tmp_path / "few"
    shutil.copytree(tiny, folder)
    config = AutoConfig.from_pretrained(
        tiny, id2label=labels, label2id={name: n for n, name in labels.items()}
    )
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    opened = open_entailment_model(str(folder))
    assert opened.entailment == (None if is_logit else 1)
    told = opened.entails(PAIRS)
    assert told.shape == (len(PAIRS),)
    assert ((told > 0) & (told < 1)).all()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}, "names its labels LABEL_0, LABEL_1"),
        ({"id2label": {"0": "entailment", "1": "supported"}}, "cannot be told"),
        ({"id2label": {"0": "not_entailment", "1": "other"}}, "cannot be told"),
        ({"id2label": None}, "names no labels"),
        (
            {
                "id2label": {"0": "LABEL_0"},
                "sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity"},
            },
            "a ranker's score",
        ),
    ],
)
def test_a_model_that_does_not_say_which_output_is_entailment_is_refused(tmp_path, config, message):
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(EntailmentModelError, match=message):
        open_entailment_model(str(tmp_path))


def test_what_is_no_model_is_told_with_what_to_do(tmp_path):
    with pytest.raises(EntailmentModelError, match="no readable config"):
        open_entailment_model(str(tmp_path))
    with pytest.raises(EntailmentModelError, match="hf download example/none"):
        open_entailment_model("example/none")
    with pytest.raises(EntailmentModelError, match=r"there is no folder /no/such/folder$"):
        open_entailment_model("/no/such/folder")
    (tmp_path / "my-nli").mkdir()
    (tmp_path / "my-nli" / "config.json").touch()
    with pytest.raises(EntailmentModelError, match=r"my-nil; did you mean .*/my-nli\?$"):
        open_entailment_model(str(tmp_path / "my-nil"))
    (tmp_path / "config.json").write_text(json.dumps({"id2label": THREE}))
    with pytest.raises(EntailmentModelError, match="is no cross-encoder"):
        open_entailment_model(str(tmp_path)).entails(PAIRS)


def test_weights_are_known_by_content_not_by_place(tiny, tmp_path):
    copy = shutil.copytree(tiny, tmp_path / "copy")
    (copy / "README.md").write_text("words about it")
    assert open_entailment_model(str(copy)).weights == open_entailment_model(str(tiny)).weights
    with (copy / "model.safetensors").open("ab") as weights:
        weights.write(b"\0")
    assert open_entailment_model(str(copy)).weights != open_entailment_model(str(tiny)).weights


def test_weights_that_are_broken_are_told_instead_of_scored(tiny, monkeypatch):
    def nothing(_model, pairs):
        yield from np.full((len(pairs), 3), np.nan, dtype=np.float32)

    monkeypatch.setattr(cross_encoder, "_predict", nothing)
    with pytest.raises(EntailmentModelError, match="are its weights whole"):
        open_entailment_model(str(tiny)).entails(PAIRS)


def test_a_tiny_model_judges_like_any_other(tiny):
    opened = open_entailment_model(str(tiny))
    specs = entailment_specs(model=opened.name, weights=opened.weights)
    assert specs[0].model == "tiny-nli"
    parts = entailment_verdicts(
        item_frame("Refunds take five days. Cards are charged."),
        specs,
        opened.entails,
        JUDGE_LEDGER.empty(),
        now=lambda: NOON,
        library_versions=cross_encoder.library_versions(),
    )
    scores = dict(pl.concat(parts).select("metric", "score").rows())
    assert 0 < scores["entailment_min"] < scores["entailment"] < 1


@pytest.mark.parametrize("rubric", ["entailment", "entailment_min"])
def test_a_file_of_samples_is_judged_by_it_once_and_nothing_is_sent(tiny, tmp_path, rubric):
    file, out = samples(tmp_path, *(sample(n) for n in range(3)), sample(1)), tmp_path / "out.jsonl"
    own = {"LLMOPS_ENTAILMENT_MODEL": str(tiny)}
    run = score(tmp_path, file, "--out", out, "--json", rubric=rubric, **own)
    found = json.loads(run.stdout)
    assert (run.returncode, found["outcomes"], found["calls"]) == (0, {"scored": 4}, 0)
    assert (found["model"], found["endpoint"], found["cost_usd"]) == ("tiny-nli", None, 0.0)
    assert f"{rubric} is computed here; no text leaves this machine" in run.stderr
    expected = open_entailment_model(str(tiny)).entails(
        [("Refunds take five days.", f"Refund {n} takes five days.") for n in (0, 1, 2, 1)]
    )
    assert [row["score"] for row in rows(out)] == pytest.approx(expected.tolist(), abs=1e-4)
    assert lake(tmp_path).read(JUDGE_LEDGER).height == 2 * 3, "one pass settles both metrics"
    other = {"entailment": "entailment_min", "entailment_min": "entailment"}[rubric]
    score(tmp_path, file, rubric=other, **own)
    assert lake(tmp_path).read(JUDGE_LEDGER).height == 2 * 3


def test_the_doctor_knows_it_and_says_what_is_wrong_with_it(tiny, tmp_path):
    known = told(tmp_path, LLMOPS_ENTAILMENT_MODEL=str(tiny))["entailment"]
    assert known == {
        "model": "tiny-nli", "weights": open_entailment_model(str(tiny)).weights, "fault": None,
    }  # fmt: skip
    broken = relabelled(tiny, tmp_path / "odd", id2label={"0": "LABEL_0", "1": "LABEL_1"})
    run = doctor(tmp_path, LLMOPS_ENTAILMENT_MODEL=str(broken))
    assert run.returncode == 1
    assert "PROBLEM: LLMOPS_ENTAILMENT_MODEL: " in run.stdout
    run = score(tmp_path, samples(tmp_path, sample(1)), rubric="entailment",
                LLMOPS_ENTAILMENT_MODEL=str(broken))  # fmt: skip
    assert (run.returncode, "names its labels LABEL_0, LABEL_1" in run.stderr) == (2, True)
    run = score(tmp_path, samples(tmp_path, sample(1)), rubric="entailment")
    assert (run.returncode, "set LLMOPS_ENTAILMENT_MODEL" in run.stderr) == (2, True)
