"""Briefs for sales e-mails, and the drafts the model writes from them."""

from __future__ import annotations

from random import Random

from llmops_pipelines.sample_company.exchange import (
    REFUSALS,
    Exchange,
    Manner,
    Message,
    prompted,
)
from llmops_pipelines.sample_company.private_details import person, with_private_detail
from llmops_pipelines.sample_company.sales_calls import COMPANIES, MONTHS, PRODUCTS, SITES

_REASONS = (
    "{they} opened a branch at {site}", "{they} asked for a quote in {month}",
    "{their} lease at {site} was extended", "{they} hired {n} people",
    "{they} asked for our catalogue", "{their} last order is {n} months old",
)  # fmt: skip
_OFFERS = (
    "{percent} percent off {product}", "free assembly of {product}",
    "a free plan of the rooms at {site}", "two spare sets of covers with {product}",
)  # fmt: skip
_OPENINGS = (
    "I noticed that {reason}, and thought of you.", "A colleague told me that {reason}.",
    "Since {reason}, a few ideas from our side.", "A short note, because {reason}.",
)  # fmt: skip
_BODIES = (
    "For {company} we would like to offer {offer}. The {product} are in stock at Harrow Mill and "
    "could stand at {site} before the end of {month}.",
    "Teams of your size choose our {product}; with {offer}, {company} would be set for {month}.",
    "Our planners know {site} well. They suggest {product}, and {company} would get {offer}.",
)
_CLOSINGS = (
    "Shall we talk for {n} minutes next week?", "Would a visit at {site} suit you?",
    "Simply reply to this message and I will prepare a quote.",
)  # fmt: skip
_SYSTEM = (
    "You draft sales e-mails for Larkspur Home: at most 120 words, one offer, one question, no "
    "exclamation marks, signed by the account manager."
)
_HISTORY_LINES = 20


def email_turn(
    rng: Random, manner: Manner, history: list[Message], *, with_crm_history: bool
) -> Exchange:
    """One brief and its draft; with ``with_crm_history`` the brief carries the whole account."""
    slots: dict[str, object] = {
        "company": rng.choice(COMPANIES),
        "product": rng.choice(PRODUCTS),
        "site": rng.choice(SITES),
        "month": rng.choice(MONTHS),
        "percent": rng.randrange(4, 18),
        "n": rng.randrange(10, 45),
    }
    reason = rng.choice(_REASONS)
    slots["reason"] = reason.format(they="you", their="your", **slots)
    slots["offer"] = rng.choice(_OFFERS).format(**slots)
    contact, manager = person(rng), person(rng)
    brief = with_private_detail(
        f"Write to {contact} of {slots['company']}: "
        f"{reason.format(they='they', their='their', **slots)}. Offer {slots['offer']}.",
        rng,
    )
    if with_crm_history:
        brief = f"CRM history:\n{_crm_history(rng)}\n\n{brief}"
    draft = "\n\n".join(
        (
            f"Subject: {str(slots['offer'])[:1].upper()}{str(slots['offer'])[1:]}",
            f"Dear {contact},",
            rng.choice(_OPENINGS).format(**slots),
            rng.choice(_BODIES).format(**slots),
            rng.choice(_CLOSINGS).format(**slots),
            f"Kind regards\n{manager}\nLarkspur Home",
        )
    )
    answer = rng.choice(REFUSALS) if manner == "refused" else draft
    return Exchange(prompted(_SYSTEM, brief, history), answer)


def _crm_history(rng: Random) -> str:
    return "\n".join(
        f"- {rng.randrange(1, 29)} {rng.choice(MONTHS)}: {person(rng)} asked about "
        f"{rng.choice(PRODUCTS)} for {rng.choice(SITES)}, {rng.randrange(2, 90)} pieces"
        for _ in range(_HISTORY_LINES)
    )
