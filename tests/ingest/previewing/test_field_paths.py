"""Where what a format makes of records comes from, and what of them it never uses."""

import json
from pathlib import Path
from typing import Any

from llmops_pipelines.formats import FORMATS, LogFormat
from llmops_pipelines.formats.engine.reading import at
from llmops_pipelines.ingest.previewing.field_paths import FieldPaths, field_paths
from tests.ingest.worlds import call

PAYLOADS = Path(__file__).parents[2] / "formats" / "payloads"


def paths(unpack: Any, *records: dict[str, Any]) -> FieldPaths:
    known = LogFormat("test", "a test", lambda _: True, unpack=unpack)
    return field_paths(records, known.reading())


def test_a_flat_format_names_the_place_it_reads_and_what_it_leaves() -> None:
    found = field_paths([call(1, colour="blue")], FORMATS["openai"].reading())
    assert found.mapped["model"] == ["response.model"]
    assert found.mapped["model_requested"] == ["request.model"]
    assert found.mapped["answer"] == ["response.choices[].message.content"]
    assert found.mapped["messages"] == ["request.messages[].content", "request.messages[].role"]
    assert found.dropped == ["colour"]


def test_of_two_places_the_first_with_a_value_is_read() -> None:
    found = field_paths(
        [call(1, user_id="u-1", user="other"), call(2, user="only")], FORMATS["openai"].reading()
    )
    assert found.mapped["user_id"] == ["user", "user_id"]
    alone = field_paths([call(1, user_id="u-1", user="other")], FORMATS["openai"].reading())
    assert alone.mapped["user_id"] == ["user_id"]
    assert alone.dropped == ["user"]


def test_a_constant_is_no_path() -> None:
    place = FORMATS["mapped"].reading({"started_at": at("when")}).fields["started_at"]
    reading = FORMATS["mapped"].reading({"started_at": at("when"), "provider": _constant("openai")})
    found = field_paths([{"when": "2026-11-10"}], reading)
    assert place.paths == (("when",),)
    assert found.mapped == {"provider": ["(constant openai)"], "started_at": ["when"]}


def _constant(text: str) -> Any:
    from llmops_pipelines.formats import Place

    return Place(constant=text)


def test_a_value_that_is_computed_with_is_found() -> None:
    def unpack(record: dict[str, Any]) -> Any:
        yield {"kind": "call", "latency_ms": (record["end"] - record["start"]) * 1000}

    found = paths(unpack, {"start": 2.0, "end": 3.5, "note": "x"})
    assert found == FieldPaths({"latency_ms": ["end", "start"]}, ["note"])


def test_list_positions_are_folded_and_empty_values_are_no_values() -> None:
    def unpack(record: dict[str, Any]) -> Any:
        for span in record["spans"]:
            yield {"kind": "call", "model": span["model"]}

    found = paths(
        unpack,
        {"spans": [{"model": "a", "x": 1}, {"model": "b", "empty": None, "blank": "", "none": {}}]},
    )
    assert found == FieldPaths({"model": ["spans[].model"]}, ["spans[].x"])


def test_key_value_pairs_are_told_by_their_key() -> None:
    def unpack(record: dict[str, Any]) -> Any:
        attributes = {pair["key"]: pair["value"] for pair in record["attributes"]}
        yield {"kind": "call", "provider": attributes.get("gen_ai.system", {}).get("stringValue")}

    record = {
        "attributes": [
            {"key": "gen_ai.system", "value": {"stringValue": "openai"}},
            {"key": "host.name", "value": {"stringValue": "h"}},
        ]
    }
    assert paths(unpack, record) == FieldPaths(
        {"provider": ["attributes[gen_ai.system].stringValue"]},
        ["attributes[host.name].stringValue"],
    )


def test_a_value_that_decides_what_a_record_is_fills_its_kind_alone() -> None:
    def unpack(record: dict[str, Any]) -> Any:
        if record.get("type") == "llm":
            yield {"kind": "call", "model": record.get("model")}
        else:
            yield {"kind": "step", "step_name": record.get("name")}

    found = paths(
        unpack,
        {"type": "llm", "model": "m", "name": "n"},
        {"type": "tool", "name": "search"},
    )
    assert found.mapped == {"kind": ["type"], "model": ["model"], "step_name": ["name"]}
    assert found.dropped == []


def test_a_word_that_only_another_word_replaces_with_effect_is_found() -> None:
    def unpack(record: dict[str, Any]) -> Any:
        yield {"kind": "call", "status": "error" if record.get("code") == 2 else "ok"}

    assert paths(unpack, {"code": 5}, {"code": 2}).mapped == {"status": ["code"]}


def test_metadata_is_used_only_where_a_source_places_it() -> None:
    def unpack(record: dict[str, Any]) -> Any:
        yield {"kind": "call", "metadata": record["metadata"]}

    known = LogFormat("test", "a test", lambda _: True, unpack=unpack)
    records = [{"metadata": {"tenant": "t-1"}}]
    assert field_paths(records, known.reading()) == FieldPaths({}, ["metadata.tenant"])
    placed = field_paths(records, known.reading({"team": at("metadata.tenant")}))
    assert placed == FieldPaths({"team": ["metadata.tenant"]}, [])


def test_a_format_that_refuses_a_changed_record_breaks_nothing() -> None:
    def unpack(record: dict[str, Any]) -> Any:
        if record["version"] != 1:
            raise ValueError("version")
        yield {"kind": "call", "model": record["model"]}

    found = paths(unpack, {"version": 1, "model": "m", "rest": [[1, 2], 3]})
    assert found.mapped == {"kind": ["version"], "model": ["model"]}
    assert found.dropped == ["rest[]", "rest[][]"]


def test_a_record_nested_beyond_measure_is_left_out() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    found = field_paths([call(1), {"deep": deep}], FORMATS["openai"].reading())
    assert found.mapped["call_id"] == ["id"]
    assert found.dropped == []


def test_what_a_row_of_mlflow_says_twice_is_found_where_it_is_plain() -> None:
    row = json.loads((PAYLOADS / "mlflow_frame.jsonl").read_text())
    mapped = field_paths([row], FORMATS["mlflow"].reading()).mapped
    assert mapped["answer"] == ["spans[].attributes.mlflow.spanOutputs"]
    assert mapped["input_tokens"] == ["spans[].attributes.mlflow.chat.tokenUsage"]
    assert mapped["user_id"] == ["trace_metadata.mlflow.trace.user"]
