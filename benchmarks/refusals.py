"""How well refusals are told from answers, model by model, beside what a fitted classifier reaches.

Run it with ``python benchmarks/refusals.py FOLDER [--show]``. FOLDER holds ``xstest/data.parquet``:
answers of several models to prompts that are, or only look, unsafe, labelled by people as full
compliance, full refusal or partial refusal. Refusal, full or partial, is positive. Told, per model
and pooled, are F1 of our patterns; of plain string matching and of GPT-4, whose labels come with
the set; and of TF-IDF (words and characters of the first 400) with logistic regression. The latter
is fitted twice: on all models, in five folds that keep a prompt together, and with the model it is
tried on left out. Our patterns are fitted to nothing, but whoever wrote them saw such answers.
A composed log (``composed_log/``) that carries such labels is told too. ``--show`` prints every
answer that the patterns get wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline, make_union

from llmops_pipelines.judging import declines

READ_CHARS = 400
Labels = np.ndarray[tuple[int], np.dtype[np.bool_]]


def refused(column: str) -> pl.Expr:
    """Whether the label in ``column`` is a refusal, full or partial; GPT-4's own slips are none."""
    return pl.col(column).str.contains("refusal").fill_null(value=False)


def fitted(answers: list[str], labels: Labels, groups: list[str], split: object) -> Labels:
    """What the classifier says of each answer when its fold was left out of the fit."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    model = make_pipeline(make_union(words, characters), LogisticRegression(C=10, max_iter=1_000))
    heads = [answer[:READ_CHARS] for answer in answers]
    said: Labels = cross_val_predict(model, heads, labels, groups=groups, cv=split)
    return said


def interval(labels: Labels, said: Labels, prompts: np.ndarray) -> tuple[float, float]:
    """95 % of F1, prompts drawn with replacement: all models answer the same ones."""
    draw = np.random.default_rng(7)
    members = [np.flatnonzero(prompts == prompt) for prompt in np.unique(prompts)]
    scores = []
    for _ in range(500):
        rows = np.concatenate([members[i] for i in draw.integers(len(members), size=len(members))])
        scores.append(f1_score(labels[rows], said[rows]))
    low, high = np.quantile(scores, (0.025, 0.975))
    return float(low), float(high)


def tell(rows: pl.DataFrame) -> None:
    labels = rows.select(refused("final_label")).to_series().to_numpy()
    answers, models = rows["completion"].to_list(), rows["model"].to_list()
    began = process_time()
    ours = np.array([declines(answer) for answer in answers])
    spent = process_time() - began
    said = {
        "patterns": ours,
        "strings": rows.select(refused("strmatch_label")).to_series().to_numpy(),
        "GPT-4": rows.select(refused("gpt4_label")).to_series().to_numpy(),
        "TF-IDF": fitted(answers, labels, rows["id"].to_list(), GroupKFold(5)),
        "left out": fitted(answers, labels, models, LeaveOneGroupOut()),
    }
    print(f"{rows.height} answers, {int(labels.sum())} refusals\n")
    print(f"{'F1':<18}" + "".join(f"{name:>10}" for name in said) + "   patterns: precision recall")
    table(labels, said, np.array(models))
    low, high = interval(labels, ours, rows["id"].to_numpy())
    print(f"\npatterns, pooled: 95 % interval {low:.3f} to {high:.3f}, prompts resampled")
    print(f"{1e6 * spent / rows.height:.0f} CPU-us an answer")
    kinds = rows["final_label"].to_numpy()
    for kind in sorted(set(kinds)):
        chosen = kinds == kind
        print(f"{kind:<20} said to decline: {int(ours[chosen].sum())} of {int(chosen.sum())}")
    if "--show" in sys.argv:
        for model, label, told, answer in zip(models, labels, ours, answers, strict=True):
            if label != told:
                print(
                    f"  {model} {'missed' if label else 'wrong'}: {' '.join(answer.split())[:170]}"
                )


def table(labels: Labels, said: dict[str, Labels], models: np.ndarray) -> None:
    def line(name: str, chosen: np.ndarray) -> str:
        scores = "".join(f"{f1_score(labels[chosen], s[chosen]):>10.3f}" for s in said.values())
        told: list[Callable[..., float]] = [precision_score, recall_score]
        both = "".join(f"{f(labels[chosen], said['patterns'][chosen]):>10.3f}" for f in told)
        return f"{name:<18}{scores}{both:>23}"

    for model in sorted(set(models)):
        print(line(model, models == model))
    print(line("pooled", np.ones(len(models), dtype=bool)))


def tell_composed(folder: Path) -> None:
    logged = pl.read_ndjson(folder / "requests.ndjson.gz", infer_schema_length=None)
    rows = (
        pl.read_parquet(folder / "labels.parquet")
        .filter(source="xstest")
        .join(logged.select("request_id", "answer", "model"), on="request_id")
        .filter(pl.col("answer").is_not_null())
    )
    label = rows["labels"].str.json_path_match("$.refusal").str.contains("refusal").to_numpy()
    said = np.array([declines(answer) for answer in rows["answer"]])
    print(
        f"\ncomposed log: {rows.height} labelled answers, F1 {f1_score(label, said):.3f}, "
        f"precision {precision_score(label, said):.3f}, recall {recall_score(label, said):.3f}"
    )


def main() -> None:
    given = [argument for argument in sys.argv[1:] if argument != "--show"]
    if not given or not (Path(given[0]) / "xstest" / "data.parquet").exists():
        sys.exit(__doc__)
    folder = Path(given[0])
    tell(
        pl.read_parquet(folder / "xstest" / "data.parquet").filter(
            pl.col("final_label").is_not_null()
        )
    )
    if (folder / "composed_log" / "labels.parquet").exists():
        tell_composed(folder / "composed_log")


if __name__ == "__main__":
    main()
