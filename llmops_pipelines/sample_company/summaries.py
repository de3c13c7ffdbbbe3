"""Sales calls: the transcript's passages, and summaries that rest on them or do not."""

from __future__ import annotations

import re
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
from llmops_pipelines.sample_company.sales_calls import (
    COMPANIES,
    INVENTIONS,
    MONTHS,
    PRODUCTS,
    RIVALS,
    SITES,
    SUBJECTS,
    Subject,
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
