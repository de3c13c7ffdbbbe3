"""The truth's counts are those of the files."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import date, timedelta

from tests.sample_company.sample import Sample


def test_every_line_is_a_record_a_repetition_or_malformed(fortnight):
    lines = sum(map(len, fortnight.files.values()))
    assert lines == len(fortnight.records) + fortnight.repeated + sum(fortnight.malformed.values())


def test_the_truth_counts_the_calls_steps_and_feedback_of_each_day(fortnight):
    found = Counter(
        (record["timestamp"][:10], record["kind"]) for record in fortnight.records.values()
    )
    for day in fortnight.truth["days"]:
        assert [day["calls"], day["steps"], day["feedback"]] == [
            found[day["day"], kind] for kind in ("call", "step", "feedback")
        ]


def test_the_truth_counts_lines_duplicates_and_malformed_lines_per_file(fortnight):
    assert {name: len(lines) for name, lines in fortnight.files.items()} == {
        name: counts["lines"] for name, counts in fortnight.truth["files"].items()
    }
    assert fortnight.repeated == sum(f["duplicates"] for f in fortnight.truth["files"].values())
    assert dict(fortnight.malformed) == {
        name: counts["malformed"]
        for name, counts in fortnight.truth["files"].items()
        if counts["malformed"]
    }


def test_the_days_of_the_truth_sum_up_their_folders(fortnight):
    for day in fortnight.truth["days"]:
        folder = [
            counts
            for name, counts in fortnight.truth["files"].items()
            if name.startswith(day["day"])
        ]
        assert day["lines_in_folder"] == sum(counts["lines"] for counts in folder)
        assert day["malformed_lines"] == sum(counts["malformed"] for counts in folder)
        assert day["duplicates"] == sum(counts["duplicates"] for counts in folder)


def test_calls_average_the_asked_number_apart_from_surge_and_retries(fortnight):
    surge = len(fortnight.calls(11, "sales_email"))
    outage = [call for call in fortnight.calls(6, "code_helper") if call["attempt"] > 1]
    total = len(fortnight.calls())
    assert surge % 6 == 0
    assert total - surge * 5 // 6 - len(outage) <= 14 * 1500 <= total - surge * 5 // 6
    assert 21_000 < total < 22_000


def test_weekends_are_quiet_and_nights_too(fortnight):
    by_day = Counter(call["timestamp"][:10] for call in fortnight.calls())
    first = date.fromisoformat(fortnight.day(1))
    ordinary = [n for n in range(1, 15) if n not in (6, 11)]
    weekday, weekend = (
        [
            by_day[fortnight.day(number)]
            for number in ordinary
            if ((first + timedelta(days=number - 1)).weekday() >= 5) == is_weekend
        ]
        for is_weekend in (False, True)
    )
    assert max(weekday) - min(weekday) <= 1
    assert abs(weekend[0] / weekday[0] - 0.45) < 0.01
    hours = Counter(int(call["timestamp"][11:13]) for call in fortnight.calls())
    assert 10 * sum(hours[h] for h in range(5)) < sum(hours[h] for h in range(9, 14))


def test_features_have_their_shares_of_the_calls(fortnight):
    calls = Counter(call["feature"] for call in fortnight.calls(1))
    total = sum(calls.values())
    shares = {name: round(100 * count / total) for name, count in calls.items()}
    assert shares == {
        "support_assistant": 30, "ticket_triage": 22, "invoice_extraction": 18,
        "call_summary": 12, "code_helper": 10, "sales_email": 8,
    }  # fmt: skip


def test_a_handful_of_files_a_day_in_three_packings(fortnight):
    per_day = Counter(name.split("/")[0] for name in fortnight.files)
    assert set(per_day.values()) == {6, 7}
    endings = Counter(name.rsplit(".jsonl", 1)[1] for name in fortnight.files)
    assert set(endings) == {"", ".gz", ".zst"}


def test_packed_files_carry_no_clock(fortnight):
    for name in fortnight.files:
        if name.endswith(".gz"):
            head = (fortnight.logs / name).read_bytes()[:10]
            assert head[4:8] == bytes(4)
            assert head[3] == 0


def test_about_one_line_in_two_hundred_is_sent_twice(fortnight):
    total = sum(map(len, fortnight.files.values()))
    assert 0.004 < fortnight.repeated / total < 0.006


def test_repetitions_cross_files_and_days(fortnight):
    homes: dict[str, set[str]] = {}
    repeated = Counter()
    for name, lines in fortnight.files.items():
        for line in lines:
            homes.setdefault(line.decode(errors="replace"), set()).add(name)
            repeated[line] += 1
    twice = [
        homes[line.decode()] for line, n in repeated.items() if n == 2 and line[:7] == b'{"kind"'
    ]
    assert sum(len(files) == 2 for files in twice) > 100
    assert sum(len({name.split("/")[0] for name in files}) == 2 for files in twice) > 30


def test_spend_of_the_truth_is_what_the_tokens_cost(fortnight):
    mini = {"in": 0.4, "cached": 0.1, "out": 1.6}
    spent = 0.0
    for call in fortnight.calls(1, "invoice_extraction"):
        if call["error"] is None:
            usage = call["response"]["usage"]
            cached = usage["prompt_tokens_details"]["cached_tokens"]
            spent += (
                (usage["prompt_tokens"] - cached) * mini["in"]
                + cached * mini["cached"]
                + usage["completion_tokens"] * mini["out"]
            ) / 1e6
    told = fortnight.truth["days"][0]["features"]["invoice_extraction"]["spend_usd"]
    assert abs(told - spent) < 1e-5


def test_a_sample_can_be_read_from_its_gz_parts_alone(fortnight: Sample):
    name = next(n for n in fortnight.files if n.endswith(".gz"))
    assert gzip.decompress((fortnight.logs / name).read_bytes()).count(b"\n") == len(
        fortnight.files[name]
    )
