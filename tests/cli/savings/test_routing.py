"""`llmops routing`: a file of paired outcomes replayed."""

import csv
import json

import pytest

from llmops_pipelines.savings import RoutingPolicy
from tests.cli.worlds import invoke

EASY = ("Which city is the capital of Peru?", "Who wrote Hamlet?", "What colour is the sky?")
HARD = (
    "Prove that the sum of the first n odd numbers is n^2, step by step, and explain why.",
    "Derive how the half-life of a product of two decays follows from both of theirs.",
)


def rows(count=240, *, lost=0.5):
    """Questions of 12 sources; the small model fails a share of the hard third."""
    for n in range(count):
        hard = n % 3 == 0
        yield {
            "id": f"q{n}",
            "text": f"{HARD[n % 2] if hard else EASY[n % 3]} ({n:03})",
            "group": f"source {n // 20}",
            "score_weak": float(not hard or n % 100 >= 100 * lost),
            "score_strong": 1.0,
            "cost_weak": 0.0002,
            "cost_strong": 0.004,
        }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routing")
    lines = list(rows())
    (folder / "pairs.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    with (folder / "pairs.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, lines[0])
        table.writeheader()
        table.writerows(lines)
    return folder


def test_a_file_becomes_a_recommendation_a_policy_and_a_chart(folder):
    said = invoke(
        "routing", folder / "pairs.jsonl", "--json", "--calls-per-day", 1000,
        "--policy-out", folder / "policy.json", "--chart-out", folder / "frontier.svg",
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    point = told["recommended"]
    assert (told["questions"], told["groups"], told["state"]) == (240, 12, "recommended")
    assert told["intervals_speak_of"] == "sources not seen"
    assert point["loss_at_most"] <= 0.05
    # Two thirds are easy: left to the small model, they save 0.0038 each.
    assert point["strong_share"] == pytest.approx(1 / 3, abs=0.02)
    year = point["saved_a_year"]
    assert year["estimate"] == pytest.approx(0.0038 * 2 / 3 * 365_000, rel=0.03)
    assert year["low"] <= year["estimate"] <= year["high"]
    assert [one["router"] for one in told["routers"]] == [
        "classifier",
        "length",
        "random",
        "oracle",
    ]
    assert len(told["frontier"]) == 101
    policy = RoutingPolicy.from_json((folder / "policy.json").read_text())
    assert json.loads(policy.to_json()) == told["policy"]
    assert "recommended: " in (folder / "frontier.svg").read_text()


def test_csv_tells_the_same_in_words(folder):
    said = invoke("routing", folder / "pairs.csv", environment={"COLUMNS": "200"})
    assert said.returncode == 0, said.stderr
    assert "240 questions of 12 groups; mean score 0.8083 by the small model, 1 " in said.stdout
    assert "give --calls-per-day" in said.stdout
    assert "the policy in words" in said.stdout


def test_no_figure_is_cut_however_narrow_the_terminal(folder):
    lines = [row | {"score_weak": 1.0} for row in rows()]
    (folder / "equal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    for file, least in (("pairs.csv", "0.500 (0.500 to 0.500)"), ("equal.jsonl", "no gap")):
        said = invoke("routing", folder / file, environment={"COLUMNS": "80"})
        assert said.returncode == 0, said.stderr
        assert "\N{HORIZONTAL ELLIPSIS}" not in said.stdout
        assert least in said.stdout


def test_what_cannot_be_proven_is_not_recommended(folder):
    few = list(rows(40, lost=1.0))
    (folder / "few.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in few))
    said = invoke("routing", folder / "few.jsonl", "--policy-out", folder / "none.json")
    assert said.returncode == 3, said.stderr
    assert "cannot tell: " in said.stdout
    assert not (folder / "none.json").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", "", "no rows in it"),
        ("x.zip", "PK\x03\x04", "x.zip:1: file: is a zip archive"),
        ("x.json", '[{"text": "a"}', "begins like a JSON array and is none"),
        (
            "z.jsonl",
            '{"text": ["a"], "score_weak": [1], "score_strong": 1}',
            "no number, the first is '[1]'",
        ),
        ("x.jsonl", '{"text": "a"}\n', "no column score_weak, score_strong"),
        ("y.jsonl", '{"text": "a"', "y.jsonl:1: is no JSON"),
        ("x.csv", "text,score_weak,score_strong\na,good,1\n", "'good'"),
        ("y.csv", "", "no rows in it"),
        ("z.csv", "text,score_weak,score_strong\na,1,1\n", "at least 30 questions"),
    ],
)
def test_a_file_that_is_no_paired_outcomes_is_told_plainly(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    said = invoke("routing", tmp_path / name)
    assert said.returncode == 2
    assert message in said.stderr
    assert "Traceback" not in said.stderr


def test_a_missing_file_is_named(tmp_path):
    said = invoke("routing", tmp_path / "none.parquet")
    assert said.returncode == 2
    assert "none.parquet: there is no such file" in said.stderr


@pytest.mark.parametrize(
    "prompt",
    [
        lambda text: {"messages": [{"role": "system", "content": "Hi"},
                                   {"role": "user", "content": text}]},
        lambda text: {"prompt": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
        lambda text: {"prompt": [text]},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "results",
    [
        lambda weak, strong: {"results": {"m-7b": weak, "m-70b": strong}},
        lambda weak, strong: {"responses": [{"model": "m-7b"} | weak, {"model": "m-70b"} | strong]},
    ],
)
def test_prompts_of_messages_and_results_by_model_are_read(prompt, results, tmp_path):
    lines = [
        prompt(row["text"])
        | results(
            {"score": row["score_weak"], "cost": row["cost_weak"]},
            {"score": row["score_strong"], "cost": row["cost_strong"]},
        )
        for row in rows(40)
    ]
    (tmp_path / "pairs.json").write_text(json.dumps(lines))
    said = invoke(
        "routing", tmp_path / "pairs.json", "--weak", "m-7b", "--strong", "m-70b", "--json"
    )
    told = json.loads(said.stdout)
    assert (told["questions"], told["unpriced"], told["groups"]) == (40, 0, 40), said.stderr
    assert told["intervals_speak_of"] == "more questions like these"
