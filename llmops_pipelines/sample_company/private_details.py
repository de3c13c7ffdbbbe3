"""Personal data and secrets that users paste: all of reserved domains, test numbers, fake keys."""

from __future__ import annotations

from random import Random

SHARE = 0.05

FIRST_NAMES = (
    "Ada", "Bram", "Carla", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kaya",
    "Leon", "Mira", "Nadim", "Olga", "Pavel", "Rosa", "Samir", "Tove", "Yara",
)  # fmt: skip
LAST_NAMES = (
    "Abendrot", "Brookvale", "Calloway", "Dunmere", "Eastlake", "Fennick", "Garrowby", "Hollis",
    "Ivermond", "Kestrel", "Lindqvist", "Marwick", "Nightwell", "Ostermill", "Pellworth",
    "Quillfeather", "Ravensholt", "Stonebeck", "Thornbury", "Wexcombe",
)  # fmt: skip
TEST_CARDS = ("4242 4242 4242 4242", "4000-0566-5566-5556", "5555555555554444", "378282246310005")
"""Card numbers that payment providers publish for tests."""


def person(rng: Random) -> str:
    """A made-up name."""
    return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"


def email_address(rng: Random) -> str:
    """An address in a domain that RFC 2606 reserves for examples."""
    name = person(rng).lower().replace(" ", rng.choice((".", "_", "")))
    number = rng.choice(("", str(rng.randrange(10, 99))))
    return f"{name}{number}@example.{rng.choice(('com', 'org', 'net'))}"


def phone_number(rng: Random) -> str:
    """A number from 555-0100 to 555-0199, which is kept for fiction."""
    tail = f"555-01{rng.randrange(100):02d}"
    area = rng.choice(("202", "303", "415", "617"))
    return rng.choice((f"+1 {area}-{tail}", f"({area}) {tail}", f"+1-{area}-{tail}"))


def api_key(rng: Random) -> str:
    """A string in the shape of a provider key that no provider has issued."""
    letters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "sk-" + "test" + "".join(rng.choices(letters, k=36))


def with_private_detail(text: str, rng: Random, *, secrets: bool = False) -> str:
    """``text``, in a few per cent of the cases with something that must not be kept."""
    if rng.random() >= SHARE:
        return text
    if secrets:
        return f"{text}\nI run it with OPENAI_API_KEY={api_key(rng)}, same result."
    detail = rng.choice(
        (
            f"You can reach me at {email_address(rng)}.",
            f"Please call me back on {phone_number(rng)}.",
            f"I paid with card {rng.choice(TEST_CARDS)}.",
            f"My name is {person(rng)}, {email_address(rng)}, {phone_number(rng)}.",
        )
    )
    return f"{text} {detail}"
