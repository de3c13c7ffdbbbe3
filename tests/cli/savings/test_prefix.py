"""``llmops prefix`` on files of prompts."""

import json
from datetime import timedelta

import pytest

from tests.cli.worlds import data_folder, invoke
from tests.savings.prompts import GUIDE, START


def record(number, system=GUIDE, **fields):
    return {
        "id": f"r{number}",
        "timestamp": f"{(START + timedelta(minutes=number)).isoformat()}Z",
        "provider": "openai",
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": f"Question {number} of nobody@example.org"},
        ],
        "usage": {"prompt_tokens": 2_000, "completion_tokens": 20},
    } | fields


CLAUDE = {
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "usage": {"input_tokens": 2_000, "output_tokens": 20},
}


@pytest.fixture
def told(tmp_path):
    """Write records, replay them, and return what came of it."""
    folder = data_folder(tmp_path, {})

    def run(*records, args=()):
        file = tmp_path / "prompts.jsonl"
        file.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
        return invoke("--data", str(folder), "prefix", str(file), *args)

    return run


def test_a_static_prompt_could_have_been_read(told):
    found = told(*(record(n) for n in range(150)))
    assert found.returncode == 0
    assert "unattributed, gpt-4o: 150 calls, 300,000 prompt tokens" in found.stdout
    assert "missed: Could have been read" in found.stdout
    assert "reading what could be read saves $0.3" in found.stdout
    assert "worth it: its 95 % interval lies above 0: $0.3" in found.stdout


def test_what_an_hour_could_have_saved_is_not_recommended_where_writing_costs_more(told):
    found = told(*(record(n, **CLAUDE) for n in range(30)))
    assert found.returncode == 3
    assert "in all at best, by 30 calls of one hour: no interval can be given" in found.stdout


def test_an_hour_tells_nothing_of_a_year_unless_the_traffic_is_given(told):
    records = [record(n) for n in range(30)]
    assert "a year's saving is unknown: this is less than a day" in told(*records).stdout
    given = told(*records, args=["--calls-per-day", "30", "--json"])
    row = next(row for row in json.loads(given.stdout)["prompts"] if row["feature"] != "*")
    assert row["saved_a_year"] == pytest.approx(row["saved"] * 365)


def test_a_clock_in_the_prompt_is_named(told):
    found = told(*(record(n, f"It is 09:{n:02}:17 now.\n{GUIDE}") for n in range(30)))
    assert "prompts differ from token" in found.stdout
    assert "by a time after 'system\\nIt is '; move it behind" in found.stdout


def test_breakpoints_are_advised_where_nothing_is_cached(told):
    found = told(*(record(n, **CLAUDE) for n in range(150)))
    assert "set a breakpoint after the system text, kept 5 minutes" in found.stdout


def test_a_machine_reads_one_object(told, tmp_path):
    chart = tmp_path / "chart.svg"
    records = [record(n, feature="chat", prompt_version="2") for n in range(12)]
    found = told(*records, record(12, provider="acme"), args=["--json", "--chart-out", str(chart)])
    rows = {row["feature"]: row for row in json.loads(found.stdout)["prompts"]}
    assert rows.keys() == {"*", "chat", "unattributed"}
    assert rows["chat"]["missed"] == rows["chat"]["could_read"] > 0
    assert rows["chat"]["saved"] == pytest.approx(1.25e-6 * rows["chat"]["missed"])
    assert (rows["unattributed"]["state"], rows["unattributed"]["saved"]) == ("unknown_rule", None)
    assert chart.read_text().startswith("<?xml")


def test_a_log_in_a_known_format_is_read_with_its_texts_unredacted(told):
    # Redacted, all of these people would pass for one.
    logged = [
        {
            "timestamp": f"{(START + timedelta(minutes=n)).isoformat()}Z",
            "request": {
                "model": "gpt-4o",
                "messages": [{"role": "system", "content": f"For a{n}@example.org.\n{GUIDE}"}],
            },
            "response": {
                "id": f"x{n}", "object": "chat.completion", "created": 1, "model": "gpt-4o",
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"},
                             "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 2_000, "completion_tokens": 5, "total_tokens": 2_005},
            },
        }
        for n in range(12)
    ]  # fmt: skip
    found = json.loads(told(*logged, args=["--json"]).stdout)
    assert found["exit_code"] == 3
    (row,) = [row for row in found["prompts"] if row["feature"] != "*"]
    assert (row["calls"], row["redacted"]) == (12, 0)
    assert row["order"] > 0


def test_lines_that_are_no_prompts_are_counted(told):
    found = told(record(0), "no json", json.dumps({"usage": 3}), record(1, timestamp=None))
    assert found.returncode == 3, "one prompt shares nothing"
    assert "3 line(s) left out; line 2: is no JSON" in found.stderr


def test_a_file_without_prompts_names_what_a_record_needs(told):
    found = told(json.dumps({"a": 1}))
    assert found.returncode == 2
    assert (
        "no successful model call in it; a record has messages (or prompt), model" in found.stderr
    )
    assert "Traceback" not in found.stderr


def test_a_file_that_is_not_there(tmp_path):
    found = invoke("--data", str(data_folder(tmp_path, {})), "prefix", str(tmp_path / "none.jsonl"))
    assert found.returncode == 2
    assert "there is no such file" in found.stderr


def test_the_kind_of_chart_is_asked_for_by_its_name(told, tmp_path):
    chart = tmp_path / "chart.png"
    assert told(record(0), args=["--chart-out", str(chart)]).returncode == 3
    assert chart.read_bytes().startswith(b"\x89PNG")
    refused = told(record(0), args=["--chart-out", str(tmp_path / "chart.pdf")])
    assert refused.returncode == 2
    assert "neither .svg nor" in refused.stderr


def test_the_traffic_of_a_year_can_be_told(told):
    def a_year(*args):
        found = told(*(record(n) for n in range(150)), args=("--json", *args))
        return json.loads(found.stdout)["prompts"][-1]["saved_a_year"]

    assert a_year("--calls-per-day", "3000") == pytest.approx(20 * a_year("--calls-per-day", "150"))
    assert a_year("--calls-per-day", "0") == 0


def test_an_array_of_prompts_is_read(told):
    found = told(json.dumps([record(n) for n in range(30)], indent=1))
    assert "30 calls, 60,000 prompt tokens" in found.stdout


def test_times_that_count_from_a_beginning_are_pointed_at(told):
    found = told(*(record(n, timestamp=n * 1_000) for n in range(30)))
    assert "30 time(s) lie before 2000, the first 1970-01-01 00:00:00: small" in found.stderr
    assert "1970" not in told(record(1)).stderr


def test_columns_of_counts_and_a_prompt_in_one_text_are_read(told, tmp_path):
    flat = []
    for n in range(30):
        own = record(n)
        counts, messages = own.pop("usage"), own.pop("messages")
        flat.append(own | counts | {"prompt": f"{messages[0]['content']}\nQuestion {n}"})
    assert "30 calls, 60,000 prompt tokens" in told(*flat).stdout


def request(at, *hashes, tokens=None, **fields):
    """A line of a trace whose blocks have 512 tokens; the last one is not full."""
    tokens = 512 * len(hashes) - 12 if tokens is None else tokens
    return {"timestamp": at, "input_length": tokens, "output_length": 7,
            "hash_ids": list(hashes)} | fields  # fmt: skip


def row(found):
    return json.loads(found.stdout)["prompts"][-1]


def test_a_trace_of_hashes_is_replayed_by_the_rule_of_a_model(told):
    turns = [
        request(0, 1, 2, 3, 4),
        request(60_000, 1, 2, 3, 5, 6),  # three whole blocks are kept
        request(120_000, 1, 2, 3, 5, 7),  # four are: the fifth of the one before was not full
        request(600_000, 1, 2, 3, 5),  # after eight minutes nothing is assured any more
        request(601_000, 9, 2, 3, 5),  # the same blocks behind another first one
    ]
    found = told(*turns, args=("--model", "gpt-4o", "--json"))
    told_of = row(found)
    assert (told_of["calls"], told_of["prompt_tokens"]) == (5, 512 * 22 - 60)
    assert told_of["could_read"] == told_of["missed"] == 3 * 512 + 4 * 512
    assert told_of["lapsed"] == 3 * 512
    assert told_of["new"] == 512 * 22 - 60 - 10 * 512
    # 1.25 dollars a million less for what is read.
    assert float(told_of["saved"]) == pytest.approx(3_584 * 1.25e-6)
    assert "priced as if it ended today" in found.stderr
    assert "all that could be counts as missed" in found.stderr


def test_where_breakpoints_are_set_a_conversation_reads_its_last_turn(told):
    turns = [request(at * 60_000, *range(1, 5 + at)) for at in range(30)]
    told_of = row(told(*turns, args=("--model", "claude-sonnet-4-5", "--json")))
    assert told_of["arrangement"] == "after the system text and at the end, kept 5 minutes"
    assert told_of["could_read"] == sum(512 * (at + 2) for at in range(1, 30))
    assert told_of["state"] == "worth_it"


def test_a_trace_may_name_its_models_and_count_in_seconds_and_other_blocks(told):
    lines = [
        request(1_790_000_000.5, *range(100), tokens=1_600, model="gpt-4o"),
        request(1_790_000_060.5, *range(100), tokens=1_600, model="gpt-4o"),
    ]
    found = told(*lines, args=("--block-tokens", "16", "--json"))
    assert row(found)["could_read"] == 1_600 // 128 * 128
    assert row(found)["first_day"] == "2026-09-21"
    assert "priced as if" not in found.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (request(0, 1, 2, tokens=400), "2 hashes for 400 tokens, expected 1 with 512 tokens a blo"),
        (request(None, 1), "prompts.jsonl:2: a time or a length is missing or no count; expected"),
        (request(0, 1, output_length=-1), "a time or a length is missing or no count"),
        (request(10**18, 1), "a time or a length is missing or no count"),
        (request(0, 1, hash_ids="1"), "prompts.jsonl:2: hash_ids: expected a list of whole numb"),
        (request(0, 1, hash_ids=[1.5]), "hash_ids: expected a list of whole numbers"),
        (request(10**11, 1), "within two years; sort them, or replay a shorter window"),
        ("oh", "prompts.jsonl:2: is no JSON"),
    ],
)
def test_what_is_wrong_in_a_trace_is_named(told, line, said):
    found = told(request(0, 1), line, args=("--model", "gpt-4o"))
    assert found.returncode == 2
    assert said in found.stderr


def test_a_model_is_no_option_of_a_log(told):
    found = told(record(0), args=("--model", "gpt-4o"))
    assert found.returncode == 2
    assert "its records name their models themselves: leave out --model" in found.stderr


def test_a_trace_without_a_model_asks_for_one(told):
    found = told(request(0, 1, 2))
    assert found.returncode == 2
    assert "a trace names no model; say whose cache with --model" in found.stderr


def test_prompts_years_apart_are_refused_in_words(told):
    found = told(record(0), record(1, timestamp="2020-01-01T00:00:00Z"))
    assert found.returncode == 2
    assert "within two years; sort them, or replay a shorter window" in found.stderr
