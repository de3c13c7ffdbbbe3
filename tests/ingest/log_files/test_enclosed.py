"""Records printed over lines, enclosed in answers of an API, or held as text by a table."""

import io
import json
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.ingest import LogFile, Sources
from llmops_pipelines.ingest.previewing.proposal import propose
from tests.ingest.worlds import call, landed, line, lines, log, options, reasons

CALLS = [call(1), call(2)]
COUNTED = (2, 2, 0, 0, 0, 0)


def page(*records: Any, key: str = "data", **more: Any) -> dict[str, Any]:
    return {"object": "list", key: list(records), **more}


@pytest.mark.parametrize(
    "data",
    [
        line(page(*CALLS, has_more=False)),
        json.dumps({"meta": {"page": 1, "totalItems": 2}, "logs": CALLS}, indent=2).encode(),
        line({"result": {"hits": {"items": CALLS}}}),
        line({"columns": [{"name": name, "datatype": "Utf8"} for name in CALLS[0]], "rows": CALLS}),
        lines(page(CALLS[0]), page(CALLS[1])),
        line([page(CALLS[0]), page(CALLS[1])]),
        b"\xef\xbb\xbf" + line(page(*CALLS)).replace(b", ", b",\r\n"),
        "\n".join(json.dumps(record, indent=2) for record in CALLS).encode(),
        "\r\n".join(json.dumps(record, indent=4) for record in CALLS).encode(),
        lines([CALLS[0]], [CALLS[1]]),
        line({"first": CALLS[0], "second": CALLS[1]}),
        json.dumps({"calls": {"a": CALLS[0], "b": CALLS[1]}, "page": 1}, indent=2).encode(),
    ],
)
def test_records_are_found_wherever_they_are_enclosed_or_printed(data: bytes) -> None:
    lake = landed(log("log.json", data))
    assert lake.counts("log.json") == COUNTED
    assert lake.file("log.json")["source_format"] == "openai"
    assert lake.rows()["call_id"].to_list() == ["c-1", "c-2"]


def test_of_an_answer_every_list_of_records_is_read_and_none_is_lost() -> None:
    data = line({"calls": CALLS, "others": [{"colour": "red"}], "words": ["a", "b"]})
    lake = landed(log("log.json", data))
    assert lake.counts("log.json") == (3, 2, 0, 0, 1, 0)
    assert reasons(lake)[0][0] == 3


def test_beside_a_list_of_records_objects_of_one_kind_are_none() -> None:
    links = {"self": {"href": "/calls"}, "next": {"href": "/calls?page=2"}}
    lake = landed(log("log.json", line({"data": CALLS, "links": links})))
    assert lake.counts("log.json") == COUNTED


def test_a_list_inside_records_that_nobody_knows_is_not_taken_for_them() -> None:
    odd = [{"when": n, "chat": [{"role": "user", "content": "Hi"}]} for n in range(3)]
    lake = landed(log("log.jsonl", lines(*odd)))
    assert lake.file()["source_format"] is None
    assert "no known format" in reasons(lake)[0][1]


def test_objects_printed_over_lines_of_which_one_is_cut_off_are_refused_as_before() -> None:
    data = "\n".join(json.dumps(record, indent=2) for record in CALLS)[:-5].encode()
    ((_, why),) = reasons(landed(log("log.json", data)))
    assert "breaks off" in why


def flat(number: int) -> dict[str, Any]:
    return {"id": f"c-{number}", "when": f"2026-11-10T09:0{number}:00Z", "model": "m", "sent": 5}


def mapped_page() -> LogFile:
    return log("flat.json", line(page(flat(1), flat(2))))


def test_an_entry_reads_what_an_answer_encloses() -> None:
    fields = {"call_id": "id", "started_at": "when", "model": "model", "input_tokens": "sent"}
    entry = {"name": "flat", "match": "flat.json", "format": "mapped", "fields": fields}
    lake = landed(mapped_page(), sources=Sources.model_validate({"sources": [entry]}))
    assert lake.counts("flat.json") == COUNTED
    chosen = {"name": "chosen", "match": "log.json", "format": "openai"}
    lake = landed(
        log("log.json", line(page(*CALLS))), sources=Sources.model_validate({"sources": [chosen]})
    )
    assert lake.counts("log.json") == COUNTED


def test_a_mapping_is_proposed_for_what_an_answer_encloses() -> None:
    proposed = propose(mapped_page(), options()).source
    assert proposed.fields["started_at"].path == "when"
    assert landed(mapped_page(), sources=Sources(sources=[proposed])).counts("flat.json") == COUNTED


def cells(record: dict[str, Any]) -> dict[str, str]:
    """A record as a table of texts holds it."""
    return {
        name: json.dumps(value) if isinstance(value, (dict, list)) else str(value)
        for name, value in record.items()
    }


_MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn",
    "usage": {"input_tokens": 10, "output_tokens": 5}, "timestamp": "2026-11-10T09:00:00Z",
}  # fmt: skip
_RESPONSE = {
    "id": "resp_1", "object": "response", "created_at": 1_794_300_000, "model": "m",
    "status": "completed", "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
    "output": [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Y"}]}
    ],
}  # fmt: skip
_COMPLETION = CALLS[0]["response"] | {"object": "chat.completion", "created": 1_794_300_000}


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (CALLS[0], "openai"),
        (_COMPLETION, "openai"),
        (_RESPONSE, "openai_responses"),
        (_MESSAGE, "anthropic"),
        ({"timestamp": "2026-11-10T09:00:00Z", "response": _MESSAGE}, "anthropic"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_may_hold_the_objects_of_a_provider_as_text(
    record: dict[str, Any], name: str, kind: str
) -> None:
    held = io.BytesIO()
    table = pl.DataFrame([cells(record)])
    table.write_csv(held) if kind == "csv" else table.write_parquet(held)
    lake = landed(log(f"log.{kind}", held.getvalue()))
    assert lake.file(f"log.{kind}")["source_format"] == name
    (found,) = lake.rows().select("uncached_input", "output_text").rows()
    assert found == (10, 5)


_CHAT = {
    "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.response.model": "m",
    "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5,
}  # fmt: skip
_IDS = {"trace_id": "a" * 32, "span_id": "b" * 16}
_TIMES = {"start_time": "2026-11-10T09:00:00Z", "end_time": "2026-11-10T09:00:01Z"}
_CONSOLE = {"name": "chat m", "context": _IDS, "attributes": _CHAT, **_TIMES}
_PHOENIX = {
    "name": "llm", "span_kind": "LLM", "context": _IDS, **_TIMES,
    "attributes": {"llm": {"model_name": "m", "token_count": {"prompt": 10, "completion": 5}}},
}  # fmt: skip
_KONG = {
    "started_at": 1_794_300_000_000, "latencies": {"request": 900}, "request": {"id": "k"},
    "response": {"status": 200},
    "ai": {"proxy": {"meta": {"provider_name": "openai", "request_model": "m"},
                     "usage": {"prompt_tokens": 10, "completion_tokens": 5}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("record", "name"),
    [(_CONSOLE, "otel_genai"), (_PHOENIX, "openinference"), (_KONG, "kong")],
)
def test_a_table_may_hold_the_objects_of_a_tool_as_text(record: dict[str, Any], name: str) -> None:
    lake = landed(log("log.csv", pl.DataFrame([cells(record)]).write_csv().encode()))
    assert lake.file("log.csv")["source_format"] == name
    assert lake.rows().select("uncached_input", "output_text").rows() == [(10, 5)]


def test_a_table_has_a_column_for_each_kind_of_value_of_an_attribute() -> None:
    said: list[dict[str, Any]] = [
        {"key": key, "value": {"stringValue": None, "intValue": value}}
        if isinstance(value, int)
        else {"key": key, "value": {"stringValue": value, "intValue": None}}
        for key, value in _CHAT.items()
    ]
    span = {
        "traceId": "a" * 32, "spanId": "b" * 16, "name": "chat m", "attributes": said,
        "startTimeUnixNano": "1794300000000000000", "endTimeUnixNano": "1794300001000000000",
    }  # fmt: skip
    held = io.BytesIO()
    pl.DataFrame([span]).write_parquet(held)
    lake = landed(log("log.parquet", held.getvalue()))
    assert lake.rows().select("model", "uncached_input", "output_text").rows() == [("m", 10, 5)]


def test_objects_as_node_prints_them_are_refused_with_what_to_do() -> None:
    printed = "{\n  resource: { attributes: { 'service.name': 'shop' } },\n  kind: 0\n}\n"
    lake = landed(log("app.log", printed.encode()))
    assert "JSON.stringify(object)" in reasons(lake)[0][1]
