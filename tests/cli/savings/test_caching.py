"""`llmops cache`: a file of requests replayed."""

import json

import polars as pl
import pytest

from tests.cli.worlds import invoke

ASKED = ("How do I return a parcel?", "How can I return a parcel?", "What is the opening time?")


def lines(count=400):
    for n in range(count):
        yield {
            "id": f"r{n}",
            "timestamp": f"2026-11-{1 + n // 200:02}T{n % 200 // 10:02}:{n % 10:02}:00Z",
            "question": ASKED[n % 3],
            "answer": "At nine." if n % 3 == 2 else "By post, within 30 days.",
            "feature": "support",
            "cost": 0.002,
            "latency_ms": 800,
            "session_id": f"s{n // 2}",
        }


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cache") / "requests.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines()))
    return path


def test_a_file_becomes_a_recommendation_and_a_chart(file):
    chart = file.with_name("sweep.svg")
    said = invoke(
        "cache", file, "--json", "--chart-out", chart, "--ttl", 0, "--calls-per-day", 1000
    )
    assert said.returncode == 0, said.stderr
    (told,) = json.loads(said.stdout)["features"]
    exact, loosest = told["rungs"][0], told["rungs"][-1]
    assert (told["state"], exact["hits"], loosest["hits"]) == ("recommended", 397, 398)
    assert exact["saved"] == pytest.approx(0.794)
    assert exact["saved_a_year"] == pytest.approx(0.794 / 400 * 365_000)
    best = next(rung for rung in told["rungs"] if rung["rung"] == told["recommended"])
    assert len(told["hits"]) == best["hits"]
    assert {"id", "answered_by", "cost"} == set(told["hits"][0])
    assert "Cache of answers: support" in chart.read_text()


def test_the_traffic_that_is_given_is_that_of_the_whole_file(tmp_path):
    # Two features share it, and every other request of each failed: 50 a day each may be answered.
    rows = [line | {"feature": "ab"[n % 2]} | ({"status": "error"} if n % 4 > 1 else {})
            for n, line in enumerate(lines())]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    said = invoke("cache", tmp_path / "log.jsonl", "--json", "--ttl", 0, "--calls-per-day", 200)
    for told in json.loads(said.stdout)["features"]:
        exact = told["rungs"][0]
        assert exact["requests"] == 100
        assert exact["saved_a_year"] == pytest.approx(exact["saved"] / 2 * 365), "of two days"


def test_what_is_null_is_as_if_it_were_not_there(tmp_path):
    nothing = dict.fromkeys(("id", "status", "tenant", "model", "prompt_version", "tool_calls"))
    rows = [line | nothing if n % 2 else {name: line[name] for name in line if name != "id"}
            for n, line in enumerate(lines(200))]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    said = invoke("cache", tmp_path / "log.jsonl", "--json", "--ttl", 0)
    (told,) = json.loads(said.stdout)["features"]
    assert told["left_out"] == {}
    assert (told["rungs"][0]["requests"], told["rungs"][0]["hits"]) == (200, 197)


def test_people_are_told_the_same_and_an_embedding_that_costs_more_is_not_worth_it(file):
    wide = {"COLUMNS": "200"}
    said = invoke("cache", file, "--embedding-usd", "0.01", environment=wide)
    assert said.returncode == 0, said.stderr
    assert "support: 400 requests" in said.stdout
    assert "recommended: exact; with 95 % confidence at most 2 % of its hits" in said.stdout


def test_less_than_a_day_says_why_nothing_is_told_of_a_year(file, tmp_path):
    (tmp_path / "few.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines(190)))
    why = "a year's saving is unknown: this is less than a day of traffic; give --calls-per-day"
    assert why in invoke("cache", tmp_path / "few.jsonl").stdout
    assert why not in invoke("cache", file).stdout


def test_rows_of_a_table_are_the_same_requests(file, tmp_path):
    rows = pl.DataFrame(list(lines(400)))
    rows.write_csv(tmp_path / "requests.csv")
    rows.write_parquet(tmp_path / "requests.parquet")
    told = [
        json.loads(invoke("cache", path, "--json", "--ttl", 0).stdout)["features"]
        for path in (file, tmp_path / "requests.csv", tmp_path / "requests.parquet")
    ]
    assert told[0][0]["rungs"][0]["hits"] == 397
    assert told[1] == told[0]
    assert told[2] == told[0]


def test_what_cannot_be_proven_is_not_recommended(tmp_path):
    (tmp_path / "few.jsonl").write_text("".join(f"{json.dumps(x)}\n" for x in lines(12)))
    said = invoke("cache", tmp_path / "few.jsonl")
    assert said.returncode == 3, said.stderr
    assert "cannot tell: 10 hits at most" in said.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no records in it"),
        ("{", "x.jsonl:1: is no JSON"),
        ("[1]", "x.jsonl:1: is no JSON object"),
        ('{"question": "a"}', "x.jsonl:1: no timestamp"),
        ('\n{"timestamp": "soon", "question": "a"}', "x.jsonl:2: timestamp cannot be read"),
        ('{"timestamp": 1, "question": 5}', "question is no text"),
        ('{"timestamp": 1, "answer": []}', "answer is no text"),
        ('{"timestamp": 1, "messages": [5]}', "messages are no list"),
        ('{"timestamp": 1, "cost": "NaN"}', "cost is 'NaN'"),
        ('{"timestamp": 1, "cost": -1}', "cost is -1"),
        ('{"timestamp": 1, "latency_ms": "x"}', "latency_ms is 'x'"),
    ],
)
def test_a_file_that_is_no_requests_is_told_plainly(tmp_path, content, message):
    (tmp_path / "x.jsonl").write_text(content)
    said = invoke("cache", tmp_path / "x.jsonl")
    assert said.returncode == 2
    assert message in said.stderr
    assert "Traceback" not in said.stderr


def test_options_out_of_range_and_missing_files_are_told_plainly(tmp_path, file):
    for arguments, message in (
        ((tmp_path / "none.jsonl",), "no such file"),
        ((file, "--ttl", -1), "below 0"),
        ((file, "--max-wrong", 2), "between 0 and 1"),
        ((file, "--embedding-usd", "cheap"), "no amount"),
        ((file, "--embedding-usd", "-1"), "no amount"),
    ):
        said = invoke("cache", *arguments)
        assert said.returncode == 2
        assert message in said.stderr


def test_usual_other_names_of_question_and_answer_are_read(tmp_path):
    renamed = [
        {"prompt": line.pop("question"), "response": line.pop("answer")} | line for line in lines(9)
    ]
    (tmp_path / "log.csv").write_text(pl.DataFrame(renamed).write_csv())
    said = invoke("cache", tmp_path / "log.csv", "--json")
    (told,) = json.loads(said.stdout)["features"]
    assert (told["left_out"], told["rungs"][0]["requests"]) == ({}, 9), said.stderr


@pytest.mark.parametrize("left", ["question", "answer"])
def test_a_file_without_any_question_or_answer_is_refused(left, tmp_path):
    bare = [{name: value for name, value in line.items() if name != left} for line in lines(3)]
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in bare))
    said = invoke("cache", tmp_path / "log.jsonl")
    assert said.returncode == 2
    assert f"no record has {'messages or ' if left == 'question' else ''}{left} or " in said.stderr


def test_objects_under_other_names_than_question_and_answer_are_passed_over(tmp_path):
    logged = [line | {"output": [{"text": "x"}], "response": {"id": "r"}} for line in lines(9)]
    renamed = [{"prompt": {"id": 1}, "query": line.pop("question")} | line for line in logged]
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in renamed))
    said = invoke("cache", tmp_path / "log.jsonl", "--json")
    (told,) = json.loads(said.stdout)["features"]
    assert (told["left_out"], told["rungs"][0]["requests"]) == ({}, 9), said.stderr
