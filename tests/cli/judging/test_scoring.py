"""`llmops score`: one file in front of one judge, on loopback."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from llmops_pipelines.cli.judging.score_telling import sentences
from llmops_pipelines.judging.execution.preflight import CANNED
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import JUDGE_CALLS, JUDGE_LEDGER, JUDGE_SPECS
from tests.cli.worlds import Said, data_folder, invoke, llmops, text
from tests.judge_stub import MALFORMED, Fault, JudgeStub, slot
from tests.loopback import QuietHTTPServer

SECRET = "sk-very-secret-0123456789"


def sample(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"s-{number}",
        "user_input": "How long do refunds take?",
        "retrieved_contexts": ["Refunds take five days."],
        "response": f"Refund {number} takes five days.",
        **fields,
    }


def samples(root: Path, *records: Any, name: str = "samples.jsonl") -> Path:
    file = root / name
    file.write_bytes(text(*records))
    return file


def score(root: Path, file: Path, *options: object, judge: JudgeStub | None = None,
          rubric: str = "groundedness", **environment: str) -> Said:  # fmt: skip
    asked = {"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": "gpt-4.1-mini",
             "JUDGE_API_KEY": SECRET} if judge else {}  # fmt: skip
    return invoke("--data", root / "data", "score", file, "--rubric", rubric, *options,
                  environment=asked | environment)  # fmt: skip


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def lake(root: Path) -> Lake:
    return Lake(open_store(str(root / "data" / "lake")))


def booked(root: Path) -> tuple[float, float]:
    """Dollars that the day's cap counts as spent, and as still on their way."""
    file = root / "data" / ".dagster" / "judging" / "desk.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as desk:
        sums = [desk.execute(f"select sum(pico) from {t}").fetchone()[0] for t in ("spent", "held")]
    return sums[0] / 1e12, sums[1] / 1e12


def test_a_file_is_judged_once_and_every_line_has_a_row(tmp_path):
    out = tmp_path / "out.jsonl"
    file = samples(tmp_path, *(sample(n) for n in range(5)), b"", b"{cut", sample(1, id="again"),
                   sample(9, id=None, response=""))  # fmt: skip
    with JudgeStub(truth={"Refund 3 takes five days.": False}) as judge:
        first = score(tmp_path, file, "--out", out, "--json", judge=judge)
        told, calls = json.loads(first.stdout), judge.calls
        again = json.loads(score(tmp_path, file, "--json", judge=judge).stdout)
        assert judge.calls == calls == 5 + len(CANNED) + 2, "five samples, preflight and canaries"
    assert first.returncode == 0
    assert told["outcomes"] == {"not_applicable": 1, "rejected": 1, "scored": 6}
    assert (told["lines"], told["blank_lines"], told["calls"], told["calls_saved"]) == (9, 1, 5, 0)
    assert told["preflight"]["calls"] == len(CANNED)
    assert [(c["state"], c["calls"]) for c in told["canaries"]] == [("held", 1)] * 2
    assert 0 < told["preflight"]["cost_usd"] < told["cost_usd"]
    paid = [
        told["cost_usd"],
        *(each["cost_usd"] for each in (told["preflight"], *told["canaries"])),
    ]
    assert booked(tmp_path) == (pytest.approx(sum(paid)), 0)
    assert (again["calls"], again["calls_saved"], again["cost_usd"]) == (0, 5, 0.0)
    assert (again["outcomes"], again["preflight"]) == (told["outcomes"], None)
    written = rows(out)
    assert [row["id"] for row in written] == [
        "s-0", "s-1", "s-2", "s-3", "s-4", "line-7", "again", "line-9",
    ]  # fmt: skip
    assert set(written[0]) == {"id", "outcome", "score", "reason", "attempts", "cost_usd", "spec"}
    assert [row["score"] for row in written] == [1, 1, 1, 0, 1, None, 1, None]
    assert written[5]["reason"].startswith("is not JSON")
    assert written[7] == {"id": "line-9", "outcome": "not_applicable", "score": None,
                          "reason": "no_answer", "attempts": 0, "cost_usd": 0.0,
                          "spec": told["spec"]}  # fmt: skip


def test_two_processes_that_are_given_one_file_pay_for_it_once(tmp_path):
    file = samples(tmp_path, *(sample(n) for n in range(5)))
    with JudgeStub(latency_ms=400) as judge, ThreadPoolExecutor() as pool:
        judges = {"JUDGE_BASE_URL": judge.base_url, "JUDGE_MODEL": "gpt-4.1-mini"}
        command = ("--data", tmp_path, "score", file, "--rubric", "groundedness", "--json",
                   "--no-preflight", "--no-canary", "--concurrency", 1)  # fmt: skip
        both = [pool.submit(llmops, *command, environment=judges) for _ in range(2)]
        told = [json.loads(each.result().stdout) for each in both]
        assert judge.calls == 5
    assert sorted((one["calls"], one["calls_saved"]) for one in told) == [(0, 5), (5, 0)]


def test_what_is_sent_is_told_first_and_kept_under_its_day(tmp_path):
    with JudgeStub() as judge:
        run = score(tmp_path, samples(tmp_path, sample(1)), judge=judge)
        host = judge.base_url.removeprefix("http://").removesuffix("/v1")
    said = run.stderr.splitlines()
    assert said[0] == (f"sending question, answer, contexts of 1 samples to gpt-4.1-mini at {host}")
    assert said[1].startswith("quote: groundedness by gpt-4.1-mini: 1 to judge, 0 already paid")
    assert said[1].endswith("capped at $5.00 a run and $20.00 a day")
    assert said[2].endswith("answers by json_schema; 5 of 5 canned verdicts right")
    assert run.stdout.startswith("1 samples: 1 scored\ngroundedness 1, 95 % interval ")
    assert SECRET not in run.stdout + run.stderr
    kept = lake(tmp_path)
    assert kept.read(JUDGE_LEDGER)["metric"].to_list() == ["groundedness"]
    steps = kept.read(JUDGE_CALLS)["step"].to_list()
    assert sorted(steps) == [
        "canary/verdict", "canary/verdict", *["preflight/json_schema"] * len(CANNED), "verdict",
    ]  # fmt: skip
    assert set(kept.read(JUDGE_SPECS)["metric"]) == {"groundedness", "preflight"}


def test_faults_on_the_way_lose_nothing(tmp_path):
    faults = {2: Fault(status=429), 5: Fault(status=500), 9: MALFORMED}
    with JudgeStub(faults=faults) as judge:
        run = score(tmp_path, samples(tmp_path, *(sample(n) for n in range(12))), "--json",
                    "--no-preflight", "--no-canary", "--concurrency", 4, judge=judge)  # fmt: skip
    told = json.loads(run.stdout)
    assert (run.returncode, told["outcomes"]) == (0, {"scored": 12})
    assert (told["calls"], told["faults"], told["preflight"]) == (15, 3, None)
    assert judge.most_in_flight <= 4


def test_a_missed_canary_is_told_and_its_judge_not_trusted(tmp_path):
    taken_in = Fault(text='{"claims": [], "grounded": true, "reason": "as told"}')
    with JudgeStub(faults={0: taken_in}) as judge:
        run = score(tmp_path, samples(tmp_path, sample(1)), "--no-preflight", judge=judge)
        assert judge.calls == 3
    assert run.stdout.startswith("1 samples: 1 scored\n")
    assert "a canary of groundedness was missed: the verdict was a score of 1" in run.stdout
    assert "; canaries apart: 2 calls, $0.0" in run.stdout


@pytest.mark.parametrize(
    ("bound", "wrong", "code", "says"),
    [
        ("groundedness=0.8", 0, 0, "holds"),
        ("groundedness=0.8", 30, 3, "BROKEN"),
        ("groundedness=0.8", 8, 4, "cannot tell"),
    ],
)
def test_bounds_have_exit_codes_of_their_own(bound, wrong, code, says, tmp_path):
    records = [sample(n) for n in range(40)]
    with JudgeStub(truth={record["response"]: False for record in records[:wrong]}) as judge:
        run = score(tmp_path, samples(tmp_path, *records), "--fail-under", bound, "--no-preflight",
                    judge=judge)  # fmt: skip
    assert run.returncode == code
    assert f"--fail-under {bound}: {says}; mean " in run.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fail-under", "groundedness"], "write it as METRIC=X with X from 0 to 1"),
        (["--fail-under", "groundedness=90"], "write it as METRIC=X with X from 0 to 1"),
        (["--fail-under", "tone=0.9"], "this run measures groundedness alone"),
        (["--fail-over", "groundedness=0.9"], "is higher_is_better; say --fail-under"),
        (["--judge", "claude"], "there is no such judge; known: judge"),
        (
            ["--rubric", "groundednes"],
            "no judge is called 'groundednes'; did you mean groundedness? rubrics.yaml has",
        ),
    ],
)
def test_slips_cost_nothing(options, says, tmp_path):
    with JudgeStub() as judge:
        run = score(tmp_path, samples(tmp_path, sample(1)), *options, judge=judge)
        assert judge.calls == 0
    assert run.returncode == 2
    assert says in run.stderr


def test_an_endpoint_that_fails_its_preflight_gets_no_sample(tmp_path):
    file = samples(tmp_path, sample(1))
    with JudgeStub(faults=lambda _: Fault(status=401)) as judge:
        run = score(tmp_path, file, "--json", judge=judge)
        assert judge.calls == 1
    assert run.returncode == 2
    assert "does not accept the key (401)" in json.loads(run.stdout)["error"]


class Plain(BaseHTTPRequestHandler):
    """A judge as somebody writes it in five minutes: HTTP/1.0, one reply for all, nothing else."""

    calls = 0

    def do_POST(self) -> None:
        type(self).calls += 1
        self.rfile.read(int(self.headers["content-length"]))
        verdict = json.dumps({"claims": [], "grounded": True, "reason": "fine"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"choices": [{"message": {"content": verdict}}]}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_judge_that_its_preflight_doubts_is_asked_and_no_bound_rests_on_it(tmp_path):
    file = samples(tmp_path, *(sample(n) for n in range(40)))
    with QuietHTTPServer(("127.0.0.1", 0), Plain) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        run = score(tmp_path, file, "--fail-under", "groundedness=0.5", "--json", JUDGE_MODEL="m",
                    JUDGE_BASE_URL=f"http://127.0.0.1:{server.server_port}/v1")  # fmt: skip
        server.shutdown()
    told = json.loads(run.stdout)
    assert Plain.calls == len(CANNED) + len(told["canaries"]) + 40
    assert (run.returncode, told["outcomes"]) == (4, {"scored": 40})
    assert "always says the same tells nothing; going on all the same" in run.stderr
    assert "always says the same" in told["preflight"]["doubt"]
    assert told["bounds"][0]["why"] == f"preflight: {told['preflight']['doubt']}"


def test_an_endpoint_that_takes_no_schema_is_asked_in_words_ever_after(tmp_path):
    with JudgeStub(ignores_formats=True) as judge:
        for number in (1, 2):
            run = score(tmp_path, samples(tmp_path, sample(number)), judge=judge)
            assert "1 scored" in run.stdout
        assert judge.calls == 1 + len(CANNED) + 2 * 3, "a sample and two canaries each time"
        assert judge.requests[-1]["response_format"] == {"type": "json_object"}
    versions = lake(tmp_path).read(JUDGE_LEDGER)["library_versions"]
    assert all(json.loads(v)["response_format"] == "json_object" for v in versions)


def test_scores_may_be_weighed_by_log_probabilities(tmp_path):
    file = samples(tmp_path, sample(1))
    with JudgeStub(doubt=0.25) as judge:
        plain = json.loads(score(tmp_path, file, "--json", judge=judge).stdout)
        weighed = json.loads(score(tmp_path, file, "--json", "--logprobs", judge=judge).stdout)
    assert (plain["score"]["estimate"], weighed["score"]["estimate"]) == (1.0, 0.75)
    assert plain["spec"] != weighed["spec"]
    with JudgeStub() as judge:
        other = samples(tmp_path, sample(2))
        run = score(tmp_path, other, "--logprobs", judge=judge)
        assert judge.calls == len(CANNED)
        score(tmp_path, other, judge=judge)
        plain = judge.calls
        score(tmp_path, other, "--logprobs", judge=judge)
        score(tmp_path, samples(tmp_path, sample(3)), judge=judge)
        assert judge.calls == plain + len(CANNED) + 1 + 2, (
            "a preflight of one way is not the other's"
        )
    assert "no log probabilities" in run.stderr


def test_at_the_cap_the_rest_is_over_budget_and_a_later_run_goes_on(tmp_path):
    out = tmp_path / "out.jsonl"
    file = samples(tmp_path, *(sample(n) for n in range(30)))
    with JudgeStub() as judge:
        run = score(tmp_path, file, "--max-usd", "0.006", "--out", out, "--no-preflight",
                    "--no-canary", "--concurrency", 1, judge=judge)  # fmt: skip
        before = judge.calls
        later = score(tmp_path, file, "--no-preflight", "--no-canary", judge=judge)
        assert 0 < before < judge.calls == 30
    assert run.returncode == 0
    told = [row["outcome"] for row in rows(out)]
    assert (told.count("scored"), told.count("over_budget")) == (before, 30 - before)
    assert "over_budget, first on line" in run.stdout
    assert "the cap of $0.0060 a run is reached" in run.stdout
    assert "30 samples: 30 scored" in later.stdout


@pytest.mark.parametrize(
    ("options", "outcome"), [(("--max-usd", 0), "over_budget"), ((), "refused"), ((), "unreadable")]
)
def test_a_run_that_scored_nothing_says_so_and_does_not_look_well(tmp_path, options, outcome):
    file = samples(tmp_path, sample(1), sample(2))
    fault = MALFORMED if outcome == "unreadable" else Fault(refuse=True)
    plain = ("--no-preflight", "--no-canary", *options)
    with JudgeStub(faults=dict.fromkeys(range(9), fault)) as judge:
        run = score(tmp_path, file, *plain, judge=judge)
        bound = score(tmp_path, file, *plain, "--fail-under", "groundedness=0", judge=judge)
    assert run.returncode == 1
    assert f"2 {outcome}" in run.stdout
    assert "\nNOTHING WAS SCORED: this run says nothing about groundedness\n" in run.stdout
    assert bound.returncode == 4
    assert "0 scored, 2 without a score: too few to tell" in bound.stdout


def test_a_file_in_which_there_is_nothing_to_judge_is_no_failure(tmp_path):
    file = samples(tmp_path, sample(1, response=""))
    with JudgeStub() as judge:
        run = score(tmp_path, file, "--no-preflight", judge=judge)
    assert (run.returncode, run.stdout.splitlines()[0]) == (0, "1 samples: 1 not_applicable")


def test_what_is_too_long_for_the_judge_or_to_be_read_is_told(tmp_path):
    file = samples(
        tmp_path,
        sample(1, response="word " * 100_000),
        sample(2),
        sample(3, response="x" * 11_000_000),
    )
    with JudgeStub() as judge:
        run = score(tmp_path, file, judge=judge)
    assert run.stdout.startswith("3 samples: 1 not_applicable, 1 rejected, 1 scored\n")
    assert "not_applicable, first on line 1 (s-1): too_long: the prompt would have 50" in run.stdout
    assert "rejected: line 3 (line-3): has 11,000," in run.stdout


def test_a_dead_endpoint_is_one_reason_for_all(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    file = samples(tmp_path, *(sample(n) for n in range(5)))
    asked = {"JUDGE_BASE_URL": url, "JUDGE_MODEL": "m"}
    run = score(tmp_path, file, **asked)
    assert run.returncode == 2
    assert "check JUDGE_BASE_URL: nothing answers there" in run.stderr
    run = score(tmp_path, file, "--no-preflight", "--json", **asked)
    assert run.returncode == 1
    told = json.loads(run.stdout)
    assert told["outcomes"] == {"failed": 5}
    assert "nothing answers there" in told["without_verdict"][0]["reason"]
    said = score(tmp_path, file, "--no-preflight", **asked).stdout
    assert said.count("canaries of groundedness had no reply, which says nothing of the judge") == 1
    assert "before you trust them" not in said, "there are no verdicts"


def test_texts_of_a_feature_go_only_where_its_policy_lets_them(tmp_path):
    features = "features:\n  legal: {judging: none}\n  chat: {judging: judge}\n  ops: {}\n"
    data_folder(tmp_path / "data", {}, {"features.yaml": features})
    out = tmp_path / "out.jsonl"
    names = [None, "legal", "chat", "ops", "unlisted"]
    file = samples(tmp_path, *(sample(n, feature=name) for n, name in enumerate(names)))
    with JudgeStub() as judge:
        run = score(tmp_path, file, "--out", out, "--no-preflight", "--no-canary", judge=judge)
        sent = {slot(body["messages"][1]["content"], "answer") for body in judge.requests}
    assert sent == {f"Refund {n} takes five days." for n in (0, 2, 4)}
    assert [row["outcome"] for row in rows(out)] == [
        "scored", "over_policy", "scored", "over_policy", "scored",
    ]  # fmt: skip
    assert "features.yaml says `judging: none` for legal" in run.stdout


def test_without_an_endpoint_a_scorer_stands_in_and_no_bound_rests_on_it(tmp_path):
    file = samples(tmp_path, *(sample(n) for n in range(3)), sample(4, response="No idea at all!"))
    run = score(tmp_path, file, "--fail-under", "groundedness=0.5", JUDGE_API_KEY=SECRET)
    assert run.stderr.startswith(
        "JUDGE_BASE_URL and JUDGE_MODEL not set: no model judges groundedness; the embedded scorer "
        "support stands in"
    )
    assert run.returncode == 4
    assert "groundedness was not measured: support stood in for it" in run.stdout
    run = score(tmp_path, file, "--json", "--fail-under", "support=0.1", rubric="support")
    told = json.loads(run.stdout)
    assert (told["stands_in_for"], told["endpoint"], told["calls"]) == (None, None, 0)
    assert told["score"]["n"] + told["score"]["not_applicable"] == 4
    assert "no text leaves this machine" in run.stderr
    assert "--logprobs" not in run.stderr
    run = score(tmp_path, file, "--logprobs", rubric="support")
    assert "--logprobs weighs rubrics alone; support is none" in run.stderr


def test_a_ragas_metric_is_a_rubric_like_any_other(tmp_path):
    with JudgeStub() as judge:
        run = score(tmp_path, samples(tmp_path, sample(1)), "--json", judge=judge,
                    rubric="faithfulness")  # fmt: skip
    told = json.loads(run.stdout)
    assert (told["metric"], told["outcomes"], told["calls"]) == ("faithfulness", {"scored": 1}, 2)


def test_a_named_judge_takes_its_address_and_key_from_the_variables_it_names(tmp_path):
    judges = "judges:\n  own: {base_url_env: OWN_URL, api_key_env: OWN_KEY, models: [own-1]}\n"
    data_folder(tmp_path / "data", {}, {"judges.yaml": judges})
    file = samples(tmp_path, sample(1))
    with JudgeStub() as stub:
        named = {"OWN_URL": stub.base_url, "OWN_KEY": SECRET}
        run = score(tmp_path, file, "--judge", "own", **named)
        assert stub.headers[-1]["Authorization"] == f"Bearer {SECRET}"
        assert {body["model"] for body in stub.requests} == {"own-1"}
    assert "1 scored" in run.stdout
    run = score(tmp_path, file, "--judge", "own")
    assert (run.returncode, run.stderr) == (
        2, "--judge own needs OWN_URL and OWN_KEY to be set\n",
    )  # fmt: skip


def test_what_preflight_and_canaries_of_a_jury_cost_is_told_as_far_as_it_is_known(tmp_path):
    judges = "judges:\n  own: {base_url_env: OWN_URL, models: [gpt-4.1-mini, in-no-price-book]}\n"
    data_folder(tmp_path / "data", {}, {"judges.yaml": judges})
    file = samples(tmp_path, sample(1))
    with JudgeStub() as stub:
        run = score(tmp_path, file, "--judge", "own", "--json", OWN_URL=stub.base_url)
        told = json.loads(run.stdout)
        assert stub.calls == 2 * (len(CANNED) + 2 + 1)
    priced, unpriced = (member["preflight"] for member in told["members"])
    assert priced["cost_usd"] > 0
    assert (priced["calls_of_unknown_cost"], priced["calls"]) == (0, len(CANNED))
    assert (unpriced["calls_of_unknown_cost"], unpriced["cost_usd"]) == (len(CANNED), None)
    assert [c["calls_of_unknown_cost"] for c in told["canaries"]] == [0, 0, 1, 1]
    canaries = sum(c["cost_usd"] or 0 for c in told["canaries"])
    (line,) = (line for line in sentences(told, 1.0) if "apart" in line)
    assert f"preflight apart: 10 calls, ${priced['cost_usd']:.4f} and 5 calls of unknown" in line
    assert f"canaries apart: 4 calls, ${canaries:.4f} and 2 calls of unknown cost" in line
    assert "and 1 calls of unknown cost, 1.0 s; preflight" in line
    for seat in told["members"][:1]:
        seat["preflight"] = None
    (line,) = (line for line in sentences(told, 1.0) if "apart" in line)
    assert "preflight apart: 5 calls, cost unknown (no price, or no usage told);" in line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no samples in it"),
        (b"\n  \n", "no samples in it"),
        (bytes(range(256)) * 40, "it is binary"),
        (b"PK\x03\x04rest", "it is a zip archive"),
        (b"PAR1rest", "it is no whole Parquet file"),
        (b'[\n{"id": 1},\n', "it begins like a JSON array and is none"),
        (b'{"response": "' + b"x" * 20_000_000 + b'"}\n', "line 1 has 20,000,016 bytes"),
    ],
)
def test_what_holds_no_samples_is_told(content, says, tmp_path):
    file = tmp_path / "odd"
    file.write_bytes(content)
    run = score(tmp_path, file)
    assert run.returncode == 2
    assert says in run.stdout + run.stderr


def test_one_long_or_foreign_line_is_no_reason_to_leave_the_others(tmp_path):
    file = tmp_path / "samples.jsonl.gz"
    lines = text(sample(1)), b"\xff\xfe\n", b"x" * 20_000_000 + b"\n", text(sample(2))
    file.write_bytes(gzip.compress(b"".join(lines), 1))
    run = score(tmp_path, file, "--json", rubric="support")
    told = json.loads(run.stdout)
    assert (run.returncode, told["outcomes"]) == (0, {"rejected": 2, "scored": 2})
    assert [row["line"] for row in told["rejected"]] == [2, 3]


def test_repeated_ids_and_misnamed_fields_are_told(tmp_path):
    renamed = {"id": "s-1", "question": "q", "contexts": ["c"], "response": "It takes five days."}
    run = score(tmp_path, samples(tmp_path, renamed, renamed), rubric="support")
    assert "1 id(s) stand on several lines, such as s-1 from line 1" in run.stdout
    assert "nothing reads the field 'contexts'; retrieved_contexts may be meant" in run.stdout
    assert "2 not_applicable" in run.stdout


@pytest.mark.parametrize("where", ["itself", "folder", "missing folder"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_sent(where, tmp_path):
    file = samples(tmp_path, sample(1))
    out = {"itself": file, "folder": tmp_path, "missing folder": tmp_path / "no" / "o.jsonl"}[where]
    with JudgeStub() as judge:
        run = score(tmp_path, file, "--out", out, judge=judge)
        assert judge.calls == 0
    assert run.returncode == 2
    assert "--out" in run.stderr
    assert file.read_bytes() == text(sample(1))
    assert not list(tmp_path.glob(".*writing"))
