"""The floor of redaction: secrets and personal data leave every text, counted by kind.

Cheap looks for literals and for runs of digits keep clean texts from being searched at all. Built
in are keys and tokens, e-mail, card and phone numbers, bank accounts and IP addresses;
privacy.yaml adds patterns of national ids and, with the extra ``names``, names of people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from llmops_pipelines.ingest.privacy.escapes import closed, opened
from llmops_pipelines.ingest.privacy.numbers import (
    CUTTING,
    DIGITS,
    IPV6_HINT,
    is_luhn,
    is_mod97,
    redact_cuttings,
    redact_ipv6,
)
from llmops_pipelines.ingest.privacy.secret_shapes import (
    INNER,
    LOGIN,
    PLAIN_HINTS,
    SECRET,
    SIGNED_HINTS,
    SIGNS,
)
from llmops_pipelines.reference import IdPattern
from llmops_pipelines.tables import REDACTION_KINDS

_EMAIL: Final = (
    r"\w(?:[\w.%+'-]*[\w%+-])?\\{0,3}(?:[@\x{ff20}]|%40)"
    r"[\w-]+(?:\.[\w-]+)*\.(?:xn--[A-Za-z0-9-]+|\p{L}{2,})"
)
_AT: Final = r"@|%40|\\u0040|\x{ff20}"
"""How the sign in a mail address is written: as it is, in a URL, in JSON, on a wide keyboard."""

_MOSTLY: Final = 0.75

REDACTED: Final = pl.Schema(
    {
        "text": pl.String,
        "redacted": pl.String,
        "redactions": pl.Int32,
        **dict.fromkeys(REDACTION_KINDS, pl.Int32),
    }
)

FindNames = Callable[[Sequence[str]], Sequence[Sequence[str]]]
"""The names of people in each of some texts, in order of their place."""


@dataclass(frozen=True)
class Redaction:
    """What is redacted besides the built-in kinds."""

    patterns: tuple[IdPattern, ...] = ()
    find_names: FindNames | None = None


FLOOR: Final = Redaction()


def redact(texts: pl.Series, redaction: Redaction = FLOOR) -> pl.DataFrame:
    """What has to be changed in ``texts``: one row per distinct text that holds something.

    Returns:
        ``text`` as it was, ``redacted`` with ``[SECRET]``, ``[EMAIL]``, ``[PHONE]``, ... in place
        of what was found, ``redactions``, their number, and one count per kind. Clean texts have no
        row.
    """
    if texts.null_count() == len(texts):
        return pl.DataFrame(schema=REDACTED)
    texts = _without_repeats(texts)
    secrets = may_hold_a_secret(texts)
    found = _worth_a_look(texts, redaction, secrets)
    if not found.any():
        return pl.DataFrame(schema=REDACTED)
    frame = pl.DataFrame({"text": texts, "secrets": secrets}).filter(found)
    frame = frame.unique("text", keep="first", maintain_order=True)
    frame = frame.with_columns(
        opened(frame["text"]).alias("redacted"),
        *(pl.lit(0, pl.Int32).alias(kind) for kind in REDACTION_KINDS),
    )
    text = pl.col("redacted")
    frame = _replaced(frame, SECRET, "secret", pl.col("secrets"))
    for hint, inner in INNER:
        frame = _replaced(frame, inner, "secret", text.str.contains(hint))
    with_login = text.str.contains("@", literal=True) & text.str.contains(r":\\?/\\?/")
    frame = _replaced(frame, LOGIN, "secret", with_login)
    frame = _replaced(frame, _EMAIL, "email", text.str.contains(_AT))
    for pattern in redaction.patterns:
        frame = _without_ids(frame, pattern)
    frame = redact_ipv6(_without_numbers(frame))
    if redaction.find_names is not None:
        frame = _without_names(frame, redaction.find_names)
    return (
        frame.with_columns(redactions=pl.sum_horizontal(REDACTION_KINDS).cast(pl.Int32))
        .filter(pl.col("redactions") > 0)
        .with_columns(pl.col("redacted").map_batches(closed, pl.String))
        .select(REDACTED.names())
    )


def redact_texts(texts: pl.Series, redaction: Redaction = FLOOR) -> pl.Series:
    """``texts`` with everything redacted."""
    changes = redact(texts, redaction)
    if changes.is_empty():
        return texts
    return texts.replace(changes["text"], changes["redacted"])


def _without_repeats(texts: pl.Series) -> pl.Series:
    """``texts`` once each, where so many repeat that finding them costs less than looking again."""
    distinct = texts.hash().n_unique()
    return texts.filter(texts.is_first_distinct()) if distinct < _MOSTLY * len(texts) else texts


def _worth_a_look(texts: pl.Series, redaction: Redaction, secrets: pl.Series) -> pl.Series:
    """Whether each text may hold something, by cheap looks; null where there is no text."""
    if redaction.find_names is not None:
        return texts.is_not_null()
    found = secrets | texts.str.contains(_AT)
    found |= texts.str.contains(f"{DIGITS[0]}|{IPV6_HINT}") | texts.str.contains(DIGITS[1])
    for pattern in redaction.patterns:
        found |= texts.str.contains(pattern.pattern)
    return found


def may_hold_a_secret(texts: pl.Series) -> pl.Series:
    """Whether each text holds one of the literals of which one stands in every secret."""
    found = _any(texts, PLAIN_HINTS)
    signed = texts.str.contains(SIGNS) & ~found
    if not signed.any():
        return found
    return found.scatter(signed.arg_true(), _any(texts.filter(signed), SIGNED_HINTS))


def _any(texts: pl.Series, patterns: Sequence[str]) -> pl.Series:
    found = texts.str.contains(patterns[0])
    for pattern in patterns[1:]:
        found |= texts.str.contains(pattern)
    return found


def _replaced(frame: pl.DataFrame, pattern: str, kind: str, maybe: pl.Expr) -> pl.DataFrame:
    """Replace all that ``pattern`` finds; only texts that ``maybe`` hold it are searched."""
    candidates = frame.filter(maybe)
    if candidates.is_empty():
        return frame
    holds = candidates["redacted"].str.contains(pattern)
    if not holds.any():
        return frame
    text = pl.col("redacted")
    changed = candidates.filter(holds).with_columns(
        (pl.col(kind) + text.str.count_matches(pattern).cast(pl.Int32)).alias(kind),
        redacted=text.str.replace_all(pattern, f"[{kind.upper()}]"),
    )
    return frame.update(changed, on="text") if changed.height else frame


def _without_ids(frame: pl.DataFrame, pattern: IdPattern) -> pl.DataFrame:
    """Replace the national ids of one form; those that fail its checksum stay."""
    if pattern.checksum == "none":
        return _replaced(frame, pattern.pattern, "national_id", pl.lit(value=True))
    holds = frame.filter(pl.col("redacted").str.contains(pattern.pattern))
    pieces = holds.select("text", piece=pl.col("redacted").str.extract_all(pattern.pattern))
    pieces = pieces.explode("piece")
    if pattern.checksum == "luhn":
        pieces = pieces.filter(
            pl.col("piece").str.contains("[0-9]") & is_luhn(pl.col("piece")).fill_null(value=False)
        )
    else:
        pieces = pieces.filter([is_mod97(piece) for piece in pieces["piece"].to_list()])
    return _with_pieces(frame, pieces.with_columns(new=pl.lit("[NATIONAL_ID]")), {"national_id": 1})


def _without_numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """Replace accounts, cards, addresses and phones; each distinct cutting is read once."""
    pieces = (
        frame.filter(pl.col("redacted").str.contains("|".join(DIGITS)))
        .select("text", piece=pl.col("redacted").str.extract_all(CUTTING))
        .explode("piece")
        .drop_nulls()
    )
    kinds = ("iban", "card", "ip", "phone")
    cuttings = pieces.select("piece", redacted="piece").unique("piece", maintain_order=True)
    cuttings = redact_cuttings(
        cuttings.with_columns(pl.lit(0, pl.Int32).alias(kind) for kind in kinds)
    )
    changed = cuttings.filter(pl.sum_horizontal(kinds) > 0).rename({"redacted": "new"})
    if changed.is_empty():
        return frame
    found = pieces.join(changed, on="piece", how="inner", maintain_order="left")
    return _with_pieces(frame, found, dict.fromkeys(kinds, None))


def _with_pieces(
    frame: pl.DataFrame, found: pl.DataFrame, counts: dict[str, int | None]
) -> pl.DataFrame:
    """Put each ``new`` in the place of its ``piece``, one after the other.

    Args:
        frame: Texts as ``redact`` holds them.
        found: ``text``, ``piece``, ``new`` in order of their place, with a column per kind.
        counts: Kinds that were found; how many a piece stands for, None for what its column says.
    """
    if found.is_empty():
        return frame
    held = frame.join(found.select("text").unique(), on="text", how="semi")
    now = dict(held.select("text", "redacted").iter_rows())
    by_text = found.group_by("text", maintain_order=True).agg("piece", "new")
    for text, pieces, others in by_text.iter_rows():
        whole, begin, said = now[text], 0, list[str]()  # put together once, it may hold thousands
        for piece, new in zip(pieces, others, strict=True):
            place = whole.find(piece, begin)
            said += (whole[begin:place], new)
            begin = place + len(piece)
        now[text] = "".join((*said, whole[begin:]))
    added = found.group_by("text").agg(
        (pl.col(kind).sum() if each is None else pl.len() * each).cast(pl.Int32).alias(kind)
        for kind, each in counts.items()
    )
    changed = (
        held.select("text", *(pl.col(kind).alias(f"{kind}:old") for kind in counts))
        .join(added, on="text")
        .select(
            "text",
            pl.col("text").replace_strict(now, return_dtype=pl.String).alias("redacted"),
            *((pl.col(kind) + pl.col(f"{kind}:old")).alias(kind) for kind in counts),
        )
    )
    return frame.update(changed, on="text")


def _without_names(frame: pl.DataFrame, find_names: FindNames) -> pl.DataFrame:
    names = find_names(frame["redacted"].to_list())
    found = pl.DataFrame(
        [
            (text, name, "[NAME]")
            for text, held in zip(frame["text"], names, strict=True)
            for name in held
        ],
        schema={"text": pl.String, "piece": pl.String, "new": pl.String},
        orient="row",
    )
    return _with_pieces(frame, found, {"name": 1})
