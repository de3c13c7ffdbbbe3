"""What sales calls are about: customers, goods, and how each subject is said and summed up."""

from __future__ import annotations

from dataclasses import dataclass

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
