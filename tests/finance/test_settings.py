from pathlib import Path

import pytest

from llmops_pipelines.finance import Finance
from llmops_pipelines.reference import ReferenceFileError
from tests.finance.worlds import settings

SHIPPED = Path(__file__).parents[2] / "data" / "reference" / "finance.yaml"
FEE = "fees:\n- {name: gpu, usd_per_month: 1, why: x, "


def test_an_empty_file_and_the_shipped_one_are_dollars_in_utc():
    assert settings() == settings(SHIPPED.read_text(encoding="utf-8")) == Finance()


def test_what_the_shipped_file_shows_in_its_comments_can_be_used():
    shown = SHIPPED.read_text(encoding="utf-8").splitlines()
    entries = [line.removeprefix("#   ") for line in shown if line.startswith("#   - {")]
    keys = ["exchange_rates", "ownership", "fees", "credits", "shared_costs"]
    assert len(entries) == len(keys)
    read = settings("\n".join(f"{key}:\n{entry}" for key, entry in zip(keys, entries, strict=True)))
    assert [len(getattr(read, key)) for key in keys] == [1] * len(keys)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("report_timezone: Berlin", "1: report_timezone: is no IANA time zone, such as "),
        ("report_currency: euro", "1: report_currency: string should match pattern"),
        ("report_currency: EUR", "report_currency is EUR, but exchange_rates has none of it"),
        (
            "exchange_rates:\n"
            + 2 * "- {date: 2026-10-01, currency: EUR, per_usd: 0.9, source: x}\n",
            "exchange_rates: twice EUR of 2026-10-01",
        ),
        (
            "exchange_rates:\n- {date: 2026-10-01, currency: EUR, per_usd: 0, source: x}",
            "per_usd: input should be greater than 0; found 0",
        ),
        (
            "ownership:\n- {feature: a, team: b, valid_from: 2026-10-01, valid_to: 2026-10-01}",
            "valid_to 2026-10-01 is not after valid_from 2026-10-01",
        ),
        (FEE + "by: mood}", "2: fees.0.by: input should be 'spend', "),
        (FEE + "by: shares}", "shares add up to 0; make them add up to 1"),
        (FEE + "by: shares, shares: {a: 0.3, b: 0.6}}", "shares add up to 0.9"),
        (FEE + "by: calls, shares: {a: 1}}", "shares are for `by: shares`, this is by calls"),
        (
            FEE + "by: calls}\ncredits:\n- {name: gpu, usd_per_month: 1, why: x, by: calls}",
            "gpu is the name of several fees",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_remedy(text, says):
    with pytest.raises(ReferenceFileError, match="finance") as raised:
        settings(text)
    assert says in str(raised.value)
