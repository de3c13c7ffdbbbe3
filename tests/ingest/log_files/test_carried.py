"""Records that collectors of logs carry: shapes as the collectors' documentation gives them."""

import json
from itertools import pairwise
from typing import Any

import pytest

from llmops_pipelines.ingest import Sources
from llmops_pipelines.ingest.log_files.carried import unwrapped
from llmops_pipelines.ingest.log_files.lines import Block
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import CALL_TEXTS
from tests.ingest.worlds import Lake, call, landed, lines, log, reasons

CALLS = [call(1), call(2), call(3)]
CAME = "2026-11-10T09:15:02.123456789Z"
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
    "content": [{"type": "text", "text": "Hi."}], "stop_reason": "end_turn",
    "usage": {"input_tokens": 10, "output_tokens": 5},
}  # fmt: skip


def docker(text: str, stream: str = "stdout") -> dict[str, Any]:
    return {"log": text, "stream": stream, "time": CAME}


def cloudwatch(record: Any) -> dict[str, Any]:
    return {"timestamp": 1_794_302_102_000, "ingestionTime": 1, "message": json.dumps(record)}


def landed_texts(*texts: str, path: str = "app.log", **changes: Any) -> Lake:
    return landed(log(path, "".join(f"{text}\n" for text in texts).encode()), **changes)


SHAPES = {
    "docker": [json.dumps(docker(json.dumps(each) + "\n")) for each in CALLS],
    "cri": [f"{CAME} stdout F {json.dumps(each)}" for each in CALLS],
    "fluent bit": [
        json.dumps({"log": json.dumps(each), "logtag": "F", "kubernetes": {"pod_name": "p"}})
        for each in CALLS
    ],
    "json logger": [
        json.dumps(docker(json.dumps({"level": "info", "msg": "asked", "payload": each}) + "\n"))
        for each in CALLS
    ],
    "cloudwatch": [json.dumps(cloudwatch(each)) for each in CALLS],
    "cloudwatch events": [json.dumps({"events": [cloudwatch(each) for each in CALLS]})],
    "google cloud": [
        json.dumps({"insertId": "i", "timestamp": CAME, "jsonPayload": each}) for each in CALLS
    ],
    "google cloud, read": [
        json.dumps([{"timestamp": CAME, "jsonPayload": each} for each in CALLS], indent=2)
    ],
    "journald": [
        json.dumps({"__REALTIME_TIMESTAMP": "1794302102000000", "MESSAGE": json.dumps(each)})
        for each in CALLS
    ],
    "splunk": [json.dumps({"time": 1794302102.5, "host": "h", "event": each}) for each in CALLS],
    "splunk, exported": [
        json.dumps(
            {"preview": False, "offset": n, "result": {"_time": CAME, "_raw": json.dumps(each)}}
        )
        for n, each in enumerate(CALLS)
    ],
    "grafana": [
        json.dumps(
            [
                {"line": json.dumps(each), "timestamp": "1794302102000", "fields": {}}
                for each in CALLS
            ]
        )
    ],
    "datadog's archive": [
        json.dumps({"_id": "a", "date": CAME, "message": json.dumps(each), "attributes": {"a": 1}})
        for each in CALLS
    ],
    "made JSON twice": [json.dumps(json.dumps(each)) for each in CALLS],
    "logging": [f"2026-11-10 09:15:02,123 INFO llm {json.dumps(each)}" for each in CALLS],
    "text around": [f"INFO {json.dumps(each)} [trace=1]" for each in CALLS],
    "text around, in docker": [json.dumps(docker(f"INFO {json.dumps(each)}\n")) for each in CALLS],
    "bracketed": [f"[2026-11-10 09:15:02] [INFO] {json.dumps(each)}" for each in CALLS],
    "syslog": [f"<14>1 {CAME} host app - - - {json.dumps(each)}" for each in CALLS],
    "compose": [f"app-1  | {json.dumps(each)}" for each in CALLS],
    "printed over lines": [json.dumps(docker(json.dumps(each, indent=1) + "\n")) for each in CALLS],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_records_are_read_whatever_carries_them(shape: str) -> None:
    plain = landed(log("app.log", lines(*CALLS)))
    lake = landed_texts(*SHAPES[shape])
    assert lake.counts("app.log") == (3, 3, 0, 0, 0, 0)
    assert lake.file("app.log")["source_format"] == "openai"
    for table in (None, CALL_TEXTS):
        found, wanted = (
            (each.rows() if table is None else each.rows(table)).drop(
                "batch", "record_digest", "source_line", "source_record", strict=False
            )
            for each in (lake, plain)
        )
        assert found.equals(wanted)


def test_rows_of_a_table_carry_records_too() -> None:
    quoted = [json.dumps(each).replace('"', '""') for each in CALLS]
    data = "\r\n".join(["@timestamp,@message", *(f'{CAME},"{text}"' for text in quoted), ""])
    assert landed(log("insights.csv", data.encode())).counts("insights.csv") == (3, 3, 0, 0, 0, 0)


def test_whatever_else_an_application_prints_is_ignored_and_counted() -> None:
    fragment = 'got {"a": 1} from {"b": 2'
    noise = [json.dumps(docker(f"INFO worker {{{number}}} started\n")) for number in range(300)]
    other = json.dumps(docker('{"level": "warn", "msg": "slow"}\n', "stderr"))
    one, two, _ = SHAPES["docker"]
    lake = landed_texts(*noise, one, other, "Traceback:", fragment, two)
    assert lake.counts("app.log") == (305, 2, 0, 0, 0, 303)


def test_a_record_that_is_cut_off_is_rejected_where_it_stands() -> None:
    lake = landed_texts(SHAPES["cri"][0], SHAPES["cri"][1][:-20], SHAPES["cri"][2])
    assert lake.counts("app.log") == (3, 2, 0, 0, 1, 0)
    assert [line for line, _ in reasons(lake)] == [2]


def pieces(text: str, size: int) -> list[str]:
    return [text[start:end] for start, end in pairwise([*range(0, len(text), size), len(text)])]


def in_docker(number: int) -> list[str]:
    return [json.dumps(docker(piece)) for piece in pieces(json.dumps(call(number)) + "\n", 60)]


def in_cri(number: int) -> list[str]:
    texts = pieces(json.dumps(call(number)), 60)
    tags = ["P"] * (len(texts) - 1) + ["F"]
    return [f"{CAME} stdout {tag} {text}" for tag, text in zip(tags, texts, strict=True)]


def in_fluentd(number: int) -> list[str]:
    texts = pieces(json.dumps(call(number)), 60)
    return [
        json.dumps(
            {"log": text, "partial_message": "true", "partial_last": str(text == texts[-1]).lower()}
        )
        for text in texts
    ]


@pytest.mark.parametrize("cut", [in_docker, in_cri, in_fluentd])
def test_lines_in_pieces_are_put_together(cut: Any) -> None:
    whole = {in_docker: SHAPES["docker"], in_cri: SHAPES["cri"]}.get(cut, SHAPES["docker"])
    texts = [whole[0], *cut(2), *cut(3)]
    lake = landed_texts(*texts)
    assert lake.counts("app.log") == (len(texts), 3, 0, 0, 0, len(texts) - 3)
    assert lake.rows()["call_id"].to_list() == ["c-1", "c-2", "c-3"]


def test_pieces_of_two_streams_are_told_apart() -> None:
    one, between = in_docker(2), json.dumps(docker("half a ", "stderr"))
    texts = [SHAPES["docker"][0], one[0], between, *one[1:]]
    lake = landed_texts(*texts)
    assert lake.rows()["call_id"].to_list() == ["c-1", "c-2"]
    assert sum(lake.counts("app.log")[1:]) == len(texts)


def test_pieces_of_two_containers_in_one_file_are_told_apart() -> None:
    def shipped(number: int, pod: str) -> list[str]:
        texts = pieces(json.dumps(call(number)), 60)
        tags = ["P"] * (len(texts) - 1) + ["F"]
        of = {"stream": "stdout", "kubernetes": {"pod_name": pod}}
        return [
            json.dumps({"log": text, "logtag": tag, **of})
            for text, tag in zip(texts, tags, strict=True)
        ]

    between = [text for both in zip(shipped(1, "a"), shipped(2, "b"), strict=True) for text in both]
    lake = landed_texts(SHAPES["fluent bit"][2], *between)
    assert sorted(lake.rows()["call_id"]) == ["c-1", "c-2", "c-3"]


def test_a_last_piece_that_never_came_is_rejected() -> None:
    lake = landed_texts(*SHAPES["docker"], *in_docker(4)[:-1])
    assert lake.counts("app.log")[1] == 3
    assert [line for line, _ in reasons(lake)] == [4]


def name_of(record: dict[str, Any]) -> str | None:
    return "openai" if "request" in record else None


@pytest.mark.parametrize("size", [1, 2, 5])
def test_blocks_may_end_between_pieces(size: int) -> None:
    texts = [*in_cri(1), "noise", *in_cri(2)]
    blocks = [
        Block("".join(f"{text}\n" for text in texts[at : at + size]).encode(), at + 1, len(few))
        for at in range(0, len(texts), size)
        if (few := texts[at : at + size])
    ]
    found = [
        block for block in unwrapped(iter(blocks), name_of, 10_000) if isinstance(block, Block)
    ]
    told = b"".join(block.data for block in found).split(b"\n")[:-1]
    assert all(block.lines for block in found)
    assert len(told) == len(texts) == sum(block.lines for block in found)
    assert [block.first_line for block in found] == [
        1 + sum(block.lines for block in found[:number]) for number in range(len(found))
    ]
    assert [json.loads(line)["id"] for line in told if line] == ["c-1", "c-2"]


def test_a_file_of_several_blocks_is_read_to_its_end() -> None:
    filler = json.dumps(docker("x" * 1000 + "\n"))
    texts = [*SHAPES["docker"], *[filler] * 4_500, *in_docker(4)]
    lake = landed_texts(*texts)
    assert lake.counts("app.log") == (len(texts), 4, 0, 0, 0, len(texts) - 4)


def test_what_waits_for_its_rest_is_not_held_without_end() -> None:
    begun = f"{CAME} stdout P " + "x" * 1000
    blocks = (Block(f"{begun}\n".encode(), number, 1) for number in range(1, 101))
    found = list(unwrapped(blocks, name_of, 5_000))
    assert max(len(block.data) for block in found if isinstance(block, Block)) < 10_000
    assert sum(block.lines for block in found) == 100


def test_a_providers_answer_has_the_time_at_which_it_was_collected() -> None:
    lake = landed_texts(json.dumps(docker(json.dumps(MESSAGE) + "\n")))
    assert str(lake.rows()["started_at"][0]) == "2026-11-10 09:15:02.123456"
    assert lake.rows()["uncached_input"].to_list() == [10]


def test_a_time_that_cannot_be_read_leaves_the_date_to_the_file() -> None:
    odd = {"log": json.dumps(MESSAGE) + "\n", "time": "10/Nov/2026:09:15:02 +0000"}
    lake = landed_texts(json.dumps(odd), path="2026-11-10/app.log")
    assert lake.counts("2026-11-10/app.log") == (1, 1, 0, 0, 0, 0)
    assert str(lake.rows()["started_at"][0]) == "2026-11-10 00:00:00"


def test_records_that_nobody_wrapped_stay_as_they_are_among_those_that_are() -> None:
    plain = [json.dumps(each | {"message": "asked"}) for each in CALLS[1:]]
    noise = [json.dumps(docker("ready\n"))] * 150
    lake = landed_texts(SHAPES["docker"][0], *noise, *plain)
    assert lake.counts("app.log") == (153, 3, 0, 0, 0, 150)


def test_records_of_ones_own_shape_are_read_as_their_entry_says() -> None:
    fields = {"started_at": "at", "model": "llm", "input_tokens": "in", "output_tokens": "out"}
    entry = {"name": "mine", "match": "app.log", "format": "mapped", "fields": fields}
    own = {"at": CAME, "llm": "gpt-4.1-mini", "in": 10, "out": 5}
    lake = landed_texts(
        json.dumps(docker(json.dumps(own) + "\n")),
        json.dumps(docker("ready\n")),
        sources=Sources.model_validate({"sources": [entry]}),
    )
    assert lake.counts("app.log") == (2, 1, 0, 0, 0, 1)
    assert lake.rows()["model"].to_list() == ["gpt-4.1-mini"]


def test_an_object_printed_over_lines_carries_none_of_its_own_parts() -> None:
    response = json.dumps(CALLS[0]["response"])
    text = json.dumps(CALLS[0] | {"response": "R"}, indent=2).replace('"R"', response)
    lake = landed(log("app.log", text.encode()))
    assert lake.counts("app.log") == (1, 1, 0, 0, 0, 0)
    assert lake.rows()["call_id"].to_list() == ["c-1"]


def test_a_file_of_nothing_but_other_lines_is_refused_as_before() -> None:
    lake = landed_texts(*[json.dumps(docker("ready {now}\n"))] * 3)
    assert "no known format" in reasons(lake)[0][1]


LINE = {"level": 30, "time": 1_794_302_102_000, "pid": 1, "hostname": "web-1"}  # as pino begins one
CHILD = {"feature": "returns", "userId": "u-42", "sessionId": "s-7", "msg": "asked"}


def test_a_call_that_a_loggers_line_holds_takes_along_what_stands_beside_it() -> None:
    asked = {"request": CALLS[0]["request"], "response": CALLS[0]["response"]}
    noise = LINE | {"req": {"method": "POST"}, "res": {"statusCode": 200}, "msg": "completed"}
    held = [noise, LINE | {"llm": asked} | CHILD, noise, LINE | {"done": MESSAGE} | CHILD]
    lake = landed_texts(*map(json.dumps, held), features=Features())
    assert lake.counts("app.log") == (4, 2, 0, 0, 0, 2)
    found = lake.rows().select("model", "feature", "session_id", "uncached_input").rows()
    assert found == [("m-1", "returns", "s-7", 10), ("claude-sonnet-4-5", "returns", "s-7", 10)]
    assert {str(at) for at in lake.rows()["started_at"]} == {"2026-11-10 09:15:02"}
    assert lake.rows()["user_hash"].null_count() == 0


def test_a_result_beside_a_logged_call_hides_it_not() -> None:
    printed = [{"message": f"asked: {json.dumps(each)}", "result": {"ok": True}} for each in CALLS]
    assert landed_texts(*map(json.dumps, printed)).counts("app.log") == (3, 3, 0, 0, 0, 0)


def test_of_several_calls_that_a_line_holds_none_is_lost_in_silence() -> None:
    answers = [{"response": each["response"]} for each in CALLS]
    one, two = LINE | {"llm": answers[0]}, LINE | {"first": answers[1], "second": answers[2]}
    lake = landed_texts(json.dumps(one), json.dumps(two), json.dumps(one))
    assert lake.counts("app.log") == (3, 2, 0, 0, 1, 0)


def test_a_failure_that_a_loggers_line_holds_is_one_call() -> None:
    failed = {"request": CALLS[0]["request"], "error": {"message": "Slow down.", "status": 429}}
    lake = landed_texts(*[json.dumps(LINE | {"llm": failed} | CHILD)] * 2)
    assert lake.counts("app.log") == (2, 2, 0, 0, 0, 0)
    assert set(lake.rows()["error_class"]) == {"rate_limit"}


def test_a_held_call_is_found_within_what_a_container_printed() -> None:
    printed = json.dumps(LINE | {"llm": {"response": CALLS[0]["response"]}} | CHILD)
    lake = landed_texts(json.dumps(docker(f"{printed}\n")))
    assert lake.counts("app.log") == (1, 1, 0, 0, 0, 0)
    assert lake.rows()["feature"].to_list() == ["returns"]


def test_an_id_beside_held_calls_is_that_of_their_request() -> None:
    both = [
        json.dumps(LINE | {"id": "r-1", "llm": {"response": each["response"]}}) for each in CALLS
    ]
    assert landed_texts(*both).rows()["call_id"].n_unique() == 3
