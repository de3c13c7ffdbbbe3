"""Sales calls: the transcript's passages, and summaries that rest on them or do not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from llmops_pipelines.sample_company.drawing import upper_first
from llmops_pipelines.sample_company.exchange import (
    REFUSALS,
    Exchange,
    Manner,
    context,
    prompted,
)
from llmops_pipelines.sample_company.private_details import FIRST_NAMES, LAST_NAMES

COMPANIES = (
    "Bramble Hotels", "Oakline Clinics", "Fernway Schools", "Copperfield Studios", "Tidewater Inns",
    "Marigold Bakeries", "Stonegate Law", "Pinecrest Dental", "Harbour Analytics",
    "Juniper Hostels", "Redwood Academy", "Silverlane Cafes", "Northfield Labs", "Willow Nurseries",
    "Ember Galleries",
)  # fmt: skip
PRODUCTS = (
    "height-adjustable desks", "stacking chairs", "modular Hattie sofas", "Aurea mattresses",
    "Tilda bunk beds", "solid oak tables", "acoustic panels", "Brightwell washing machines",
    "Nordby fridges", "reception counters", "Calder ovens", "filing cabinets",
)  # fmt: skip
SITES = (
    "Linden Road", "Mill Street", "Quayside", "Station Square", "Garden Row", "Abbey Lane",
    "Foundry Yard", "Chestnut Avenue", "Lockside", "Market Hill",
)  # fmt: skip
RIVALS = (
    "Hovdal Interiors",
    "Kastell Office",
    "Plankwerk",
    "Rimbald Furnishing",
    "Sorrel and Pike",
)
MONTHS = ("January", "February", "March", "April", "May", "June", "September", "October")


@dataclass(frozen=True)
class Subject:
    """What may come up in a call: how it is said, and how a summary puts it."""

    spoken: tuple[str, ...]
    summed_up: tuple[str, ...]


SUBJECTS = (
    Subject(
        (
            "{customer}: We are refitting {site} and need {count} {product}.\n"
            "{agent}: {count} {product} for {site}, noted.",
            "{agent}: What are you looking for?\n"
            "{customer}: About {count} {product}, all of them for our {site} branch.",
        ),
        (
            "{company} needs {count} {product} for {site}",
            "for {site}, {customer} is looking for {count} {product}",
        ),
    ),
    Subject(
        (
            "{customer}: Our budget is {budget} euros, delivery included.\n"
            "{agent}: With {budget} euros we stay inside the contract band.",
            "{agent}: Is there a budget?\n"
            "{customer}: The board approved {budget} euros including delivery.",
        ),
        (
            "the budget is {budget} euros, delivery included",
            "{budget} euros including delivery are the budget",
        ),
    ),
    Subject(
        (
            "{customer}: Everything has to stand by {date} because we reopen then.\n"
            "{agent}: {date} works if the order is signed this week.",
            "{customer}: We reopen on {date}, so installation must be finished by that date.",
        ),
        (
            "everything has to stand by {date}, when they reopen",
            "they reopen on {date}, so installation must be finished by then",
        ),
    ),
    Subject(
        (
            "{customer}: {rival} offered us {discount} percent discount.\n"
            "{agent}: I will ask my manager about matching {discount} percent.",
            "{customer}: Honestly, {rival} is {discount} percent cheaper than your quote.",
        ),
        (
            "{rival} offered a discount of {discount} percent, cheaper than our quote",
            "the competing offer of {rival} is {discount} percent cheaper",
        ),
    ),
    Subject(
        (
            "{customer}: Last time {fault} chairs arrived with scratched legs.\n"
            "{agent}: I am sorry about the {fault} scratched chairs, I will send a credit note.",
            "{customer}: In the last order {fault} pieces were scratched and nobody sent a credit "
            "note.",
        ),
        (
            "in the last order {fault} pieces arrived scratched and a credit note is due",
            "a credit note is due as {fault} pieces were scratched",
        ),
    ),
    Subject(
        (
            "{agent}: Shall we plan a site visit at {site}?\n"
            "{customer}: Yes, come on {visit} and bring fabric samples.",
            "{customer}: Please bring fabric samples when you visit {site} on {visit}.",
        ),
        (
            "next step: a visit at {site} on {visit} with fabric samples",
            "{agent} will bring fabric samples to {site} on {visit}",
        ),
    ),
    Subject(
        (
            "{customer}: Who assembles the {product}?\n"
            "{agent}: Our fitters from Tannery Lane need {crew} hours for assembly.",
            "{agent}: Assembly of the {product} takes our Tannery Lane fitters {crew} hours.",
        ),
        (
            "the Tannery Lane fitters need {crew} hours for assembly of the {product}",
            "assembly of the {product} takes {crew} hours by our fitters from Tannery Lane",
        ),
    ),
)

INVENTIONS = (
    "the prospect signed a framework agreement covering {n} warehouses across Scandinavia",
    "legal counsel objected to clause {n} concerning intellectual property",
    "an integration with their purchasing portal was promised by quarter end",
    "the chief executive requested a keynote for {n} franchise owners",
    "sustainability certificates and {n} carbon offsets were demanded beforehand",
    "their insurer insists on fireproof upholstery rated above {n} kelvin",
    "a pilot with {n} ergonomic scooters starts in the Rotterdam campus",
    "procurement switched suppliers following bankruptcy rumours",
    "an invitation to the Milan trade fair was extended to {n} executives",
    "currency hedging through a Zurich bank will lower exposure by {n} basis points",
)

_SYSTEM = (
    "You summarise sales calls of Larkspur Home for the account team. State only what was said in "
    "the transcript: needs, figures, dates, objections, next step.\n\nTranscript:\n"
)
_ASKS = (
    "Summarise this call with {company} for the account team.",
    "Please write the call notes for {company}.",
    "What should the account manager of {company} know from this call?",
    "Short summary of the {company} call, please: figures, dates and the next step.",
)
_LINKS = ("", "", "", "Also, ", "Moreover, ", "According to the call, ")


def call_summary(rng: Random, manner: Manner) -> Exchange:
    """A transcript of three to five passages and its summary."""
    slots = _slots(rng)
    subjects = [SUBJECTS[0], *rng.sample(SUBJECTS[1:], rng.choice((2, 3, 3, 4)))]
    passages = [rng.choice(subject.spoken).format(**slots) for subject in subjects]
    key = f"call-{rng.randrange(10**6):06d}"
    contexts = tuple(
        context(f"{key}#{place}", passage, 1.0) for place, passage in enumerate(passages, 1)
    )
    return Exchange(
        prompted(_SYSTEM + "\n".join(passages), rng.choice(_ASKS).format(**slots)),
        _summary(rng, subjects, slots, manner, "\n".join(passages)),
        contexts,
    )


def _slots(rng: Random) -> dict[str, str]:
    agent, customer = rng.sample(FIRST_NAMES, 2)
    return {
        "company": rng.choice(COMPANIES),
        "agent": agent,
        "customer": f"{customer} {rng.choice(LAST_NAMES)}",
        "product": rng.choice(PRODUCTS),
        "count": str(rng.randrange(6, 190)),
        "site": rng.choice(SITES),
        "budget": f"{rng.randrange(40, 960) * 100:,}",
        "date": f"{rng.randrange(1, 29)} {rng.choice(MONTHS)}",
        "visit": f"{rng.randrange(1, 29)} {rng.choice(MONTHS)}",
        "rival": rng.choice(RIVALS),
        "discount": str(rng.randrange(3, 19)),
        "fault": str(rng.randrange(2, 20)),
        "crew": str(rng.randrange(3, 40)),
    }


def _summary(
    rng: Random, subjects: list[Subject], slots: dict[str, str], manner: Manner, said: str
) -> str:
    if manner == "refused":
        return rng.choice(REFUSALS)
    claims = [rng.choice(subject.summed_up).format(**slots) for subject in subjects]
    if manner == "invented":
        invented = rng.sample(INVENTIONS, rng.choice((2, 3, 3)))
        claims = [claim.format(n=rng.choice(_absent_figures(said))) for claim in invented]
    elif len(claims) > 3 and rng.random() < 0.3:
        claims.pop()
    elif rng.random() < 0.4:
        claims[1:] = rng.sample(claims[1:], len(claims) - 1)
    sentences = [upper_first(claims[0])]
    for claim in claims[1:]:
        link = "" if claim[0].isupper() else rng.choice(_LINKS)
        sentences.append(upper_first(link + claim))
    text = ". ".join(sentences) + "."
    if manner == "subtle":
        figure = rng.choice(re.findall(r"\b\d+\b", text))
        text = re.sub(rf"\b{figure}\b", rng.choice(_absent_figures(said)), text, count=1)
    return text


def _absent_figures(said: str) -> list[str]:
    known = set(re.findall(r"\d+", said))
    return [str(n) for n in range(11, 99) if str(n) not in known]
