"""What the embedded scorers tell apart on people's labels, and what a call costs.

Run it with ``python benchmarks/support.py FOLDER [calls] [--show] [--entailment=M]``. FOLDER holds
labelled sets, each as ``<set>/data.parquet``: BEGIN (replies to a snippet of knowledge), SummEdits
(summaries of which some had a fact changed), HaluEval's general part and RefChecker (answers whose
sources are not in the set). A set that is absent is skipped and said so. A log composed of such
sets (``composed_log/requests.ndjson.gz``, ``labels.parquet``) is scored by the labels it came with.

Printed are, per set: the area under the ROC curve of ``support`` and of its parts with a 95 %
interval (bootstrap over sources, since answers to one source are alike), the same for how few
numbers and names are unmatched, how many answers were left unscored and why, and, where people
marked answers as generic, how well small talk is recognised; ``--show`` prints those answers. With
``--entailment=M`` the model M, a folder or a name in the Hugging Face cache, judges the same
answers, at most `ENTAILED` a set, which takes seconds an answer. Last,
CPU-milliseconds a call over ``calls`` calls (default 20,000) in one go, texts of all sets in turn.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from llmops_pipelines.adapters.cross_encoder import EntailmentModel, open_entailment_model
from llmops_pipelines.judging import (
    ITEM_SCHEMA,
    entailment_specs,
    entailment_verdicts,
    heuristic_scores,
)
from llmops_pipelines.judging.heuristics.claims import claim_sentences
from llmops_pipelines.judging.heuristics.support import SPREADS, Passage, support_parts
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import JUDGE_LEDGER

CALLS, DRAWS, ENTAILED = 20_000, 200, 200
COLUMNS = ("source", "question", "answer", "contexts", "grounded", "generic")


@dataclass(frozen=True)
class Labelled:
    """``frame`` has `COLUMNS`: ``grounded`` is null where people say neither, as for small talk."""

    name: str
    frame: pl.DataFrame


def begin(folder: Path) -> pl.DataFrame:
    rows = pl.read_parquet(folder / "data.parquet")
    return rows.select(
        source=pl.col("gid"),
        question=pl.coalesce("message", "previous turn"),
        answer=pl.col("response"),
        contexts=pl.concat_list(pl.coalesce("knowledge", "evidence")),
        label=pl.coalesce("begin_label", "gold label"),
    ).select(*_of_begin_labels())


def summedits(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "data.parquet").select(
        source=pl.col("gid"),
        question=pl.lit("Summarize the document."),
        answer=pl.col("summary"),
        contexts=pl.concat_list("doc"),
        grounded=pl.col("label") == 1,
        generic=pl.lit(None, pl.Boolean),
    )


def halueval_general(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "data.parquet").select(
        source=pl.col("ID").cast(pl.String),
        question=pl.col("user_query"),
        answer=pl.col("chatgpt_response"),
        contexts=pl.lit([], pl.List(pl.String)),
        grounded=pl.col("hallucination") == "no",
        generic=pl.lit(None, pl.Boolean),
    )


def refchecker(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "data.parquet").select(
        source=pl.col("gid"),
        question=pl.lit(None, pl.String),
        answer=pl.col("response"),
        contexts=pl.lit([], pl.List(pl.String)),
        grounded=pl.when(pl.col("n_claims") > 0).then(pl.col("n_entail") == pl.col("n_claims")),
        generic=pl.lit(None, pl.Boolean),
    )


def composed(folder: Path) -> list[Labelled]:
    """The log's parts that people labelled, one set each."""
    logged = pl.read_ndjson(folder / "requests.ndjson.gz", infer_schema_length=None).select(
        "request_id", question="prompt", answer="answer", contexts="contexts"
    )
    rows = pl.read_parquet(folder / "labels.parquet").join(logged, on="request_id")
    label = pl.col("labels").str.json_path_match
    of_begin = (
        rows.filter(source="begin")
        .select(
            source="gid",
            question="question",
            answer="answer",
            contexts="contexts",
            label=label("$.begin_label"),
        )
        .select(*_of_begin_labels())
    )
    of_summedits = rows.filter(source="summedits").select(
        source="gid",
        question="question",
        answer="answer",
        contexts="contexts",
        grounded=label("$.hallucinated") == "0",
        generic=pl.lit(None, pl.Boolean),
    )
    return [
        Labelled("composed_log: begin", of_begin),
        Labelled("composed_log: summedits", of_summedits),
    ]


def _of_begin_labels() -> list[pl.Expr]:
    label = pl.col("label")
    return [
        *(pl.col(name) for name in COLUMNS[:4]),
        pl.when(label != "Generic").then(label == "Fully attributable").alias("grounded"),
        (label == "Generic").alias("generic"),
    ]


READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    "begin": begin,
    "summedits": summedits,
    "halueval_general": halueval_general,
    "refchecker": refchecker,
}


def sets_in(folder: Path) -> list[Labelled]:
    found = []
    for name, read in READERS.items():
        if (folder / name / "data.parquet").exists():
            found.append(Labelled(name, read(folder / name).select(COLUMNS)))
        else:
            print(f"{name}: not in {folder}, skipped")
    if (folder / "composed_log" / "labels.parquet").exists():
        found.extend(composed(folder / "composed_log"))
    return found


def frames_of(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Calls and texts of ``rows``, as the nightly job has them."""
    numbered = rows.with_columns(call_id=pl.int_range(pl.len()).cast(pl.String).str.zfill(8))
    nothing = [
        pl.lit(None, pl.String).alias(name)
        for name in ("model", "prompt_version", "format_requested", "finish_reason")
    ]
    content = pl.struct(content=pl.element())
    calls = numbered.select("call_id", *nothing, feature=pl.lit("assistant"))
    texts = numbered.select(
        "call_id",
        "question",
        "answer",
        pl.col("contexts").list.eval(content),
        response_schema=pl.lit(None, pl.String),
    )
    return calls, texts


def area(
    grounded: np.ndarray, score: np.ndarray, sources: np.ndarray
) -> tuple[float, float, float]:
    """Area under the ROC curve with a 95 % interval, sources drawn with replacement."""
    draw = np.random.default_rng(7)
    members = [np.flatnonzero(sources == source) for source in np.unique(sources)]
    areas = []
    for _ in range(DRAWS):
        rows = np.concatenate([members[i] for i in draw.integers(len(members), size=len(members))])
        if 0 < grounded[rows].sum() < len(rows):
            areas.append(roc_auc_score(grounded[rows], score[rows]))
    low, high = np.quantile(areas, (0.025, 0.975))
    return float(roc_auc_score(grounded, score)), float(low), float(high)


def tell_entailment(labelled: Labelled, model: EntailmentModel) -> None:
    """What the mean and the least entailed claim are worth on a part of one set."""
    rows = labelled.frame.filter(
        pl.col("grounded").is_not_null(), pl.col("contexts").list.len() > 0
    )
    rows = rows.sample(min(ENTAILED, rows.height), seed=7).with_columns(
        call_id=pl.int_range(pl.len()).cast(pl.String), feature=pl.lit("assistant")
    )
    absent = [pl.lit(None, t).alias(n) for n, t in ITEM_SCHEMA.items() if n not in rows.columns]
    items = rows.with_columns(absent).select(ITEM_SCHEMA.names())
    specs = entailment_specs(model=model.name, weights=model.weights)
    began = process_time()
    parts = entailment_verdicts(
        items, specs, model.entails, JUDGE_LEDGER.empty(), now=datetime.now, library_versions={}
    )
    verdicts = pl.concat([JUDGE_LEDGER.empty(), *parts]).drop_nulls("score")
    spent = process_time() - began
    for spec in specs:
        scored = verdicts.filter(metric=spec.metric).join(rows, on="call_id")
        if scored["grounded"].n_unique() == 2:
            columns = (scored[name].to_numpy() for name in ("grounded", "score", "source"))
            middle, low, high = area(*columns)
            print(f"  {spec.metric:<24} {middle:.3f}  ({low:.3f} to {high:.3f})  {model.name}")
    if rows.height:
        print(f"  {spent / rows.height:.2f} CPU-s an answer")


def tell(labelled: Labelled) -> None:
    """Print what the scores are worth on one set."""
    rows = labelled.frame
    scores = heuristic_scores(*frames_of(rows), Features())
    both = pl.concat([rows, scores.sort("call_id")], how="horizontal")
    print(f"\n{labelled.name}: {rows.height:,} answers, {rows['source'].n_unique():,} sources")
    reasons = both["unscored_reason"].drop_nulls().value_counts(sort=True).rows()
    print("  unscored: " + (", ".join(f"{n:,} {reason}" for reason, n in reasons) or "none"))
    scored = both.filter(pl.col("support").is_not_null(), pl.col("grounded").is_not_null())
    if not scored.is_empty():
        parts = [
            support_parts(claim_sentences(row["answer"]), [Passage(c) for c in row["contexts"]])
            for row in scored.iter_rows(named=True)
        ]
        columns = {
            "support": scored["support"].to_numpy(),
            **{name: np.array([p[name] for p in parts if p]) for name in SPREADS},
            "nothing unmatched": -scored["unmatched"].list.len().to_numpy().astype(float),
        }
        grounded, sources = scored["grounded"].to_numpy(), scored["source"].to_numpy()
        print(f"  of {scored.height:,} scored and labelled, {int(grounded.sum()):,} grounded")
        for name, values in columns.items():
            middle, low, high = area(grounded, values, sources)
            print(f"  {name:<24} {middle:.3f}  ({low:.3f} to {high:.3f})")
    if rows["generic"].any():
        tell_small_talk(both)


def tell_small_talk(both: pl.DataFrame) -> None:
    """How well answers that people call generic are left unscored, and what happens to the rest."""
    silent = pl.col("unscored_reason").is_in(["no_claims", "refusal"]).fill_null(value=False)
    generic, others = both.filter("generic"), both.filter(~pl.col("generic"))
    unscored = others.filter(silent)
    questions = unscored.filter(pl.col("answer").str.strip_chars().str.ends_with("?"))
    grounded = unscored.filter("grounded")
    print(
        f"  small talk: {generic.filter(silent).height} of {generic.height} generic answers are "
        f"left unscored; so are {unscored.height} of {others.height} others, {questions.height} of "
        f"them questions, {grounded.height} of them labelled attributable"
    )
    if "--show" in sys.argv:
        shown = pl.concat([unscored.filter(~pl.col("answer").str.contains(r"\?")), generic])
        for row in shown.iter_rows(named=True):
            print(
                f"    {row['support']} {row['unscored_reason']}: {json.dumps(row['answer'])[:90]}"
            )


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    models = [name for a in sys.argv if (name := a.removeprefix("--entailment=")) != a]
    if not given:
        sys.exit(__doc__)
    calls = int(given[1]) if len(given) > 1 else CALLS
    sets = sets_in(Path(given[0]))
    for labelled in sets:
        tell(labelled)
        for name in models:
            tell_entailment(labelled, open_entailment_model(name))
    if not sets:
        sys.exit(f"no labelled set in {given[0]}")
    with_sources = pl.concat(
        [s.frame for s in sets if s.frame["contexts"].list.len().max()], how="vertical"
    )
    size = with_sources.height
    many = pl.concat([with_sources] * -(-calls // size)).head(calls)
    frames = frames_of(many)
    heuristic_scores(*frames_of(with_sources.head(10)), Features())
    began = process_time()
    heuristic_scores(*frames, Features())
    spent = process_time() - began
    chars = many.select(
        answer=pl.col("answer").str.len_chars().mean(),
        contexts=pl.col("contexts").list.join("").str.len_chars().mean(),
    ).row(0)
    print(
        f"\n{calls:,} calls, answers of {chars[0]:,.0f}, contexts of {chars[1]:,.0f} characters: "
        f"{1000 * spent / calls:.2f} CPU-ms a call for support, refusal, utilisation and evidence"
    )


if __name__ == "__main__":
    main()
