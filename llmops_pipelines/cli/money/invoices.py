"""Invoices that a month is held against, as people give them."""

from __future__ import annotations

import csv
from decimal import Decimal, InvalidOperation
from pathlib import Path

from llmops_pipelines.billing.lines import amount_in
from llmops_pipelines.cli.problems import UnusableError, of_file_system


def read_invoices(amount: str | None, path: Path | None) -> dict[str | None, Decimal]:
    """US dollars by provider; under None what is one invoice for everything; none without either.

    Args:
        amount: What ``--invoice`` says.
        path: What ``--invoice-file`` names.

    Raises:
        UnusableError: Naming file, line and what is expected there.
    """
    if amount is not None:
        return {None: _amount(amount, "--invoice")}
    if path is None:
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"provider", "amount"} - set(reader.fieldnames or ())
            if missing:
                raise UnusableError(
                    f"{path}:1: has no column {', '.join(sorted(missing))}; the "
                    "first line is `provider,amount`, the amounts are US dollars"
                )
            found: dict[str | None, Decimal] = {}
            for row in reader:
                place = f"{path}:{reader.line_num}"
                provider = (row["provider"] or "").strip().lower()
                if not provider:
                    raise UnusableError(f"{place}: names no provider")
                currency = (row.get("currency") or "USD").strip()
                if currency.upper() != "USD":
                    raise UnusableError(f"{place}: is in {currency}; give it in US dollars")
                billed = _amount(row["amount"] or "", place)
                # Several invoices of one provider count together.
                found[provider] = found.get(provider, Decimal(0)) + billed
    except OSError as error:
        raise of_file_system(error, remedy="name a CSV of invoices") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnusableError(f"{path}: is no CSV in UTF-8: {error}") from error
    if not found:
        raise UnusableError(f"{path}: holds no invoice")
    return found


def _amount(text: str, place: str) -> Decimal:
    try:
        amount = amount_in(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > 10**12 or amount != round(amount, 12):
        raise UnusableError(
            f"{place}: {text!r} is no amount of US dollars such as 1234.56, of at most 12 decimals"
        )
    return amount
