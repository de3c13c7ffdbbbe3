"""`llmops compress`: a file of samples replayed with shorter prompts."""

import json

import polars as pl
import pytest

from tests.cli.worlds import invoke

PARCELS = "Parcels to Peru travel for twelve days."
OTHERS = ("Returns are free within thirty days.", "The gold plan includes lounge access.")


def lines(count):
    for n in range(count):
        yield {
            "id": f"s{n}",
            "user_input": f"How long do parcels to Peru travel, case {n}?",
            "retrieved_contexts": [
                OTHERS[n % 2],
                f"{PARCELS} Case {n} is open.",
                OTHERS[1 - n % 2],
            ],
            "response": "Parcels to Peru travel for twelve days.",
        }


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("compress") / "samples.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines(80)) + "no json\n")
    return path


def test_a_file_becomes_a_recommendation_with_money_and_a_chart(file):
    chart = file.with_name("tradeoff.svg")
    said = invoke(
        "--data", file.parent, "compress", file, "--json", "--model", "gpt-4.1",
        "--calls-per-day", 1000, "--chart-out", chart,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert (told["samples"], len(told["rejected"]), told["scored_by"]) == (80, 1, "support")
    named = {one["technique"]: one for one in told["techniques"]}
    assert set(named) == {
        "contexts_by_rank", "contexts_by_likeness", "extractive", "unused_contexts",
    }  # fmt: skip
    best = named["contexts_by_likeness"]["recommended"]
    assert (best["setting"], best["loss"], best["unpriced"]) == (1.0, 0.0, 0)
    assert best["loss_at_most"] < 0.05
    assert best["saved"] == pytest.approx(best["tokens_saved"] * 2e-6)
    assert best["saved_a_year_low"] < best["saved_a_year"] == pytest.approx(best["saved"] * 365_000)
    # The second of the three contexts is the one that is needed.
    assert named["contexts_by_rank"]["recommended"]["setting"] == 2.0
    assert named["unused_contexts"]["state"] == "bound"
    assert "tokens saved" in chart.read_text()


def test_people_are_told_the_same_and_that_money_is_unknown(file):
    said = invoke("--data", file.parent, "compress", file, environment={"COLUMNS": "160"})
    assert said.returncode == 0, said.stderr
    assert "80 samples, 1 line(s) left out" in said.stdout
    assert "no answer is written anew" in said.stdout
    assert "contexts by likeness: keep 1, which saves " in said.stdout
    assert "money is unknown: there is no model; give --model" in said.stdout


def test_a_mistyped_model_is_told_with_names_like_it(file):
    said = invoke("--data", file.parent, "compress", file, "--model", "gpt-4.1-minii")
    assert "money is unknown: gpt-4.1-minii has no price (did you mean gpt-4.1-mini" in said.stdout


def test_a_year_without_the_traffic_is_told_to_be_unknown(file):
    said = invoke("--data", file.parent, "compress", file, "--model", "gpt-4.1")
    assert "a year's saving is unknown without the traffic; give --calls-per-day" in said.stdout


def test_a_setting_that_nothing_tries_is_refused(file):
    said = invoke("--data", file.parent, "compress", file, "--keep", "extractive=0.8")
    assert said.returncode == 2
    assert "add --anew N" in said.stderr


def test_an_array_and_a_table_of_samples_are_read(tmp_path):
    few = list(lines(8))
    (tmp_path / "few.json").write_text(json.dumps(few, indent=1))
    pl.DataFrame(few).write_parquet(tmp_path / "few.parquet")
    for name in ("few.json", "few.parquet"):
        said = invoke("--data", tmp_path, "compress", tmp_path / name)
        assert said.returncode == 3, said.stderr
        assert "8 samples" in said.stdout


def test_what_cannot_be_proven_is_not_recommended(file, tmp_path):
    few = tmp_path / "few.jsonl"
    few.write_text("".join(f"{json.dumps(line)}\n" for line in lines(8)))
    said = invoke("--data", tmp_path, "compress", few)
    assert said.returncode == 3, said.stderr
    assert "cannot tell: 8 scored answers bound the loss" in said.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"user_input": "a", "response": "b"}\n', "has both retrieved_contexts and a response"),
        (
            '{"question": "a", "contexts": ["c"], "answer": "b"}\n',
            "rename 'question' to user_input, 'contexts' to retrieved_contexts, 'answer' to resp",
        ),
        ("[1]\n", "line 1 is a number"),
        ("", "none of 0 line(s)"),
        ("PAR1", "is no whole Parquet file"),
    ],
)
def test_a_file_without_anything_to_cut_is_told_plainly(tmp_path, content, message):
    (tmp_path / "x.jsonl").write_text(content)
    said = invoke("--data", tmp_path, "compress", tmp_path / "x.jsonl")
    assert said.returncode == 2
    assert message in said.stderr
    assert "Traceback" not in said.stderr


def test_llmlingua_without_its_model_says_what_is_missing(file):
    said = invoke("--data", file.parent, "compress", file, "--llmlingua", "nowhere")
    assert said.returncode == 2
    assert "--llmlingua nowhere: " in said.stderr
