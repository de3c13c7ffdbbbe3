"""What is kept of a call's texts: lengths always, redacted texts as the feature's policy allows."""

from __future__ import annotations

from typing import Final

import polars as pl

from llmops_pipelines.ingest.digests import sha256, text_digests
from llmops_pipelines.ingest.privacy.redaction import FLOOR, Redaction, redact
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import CONTEXT, MESSAGE, REDACTION_KINDS, TOOL_CALL

_LISTS: Final = {
    "messages": (MESSAGE, ("role", "content")),
    "contexts": (CONTEXT, ("id", "content")),
    "tool_calls": (TOOL_CALL, ("name", "arguments")),
}
_PLAIN: Final = ("answer", "response_schema")
_ROLES: Final = ("system", "developer", "user", "assistant", "tool", "function", "human", "model")


def _texts_in(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """``row`` and ``text`` of all that ``rows`` hold; of roles those that no provider knows."""
    held = [rows.select("row", text=name).drop_nulls("text") for name in _PLAIN]
    for name, (_, fields) in _LISTS.items():
        flat = _flat(rows, name)
        held += [flat.select("row", text=field) for field in fields if field != "role"]
        if "role" in fields:
            odd = flat.filter(~pl.col("role").is_in(_ROLES))
            held.append(odd.select("row", text="role"))
    return held


def policies(features: pl.Series, settings: Features) -> pl.Series:
    """What may be kept of each row's texts, by its feature: full, redacted or none."""
    kept = {name: settings.of(name).content for name in features.unique().to_list()}
    return features.replace_strict(kept, return_dtype=pl.String).alias("policy")


def with_contents(
    calls: pl.DataFrame, settings: Features, redaction: Redaction = FLOOR
) -> pl.DataFrame:
    """``calls`` with lengths, redacted texts, ``question``, ``redactions`` and ``content_digest``.

    Redactions are counted in total and by kind. Lengths are those of the texts as logged, whatever
    is kept of them. Where nothing is kept or nothing was logged, texts are empty and the digest is
    null.
    """
    calls = calls.with_row_index("row").with_columns(policies(calls["feature"], settings))
    calls = calls.with_columns(_question(calls))
    calls = calls.with_columns(
        question_chars=pl.col("question").str.len_chars().cast(pl.Int64),
        answer_chars=pl.col("answer").str.len_chars().cast(pl.Int64),
        context_count=pl.col("contexts").list.len().cast(pl.Int32),
    )
    calls = _redacted(calls, redaction)
    kept = pl.col("policy") != "none"
    empty = pl.sum_horizontal(pl.col(name).list.len() for name in _LISTS) == 0
    calls = calls.with_columns(
        question=pl.when(kept).then("question"),
        answer=pl.when(kept).then("answer"),
        response_schema=pl.when(kept).then("response_schema"),
        tool_calls=pl.when(kept).then("tool_calls").otherwise([]),
        has_texts=kept & ~(empty & pl.col("answer").is_null()),
    )
    return calls.with_columns(*_digests(calls), _prompt_hashes(calls)).drop(
        "row", "policy", "has_texts"
    )


def with_documents(
    steps: pl.DataFrame, settings: Features, redaction: Redaction = FLOOR
) -> pl.DataFrame:
    """``steps`` with the documents they returned redacted, or left out, as their policy says."""
    steps = steps.with_row_index("row").with_columns(policies(steps["feature"], settings))
    asked = steps.filter((pl.col("policy") == "redacted") & (pl.col("contexts").list.len() > 0))
    fields = _LISTS["contexts"][1]
    flat = _flat(asked, "contexts")
    changes = redact(pl.concat([flat[field].alias("text") for field in fields]), redaction)
    counts = [_counted(flat.select("row", text=field), changes) for field in fields]
    steps = _with_counts(steps, pl.concat(counts)).drop("redactions")
    if changes.height:
        changed = _changed_lists(flat, "contexts", fields, changes)
        steps = steps.join(changed, on="row", how="left", maintain_order="left").with_columns(
            contexts=pl.coalesce("contexts:new", "contexts")
        )
    kept = pl.when(pl.col("policy") != "none").then("contexts").otherwise([])
    return steps.with_columns(contexts=kept)


def redacted_comments(
    comments: pl.Series, policy: pl.Series, redaction: Redaction = FLOOR
) -> list[pl.Series]:
    """Remarks of users: redacted, as they are (policy full), or null (policy none).

    Returns:
        ``comment`` and ``redactions_by_kind``.
    """
    changes = redact(comments.filter(policy == "redacted"), redaction)
    frame = pl.DataFrame({"text": comments, "policy": policy}).with_row_index("row")
    asked = frame.filter(pl.col("policy") == "redacted")
    frame = _with_counts(frame, _counted(asked, changes))
    text = pl.col("text")
    redacted = text.replace(changes["text"], changes["redacted"]) if changes.height else text
    kept = (
        pl.when(pl.col("policy") == "full")
        .then(text)
        .when(pl.col("policy") == "redacted")
        .then(redacted)
    )
    return frame.select(kept.alias("comment"), "redactions_by_kind").get_columns()


def found_again(texts: pl.DataFrame, redaction: Redaction = FLOOR) -> pl.DataFrame:
    """What ``redaction`` finds in texts that were kept, and so should not be there.

    Args:
        texts: ``CALL_TEXTS`` rows, one per call.
        redaction: As landing would use now.

    Returns:
        ``call_id``, ``kind`` and ``count``, ordered; never the text.
    """
    held = pl.concat(_texts_in(texts.with_columns(row="call_id")))
    counts = _counted(held, redact(held["text"], redaction))
    return (
        counts.group_by("row")
        .agg(pl.col(REDACTION_KINDS).sum())
        .unpivot(REDACTION_KINDS, index="row", variable_name="kind", value_name="count")
        .filter(pl.col("count") > 0)
        .rename({"row": "call_id"})
        .sort("call_id", "kind")
    )


def _question(calls: pl.DataFrame) -> pl.Series:
    """The last user message of each call, null where it has none."""
    asked = (
        calls.select("row", "messages")
        .explode("messages")
        .unnest("messages")
        .filter(pl.col("role") == "user")
        .unique("row", keep="last", maintain_order=True)
    )
    found = calls.select("row").join(asked, on="row", how="left", maintain_order="left")
    return found["content"].alias("question")


def _redacted(calls: pl.DataFrame, redaction: Redaction) -> pl.DataFrame:
    """``calls`` with texts redacted where the policy asks for it, and what was found counted."""
    asked = calls.filter(pl.col("policy") == "redacted").select("row", *_PLAIN, *_LISTS)
    held = pl.concat(_texts_in(asked))
    changes = redact(held["text"], redaction)
    counts = _counted(held, changes)
    calls = _with_counts(calls, counts)
    if changes.is_empty():
        return calls
    changed = _changed_texts(asked.join(counts, on="row", how="semi"), changes)
    found = calls.select("row").join(changed, on="row", how="left", maintain_order="left")
    return calls.with_columns(
        pl.when(found["changed"]).then(found[name]).otherwise(name).alias(name)
        for name in ("question", *_PLAIN, *_LISTS)
    )


def _changed_texts(calls: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """``row``, texts with ``changes`` made, the ``question`` they hold, and ``changed``: true."""
    for name, (_, fields) in _LISTS.items():
        new = _changed_lists(_flat(calls, name), name, fields, changes)
        calls = calls.join(new, on="row", how="left").with_columns(
            pl.coalesce(f"{name}:new", name).alias(name)
        )
    plain = (pl.col(name).replace(changes["text"], changes["redacted"]) for name in _PLAIN)
    return calls.select("row", *_LISTS, _question(calls), *plain, changed=pl.lit(value=True))


def _flat(calls: pl.DataFrame, name: str) -> pl.DataFrame:
    """One row per message or context, with the call's row number."""
    return (
        calls.select("row", name)
        .filter(pl.col(name).list.len() > 0)
        .explode(name)
        .with_columns(pl.col(name).struct.unnest())
        .drop(name)
    )


def _counted(texts: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """What was found in each text, by kind; rows without anything are left out."""
    return texts.join(changes, on="text").select("row", *REDACTION_KINDS)


def _with_counts(rows: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with ``redactions`` and ``redactions_by_kind``; zero where nothing was found."""
    totals = counts.group_by("row").agg(pl.col(REDACTION_KINDS).sum())
    found = rows.select("row").join(totals, on="row", how="left", maintain_order="left")
    kinds = [pl.col(kind).fill_null(0).cast(pl.Int32) for kind in REDACTION_KINDS]
    return rows.with_columns(
        found.select(
            redactions=pl.sum_horizontal(kinds).cast(pl.Int32),
            redactions_by_kind=pl.struct(kinds),
        )
    )


def _changed_lists(
    flat: pl.DataFrame, name: str, fields: tuple[str, ...], changes: pl.DataFrame
) -> pl.DataFrame:
    """The new lists of those rows in which any of ``fields`` changes."""
    touched = pl.any_horizontal(pl.col(field).is_in(changes["text"].implode()) for field in fields)
    rows = flat.filter(touched.fill_null(value=False)).select("row").unique()
    part = flat.join(rows, on="row", how="semi", maintain_order="left")
    names = [column for column in flat.columns if column != "row"]
    return (
        part.with_columns(
            pl.col(field).replace(changes["text"], changes["redacted"]) for field in fields
        )
        .group_by("row", maintain_order=True)
        .agg(pl.struct(names).alias(f"{name}:new"))
    )


def _digests(calls: pl.DataFrame) -> list[pl.Series]:
    """``request_digest`` and ``content_digest`` of each call, null where it has no texts.

    The one is of its messages, the other of all it says, without provenance: equal texts agree.
    Each text is digested by itself, and a call by the digests of its texts, so that none is copied.
    """
    messages = _listed(calls, "messages", "role")
    kept = calls.select(
        "has_texts",
        "answer",
        messages,
        contexts=_listed(calls, "contexts"),
        called=_listed(calls, "tool_calls", "name", text="arguments"),
    )
    sent = pl.col("messages").fill_null("")
    whole = pl.concat_str(
        sent, sha256(pl.col("answer")).fill_null(""), pl.col("contexts").fill_null(""),
        separator="\x1d",
    )  # fmt: skip
    whole = pl.concat_str(whole, "called", separator="\x1d", ignore_nulls=True)
    return list(
        kept.select(
            request_digest=sha256(pl.col("messages")).str.slice(0, 16),
            content_digest=pl.when("has_texts").then(sha256(whole).str.slice(0, 32)),
        )
    )


def _listed(calls: pl.DataFrame, name: str, *fields: str, text: str = "content") -> pl.Series:
    """The digests of the texts in a list, each after its ``fields``; null where it is empty."""
    if not (calls[name].list.len() > 0).any():
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, calls.height)
    element = pl.element().struct.field
    said = pl.concat_str(
        *map(element, fields), sha256(element(text).fill_null("")), separator="\x1f"
    )
    filled = pl.col(name).list.len() > 0
    return calls.select(
        pl.when(filled).then(pl.col(name).list.eval(said).list.join("\x1e"))
    ).to_series()


def _prompt_hashes(calls: pl.DataFrame) -> pl.Series:
    """SHA-256 of each call's prompt template, else of its system text; null where it has neither.

    Texts are hashed as logged where nothing of them is kept, so that versions can still be told
    apart.
    """
    role, content = pl.element().struct.field("role"), pl.element().struct.field("content")
    system = (
        pl.col("messages")
        .list.eval(content.filter(role.is_in(["system", "developer"])))
        .list.join("\n")
    )
    text = pl.coalesce("prompt_template", pl.when(system != "").then(system))
    return text_digests(calls.select(prompt_hash=text).to_series(), 16)
