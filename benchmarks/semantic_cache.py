"""How fast caches of twelve rungs are replayed exactly, beside a search of everything that is kept.

Run it with ``python benchmarks/semantic_cache.py [--requests 100000] [--compared 4000]``. Requests
of one namespace, the hardest case, over 14 days with answers that live a week; every rung from
equal questions to a cosine of 0.75 is a replay of its own. Worlds:

* ``unlike``: questions that have nothing to do with each other; nearly all are kept.
* ``paraphrased``: a fifth as many topics, asked as often as Zipf says, each time in other words.
* ``repeated``: the same topics in the same words.
* ``one template``: all questions alike, in 20 directions: most pairs reach the lowest threshold.
* ``one topic``: all alike and different in every direction, so that no bound passes any over.

The references are the same rule in plain numpy, one request after the other against all that its
cache keeps, and faiss's flat index where it is installed, which knows no TTL and is asked for one
threshold. Both see the first ``--compared`` requests; the hits of the plain one must be ours, one
by one. CPU-s are those of one thread, which a replay keeps to; the embeddings are made up,
``--embed`` times MiniLM beside.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Iterator
from time import process_time

import numpy as np
from threadpoolctl import threadpool_limits

from llmops_pipelines.savings.answer_cache.replay import Requests, replay_exact, replay_similar

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Ints = np.ndarray[tuple[int], np.dtype[np.int64]]

THRESHOLDS = (0.75, 0.80, 0.85, 0.88, 0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
DAY = 86_400_000_000
TTL = 7 * DAY
DIMENSIONS = 384


def unit(rows: Vectors) -> Vectors:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def worlds(count: int) -> Iterator[tuple[str, Vectors, Ints]]:
    """Name, vectors, and the vector that each request asks by."""
    draw = np.random.default_rng(1)

    def noise(rows: int) -> Vectors:
        return unit(draw.standard_normal((rows, DIMENSIONS), dtype=np.float32))

    each = np.arange(count)
    yield "unlike", noise(count), each
    topics = noise(count // 5)
    topic = np.minimum(draw.zipf(1.3, count) - 1, len(topics) - 1)
    words = draw.uniform(0, 0.8, (count, 1)).astype(np.float32)
    yield "paraphrased", unit(topics[topic] + words * noise(count)), each
    yield "repeated", topics, topic
    directions = draw.standard_normal((20, DIMENSIONS), dtype=np.float32)
    varied = unit(draw.standard_normal((count, 20), dtype=np.float32) @ directions)
    yield "one template", unit(noise(1) + np.float32(0.5) * varied), each
    yield "one topic", unit(noise(1) + np.float32(0.5) * noise(count)), each


def requests(keys: Ints) -> Requests:
    at = np.sort(np.random.default_rng(2).integers(0, 14 * DAY, len(keys)))
    return Requests(np.zeros(len(keys), np.int64), keys, at, at + 1_000_000)


def plain(asked: Requests, vectors: Vectors, threshold: float) -> Ints:
    """One request after the other against everything its cache keeps."""
    rows = vectors.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    kept: list[int] = []
    answered = np.full(len(asked.at), -1)
    for place, at in enumerate(asked.at):
        usable = np.array(kept, dtype=np.int64)
        usable = usable[(asked.ready[usable] <= at) & (at < asked.ready[usable] + TTL)]
        cosines = np.round(rows[asked.key[usable]] @ rows[asked.key[place]], 9)
        if len(usable) and cosines.max() >= threshold:
            answered[place] = usable[cosines.argmax()]
        else:
            kept.append(place)
    return answered


def flat_index(asked: Requests, vectors: Vectors, threshold: float) -> float | None:
    """CPU-s of faiss, a search and perhaps an addition per request; None without faiss."""
    try:
        import faiss  # type: ignore[import-not-found]
    except ImportError:
        return None
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(DIMENSIONS)
    began = process_time()
    for key in asked.key:
        one = vectors[key : key + 1]
        if not index.ntotal or index.search(one, 1)[0][0, 0] < threshold:
            index.add(one)
    return process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--compared", type=int, default=4_000)
    parser.add_argument("--embed", action="store_true", help="time MiniLM on short questions too")
    arguments = parser.parse_args()
    print("| world | requests | exact rung | 12 thresholds | hits at 0.75 ... 0.99 | peak RSS |")
    print("|---|---|---|---|---|---|")
    for name, vectors, keys in worlds(arguments.requests):
        asked = requests(keys)
        began = process_time()
        replay_exact(asked, ttl=TTL)
        equal = process_time() - began
        began = process_time()
        found = replay_similar(asked, vectors, THRESHOLDS, ttl=TTL)
        spent = process_time() - began
        rates = (found >= 0).mean(axis=1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"| {name} | {len(keys):,} | {equal:.2f} CPU-s | {spent:.1f} CPU-s | "
            f"{100 * rates[0]:.0f} ... {100 * rates[-1]:.0f} % | {peak} MB |",
            flush=True,
        )
    print("\n| world | requests | ours, 12 thresholds | plain numpy, 12 | faiss flat, 0.9 only |")
    print("|---|---|---|---|---|")
    for name, vectors, keys in worlds(arguments.compared):
        asked = requests(keys)
        began = process_time()
        found = replay_similar(asked, vectors, THRESHOLDS, ttl=TTL)
        ours = process_time() - began
        began = process_time()
        reference = [plain(asked, vectors, threshold) for threshold in THRESHOLDS]
        slow = process_time() - began
        if not np.array_equal(found, np.array(reference)):
            raise SystemExit(f"{name}: hits differ from those of the plain replay")
        flat = flat_index(asked, vectors, 0.9)
        told = "not installed" if flat is None else f"{flat:.2f} CPU-s"
        print(
            f"| {name} | {len(keys):,} | {ours:.2f} CPU-s | {slow:.1f} CPU-s, same hits | {told} |"
        )
    if arguments.embed:
        embed()


def embed() -> None:
    from llmops_pipelines.adapters import minilm

    minilm.embed(["warm up"])
    texts = [f"How do I return order {n} that came broken, and who pays?" for n in range(1_000)]
    began = process_time()
    minilm.embed(texts)
    print(f"\nMiniLM: {process_time() - began:.1f} CPU-ms a question of 16 tokens")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
