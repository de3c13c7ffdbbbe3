"""Prompts as chains of hashes: two prompts share a prefix exactly where their chains agree.

A chain has one value for each whole block of ``BLOCK_BYTES`` bytes, and one for each end of a
message. Each value stands for all bytes up to there, so that equal values mean equal prefixes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from llmops_pipelines.tables import REDACTION_KINDS

BLOCK_BYTES: Final = 256
"""About 64 tokens of English: what is shared is understated by less than that."""

_LEAST_LINE: Final = 16
"""Shorter lines (a bracket, a blank) say nothing of what a prompt is made of."""

_LEADING: Final = ("system", "developer")
_MARK: Final = rf"\[(?:{'|'.join(kind.upper() for kind in REDACTION_KINDS)})\]"

Codes = NDArray[np.uint64]
Whole = NDArray[np.int64]

_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_WEIGHTS: Final = np.random.default_rng(20261126).integers(
    1, 2**63, BLOCK_BYTES // 8, dtype=np.uint64
) | np.uint64(1)


@dataclass(frozen=True)
class Chains:
    """Values of all prompts one after the other: whose, up to which byte, and the hash.

    ``prompt`` ascends and numbers the rows of ``PromptMarks.calls``.
    """

    prompt: Whole
    end: Whole
    code: Codes


@dataclass(frozen=True)
class PromptMarks:
    """What the replay needs to know of prompts, without their texts.

    ``calls`` has ``call_id``, ``bytes`` of the prompt, ``system_bytes`` of the messages it opens
    with, ``mark_at`` (byte of the first redaction, null without) and ``messages``. ``held`` has
    ``prompt``, ``message`` (hash) per message; ``lines`` has ``message``, ``line`` (hash) and
    ``bytes``, once per line of a distinct message.
    """

    calls: pl.DataFrame
    blocks: Chains
    ends: Chains
    held: pl.DataFrame
    lines: pl.DataFrame


def prompt_marks(prompts: pl.DataFrame) -> PromptMarks:
    """Reduce prompts to their marks.

    Args:
        prompts: ``call_id``, ``messages`` (``MESSAGE``), ``system_first`` (Boolean: system messages
            count as the first ones wherever they stand). In the order that rows are to have.
    """
    messages = _messages(prompts)
    whole = (
        messages.group_by("prompt", maintain_order=True)
        .agg(
            text=pl.col("text").str.join(),
            messages=pl.len(),
            system_bytes=pl.col("bytes").filter(pl.col("leads")).sum(),
        )
        .with_columns(bytes=pl.col("text").str.len_bytes(), mark_at=_mark_at())
    )
    calls = (
        prompts.select("call_id", prompt=pl.int_range(pl.len(), dtype=pl.Int64))
        .join(whole.drop("text"), on="prompt", how="left", maintain_order="left")
        .select(
            "call_id",
            *(pl.col(n).fill_null(0).cast(pl.Int64) for n in ("bytes", "system_bytes")),
            pl.col("mark_at").cast(pl.Int64),
            pl.col("messages").fill_null(0).cast(pl.Int64),
        )
    )
    return PromptMarks(
        calls, _blocks(whole["prompt"], whole["text"]), _ends(messages),
        messages.select("prompt", message="code"), _lines(messages),
    )  # fmt: skip


def together(parts: Sequence[PromptMarks]) -> PromptMarks:
    """The marks of several lots of prompts as one, in their order."""
    starts = np.cumsum([0, *(part.calls.height for part in parts)])

    def chains(name: str) -> Chains:
        own: list[Chains] = [getattr(part, name) for part in parts]
        return Chains(
            np.concatenate([c.prompt + s for c, s in zip(own, starts[:-1], strict=True)]),
            np.concatenate([c.end for c in own]),
            np.concatenate([c.code for c in own]),
        )

    return PromptMarks(
        pl.concat(part.calls for part in parts),
        chains("blocks"),
        chains("ends"),
        pl.concat(
            part.held.with_columns(pl.col("prompt") + int(start))
            for part, start in zip(parts, starts[:-1], strict=True)
        ),
        pl.concat(part.lines for part in parts).unique(["message", "line"]),
    )


def chained(prompt: Whole, code: Codes) -> Codes:
    """Hashes of whole prefixes from hashes of their blocks, which come prompt after prompt.

    A polynomial in the 64-bit ring over mixed block hashes: the same blocks in the same order from
    the start give the same value.
    """
    if not len(code):
        return code
    first = np.flatnonzero(np.diff(prompt, prepend=prompt[0] - 1))
    lengths = np.diff(first, append=len(prompt))
    place = np.arange(len(prompt)) - np.repeat(first, lengths)
    powers = np.cumprod(np.full(int(place.max()) + 1, _ODD))
    sums = np.cumsum(mixed(code) * powers[place])
    before = np.concatenate([np.zeros(1, np.uint64), sums])[first]
    return mixed(sums - np.repeat(before, lengths) + powers[place])


def mixed(code: Codes) -> Codes:
    """Spread 64 bits over 64 bits, one to one.

    Source: the finaliser of SplitMix64, G. Steele et al. (2014).
    """
    code = (code ^ (code >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    code = (code ^ (code >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixture: Codes = code ^ (code >> np.uint64(31))
    return mixture


def rendered(prompts: pl.DataFrame) -> pl.DataFrame:
    """``call_id`` and ``text``: the prompts as they are compared, message after message."""
    texts = (
        _messages(prompts).group_by("prompt", maintain_order=True).agg(pl.col("text").str.join())
    )
    ids = prompts.select("call_id", prompt=pl.int_range(pl.len(), dtype=pl.Int64))
    return ids.join(texts, on="prompt").select("call_id", "text")


def _messages(prompts: pl.DataFrame) -> pl.DataFrame:
    """A row per message in the provider's order, with its hash and whether it leads the prompt."""
    system = pl.col("role").is_in(_LEADING)
    return (
        prompts.select(
            "messages", "system_first", prompt=pl.int_range(pl.len(), dtype=pl.Int64)
        )
        .filter(pl.col("messages").list.len() > 0)
        .explode("messages")
        .unnest("messages")
        .sort("prompt", ~(system & pl.col("system_first")), maintain_order=True)
        .with_columns(
            text=pl.format("{}\n{}\n\n", *(pl.col(n).fill_null("") for n in ("role", "content"))),
            leads=system.cast(pl.Int8).cum_min().over("prompt").cast(pl.Boolean),
        )
        .with_columns(bytes=pl.col("text").str.len_bytes(), code=pl.col("text").hash(20261126))
    )  # fmt: skip


def _mark_at() -> pl.Expr:
    return pl.col("text").str.find(_MARK)


def _ends(messages: pl.DataFrame) -> Chains:
    prompt = messages["prompt"].to_numpy()
    ends = messages.select(pl.col("bytes").cum_sum().over("prompt"))["bytes"]
    return Chains(
        prompt, ends.cast(pl.Int64).to_numpy(), chained(prompt, messages["code"].to_numpy())
    )


def _blocks(prompt: pl.Series, texts: pl.Series) -> Chains:
    prompts, ends, codes = [], [], []
    for number, text in zip(prompt, texts, strict=True):
        written = text.encode()
        count = len(written) // BLOCK_BYTES
        if not count:
            continue
        words = np.frombuffer(written, np.uint64, count * BLOCK_BYTES // 8)
        prompts.append(np.full(count, number, np.int64))
        ends.append(np.arange(1, count + 1, dtype=np.int64) * BLOCK_BYTES)
        codes.append(mixed(words.reshape(count, -1)) @ _WEIGHTS)
    if not prompts:
        nothing = np.zeros(0, np.int64)
        return Chains(nothing, nothing, np.zeros(0, np.uint64))
    whose = np.concatenate(prompts)
    return Chains(whose, np.concatenate(ends), chained(whose, np.concatenate(codes)))


def _lines(messages: pl.DataFrame) -> pl.DataFrame:
    return (
        messages.unique("code")
        .select(message="code", line=pl.col("text").str.split("\n"))
        .explode("line")
        .with_columns(bytes=pl.col("line").str.len_bytes().cast(pl.Int64) + 1)
        .filter(pl.col("bytes") > _LEAST_LINE)
        .with_columns(pl.col("line").hash(7))
        .unique(["message", "line"])
    )
