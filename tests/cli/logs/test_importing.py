"""`llmops import` and `llmops formats`: what is told, what is written, what is refused."""

import gzip
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmops_pipelines.definitions import resources_of
from llmops_pipelines.formats import FORMATS
from llmops_pipelines.ingest import Sources
from llmops_pipelines.orchestration.graph.reference_files import unread_files
from tests.cli.worlds import Said, call, data_folder, invoke, settings, text, usage


def imported(data: Path, file: Path, *options: object) -> Said:
    return invoke("--data", data, "import", file, *options)


def told(data: Path, file: Path, *options: object) -> dict[str, Any]:
    said = imported(data, file, "--json", *options)
    found: dict[str, Any] = json.loads(said.stdout)
    assert said.returncode == (2 if found["error"] else 0)
    return found


def write(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def sources(data: Path) -> Sources:
    return resources_of(settings(data)).reference.read("sources.yaml", Sources)


def gateway(number: int) -> dict[str, Any]:
    """A record that no format recognises."""
    return {
        "request_id": f"r-{number}",
        "received": f"2026-06-02T09:0{number}:00Z",
        "model": "gpt-4.1-mini",
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "note": "x",
    }


def test_a_preview_tells_everything_and_writes_nothing(tmp_path: Path) -> None:
    file = write(
        tmp_path / "calls.jsonl",
        text(
            call(1),
            call(2, response=usage(500, 50)),
            call(2, response=usage(500, 50)),
            call(3, latency_ms="fast", colour="red"),
            call(4, latency_ms="slow"),
            {
                "kind": "step",
                "id": "s",
                "trace_id": "t",
                "step": "tool",
                "timestamp": "2026-06-02T09:00:00Z",
            },
            b"",
        ),
    )
    found = told(tmp_path / "data", file)
    counts = ("rows", "duplicates", "steps", "feedback", "ignored", "rejected")
    assert [found[name] for name in counts] == [2, 1, 1, 0, 1, 2]
    assert found["format"] == "openai"
    assert found["rejections"] == [
        {"reason": "latency_ms: 'fast' is not a finite number", "count": 2, "first_line": 4}
    ]
    assert found["tokens"] == {
        "uncached_input": 1500,
        "cache_read": 0,
        "cache_write_5m": 0,
        "cache_write_1h": 0,
        "output_text": 150,
        "reasoning": 0,
        "audio": 0,
    }
    assert (found["cost_usd"], found["unpriced"], found["tokens_unknown"]) == (0.00084, 0, 0)
    assert (found["first"], found["last"]) == ("2026-06-02T09:00:00Z", "2026-06-02T09:02:00Z")
    assert found["mapped"]["model"] == "response.model"
    assert found["dropped"] == ["colour", "response.choices[].message.role"]
    assert list(tmp_path.iterdir()) == [file]


def test_people_are_told_the_same_without_any_text(tmp_path: Path) -> None:
    file = write(tmp_path / "calls.jsonl", text(call(1), call(2, latency_ms="fast")))
    said = imported(tmp_path / "data", file)
    assert said.returncode == 0
    for part in (
        "calls.jsonl: openai",
        "cost      $0.000560",
        "1 (first on line 2): latency_ms: 'fast' is not a finite number",
        "line 1: 2026-06-02 09:01:00, chat, openai, gpt-4.1-mini-2025-04-14, ok, 400 ms",
        "nothing was written; add --write",
    ):
        assert part in said.stdout
    assert "parcel" not in said.stdout.lower()


def test_a_call_without_usage_or_price_is_counted_and_costs_nothing_known(tmp_path: Path) -> None:
    bare = call(1, response={**call(1)["response"], "usage": None})
    odd = call(2, response={**call(2)["response"], "model": "house-model"})
    found = told(tmp_path, write(tmp_path / "x.jsonl", text(bare, odd)))
    assert (found["rows"], found["tokens_unknown"], found["unpriced"]) == (2, 1, 2)
    assert found["unpriced_reasons"] == {"no_usage": 1, "unknown_model": 1}
    assert found["cost_usd"] is None


def test_a_tools_total_beyond_its_counts_costs_no_call_and_is_told(tmp_path: Path) -> None:
    def run(number: int, total: int) -> dict[str, Any]:
        counts = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": total}
        about = {"run_type": "llm", "start_time": "2026-06-02T09:00:00Z", "trace_id": "t"}
        metadata = {"metadata": {"ls_model_name": "gpt-4.1-mini"}}
        return {"id": f"r-{number}", "name": "ChatOpenAI", "extra": metadata} | about | counts

    file = write(tmp_path / "runs.jsonl", text(run(1, 150), run(2, 190)))
    found = told(tmp_path / "data", file)
    assert (found["rows"], found["rejected"], found["tokens_doubted"]) == (2, 0, 1)
    assert (found["tokens"]["output_text"], found["cost_usd"]) == (100, 0.00024)
    said = imported(tmp_path / "data", file).stdout
    assert "1 call(s) whose logged total is another" in said


def test_prices_and_features_of_the_data_folder_count(tmp_path: Path) -> None:
    prices = (
        "overrides:\n- {provider: openai, model: gpt-4.1-mini, why: a deal,"
        " prices: {uncached_input: 1, output_text: 1}}\n"
    )
    data = data_folder(tmp_path / "data", {}, {"prices.yaml": prices})
    assert told(data, write(tmp_path / "x.jsonl", text(call(1))))["cost_usd"] == 0.0011


def test_the_entry_of_sources_yaml_decides_and_as_overrides_it(tmp_path: Path) -> None:
    entry = (
        "sources:\n- {name: gate, match: 'imported/*.ndjson', format: mapped,"
        " fields: {started_at: received, model: model, input_tokens: prompt_tokens}}\n"
    )
    data = data_folder(tmp_path / "data", {}, {"sources.yaml": entry})
    file = write(tmp_path / "gate.ndjson", text(gateway(1), gateway(2)))
    found = told(data, file)
    assert (found["format"], found["rows"]) == ("mapped", 2)
    assert found["mapped"] == {
        "input_tokens": "prompt_tokens",
        "model": "model",
        "started_at": "received",
    }
    assert found["dropped"] == ["completion_tokens", "note", "request_id"]
    assert told(data, file, "--as", "openai")["rejected"] == 2


def test_a_file_that_lies_in_the_log_folder_keeps_its_place(tmp_path: Path) -> None:
    entry = "sources:\n- {name: b, match: 'berlin/**', format: openai, zone: Europe/Berlin}\n"
    local = text(call(1, timestamp="2026-06-02T11:00:00"))
    data = data_folder(tmp_path, {"berlin/a.jsonl": local}, {"sources.yaml": entry})
    assert told(data, data / "logs/berlin/a.jsonl")["first"] == "2026-06-02T09:00:00Z"


def test_a_truncated_gz_file_shows_what_can_be_saved(tmp_path: Path) -> None:
    whole = gzip.compress(text(*(call(number) for number in range(200))))
    found = told(tmp_path, write(tmp_path / "cut.jsonl.gz", whole[:-400]))
    assert 0 < found["rows"] < 200
    assert found["rejected"] == 1
    assert "gzip data ends too early" in found["rejections"][0]["reason"]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("empty.jsonl", b"", "it is empty; export it again"),
        ("blank.jsonl", b"\n\n", "its 2 record(s) are blank"),
        ("binary.jsonl", bytes(range(256)) * 9, "is binary, not lines of JSON"),
        ("a.zip", b"PK\x03\x04" + b"\0" * 99, "is a zip archive, not lines of JSON"),
        ("text.log", b"GET / 200\n", "none of its first lines is a JSON object"),
        ("odd.jsonl", text({"when": 1}), "no known format"),
        ("cut.jsonl.gz", gzip.compress(text(call(1)), mtime=0)[:30], "gzip data ends too early"),
        ("late.jsonl", text(call(1, timestamp="2031-01-01T00:00:00Z")), "line 1: timestamp: "),
        ("x.parquet", b"PAR1 and no more", "is no whole Parquet file"),
    ],
)
def test_a_file_of_no_use_is_refused_with_why(
    tmp_path: Path, name: str, data: bytes, why: str
) -> None:
    found = told(tmp_path / "data", write(tmp_path / name, data))
    assert why in found["error"]
    assert found["error"].startswith(f"{tmp_path / name}: ")
    assert found["rows"] == 0


def test_what_is_no_file_is_refused_with_what_may_be_meant(tmp_path: Path) -> None:
    write(tmp_path / "calls.jsonl", text(call(1)))
    (tmp_path / "latest.jsonl").symlink_to("gone.jsonl")
    for path, why in (
        (tmp_path / "latest.jsonl", "is a link to gone.jsonl, which is not there"),
        (tmp_path / "call.jsonl", f"did you mean {tmp_path / 'calls.jsonl'}?"),
        (tmp_path / "nothing", f"there is no such file in {tmp_path}"),
        (tmp_path / "no" / "x", f"and no folder {tmp_path / 'no'}"),
        (tmp_path, "is a folder; name one file"),
        (Path(os.devnull), "is no file; export the logs into one"),
    ):
        said = imported(tmp_path / "data", path)
        assert (said.returncode, said.stdout) == (2, "")
        assert why in said.stderr
        assert why in told(tmp_path / "data", path)["error"]


def test_a_file_whose_name_is_no_utf8_is_shown_and_written(tmp_path: Path) -> None:
    file = write(tmp_path / os.fsdecode(b"caf\xe9.jsonl"), text(call(1)))
    assert r"caf\xe9.jsonl" in imported(tmp_path / "data", file).stdout
    assert told(tmp_path / "data", file, "--write")["written"] == r"imported/caf\xe9.jsonl"


def test_json_has_the_same_keys_whether_anything_was_read_or_not(tmp_path: Path) -> None:
    read = told(tmp_path / "data", write(tmp_path / "calls.jsonl", text(call(1))))
    nothing = told(tmp_path / "data", tmp_path / "missing.jsonl")
    assert nothing.keys() == read.keys()
    assert nothing["tokens"].keys() == read["tokens"].keys()


def test_a_file_that_cannot_be_opened_is_refused_with_the_systems_word(tmp_path: Path) -> None:
    loop = tmp_path / "loop.jsonl"
    loop.symlink_to(loop)
    said = imported(tmp_path, loop)
    assert said.returncode == 2
    assert "loop.jsonl: too many levels of symbolic links; change who may read it" in said.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "secret.jsonl", text(call(1)))
    file.chmod(0)
    said = imported(tmp_path, file)
    assert said.returncode == 2
    assert "permission denied; change who may read it" in said.stderr


def test_a_format_that_is_none_is_refused_with_the_one_that_is_meant(tmp_path: Path) -> None:
    file = write(tmp_path / "x.jsonl", text(call(1)))
    said = imported(tmp_path, file, "--as", "open-ai")
    assert said.returncode == 2
    assert "--as open-ai: is no log format; did you mean openai? accepted: " in said.stderr
    assert "langfuse" in said.stderr
    assert "let --write-mapping propose" in imported(tmp_path, file, "--as", "mapped").stderr


def test_a_fault_in_a_reference_file_is_told_with_its_line(tmp_path: Path) -> None:
    data = data_folder(tmp_path / "data", {}, {"sources.yaml": "sources:\n- {name: A}\n"})
    said = imported(data, write(tmp_path / "x.jsonl", text(call(1))))
    assert said.returncode == 2
    assert "sources.yaml:2: sources.0.name: " in said.stderr


def test_write_puts_the_file_below_imported_once(tmp_path: Path) -> None:
    data, file = tmp_path / "data", write(tmp_path / "x.jsonl", text(call(1)))
    said = imported(data, file, "--write")
    assert "imported/x.jsonl: written below" in said.stdout
    assert f"llmops --data {data} nightly" in said.stdout
    assert (data / "logs/imported/x.jsonl").read_bytes() == file.read_bytes()
    assert "imported/x.jsonl: was there already" in imported(data, file, "--write").stdout
    assert len(list((data / "logs").rglob("*.*"))) == 1


def test_another_file_of_the_same_name_is_never_written_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = write(tmp_path / "a" / "x.jsonl.gz", gzip.compress(text(call(1))))
    second = write(tmp_path / "b" / "x.jsonl.gz", gzip.compress(text(call(2))))
    assert told(data, first, "--write")["written"] == "imported/x.jsonl.gz"
    place = told(data, second, "--write")["written"]
    assert place.startswith("imported/x-")
    assert place.endswith(".jsonl.gz")
    assert (data / "logs/imported/x.jsonl.gz").read_bytes() == first.read_bytes()
    assert (data / "logs" / place).read_bytes() == second.read_bytes()


def test_a_hidden_name_is_shown_since_landing_leaves_hidden_files_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "..x.jsonl", text(call(1)))
    assert told(tmp_path / "data", file, "--write")["written"] == "imported/x.jsonl"
    assert len([*resources_of(settings(tmp_path / "data")).logs.files()]) == 1


def test_nothing_of_no_use_is_written(tmp_path: Path) -> None:
    found = told(tmp_path / "data", write(tmp_path / "x.jsonl", text({"when": 1})), "--write")
    assert "written" not in found
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_write_as_adds_an_entry_and_leaves_every_other_line_as_it_is(tmp_path: Path) -> None:
    data, file = tmp_path / "data", write(tmp_path / "x (1).jsonl", text(call(1)))
    said = imported(data, file, "--as", "openai", "--write")
    assert "sources.yaml: has a new entry for it" in said.stdout
    (entry,) = sources(data).sources
    assert (entry.name, entry.match, entry.format) == (
        "openai-x--1--jsonl",
        "imported/x (1).jsonl",
        "openai",
    )
    kept = (data / "reference/sources.yaml").read_text()
    assert "# A complete example of a source of files:" in kept
    other = write(tmp_path / "y.jsonl", text(call(2)))
    imported(data, other, "--as", "openai", "--write")
    assert [source.match for source in sources(data).sources] == [
        "imported/y.jsonl",
        "imported/x (1).jsonl",
    ]
    assert imported(data, other, "--as", "openai", "--write").stdout.count("new entry") == 0


def test_sources_written_in_another_style_are_left_alone_and_the_entry_is_told(
    tmp_path: Path,
) -> None:
    flow = "sources: [{name: a, match: a, format: openai}]\n"
    data = data_folder(tmp_path / "data", {}, {"sources.yaml": flow})
    file = write(tmp_path / "x.jsonl", text(call(1)))
    said = imported(data, file, "--as", "openai", "--write")
    assert said.returncode == 2
    assert "{name: openai-x-jsonl, match: imported/x.jsonl, format: openai}" in said.stderr
    assert (data / "reference/sources.yaml").read_text() == flow
    assert not (data / "logs/imported").exists()


def test_a_second_file_that_its_entry_would_not_match_is_refused(tmp_path: Path) -> None:
    entry = "sources:\n- {name: one, match: imported/x.jsonl, format: openai}\n"
    data = data_folder(tmp_path / "data", {"imported/x.jsonl": b"{}\n"}, {"sources.yaml": entry})
    said = imported(data, write(tmp_path / "x.jsonl", text(call(1))), "--write")
    assert said.returncode == 2
    assert "another file lies at imported/x.jsonl" in said.stderr
    assert "widen its match, or rename the file" in said.stderr


@pytest.mark.slow
def test_a_proposed_mapping_can_be_taken_over_and_lands_the_file(tmp_path: Path) -> None:
    data, file = tmp_path / "data", write(tmp_path / "g.ndjson", text(gateway(1), gateway(2)))
    assert "--write-mapping proposes a mapping" in told(data, file)["error"]
    found = told(data, file, "--write-mapping")
    assert (found["format"], found["rows"], found["cost_usd"]) == ("mapped", 2, 0.00112)
    proposed = data / "reference/sources.proposed.yaml"
    assert proposed.read_text() == found["proposal"]
    assert not (data / "reference/sources.yaml").exists()
    proposed.rename(data / "reference/sources.yaml")
    landed = told(data, file, "--write")
    assert (landed["rows"], landed["written"]) == (2, "imported/g.ndjson")
    assert landed["first"] == f"{date(2026, 6, 2)}T09:01:00Z"


def test_people_see_the_proposal_and_how_to_take_it_over(tmp_path: Path) -> None:
    file = write(tmp_path / "g.ndjson", text(gateway(1), gateway(2)))
    said = imported(tmp_path / "data", file, "--write-mapping")
    assert "      input_tokens: prompt_tokens  # whole numbers, median 1,000" in said.stdout
    assert "copy the entry below `sources:`" in said.stdout
    assert unread_files(tmp_path / "data" / "reference") == []


def test_a_known_format_gets_no_mapping_and_both_writes_do_not_go_together(tmp_path: Path) -> None:
    file = write(tmp_path / "x.jsonl", text(call(1)))
    said = imported(tmp_path / "data", file, "--write-mapping")
    assert said.returncode == 2
    assert "is read as openai without a mapping" in said.stderr
    both = imported(tmp_path / "data", file, "--write-mapping", "--write")
    assert both.returncode == 2
    assert "do not go together" in both.stderr
    assert not (tmp_path / "data").exists()


def test_every_format_is_listed() -> None:
    listed = json.loads(invoke("formats", "--json").stdout)
    assert [known["name"] for known in listed] == list(FORMATS)
    assert all(list(known) == ["name", "about", "needs", "many"] for known in listed)
    many = {known["name"]: known["many"] for known in listed}
    assert (many["openai"], many["mapped"], many["openinference"]) == (False, False, True)
    said = invoke("formats").stdout
    assert "an entry in" in said
    assert all(name in said for name in FORMATS)


def test_a_body_beside_a_bedrock_log_is_read_with_it(tmp_path: Path) -> None:
    request = "915a6a04-3f83-4c70-a277-7fbf7ea546b3"
    path = f"s3://logs/data/{request}_output.json.gz"
    record = {
        "schemaType": "ModelInvocationLog",
        "timestamp": "2026-06-02T09:15:02Z",
        "requestId": request,
        "modelId": "anthropic.claude-haiku-4-5-20251001-v1:0",
        "input": {"inputTokenCount": 56},
        "output": {"outputBodyS3Path": path, "outputTokenCount": 38},
    }
    body = {"stopReason": "guardrail_intervened", "output": {"message": {"content": []}}}
    log = write(tmp_path / "09" / "log.json", json.dumps(record).encode())
    data = tmp_path / "shop"
    before = told(data, log)
    write(
        tmp_path / "09" / "data" / path.rpartition("/")[2], gzip.compress(json.dumps(body).encode())
    )
    after = told(data, log)
    assert (before["rows"], after["rows"]) == (1, 1)
    assert "finish_reason" not in before["mapped"]
    assert after["mapped"]["finish_reason"] == "output.outputBodyJson.stopReason"
