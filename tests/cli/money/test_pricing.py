"""`llmops price`: what is told of a file of usage records."""

import json

import polars as pl
import pytest

from tests.cli.worlds import invoke

RECORD = {
    "id": "r-1",
    "provider": "openai",
    "model": "gpt-4.1",
    "timestamp": "2026-11-01T12:00:00Z",
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100},
}
UNPRICED = RECORD | {"id": "r-2", "model": "unheard-of"}


def price(tmp_path, *lines, options=()):
    file = tmp_path / "usage.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines))
    return invoke("--data", tmp_path / "data", "price", file, *options)


def test_the_list_tells_buckets_and_price_rows_and_null_where_no_price_is_known(tmp_path):
    said = price(tmp_path, json.dumps(RECORD), json.dumps(UNPRICED), options=["--json"])
    priced, unpriced = json.loads(said.stdout)
    assert said.returncode == 0
    assert (priced["id"], priced["cost_usd"], priced["reason"]) == ("r-1", 0.0028, None)
    assert priced["buckets"]["uncached_input"] == 1000
    assert sum(row["usd"] for row in priced["price_rows"]) == 0.0028
    assert {row["bucket"] for row in priced["price_rows"]} == {"uncached_input", "output_text"}
    assert (unpriced["cost_usd"], unpriced["price_rows"]) == (None, [])
    assert "prices.yaml" in unpriced["reason"]
    assert "$0.0028 in all; 1 record(s) without a price" in said.stderr


def test_the_arithmetic_is_shown_line_by_line(tmp_path):
    said = price(tmp_path, json.dumps(RECORD), "", "nonsense")
    assert (
        "r-1: $0.0028 = 1,000 uncached_input at $2.00/M + 100 output_text at $8.00/M" in said.stdout
    )
    assert "line 3: unpriced: line: is no JSON" in said.stdout


def test_own_prices_and_another_day_are_taken(tmp_path):
    reference = tmp_path / "data" / "reference"
    reference.mkdir(parents=True)
    (reference / "prices.yaml").write_text(
        "overrides:\n  - provider: openai\n    model: gpt-4.1\n    valid_to: 2025-06-01\n"
        "    prices: {uncached_input: 1, output_text: 1}\n    why: until June\n"
    )
    said = price(tmp_path, json.dumps(RECORD), options=["--at", "2025-05-01", "--json"])
    assert json.loads(said.stdout)[0]["cost_usd"] == 0.0011
    assert (
        json.loads(price(tmp_path, json.dumps(RECORD), options=["--json"]).stdout)[0]["cost_usd"]
        == 0.0028
    )


def test_arrays_objects_and_tables_are_records_too(tmp_path):
    table = pl.DataFrame([RECORD | {"usage": json.dumps(RECORD["usage"])}])
    table.write_csv(tmp_path / "u.csv")
    table.write_parquet(tmp_path / "u.parquet")
    (tmp_path / "one.json").write_text(json.dumps(RECORD, indent=2))
    (tmp_path / "many.json").write_text(json.dumps([RECORD, UNPRICED], indent=2))
    costs = {}
    for name in ("u.csv", "u.parquet", "one.json", "many.json"):
        said = invoke("--data", tmp_path / "data", "price", tmp_path / name, "--json")
        costs[name] = [(each["line"], each["cost_usd"]) for each in json.loads(said.stdout)]
    assert costs == {
        "u.csv": [(1, 0.0028)],
        "u.parquet": [(1, 0.0028)],
        "one.json": [(1, 0.0028)],
        "many.json": [(1, 0.0028), (2, None)],
    }


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (json.dumps([RECORD] * 3)[:-20].encode(), "begins like a JSON array and is none"),
        (b"PK\x03\x04zip", "is a zip archive"),
    ],
)
def test_what_holds_no_records_is_refused_as_a_whole(tmp_path, content, reason):
    (tmp_path / "x.json").write_bytes(content)
    said = invoke("--data", tmp_path / "data", "price", tmp_path / "x.json", "--json")
    assert (said.returncode, said.stdout) == (2, "")
    assert reason in said.stderr


def test_searches_are_priced_and_other_tools_told_beside_the_sum(tmp_path):
    usage = {
        "input_tokens": 1_000, "output_tokens": 100, "cache_read_input_tokens": 0,
        "server_tool_use": {"web_search_requests": 2, "code_execution_requests": 1},
    }  # fmt: skip
    record = RECORD | {"provider": "anthropic", "model": "claude-sonnet-4-5", "usage": usage}
    said = price(tmp_path, json.dumps(record)).stdout
    assert "$0.0245 = " in said
    assert " + 2 web_searches at $0.01  [" in said
    assert "; not in it: 1 code_execution_requests (server_tool_use)" in said
    (told,) = json.loads(price(tmp_path, json.dumps(record), options=["--json"]).stdout)
    assert (told["cost_usd"], told["web_searches"]) == (0.0245, 2)
    assert "web_searches" not in told["buckets"], "buckets are of tokens"


def test_an_unpriced_record_is_found_by_its_line(tmp_path):
    said = price(tmp_path, json.dumps(RECORD), json.dumps(RECORD | {"usage": None}))
    assert "r-1 (line 2): unpriced: usage: is missing" in said.stdout


def test_counts_may_be_columns_of_a_table(tmp_path):
    table = "id,provider,model,timestamp,input_tokens,output_tokens\n"
    row = "a,openai,gpt-4.1,2026-11-01,1000,100\n"
    (tmp_path / "usage.csv").write_text(table + row)
    said = invoke("--data", tmp_path / "data", "price", tmp_path / "usage.csv")
    assert "a: $0.0028 = 1,000 uncached_input at $2.00/M + 100 output_text" in said.stdout


def test_where_nothing_has_a_price_no_sum_is_told(tmp_path):
    said = price(tmp_path, json.dumps(RECORD | {"usage": None}))
    assert "nothing is priced; 1 record(s) without a price" in said.stdout
    assert "$0.00" not in said.stdout
    assert "no record in it; a usage record has id, provider" in price(tmp_path).stderr


OWN = """
overrides:
  - {provider: mistral, model: m, currency: EUR, rate: {usd: 1.25, day: 2026-11-02, source: ECB},
     prices: {uncached_input: 1.8, output_text: 4, request: 2}, why: C-7}
discounts:
  - {provider: openai, percent: 15, why: annex 2}
  - {provider: openai, percent: 30, teams: [search], why: credit}
  - {provider: mistral, model: m, percent: 50, why: trial}
"""


def test_discounts_and_conversions_are_part_of_the_arithmetic(tmp_path):
    reference = tmp_path / "data" / "reference"
    reference.mkdir(parents=True)
    (reference / "prices.yaml").write_text(OWN)
    records = [RECORD, RECORD | {"team": "search"}, RECORD | {"provider": "mistral", "model": "m"}]
    lines = [json.dumps(record) for record in records]
    shown = price(tmp_path, *lines).stdout.splitlines()
    assert "1,000 uncached_input at $1.70/M [$2.00 - 15%]" in shown[0]
    assert "15% off (prices.yaml discounts.0: annex 2)" in shown[0]
    assert shown[1].startswith("r-1: $0.00196 = 1,000 uncached_input at $1.40/M [$2.00 - 30%]")
    assert "at $1.125/M [1.80 EUR x 1.25 - 50%]" in shown[2]
    assert "1 request at $0.00125 [0.002 EUR x 1.25 - 50%]" in shown[2]
    assert "(EUR at 1.25 USD, ECB, 2026-11-02), 50% off" in shown[2]
    told = json.loads(price(tmp_path, *lines, options=["--json"]).stdout)[2]["price_rows"]
    for row in told:
        made = row["list_price"] * row["usd_rate"] * (1 - row["discount"])
        assert abs(row["usd_per_mtok"] - made) < 1e-9
        assert row["currency"] == "EUR"


def test_prices_that_clash_are_refused_with_line_and_remedy(tmp_path):
    reference = tmp_path / "data" / "reference"
    reference.mkdir(parents=True)
    again = "  - {provider: openai, percent: 10, why: w}\n"
    (reference / "prices.yaml").write_text(OWN + again)
    said = price(tmp_path, json.dumps(RECORD))
    assert said.returncode == 2
    assert "discounts.0 and discounts.3 both take per cent off openai/" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_file_without_records_is_an_empty_list_and_a_missing_one_an_error(tmp_path):
    assert json.loads(price(tmp_path, options=["--json"]).stdout) == []
    said = invoke("--data", tmp_path / "data", "price", tmp_path / "usages.jsonl")
    assert said.returncode == 2
    assert "there is no such file; did you mean" in said.stderr
