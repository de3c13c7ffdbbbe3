"""Invoices as scanned text, and the JSON that extraction answers, sound or broken."""

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random

from llmops_pipelines.sample_company.exchange import Exchange, Json, Manner, prompted

SCHEMA: dict[str, Json] = {
    "type": "object",
    "required": ["vendor", "invoice_number", "total", "currency", "due_date"],
    "properties": {
        "vendor": {"type": "string"},
        "invoice_number": {"type": "string"},
        "total": {"type": "number"},
        "currency": {"type": "string", "minLength": 3, "maxLength": 3},
        "due_date": {"type": "string"},
    },
}
"""The schema `data/reference/features.yaml` asks of this feature."""

RESPONSE_FORMAT: dict[str, Json] = {
    "type": "json_schema",
    "json_schema": {"name": "invoice", "schema": SCHEMA},
}

BREAKS = ("truncated", "missing_field", "wrong_type", "truncated", "missing_field", "fenced")
"""Ways in which JSON breaks, drawn with equal weight."""

_VENDORS = (
    "Timberline Mills", "Norrland Textiles", "Corvin Leather Works", "Calder Appliances",
    "Seabright Ferries", "Marlow and Sons", "Leiria Fabrics", "Jutland Sawmills",
    "Kalkin Chemicals", "Oakfield Cartons", "Hollow Anchor Supply", "Brightwell Motors",
    "Tannery Lane Garage",
)  # fmt: skip
_SUFFIXES = ("Ltd", "GmbH", "AB", "Lda", "BV", "ApS")
_ARTICLES = (
    "beech boards", "steel clips", "cotton covers", "pocket springs", "hinges", "cartons",
    "charcoal filters", "drum bearings", "ferry freight", "van inspection", "glass shelves",
)  # fmt: skip
_LAYOUTS = (
    "{vendor}\nINVOICE {number}\nDate: {issued}\n\n{lines}\n\nTotal due: {total} {currency}\n"
    "Payable until {due}",
    "Invoice no. {number}                  {vendor}\nissued {issued}\n{lines}\n"
    "Amount payable ({currency}): {total}\nDue date: {due}\nThank you for your business.",
    "{vendor} / accounts receivable\nRef {number}, {issued}\n----\n{lines}\n----\n"
    "GRAND TOTAL {currency} {total}\nPlease remit by {due}.",
    "TAX INVOICE\nSupplier: {vendor}\nDocument: {number}\nDate of issue: {issued}\n{lines}\n"
    "Net + VAT = {total} {currency}. Payment due {due}.",
)
_SYSTEM = (
    "Extract the invoice fields as JSON that meets the schema. Dates as YYYY-MM-DD, the total as a "
    "number, the currency as its three-letter code."
)


def extraction(rng: Random, day: date, manner: Manner) -> Exchange:
    """One scanned invoice and the fields the model read from it."""
    issued = day - timedelta(days=rng.randrange(1, 30))
    due = issued + timedelta(days=rng.choice((14, 21, 30, 45)))
    lines, total = _lines(rng)
    fields: dict[str, Json] = {
        "vendor": f"{rng.choice(_VENDORS)} {rng.choice(_SUFFIXES)}",
        "invoice_number": f"{rng.choice(('INV', 'RE', 'F', 'SI'))}-{rng.randrange(10**5, 10**6)}",
        "total": total,
        "currency": rng.choice(("EUR", "EUR", "EUR", "DKK", "GBP", "SEK")),
        "due_date": due.isoformat(),
    }
    text = rng.choice(_LAYOUTS).format(
        vendor=fields["vendor"], number=fields["invoice_number"], issued=f"{issued:%d %b %Y}",
        due=f"{due:%d %b %Y}", lines=lines, total=f"{total:,.2f}", currency=fields["currency"],
    )  # fmt: skip
    answer, finish_reason = json.dumps(fields), "stop"
    if manner == "broken":
        answer, finish_reason = _broken(rng, fields)
    return Exchange(
        prompted(_SYSTEM, text),
        answer,
        response_format=RESPONSE_FORMAT,
        finish_reason=finish_reason,
    )


def _lines(rng: Random) -> tuple[str, float]:
    rows, cents = [], 0
    for article in rng.sample(_ARTICLES, rng.randrange(1, 5)):
        count, price = rng.randrange(1, 60), rng.randrange(150, 24_000)
        cents += count * price
        rows.append(f"{count:>3} x {article:<18} {price / 100:>8.2f} {count * price / 100:>11.2f}")
    return "\n".join(rows), cents / 100


def _broken(rng: Random, fields: dict[str, Json]) -> tuple[str, str]:
    text = json.dumps(fields)
    match rng.choice(BREAKS):
        case "truncated":
            return text[: rng.randrange(len(text) // 3, len(text) - 4)], "length"
        case "missing_field":
            dropped = rng.choice(list(fields))
            return json.dumps({k: v for k, v in fields.items() if k != dropped}), "stop"
        case "wrong_type":
            return json.dumps(fields | {"total": f"{fields['total']} {fields['currency']}"}), "stop"
        case _:
            return f"Here is the invoice you asked for:\n```json\n{text}\n```", "stop"
