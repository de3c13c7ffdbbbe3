"""Questions of the company's developers, and answers with code."""

from __future__ import annotations

from random import Random

from llmops_pipelines.sample_company.exchange import (
    REFUSALS,
    Exchange,
    Manner,
    Message,
    prompted,
)
from llmops_pipelines.sample_company.private_details import with_private_detail

_NOUNS = (
    "order", "parcel", "invoice", "voucher", "shelf", "van", "slot", "refund", "ticket", "member",
    "price", "return", "depot", "pallet", "quote",
)  # fmt: skip
_FIELDS = ("updated_at", "customer_id", "weight_kg", "total_cents", "status", "postcode", "sku")
_TASKS: tuple[tuple[str, str], ...] = (
    (
        "Write a Python function that groups {noun}s by {field} and counts them.",
        "```python\nfrom collections import Counter\n\n\ndef count_{noun}s_by_{field}({noun}s):\n"
        "    return Counter({noun}['{field}'] for {noun} in {noun}s)\n```\n"
        "`Counter` keeps one pass over the {noun}s; a {noun} without `{field}` raises a KeyError, "
        "which is better than a silent gap.",
    ),
    (
        "How do I deduplicate {noun}s by {field} in SQL and keep the newest?",
        "```sql\nselect * from (\n  select *, row_number() over (\n"
        "    partition by {field} order by created_at desc\n  ) as place\n  from {noun}s\n"
        ") where place = 1\n```\nThe window numbers the rows of each {field}, so the newest {noun} "
        "stays. An index on ({field}, created_at) keeps it fast above {n} thousand rows.",
    ),
    (
        "My test for {noun}_{field} fails only at night, why?",
        "The test builds its {noun} with today's local date while the service stores UTC, so after "
        "22:00 the two disagree.\n```python\ndef test_{noun}_{field}(clock):\n"
        "    clock.set('2026-01-15T12:00:00Z')\n    assert make_{noun}().{field} is not None\n```\n"
        "Inject the clock, and run the suite under two time zones.",
    ),
    (
        "Retry the {noun} API call with backoff, at most {k} times.",
        "```python\ndef fetch_{noun}(client, key, attempts={k}):\n"
        "    for attempt in range(attempts):\n"
        "        try:\n            return client.get(f'/{noun}s/{{key}}')\n"
        "        except TimeoutError:\n            if attempt == attempts - 1:\n"
        "                raise\n"
        "            sleep(0.2 * 2**attempt + random() / 10)\n```\n"
        "Only the time-out is retried; the jitter keeps {n} workers from coming back together.",
    ),
    (
        "Convert this loop over {noun}s into a Polars expression on {field}.",
        "```python\n{noun}s.group_by('{field}').agg(\n    pl.len().alias('{noun}_count'),\n"
        "    pl.col('total_cents').sum(),\n).sort('{field}')\n```\n"
        "Sorting at the end makes the result independent of thread order.",
    ),
    (
        "Add a migration that makes {noun}.{field} not null.",
        "```sql\nupdate {noun}s set {field} = default_{field}({noun}_id) where {field} is null;\n"
        "alter table {noun}s alter column {field} set not null;\n```\n"
        "Run the update in batches of {n}00 rows first, or the lock blocks the checkout.",
    ),
)
_SYSTEM = (
    "You are the coding assistant of the platform team of Larkspur Home. Python 3.11, Polars, "
    "PostgreSQL 16. Answer with code first and two sentences of reasoning."
)
_EXTRAS = ("", "", " Keep it short.", " Type hints, please.", " It must handle an empty list.")


def code_turn(rng: Random, manner: Manner, history: list[Message]) -> Exchange:
    """One question of a developer and the assistant's answer."""
    ask, reply = rng.choice(_TASKS)
    slots = {
        "noun": rng.choice(_NOUNS),
        "field": rng.choice(_FIELDS),
        "n": rng.randrange(3, 90),
        "k": rng.randrange(3, 8),
    }
    question = ask.format(**slots) + rng.choice(_EXTRAS)
    answer = rng.choice(REFUSALS) if manner == "refused" else reply.format(**slots)
    return Exchange(
        prompted(_SYSTEM, with_private_detail(question, rng, secrets=True), history), answer
    )
