"""What a provider's own discounts would save: prompts read from its cache, calls sent in batches."""

import polars as pl

from llmops_pipelines.tables.table import MONEY, Column, Table, Unit

CACHE_REASONS = (
    ("read", "Read from the cache, as logged."),
    ("not_switched_on", "Could have been read, had caching been asked for; nothing was written or read."),
    ("missed", "Could have been read and was not: evicted, or sent to another machine."),
    ("cut_off", "Shared with a prefix still kept, but below the minimum, rounded down to whole blocks, or behind the breakpoint."),
    ("in_flight", "Shared only with a prompt whose answer had not begun yet."),
    ("lapsed", "Shared with a prefix kept past what is assured, within the longest retention named."),
    ("expired", "Shared with a prefix older than that."),
    ("elsewhere", "Shared only with prompts of another model, tier, project or prompt version."),
    ("redacted", "Equal only since redaction put the same mark in place of values that may differ."),
    ("order", "Would be shared if the parts that all prompts have in common stood first."),
    ("new", "Not seen before."),
)  # fmt: skip
"""Where prompts' tokens went: where a rule is known they add up to ``prompt_tokens``."""


def _money(name: str, description: str) -> Column:
    return Column(name, MONEY, description, "usd", nullable=True)


def _bound(name: str, description: str, unit: Unit | None = "usd") -> Column:
    return Column(name, pl.Float64, description, unit, nullable=True)


_SAVED = (
    _money("saved", "What it would have saved in the window; negative where it costs more, null where nothing is claimed."),
    _bound("saved_low", "Lower end of its 95 % interval, as of a window like this; hours as clusters."),
    _bound("saved_high", "Upper end."),
    _bound("saved_a_year", "`saved` for 365 days of such traffic, days without a call and today's part counted as what they are; null for a file of less than a day of it."),
    _bound("saved_a_year_low", "Lower end of its 95 % interval."),
    _bound("saved_a_year_high", "Upper end."),
)  # fmt: skip

_WINDOW = (
    Column("first_day", pl.Date, "First day of the window."),
    Column("last_day", pl.Date, "Last day of it."),
    Column("days", pl.Int64, "Days of it that have calls of any feature."),
)
_DIGEST = Column(
    "inputs_digest", pl.String, "Digest of all it rests on: the same is not replayed again."
)

PROMPT_CACHE_SAVINGS = Table(
    name="prompt_cache_savings",
    row="The calls of one feature, prompt version, model and tier in the window: what of their prompts a provider's cache could have served.",
    key=("feature", "prompt_version", "project", "provider", "model", "service_tier"),
    partitioned=False,
    columns=(
        Column("feature", pl.String, "Feature, or `*` for all rows worth doing."),
        Column("prompt_version", pl.String, "Prompt version.", nullable=True),
        Column("project", pl.String, "Project of the source; stands for the API key.", nullable=True),
        Column("provider", pl.String, "Provider.", nullable=True),
        Column("model", pl.String, "Served model.", nullable=True),
        Column("service_tier", pl.String, "Service tier.", nullable=True),
        *_WINDOW,
        Column("state", pl.String, "worth_it (its interval of the saving lies above 0, or no call costs more), cannot_tell, nothing_to_save, costs_more, unknown_rule, unpriced or no_text."),
        Column("reason", pl.String, "Of worth_it and cannot_tell: the interval, and about how many calls might do.", nullable=True),
        Column("calls", pl.Int64, "Calls replayed: successful, interactive, with prompt tokens and text.", "calls"),
        Column("left_out", pl.Int64, "Successful calls not replayed.", "calls"),
        Column("left_out_why", pl.String, "Why, with counts.", nullable=True),
        Column("unpriced", pl.Int64, "Replayed calls without a cost: in the tokens, not in the money.", "calls"),
        Column("prompt_tokens", pl.Int64, "Prompt tokens of the replayed calls.", "tokens"),
        Column("could_read", pl.Int64, "Could have been read from the cache; null where no rule is known.", "tokens", nullable=True),
        *(Column(name, pl.Int64, text, "tokens", nullable=True) for name, text in CACHE_REASONS),
        Column("main_reason", pl.String, "The largest of the reasons between `read` and `new`.", nullable=True),
        Column("arrangement", pl.String, "automatic, or where a breakpoint saves most (or loses least) and for how long it keeps.", nullable=True),
        Column("written", pl.Int64, "Written to the cache under that arrangement, at the surcharge.", "tokens", nullable=True),
        _money("paid", "What the replayed, priced calls cost."),
        _money("already_saved", "What caching saved against none, its surcharges taken off."),
        *_SAVED,
        _money("reorder_saved", "What reading `order` from the cache would save; null where a breakpoint must be set."),
        Column("volatile_at", pl.Int64, "Token at which most prompts begin to differ although much of the rest is the same.", "tokens", nullable=True),
        Column("volatile_shape", pl.String, "What differs there: timestamp, date, uuid, number, redacted or text.", nullable=True),
        Column("volatile_after", pl.String, "Words before it, where at least three sessions share them.", nullable=True),
        Column("rule", pl.String, "The provider's rule: minimum, block, lifetime, source and date.", nullable=True),
        _DIGEST,
    ),
)  # fmt: skip

BATCH_SAVINGS = Table(
    name="batch_savings",
    row="One feature's calls in the window, paid and at the batch price of the same models.",
    key=("feature",),
    partitioned=False,
    columns=(
        Column("feature", pl.String, "Feature; `* marked` and `* detected` for all of a kind."),
        *_WINDOW,
        Column("kind", pl.String, "marked (`interactive: false`), detected (a suggestion: ask its owner) or interactive."),
        Column("state", pl.String, "recommended (its interval of the saving lies above 0, or no call costs more; marked), suggested (the same; detected), cannot_tell, nothing_saved or waited_for (interactive).", default="cannot_tell"),
        Column("reason", pl.String, "Why, in a sentence.", default="stored before it was held against its interval; the next night replays it"),
        Column("evidence", pl.String, "What speaks for it: shares without user, stream, first-token time; bursts."),
        Column("calls", pl.Int64, "Successful calls.", "calls"),
        Column("already_batch", pl.Int64, "Of them sent in batches already.", "calls"),
        Column("repriced", pl.Int64, "Not in batches, with a cost and a batch price.", "calls"),
        Column("unpriced", pl.Int64, "Not in batches, without a cost.", "calls"),
        Column("no_batch_price", pl.Int64, "Not in batches, with a cost, whose model has no known batch price.", "calls"),
        _money("paid", "What the repriced calls cost."),
        _money("at_batch_price", "The same at batch prices."),
        *_SAVED,
        _bound("continued_share", "Share of the calls not in batches whose trace or session goes on within 24 hours: a batch answer may come too late for what follows.", "fraction"),
        Column("continued", pl.Int64, "Those calls.", "calls"),
        Column("quality_cost", pl.String, "What it costs besides."),
        _DIGEST,
    ),
)  # fmt: skip
