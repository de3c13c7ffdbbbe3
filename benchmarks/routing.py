"""What a learned router saves on public paired outcomes, beside chance, length and the oracle.

Run it with ``python benchmarks/routing.py FOLDER [--vectors CACHE]``. FOLDER holds any of

* ``routellm/data.parquet``: MMLU and GSM8K, right or wrong by Mixtral 8x7B and GPT-4 (RouteLLM).
  Priced at $0.60 and at $10 / $30 per million tokens, four characters a token; MMLU's answers are
  not in the set and count as 5 tokens. Groups are its 57 subjects, and GSM8K.
* ``routerarena/data.parquet``: recorded scores and costs of Gemini 2.0 Flash and Claude 3 Haiku
  (RouterArena). Groups are the data sets its ids name.
* ``llmrouter_scores/data.parquet``: scores of Qwen 2.5 7B and Nemotron 51B on eleven tasks
  (LLMRouter). The set names no sources: groups are 20 clusters of the vectors, so that what is
  predicted is unlike all that was learned from. Priced by size, $0.02 per billion parameters and
  million tokens, 200 of them for each answer: an assumption, not a price list.

Every figure of the classifier, by need and (value) by need per dollar, is out of fold, no group on
both sides. Loss and saving stand with
joint 95 % intervals over resampled groups. A set that is not there is skipped. CACHE keeps vectors
between runs.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl
from sklearn.cluster import KMeans

from llmops_pipelines import savings
from llmops_pipelines.adapters import minilm
from llmops_pipelines.statistics import Interval

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Embed = Callable[[pl.Series], Vectors]

CLUSTERS = 20


def tokens(text: str) -> pl.Expr:
    return pl.col(text).str.len_chars() / 4


def routellm(rows: pl.DataFrame, _: Embed) -> Iterator[tuple[str, pl.DataFrame]]:
    answers = (
        pl.when(pl.col("benchmark") == "gsm8k").then(tokens(name)).otherwise(5)
        for name in ("weak_response", "strong_response")
    )
    weak, strong = answers
    pairs = rows.select(
        "id",
        "benchmark",
        text="prompt",
        group=pl.concat_str("benchmark", "subject", separator="/"),
        score_weak="weak_correct",
        score_strong="strong_correct",
        cost_weak=(tokens("prompt") + weak) * 0.60e-6,
        cost_strong=tokens("prompt") * 10e-6 + strong * 30e-6,
    )
    yield "RouteLLM, MMLU and GSM8K", pairs
    yield "RouteLLM, MMLU alone", pairs.filter(pl.col("benchmark") == "mmlu")
    yield "RouteLLM, GSM8K alone", pairs.filter(pl.col("benchmark") == "gsm8k")


def routerarena(rows: pl.DataFrame, _: Embed) -> Iterator[tuple[str, pl.DataFrame]]:
    gemini, haiku = (rows.filter(pl.col("model").str.contains(m)) for m in ("gemini", "haiku"))
    both = haiku.join(gemini, on="global_index", suffix="_gemini")
    yield (
        "RouterArena, Gemini 2.0 Flash or Claude 3 Haiku",
        both.select(
            id="global_index",
            text="question",
            group=pl.col("global_index").str.replace(r"_?\d+$", ""),
            score_weak="score_gemini",
            score_strong="score",
            cost_weak="inference_cost_gemini",
            cost_strong="inference_cost",
        ),
    )


def llmrouter(rows: pl.DataFrame, embed: Embed) -> Iterator[tuple[str, pl.DataFrame]]:
    vectors = embed(rows["question"])
    cluster = KMeans(CLUSTERS, n_init=3, random_state=0).fit_predict(vectors)

    def cost(billions: int) -> pl.Expr:
        return (tokens("question") + 200) * billions * 0.02e-6

    yield (
        "LLMRouter, Qwen 2.5 7B or Nemotron 51B",
        rows.select(
            id="gid",
            text="question",
            group=pl.Series(cluster.astype(str)),
            score_weak="score_qwen2.5-7b-instruct",
            score_strong="score_llama-3.1-nemotron-51b-instruct",
            cost_weak=cost(7),
            cost_strong=cost(51),
        ),
    )


def embedding(cache: Path | None) -> Embed:
    """The project's vectors, kept in ``cache`` by a digest of the texts."""

    def embed(texts: pl.Series) -> Vectors:
        distinct = texts.unique().sort()
        key = hashlib.sha256("\x1f".join([minilm.weights(), *distinct]).encode()).hexdigest()[:16]
        kept = cache / f"{key}.npy" if cache else None
        if kept and kept.exists():
            vectors = np.load(kept)
        else:
            vectors = minilm.embed(distinct.to_list())
            if kept:
                np.save(kept, vectors)
        return vectors[distinct.search_sorted(texts)]

    return embed


def told(figure: Interval, times: float = 1, digits: int = 2) -> str:
    if figure.estimate is None:
        return "no gap"
    if figure.low is None or figure.high is None:
        return f"{times * figure.estimate:.{digits}f}"
    low, high = times * figure.low, times * figure.high
    return f"{times * figure.estimate:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def at(point: dict[str, float], name: str) -> str:
    own = Interval(point[name], point[f"{name}_low"], point[f"{name}_high"], 0)
    return told(own, 100, 1) + " %"


def tell(name: str, given: pl.DataFrame, embed: Embed) -> None:
    outcomes = savings.paired_outcomes(given)
    vectors = embed(outcomes.pairs["text"])
    began = process_time()
    replay = savings.replay_routing(outcomes, vectors, embedding=minilm.weights())
    spent = process_time() - began
    print(
        f"\n{name}: {replay.questions:,} questions, {replay.groups} groups; small "
        f"{replay.quality_weak:.3f}, large {replay.quality_strong:.3f}; split by "
        f"{'group' if replay.by_group else 'question'}; intervals over "
        f"{'groups' if replay.whole_groups else 'questions'}; calibration error "
        f"{replay.calibration_error:.3f}; {spent:.1f} CPU-s\n"
    )
    print("| router | area | APGR | CPT(50 %) | CPT(80 %) | calls to large | loss | saved |")
    print("|---|---|---|---|---|---|---|---|")
    for one in replay.routers:
        point, metrics = one.point, one.metrics
        large = f"{100 * point['strong_share']:.0f} %"
        end = (
            f"{large} | {at(point, 'loss')} | {at(point, 'saved_share')}"
            if one.choice.state == savings.RECOMMENDED
            else f"{one.choice.state} | | "
        )
        print(
            f"| {one.router} | {told(metrics.area, digits=3)} | {told(metrics.apgr, digits=3)} | "
            f"{told(metrics.cpt_50)} | {told(metrics.cpt_80)} | {end} |"
        )


SETS = {
    "routellm/data.parquet": routellm,
    "routerarena/data.parquet": routerarena,
    "llmrouter_scores/data.parquet": llmrouter,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vectors", type=Path, help="folder that keeps vectors between runs")
    arguments = parser.parse_args()
    if arguments.vectors:
        arguments.vectors.mkdir(parents=True, exist_ok=True)
    embed = embedding(arguments.vectors)
    for file, pairs_of in SETS.items():
        path = arguments.folder / file
        if not path.exists():
            print(f"\nskipped: {path} is not there")
            continue
        for name, pairs in pairs_of(pl.read_parquet(path), embed):
            tell(name, pairs, embed)


if __name__ == "__main__":
    main()
