"""Customer messages to be triaged, and the label the model gives them."""

from __future__ import annotations

from random import Random

from llmops_pipelines.sample_company.exchange import Exchange, prompted
from llmops_pipelines.sample_company.private_details import person, with_private_detail

TICKETS: dict[str, tuple[str, ...]] = {
    "delivery": (
        "My {item} was promised for {day} and the van never came.",
        "Tracking of order LV{order} has shown the same depot for {n} days.",
        "Can the {item} come on {day} evening instead?",
    ),
    "damage": (
        "The {item} arrived with a {n} centimetre dent, photos attached.",
        "A glass part of the {item} was shattered when we opened the carton.",
        "One leg of my {item} is cracked after transport on {day}.",
    ),
    "returns": (
        "I want to send the {item} back, it is too large for the room.",
        "Where do I drop the {item} from order LV{order}?",
        "Pickup of my {item} was booked for {day}, nobody rang.",
    ),
    "billing": (
        "I was charged {n} euros twice for order LV{order}.",
        "The invoice for the {item} lacks our VAT number.",
        "My refund of {n} euros has not shown up since {day}.",
    ),
    "warranty": (
        "After {n} months the {item} squeaks and sags in the middle.",
        "The {item} stops with a beep and error E{n}.",
        "Is a torn seam of the {item} covered?",
    ),
    "product_question": (
        "Does the {item} fit a niche of {n} centimetres?",
        "Which colours does the {item} come in?",
        "How heavy is the {item}, and does it need wall anchors?",
    ),
    "account": (
        "The sign-in link expires before I open it, since {day}.",
        "Please merge my two Leaf Club accounts, {n} points are missing.",
        "My gift card of {n} euros shows an empty balance.",
    ),
}
_ITEMS = (
    "Fjordlund sofa", "Hattie corner module", "Aurea mattress", "Ribba slatted base",
    "Tilda bunk bed", "Brightwell W8", "Brightwell D7 dryer", "Calder oven", "Nordby fridge",
    "oak table", "wool rug", "floor lamp", "wardrobe", "kitchen worktop", "office chair",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_CLOSINGS = ("", "", "", " Thanks!", " Regards, {name}", " Please hurry.", " Best, {name}")
_SYSTEM = "Answer with one label and nothing else: " + ", ".join(TICKETS) + "."


def triage(rng: Random) -> Exchange:
    """One customer message and its label."""
    label = rng.choice(list(TICKETS))
    message = rng.choice(TICKETS[label]) + rng.choice(_CLOSINGS)
    text = message.format(
        item=rng.choice(_ITEMS), day=rng.choice(_DAYS), n=rng.randrange(2, 240),
        order=rng.randrange(10**9, 10**10), name=person(rng),
    )  # fmt: skip
    return Exchange(prompted(_SYSTEM, with_private_detail(text, rng)), label)
