"""``llmops compress``: what shorter prompts would save on a file of samples, and at what loss."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import typer

from llmops_pipelines import pricing, savings
from llmops_pipelines.adapters import compression, minilm
from llmops_pipelines.adapters.charting.compression_chart import compression_tradeoff
from llmops_pipelines.adapters.scoring import SampleFile, SampleFileError
from llmops_pipelines.adapters.vocabularies import counter_of
from llmops_pipelines.cli.folder import read_plainly
from llmops_pipelines.cli.logs.filing import File
from llmops_pipelines.cli.problems import UnusableError, of_file_system
from llmops_pipelines.cli.savings.compress_anew import Anew, Pair, answer_anew
from llmops_pipelines.cli.savings.compress_telling import tell
from llmops_pipelines.cli.savings.replays import CANNOT_TELL, write_chart
from llmops_pipelines.definitions import Settings, resources_of
from llmops_pipelines.judging.judges.quotes import estimated_tokens
from llmops_pipelines.judging.samples import BadLine, Sample, meant
from llmops_pipelines.reference.spelling import NO_SUCH_NAME, names_like
from llmops_pipelines.tables import LLM_CALLS, TOKEN_BUCKETS

_MANY = 100


@dataclass(frozen=True)
class Order:
    """What is asked of the file."""

    file: Path
    max_loss: float
    model: str | None
    calls_per_day: float | None
    chart_out: Path | None
    llmlingua: str | None = None
    keep: tuple[str, float] | None = None
    """Technique and setting that samples are answered anew with; None takes the recommended."""
    anew: Anew | None = None


def compress(settings: Settings, order: Order, *, as_json: bool) -> int:
    """Replay the file with shorter prompts, print what came of it, write what was asked for.

    Raises:
        UnusableError: The file cannot be read or holds nothing to shorten, or a file cannot be
            written.
    """
    samples, rejected = _read(order.file)
    reader = compression.Reader()
    prompts = [_prompt(sample, reader) for sample in samples]
    techniques = _techniques(order, prompts)
    replayed = savings.replay_compression(prompts, techniques, reader.support, _count(order))
    book = _book(settings)
    rows = _rows(order, samples, replayed, book)
    if order.chart_out:
        figure = compression_tradeoff(rows, max_loss=order.max_loss)
        write_chart(order.chart_out, figure, "tokens against support")
    told = _told(order, rows, len(samples), rejected)
    told["no_money_because"] = _unpriced(order.model, book) if rows["saved"].has_nulls() else None
    if order.anew:
        tried = _tried(order, rows, techniques)
        pairs = [
            Pair(
                sample,
                savings.contexts_of(tried[0].apply(prompt.prompt, tried[1])),
                _cluster(sample),
            )
            for sample, prompt in zip(samples, prompts, strict=True)
        ]
        told["anew"] = {
            "technique": tried[0].name,
            "setting": tried[1],
            **answer_anew(settings, order.anew, pairs, order.max_loss),
            "saving_is_proven": _saves(rows, tried[0].name, tried[1]),
        }
        proven = told["anew"]["state"] == savings.RECOMMENDED and told["anew"]["saving_is_proven"]
        told["exit_code"] = 0 if proven else CANNOT_TELL
    if as_json:
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        tell(told)
    return int(told["exit_code"])


def _read(path: Path) -> tuple[list[Sample], list[BadLine]]:
    """The samples of the file that have an answer and contexts, and its lines that are none."""
    File.at(path)
    try:
        file = SampleFile(path)
        file.check()
        lines = [line for batch in file.batches() for line in batch]
    except SampleFileError as error:
        raise UnusableError(
            f"{path}: {error}; samples are records of JSON, CSV or Parquet, plain, .gz or .zst"
        ) from error
    except OSError as error:
        raise of_file_system(error, remedy="change who may read it") from error
    samples = [line for line in lines if isinstance(line, Sample)]
    usable = [s for s in samples if s.texts["contexts"] and (s.texts["answer"] or "").strip()]
    rejected = [line for line in lines if isinstance(line, BadLine)]
    if not usable:
        first = f"; line {rejected[0].line} {rejected[0].reason}" if rejected else ""
        unread = dict.fromkeys(name for sample in samples for name in sample.unread)
        if named := ", ".join(f"{name!r} to {field}" for field, name in meant(unread).items()):
            first += f"; rename {named}, if that is meant"
        raise UnusableError(
            f"{path}: none of {len(lines):,} line(s) has both retrieved_contexts and a response; "
            f"without them nothing can be cut, or nobody knows what is lost{first}"
        )
    return usable, rejected


def _book(settings: Settings) -> pl.DataFrame:
    with read_plainly():
        overrides = resources_of(settings).reference.read("prices.yaml", pricing.PriceOverrides)
    return pricing.price_book(overrides)


def _unpriced(model: str | None, book: pl.DataFrame) -> str:
    if model is None:
        return "there is no model; give --model"
    near = names_like(model, set(book["model"]))
    meant = "" if near == NO_SUCH_NAME else f" (did you mean {near}?)"
    return f"{model} has no price{meant}: add it to prices.yaml"


def read_keep(text: str | None) -> tuple[str, float] | None:
    """Technique and setting in ``TECHNIQUE=SETTING``.

    Raises:
        UnusableError: It is written otherwise.
    """
    if text is None:
        return None
    name, _, setting = text.partition("=")
    try:
        return name.strip(), float(setting)
    except ValueError:
        raise UnusableError(
            f"--keep {text}: write it as TECHNIQUE=SETTING, as in extractive=0.5"
        ) from None


def _tried(
    order: Order, rows: pl.DataFrame, techniques: list[savings.Technique]
) -> tuple[savings.Technique, float]:
    """The technique and setting that samples are answered anew with.

    Raises:
        UnusableError: None is recommended and none is named, or there is none of that name.
    """
    named = {technique.name: technique for technique in techniques}
    if order.keep is None:
        best = rows.filter("is_recommended").sort("tokens_saved", descending=True)
        if best.is_empty():
            raise UnusableError(
                "--anew: support recommends no setting; name one by --keep TECHNIQUE=SETTING, as "
                "in --keep extractive=0.5"
            )
        return named[best["technique"][0]], best["setting"][0]
    name, setting = order.keep
    if name not in named or setting not in named[name].settings:
        known = "; ".join(
            f"{one.name}={', '.join(f'{setting:g}' for setting in one.settings)}"
            for one in techniques
        )
        raise UnusableError(f"--keep {name}={setting:g}: there is no such setting; known: {known}")
    return named[name], setting


def _saves(rows: pl.DataFrame, technique: str, setting: float) -> bool:
    """Whether the setting surely saves money, or tokens where no price is known."""
    own = rows.filter(technique=technique, setting=setting)
    by = "tokens_saved" if own["saved"].has_nulls() else "saved"
    return bool(own.select(savings.is_proven(by).any()).item())


def _count(order: Order) -> savings.Count:
    counter = counter_of(order.model) if order.model else None
    return counter.count if counter else estimated_tokens


def _techniques(order: Order, prompts: list[savings.LoggedPrompt]) -> list[savings.Technique]:
    """Those that cut contexts; samples hold nothing else."""
    # First, so that a package that is missing is told before minutes of reading.
    own = [_llmlingua(order.llmlingua)] if order.llmlingua else []
    if len(prompts) > _MANY:
        # Some minutes without a sign of life look like a fault.
        typer.echo(f"reading the sentences of {len(prompts):,} samples with MiniLM", err=True)
    likeness = savings.likeness_of(prompts, minilm.embed)
    techniques = [
        technique
        for technique in savings.standard_techniques(likeness, _count(order))
        if technique.rests_on == ("context",)
    ]
    return techniques + own


def _rows(
    order: Order, samples: list[Sample], replayed: pl.DataFrame, book: pl.DataFrame
) -> pl.DataFrame:
    """``COMPRESSION_SAVINGS`` of the samples."""
    calls = _calls(order.model, replayed, samples)
    costs = savings.compressed_costs(replayed, calls, book)
    points = savings.compression_points(
        costs.join(calls.select("call_id", "session"), on="call_id").with_columns(weight=1.0)
    )
    rows = savings.compression_rows(
        points,
        feature="file",
        counted_by=compression.counted_by([order.model]),
        digest="",
        max_loss=order.max_loss,
    )
    return savings.with_traffic(rows, order.calls_per_day)


def _llmlingua(model: str) -> savings.Technique:
    from llmops_pipelines.adapters.llmlingua import LLMLinguaError, llmlingua

    try:
        return savings.compressor("llmlingua", llmlingua(model))
    except LLMLinguaError as error:
        raise UnusableError(f"--llmlingua {model}: {error}") from error


def _prompt(sample: Sample, reader: compression.Reader) -> savings.LoggedPrompt:
    question, answer = (sample.texts[name] or "" for name in ("question", "answer"))
    contexts = sample.texts["contexts"]
    return savings.LoggedPrompt(
        call_id=str(sample.line),
        prompt=savings.prompt_parts(
            [savings.Sent("user", question)], [savings.Retrieved(text) for text in contexts]
        ),
        answer=answer,
        prompt_tokens=None,
        used=reader.used(answer, question, contexts),
    )


def _calls(model: str | None, replayed: pl.DataFrame, samples: list[Sample]) -> pl.DataFrame:
    """The samples as calls that ``model`` answers now; those of the same contexts are a cluster."""
    sizes = replayed.group_by("call_id").agg(uncached_input=pl.col("tokens_before").first())
    shared = pl.DataFrame(
        [(str(sample.line), _cluster(sample)) for sample in samples],
        schema={"call_id": pl.String, "session": pl.String},
        orient="row",
    )
    silent = {bucket: 0 for bucket in TOKEN_BUCKETS if bucket != "uncached_input"}
    told = {
        "team": None,
        "provider": None,
        "model": model,
        "started_at": datetime.now(UTC).replace(tzinfo=None),
        "is_batch": False,
        "service_tier": None,
        **silent,
    }
    return sizes.join(shared, on="call_id").with_columns(
        pl.lit(value, LLM_CALLS.schema[name]).alias(name) for name, value in told.items()
    )


def _cluster(sample: Sample) -> str:
    return hashlib.sha256(json.dumps(sample.texts["contexts"]).encode()).hexdigest()[:16]


def _told(
    order: Order, rows: pl.DataFrame, samples: int, rejected: list[BadLine]
) -> dict[str, Any]:
    """The one object of ``--json``."""
    found = rows.filter("is_recommended").height > 0
    return {
        "file": str(order.file),
        "samples": samples,
        "rejected": [line._asdict() for line in rejected],
        "model": order.model,
        "counted_by": rows["counted_by"][0],
        "scored_by": rows["scored_by"][0],
        "max_loss": order.max_loss,
        "techniques": list(_by_technique(rows)),
        "chart_out": str(order.chart_out) if order.chart_out else None,
        "exit_code": 0 if found else CANNOT_TELL,
    }


_OF_TECHNIQUE = ("technique", "state", "reason")
_OF_FILE = ("feature", "counted_by", "scored_by", "inputs_digest", "calls_per_day", "calls_after")


def _by_technique(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for own in rows.partition_by("technique", maintain_order=True):
        settings = own.drop(*_OF_TECHNIQUE, *_OF_FILE).to_dicts()
        chosen = [setting for setting in settings if setting["is_recommended"]]
        yield {
            **own.select(_OF_TECHNIQUE).row(0, named=True),
            "recommended": chosen[0] if chosen else None,
            "settings": settings,
        }
