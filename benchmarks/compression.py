"""What shorter contexts lose on public answers, beside cutting the end off and chance.

Run it with ``python benchmarks/compression.py FOLDER [--chart FILE]``. FOLDER holds any of

* ``begin/data.parquet``: dialogue replies that people found fully attributable to a snippet of
  knowledge (BEGIN). Each is retrieved among four snippets of other replies, all five in an order
  drawn by a seed: so the retriever's rank says nothing here, and likeness is on its own.
* ``summedits/data.parquet``: summaries that people found consistent with their document
  (SummEdits). The question is always the same, so likeness has nothing to go by: the hard case.

Loss is the part of the embedded support score of the recorded answer that is lost, with 95 %
intervals, answers to one snippet or document as a cluster. No answer is written anew. Tokens are
counted by text length. ``end`` keeps sentences from the start of the contexts on, ``chance`` draws
them by a hash; both keep blocks whole and to the same budgets as ``extractive``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from time import process_time

import polars as pl

from llmops_pipelines import savings
from llmops_pipelines.adapters import compression, minilm
from llmops_pipelines.adapters.charting.compression_chart import compression_tradeoff
from llmops_pipelines.adapters.charting.figures import file_bytes
from llmops_pipelines.judging.judges.quotes import estimated_tokens
from llmops_pipelines.savings.compression.units import units

OTHERS = 4
READER = compression.Reader()
Calls = list[savings.LoggedPrompt]


def begin(rows: pl.DataFrame) -> Iterator[tuple[savings.LoggedPrompt, str]]:
    known = rows.drop_nulls(["knowledge", "message", "response"])
    snippets = known["knowledge"].unique().sort().to_list()
    random = Random(20_261_126)
    for number, row in enumerate(
        known.filter(begin_label="Fully attributable")
        .sort("gid", "model_name", "response")
        .iter_rows(named=True)
    ):
        others = random.sample([s for s in snippets if s != row["knowledge"]], OTHERS)
        contexts = [row["knowledge"], *others]
        random.shuffle(contexts)
        yield call(number, row["message"], contexts, row["response"]), row["gid"]


def summedits(rows: pl.DataFrame) -> Iterator[tuple[savings.LoggedPrompt, str]]:
    good = rows.filter(label=1).unique(["doc", "summary"]).sort("gid", "summary")
    for number, row in enumerate(good.iter_rows(named=True)):
        yield call(number, "Summarize the document.", [row["doc"]], row["summary"]), row["gid"]


def call(number: int, question: str, contexts: list[str], answer: str) -> savings.LoggedPrompt:
    return savings.LoggedPrompt(
        call_id=f"{number:05}",
        prompt=savings.prompt_parts(
            [savings.Sent("user", question)], [savings.Retrieved(text) for text in contexts]
        ),
        answer=answer,
        prompt_tokens=None,
        used=READER.used(answer, question, contexts),
    )


def by_order(order: Callable[[int, str], object]) -> savings.Shorten:
    """Units in some order, up to the budget; the first that no longer fits ends it."""

    def shorten(_: str, contexts: Sequence[str], share: float) -> list[str]:
        pieces = [(place, unit) for place, text in enumerate(contexts) for unit in units(text)]
        left = share * sum(estimated_tokens(text) for text in contexts)
        kept = set()
        for row in sorted(range(len(pieces)), key=lambda row: order(row, pieces[row][1])):
            left -= estimated_tokens(pieces[row][1])
            if left < 0 and kept:
                break
            kept.add(row)
        return [
            "".join(unit for row, (at, unit) in enumerate(pieces) if at == place and row in kept)
            for place in range(len(contexts))
        ]

    return shorten


SETS = {
    "begin": ("BEGIN, one snippet among five", begin),
    "summedits": ("SummEdits, one document", summedits),
}


def replay(calls: Calls, sessions: list[str]) -> pl.DataFrame:
    likeness = savings.likeness_of(calls, minilm.embed)
    techniques = [
        *(
            technique
            for technique in savings.standard_techniques(likeness, estimated_tokens)
            if technique.rests_on == ("context",)
        ),
        savings.compressor("end", by_order(lambda row, _: row)),
        savings.compressor("chance", by_order(lambda _, unit: sha256(unit.encode()).digest())),
    ]
    compressed = savings.replay_compression(calls, techniques, READER.support, estimated_tokens)
    scopes = pl.DataFrame({"call_id": [one.call_id for one in calls], "session": sessions})
    unpriced = [pl.lit(None, pl.Float64).alias(name) for name in ("saved", "cost_before")]
    points = savings.compression_points(
        compressed.join(scopes, on="call_id").with_columns(*unpriced, weight=1.0)
    )
    return savings.compression_rows(
        points, feature="", calls_per_day=None, counted_by="text length", digest=""
    )


def tell(name: str, rows: pl.DataFrame, clusters: int, cpu: float) -> None:
    calls = rows["calls"].max()
    print(f"\n{name}: {calls:,} answers, {clusters:,} clusters; {cpu:.1f} CPU-s")
    print("| keeps | tokens saved | loss (95 %) | at most | used contexts lost |")
    print("|---|---|---|---|---|")
    for row in rows.filter(pl.col("shortened") > 0).iter_rows(named=True):
        lost = "" if row["used_lost_share"] is None else f"{100 * row['used_lost_share']:.1f} %"
        print(
            f"| {row['technique']} {row['setting']:g} | {100 * row['tokens_saved_share']:.1f} % "
            f"| {100 * row['loss']:.1f} ({100 * row['loss_low']:.1f} to "
            f"{100 * row['loss_high']:.1f}) % | {100 * row['loss_at_most']:.1f} % | {lost} |"
            + (" recommended" if row["is_recommended"] else "")
        )
    for row in rows.unique("technique", maintain_order=True).iter_rows(named=True):
        print(f"{row['technique']}: {row['state']}: {row['reason']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--chart", type=Path, help="draw the first set there, .svg or .png")
    asked = parser.parse_args()
    drawn = False
    for folder, (name, read) in SETS.items():
        file = asked.folder / folder / "data.parquet"
        if not file.exists():
            continue
        begun = process_time()
        pairs = list(read(pl.read_parquet(file)))
        sessions = [session for _, session in pairs]
        rows = replay([one for one, _ in pairs], sessions)
        tell(name, rows, len(set(sessions)), process_time() - begun)
        if asked.chart and not drawn:
            figure = compression_tradeoff(rows, max_loss=savings.MAX_LOSS, title=name)
            ending = asked.chart.suffix.lower().removeprefix(".")
            asked.chart.write_bytes(file_bytes(figure, ending, name))
            drawn = True


if __name__ == "__main__":
    main()
