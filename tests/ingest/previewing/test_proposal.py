"""A mapping guessed from names and values: right, marked for review, or left alone."""

import csv
import io
import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from llmops_pipelines.ingest import LogFile, Source, Sources
from llmops_pipelines.ingest.previewing.guesses import Guess
from llmops_pipelines.ingest.previewing.profiles import plain, profiles
from llmops_pipelines.ingest.previewing.proposal import NoMappingError, guess, propose
from llmops_pipelines.ingest.previewing.synonyms import LOOSE, SYNONYMS
from llmops_pipelines.reference import parse_document
from tests.ingest.worlds import Lake, landed, lines, log, options


def record(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A call as a gateway may log it; None drops a key."""
    made = {
        "requestId": f"r-{number}",
        "receivedAt": f"2026-11-10T09:{number % 60:02d}:00Z",
        "application": "chat",
        "modelName": "gpt-4.1-mini",
        "numInputTokens": 100 + number,
        "numOutputTokens": 10 + number,
    }
    return {key: value for key, value in (made | changes).items() if value is not None}


def guesses(*records: dict[str, Any]) -> dict[str, Guess]:
    return guess(profiles(records), options())


def places(*records: dict[str, Any]) -> dict[str, Any]:
    return {name: made.profile and made.profile.shown for name, made in guesses(*records).items()}


def three(**columns: list[Any]) -> list[dict[str, Any]]:
    """Three records with a value of each column."""
    return [
        record(number, **{name: values[number] for name, values in columns.items()})
        for number in range(3)
    ]


def read_back(file: LogFile) -> tuple[Source, Lake]:
    """The entry proposed for a file, and the lake after landing with it."""
    proposal = propose(file, options())
    sources = parse_document(proposal.text, Sources, file="sources.yaml")
    assert sources.sources == [proposal.source]
    return proposal.source, landed(file, sources=sources)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("numInputTokenCount", "input_tokens"),
        ("prompt_tokens", "prompt_tokens"),
        ("number_of_output_tokens", "output_tokens"),
        ("latencyMs", "latency"),
        ("time_to_first_token_seconds", "time_to_first_token"),
        ("costInUSD", "cost"),
        ("HTTPStatus", "http_status"),
        ("s", "s"),
        ("Eingabe-Token", "input_tokens"),
        ("Anzahl der Ausgabetoken", "output_tokens"),
        ("jetons_entrée", "tokens_input"),
        ("identifiant de requête", "request_id"),
        ("Dauer (s)", "duration"),
        ("Kosten in Cent", "cost"),
        ("coût_usd", "cost"),
        ("Kosten (€)", "cost_eur"),
        ("respuesta", "answer"),
    ],
)
def test_keys_are_compared_without_case_noise_and_unit(key: str, words: str) -> None:
    assert plain(key) == words


def test_names_in_camel_case_are_understood() -> None:
    assert places(*three()) == {
        "call_id": "requestId",
        "started_at": "receivedAt",
        "feature": "application",
        "model": "modelName",
        "input_tokens": "numInputTokens",
        "output_tokens": "numOutputTokens",
    }


def test_a_user_may_be_named_by_an_address() -> None:
    mails = [f"jo{n}@example.com" for n in range(3)]
    assert places(*three(**{"User Email": mails}))["user_id"] == "User Email"


def test_a_proposal_reads_the_lines_it_was_made_from() -> None:
    _, lake = read_back(log("imported/gateway.jsonl", lines(*(record(n) for n in range(4)))))
    assert lake.counts("imported/gateway.jsonl") == (4, 4, 0, 0, 0, 0)
    first = lake.rows().row(0, named=True)
    assert (first["call_id"], first["model"], first["feature"]) == ("r-0", "gpt-4.1-mini", "chat")
    assert (first["uncached_input"], first["output_text"]) == (100, 10)


def test_ids_that_are_whole_numbers_are_placed() -> None:
    numbered = [record(n, requestId=10**12 + n, traceId=7000 + n) for n in range(4)]
    _, lake = read_back(log("imported/gateway.jsonl", lines(*numbered)))
    found = lake.rows().select("call_id", "trace_id").row(0)
    assert found == ("1000000000000", "7000")


def test_a_csv_file_is_mapped_though_all_its_cells_are_text() -> None:
    text = io.StringIO()
    rows = [record(n, Success=str(n > 1), Latency=f"{n}.25") for n in range(3)]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    source, lake = read_back(log("imported/calls.csv", text.getvalue().encode()))
    assert source.fields["latency_ms"].unit == "s"
    found = lake.rows().select("status", "latency_ms", "uncached_input")
    assert found.rows() == [("error", 250.0, 100), ("error", 1250.0, 101), ("ok", 2250.0, 102)]


def test_a_parquet_file_is_mapped() -> None:
    held = io.BytesIO()
    pl.DataFrame([record(n) for n in range(3)]).write_parquet(held)
    source, lake = read_back(log("imported/calls.parquet", held.getvalue()))
    assert source.name == "calls"
    assert lake.rows().height == 3


def test_nested_keys_and_keys_with_dots_are_placed() -> None:
    records = [
        {
            "@timestamp": f"2026-11-10T09:0{n}:00Z",
            "labels": {"user.id": f"u-{n}"},
            "reply": {"usage": {"prompt": 20 + n, "completion": 5}, "choices": [{"text": "Yes."}]},
        }
        for n in range(3)
    ]
    source, lake = read_back(log("imported/deep.jsonl", lines(*records)))
    assert source.fields["started_at"].path == "@timestamp"
    assert source.fields["input_tokens"].path == "reply.usage.prompt"
    assert source.fields["answer"].path == "reply.choices[0].text"
    assert source.fields["user_id"].path == ["labels", "user.id"]
    assert lake.rows()["answer_chars"].to_list() == [4, 4, 4]


@pytest.mark.parametrize(
    ("key", "values", "unit", "sure"),
    [
        ("latency_ms", [900, 1500, 2000], "ms", True),
        ("latency_s", [0.9, 1.5, 2], "s", True),
        ("durationSeconds", [0.9, 1.5, 2], "s", True),
        ("elapsed_us", [900000, 1500000, 2000000], "us", True),
        ("latency", [900, 1500, 2000], "ms", True),
        ("latency", [0.9, 1.5, 2.0], "s", False),
        ("total_duration", [900e6, 1500e6, 2000e6], "ns", False),
        ("duration", [900e3, 1500e3, 2000e3], "us", False),
        ("took", [100e3, 300e3, 200e3], "ms", False),
        ("durationNano", [900e6, 1500e6, 2000e6], "ns", True),
        ("duration_microseconds", [900e3, 1500e3, 2000e3], "us", True),
        ("latency_s", [900, 1500, 2000], "s", False),
    ],
)
def test_the_unit_of_a_latency_is_told_by_name_else_by_size(
    key: str, values: list[float], unit: str, sure: bool
) -> None:
    made = guesses(*three(**{key: values}))["latency_ms"]
    assert (made.unit, not made.review) == (unit, sure)


_COUNTS = ([120, 130, 140], [30, 20, 10])


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("prompt_eval_count", "eval_count"),  # Ollama
        ("promptTokenCount", "candidatesTokenCount"),  # Gemini
        ("inputTokens", "outputTokens"),  # Bedrock
        ("inputTokenCount", "outputTokenCount"),
        ("tokens_evaluated", "tokens_predicted"),  # llama.cpp
        ("prompt_tokens", "generated_tokens"),  # TGI
        ("num_prompt_tokens", "num_generation_tokens"),  # vLLM
        ("tokensIn", "tokensOut"),
        ("prompt_tok", "completion_tok"),
    ],
)
def test_tokens_are_found_under_the_names_that_servers_give_them(given: str, made: str) -> None:
    bare = {"numInputTokens": [None] * 3, "numOutputTokens": [None] * 3}
    found = places(*three(**{**bare, given: _COUNTS[0], made: _COUNTS[1]}))
    assert (found["input_tokens"], found["output_tokens"]) == (given, made)


def test_of_coheres_two_counts_the_billed_one_is_taken() -> None:
    counts = {
        "tokens": {"input_tokens": 900, "output_tokens": 40},
        "billed_units": {"input_tokens": 100, "output_tokens": 38},
    }
    bare = {"numInputTokens": [None] * 3, "numOutputTokens": [None] * 3}
    found = places(*three(**bare, meta=[counts] * 3))
    assert found["input_tokens"] == "meta.billed_units.input_tokens"
    assert found["output_tokens"] == "meta.billed_units.output_tokens"


def test_tokens_that_stay_in_a_context_are_no_cached_ones() -> None:
    bare = {"numInputTokens": [None] * 3, "numOutputTokens": [None] * 3}
    told = {"tokens_evaluated": _COUNTS[0], "tokens_predicted": _COUNTS[1]}
    found = places(*three(**bare, **told, tokens_cached=[149, 149, 149]))
    assert "cache_read" not in found
    assert found["input_tokens"] == "tokens_evaluated"


@pytest.mark.parametrize("scale", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("key", ["timestamp", "startTimeUnixNano", "ts_epoch", "epoch_ms", "unix"])
def test_a_time_since_1970_is_found_in_any_unit(key: str, scale: int) -> None:
    records = three(receivedAt=[None] * 3, **{key: [(1_794_300_000 + n) * scale for n in range(3)]})
    source, lake = read_back(log("imported/epochs.jsonl", lines(*records)))
    assert source.fields["started_at"].path == key
    assert lake.rows()["day"].unique().to_list() == [date(2026, 11, 10)]


def test_start_and_end_of_a_call_settle_the_unit_of_its_latency() -> None:
    ends = [f"2026-11-10T09:0{n}:0{n + 2}Z" for n in range(3)]
    made = guesses(*three(latency=[2.0, 3.0, 4.0], end_time=ends))["latency_ms"]
    assert (made.unit, made.review) == ("s", "")


def test_cached_tokens_above_the_input_are_counted_apart() -> None:
    found = guesses(*three(cache_read_input_tokens=[0, 5000, 20]))
    assert "input_tokens" not in found
    assert found["uncached_input"].review == ""


def test_a_total_says_that_cached_tokens_are_included() -> None:
    found = guesses(*three(cachedTokens=[0, 50, 20], totalTokens=[110, 112, 114]))
    assert found["input_tokens"].review == ""
    assert "included" in found["input_tokens"].evidence
    assert "total_tokens" in found


def test_a_total_says_that_cached_tokens_are_apart() -> None:
    found = guesses(*three(cachedTokens=[10, 50, 20], totalTokens=[120, 162, 134]))
    assert found["uncached_input"].review == ""
    assert "total_tokens" in found


def test_without_any_sum_cached_tokens_need_a_person() -> None:
    made = guesses(*three(cached_tokens=[10, 50, 20]))["input_tokens"]
    assert made.review == "no sum tells whether it includes the cached ones"


def test_a_total_that_is_no_sum_is_left_out_so_that_lines_are_not_rejected() -> None:
    assert "total_tokens" not in guesses(*three(totalTokens=[7, 7, 7]))


def test_reasoning_beside_the_output_makes_the_output_the_rest_of_the_total() -> None:
    records = three(reasoning_tokens=[40, 50, 60], totalTokens=[150, 162, 174])
    source, lake = read_back(log("imported/thinking.jsonl", lines(*records)))
    assert "output_tokens" not in source.fields
    assert lake.rows().select("output_text", "reasoning").rows() == [(10, 40), (11, 50), (12, 60)]


def test_words_of_a_status_are_translated_and_marked() -> None:
    made = guesses(*three(outcome=["SERVED", "DENIED", "ok"]))["status"]
    assert made.values == {"DENIED": "error", "SERVED": "ok"}
    assert made.review == "these words are guessed"


def test_words_of_failure_are_known_in_other_languages() -> None:
    made = guesses(*three(Status=["Fehler", "erfolgreich", "ÉCHEC"]))["status"]
    assert made.values == {"Fehler": "error", "erfolgreich": "ok", "ÉCHEC": "error"}


def test_a_spreadsheet_in_another_language_is_read_with_its_numbers_and_times() -> None:
    data = (
        "\ufeffZeitpunkt;Modell;Eingabe-Token;Ausgabe-Token;Dauer (s);Kosten (Cent);Status\r\n"
        "10.11.2026 9:15;gpt-4.1-mini;1.100;20;0,812;1,25;erfolgreich\r\n"
        "10.11.2026 14:15:30;gpt-4.1-mini;900;30;1,2;0,5;Fehler\r\n"
    )
    source, lake = read_back(log("aufrufe.csv", data.encode()))
    assert source.fields["latency_ms"].decimal == ","
    found = lake.rows().sort("started_at").select(
        "started_at", "uncached_input", "output_text", "latency_ms", "cost_reported", "status"
    )  # fmt: skip
    assert [(str(at), *rest[:3], float(rest[3]), rest[4]) for at, *rest in found.rows()] == [
        ("2026-11-10 09:15:00", 1100, 20, 812.0, 0.0125, "ok"),
        ("2026-11-10 14:15:30", 900, 30, 1200.0, 0.005, "error"),
    ]


def test_a_comma_that_may_part_thousands_is_no_decimal_comma() -> None:
    found = guesses(
        *three(numInputTokens=["1,100", "2,200", "950"], took=["1,100", "2,200", "950"])
    )
    assert found["input_tokens"].evidence == "whole numbers, median 1,100"
    assert "cost_reported" not in places(*three(**{"Kosten (€)": [0.1, 0.2, 0.3]}))


def test_a_flag_of_success_knows_the_word_that_has_not_come_yet() -> None:
    made = guesses(*three(success=[True, True, True]))["status"]
    assert made.values == {"true": "ok", "false": "error"}


def test_a_flag_of_failure_is_turned_round() -> None:
    made = guesses(*three(failed=[True, False, False]))["status"]
    assert made.values == {"true": "error", "false": "ok"}


def test_a_time_without_a_zone_needs_a_person() -> None:
    times = [f"2026-11-10 09:0{n}:00" for n in range(3)]
    assert "no zone" in guesses(*three(receivedAt=times))["started_at"].review


def test_a_time_that_no_name_tells_is_told_by_its_values() -> None:
    times = [1_794_300_000_000 + n for n in range(3)]
    made = guesses(*three(receivedAt=[None] * 3, moment=times))["started_at"]
    assert made.profile is not None
    assert made.profile.shown == "moment"
    assert made.review == "the values say so, the name does not"


def test_a_clock_that_counts_from_nowhere_gives_the_date_of_the_file() -> None:
    records = three(receivedAt=[None] * 3, timestamp=[0, 500, 900])
    source, lake = read_back(log("imported/2026-11-09/trace.jsonl", lines(*records)))
    assert source.fields["started_at"].constant == "2026-11-09T00:00:00Z"
    assert lake.rows()["day"].to_list() == [date(2026, 11, 9)] * 3


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-11-10", "date is the date and time the time of day; export both in one field"),
        ("10.11.2026", "date is the date and time the time of day; export both in one field"),
        (None, "no path holds a date"),
    ],
)
def test_a_date_and_a_time_in_two_columns_are_told_as_what_they_are(day: str | None, said: str):
    times = [f"9:{n:02d}:00" for n in range(3)]
    records = three(receivedAt=[None] * 3, date=[day] * 3, time=times)
    proposal = propose(log("imported/2026-11-09/two.jsonl", lines(*records)), options())
    assert said in proposal.text


def test_a_date_alone_is_told_too():
    records = three(receivedAt=[None] * 3, date=["11/10/2026"] * 3)
    proposal = propose(log("imported/2026-11-09/one.jsonl", lines(*records)), options())
    assert "date is a date without a time of day" in proposal.text


def test_ids_that_are_fractions_are_left_for_they_would_be_rejected() -> None:
    assert "call_id" not in guesses(*three(requestId=[1.5, 2.5, 3.5]))


def test_ids_that_repeat_need_a_person() -> None:
    assert "duplicates" in guesses(*three(requestId=["a", "a", "b"]))["call_id"].review


def test_cents_are_told_by_name_and_dear_calls_need_a_person() -> None:
    assert guesses(*three(cost_cents=[0.2, 3, 4]))["cost_reported"].unit == "cents"
    assert guesses(*three(cost=[20, 30, 40]))["cost_reported"].review


def test_messages_questions_answers_and_passages_are_told_by_their_values() -> None:
    asked = [[{"role": "user", "content": "Where?"}]] * 3
    found = places(*three(prompt=asked, response=["Here."] * 3, docs=[["a", "b"], [], ["c"]]))
    assert (found["messages"], found["answer"], found["contexts"]) == ("prompt", "response", "docs")
    assert "question" not in found
    assert places(*three(prompt=["Where?"] * 3))["question"] == "prompt"


def test_keys_that_differ_only_in_case_are_not_used_together() -> None:
    records = three(model=["m"] * 3, Model=["n"] * 3, MODEL=["o"] * 3)
    source, lake = read_back(log("imported/case.jsonl", lines(*records)))
    assert source.fields["model"].path == "modelName" or source.fields["model"].path == "model"
    assert lake.rows().height == 3


def test_strange_keys_and_values_make_a_proposal_that_still_loads() -> None:
    strange = {"a: b # c": "x", "yes": 1, "": 2, "[0]": "y", 'q"uote': [], "new\nline": "z"}
    records = [record(n) | strange | {"user": "# not a comment\n- x"} for n in range(3)]
    source, lake = read_back(log("imported/Ünïcode name (1).jsonl", lines(*records)))
    assert source.name == "n-code-name-1"
    assert lake.rows().height == 3


def test_a_name_that_another_entry_has_is_not_taken_again() -> None:
    entry = {"name": "calls", "match": "x", "format": "openai"}
    given = options(sources=Sources(sources=[Source.model_validate(entry)]))
    file = log("imported/calls.jsonl", lines(record(1), record(2)))
    assert propose(file, given).source.name == "calls-2"


def test_texts_of_people_never_reach_the_proposal() -> None:
    secret = "My card is 4111 1111 1111 1111"
    file = log("imported/a.jsonl", lines(*(record(n, prompt=secret, note=secret) for n in (1, 2))))
    assert "4111" not in propose(file, options()).text


def test_a_known_format_needs_no_mapping() -> None:
    file = log("a.jsonl", lines({"object": "chat.completion", "created": 1, "choices": []}))
    with pytest.raises(NoMappingError, match="is read as openai without a mapping"):
        propose(file, options())


@pytest.mark.parametrize("data", [b"", b"just text\n", b"\x00\x01\x02" * 50, b"[1, 2]\n"])
def test_what_holds_no_records_cannot_be_mapped(data: bytes) -> None:
    with pytest.raises(NoMappingError):
        propose(log("a.jsonl", data), options())


def test_json_on_one_line_after_another_object_is_no_obstacle() -> None:
    data = json.dumps([record(n) for n in range(3)]).encode()
    _, lake = read_back(log("imported/array.json", data))
    assert lake.rows().height == 3


def test_every_synonym_is_spelled_as_keys_are_compared() -> None:
    names = {name for names in SYNONYMS.values() for name in names}
    assert {name for name in names if plain(name) != name} == set()
    assert all(names <= set(SYNONYMS[field]) for field, names in LOOSE.items())


def test_records_nested_beyond_measure_are_mapped_as_far_as_they_can_be_walked() -> None:
    deep: object = "x"
    for _ in range(500):
        deep = {"a": deep}
    assert places(*three(deep=[deep] * 3))["call_id"] == "requestId"


def test_models_that_have_a_price_are_told_by_their_values() -> None:
    names = ["gpt-4.1-mini", "claude-sonnet-4-5", "house-model"]
    made = guesses(*three(modelName=[None] * 3, llm=names, colour=["red", "blue", "red"]))["model"]
    assert made.profile is not None
    assert made.profile.shown == "llm"
    assert made.evidence == "2 of 3 names are in the price catalogue"
    assert made.review == "the values say so, the name does not"


def test_no_model_is_told_by_values_that_have_no_price() -> None:
    assert "model" not in guesses(*three(modelName=[None] * 3, colour=["red", "blue", "red"]))


def test_tokens_that_no_name_tells_are_told_by_their_sum() -> None:
    records = [
        {"at": f"2026-11-10T09:{n:02d}:00Z", "x": 100 + 3 * n, "y": n % 7, "z": 100 + 3 * n + n % 7}
        for n in range(30)
    ]
    assert places(*records) == {
        "started_at": "at",
        "input_tokens": "x",
        "output_tokens": "y",
        "total_tokens": "z",
    }
    assert all(made.review for made in guesses(*records).values())
    assert "input_tokens" not in places(*records[:5])


def test_a_path_that_is_named_like_a_field_and_left_says_so() -> None:
    fractions = three(requestId=[1.5, 2.5, 3.5])
    text = propose(log("a.jsonl", lines(*fractions)), options()).text
    assert "#   requestId: number; named like call_id, which is placed or takes other" in text


def test_statuses_of_http_alone_tell_which_calls_failed() -> None:
    records = three(status_code=[200, 429, 504])
    source, lake = read_back(log("x.jsonl", lines(*records)))
    assert "error_status" in source.fields
    assert lake.rows()["status"].to_list() == ["ok", "error", "error"]
    assert lake.rows()["error_class"].to_list() == [None, "rate_limit", "timeout"]


def test_a_code_that_successes_have_is_their_status_and_no_error() -> None:
    codes = [{"code": "OK"}, {"code": "ERROR"}, {"code": "OK"}]
    records = [made | {"status": code} for made, code in zip(three(), codes, strict=True)]
    _, lake = read_back(log("x.jsonl", lines(*records)))
    assert lake.rows()["status"].to_list() == ["ok", "error", "ok"]


def test_ids_that_most_records_share_are_none_of_calls() -> None:
    passages = [[{"id": "kb-12", "text": "Thirty days."}]] * 3
    records = three(requestId=[None] * 3, retrieved=passages, req=["a", "b", "c"])
    found = places(*records)
    assert (found["call_id"], found["contexts"]) == ("req", "retrieved")
    repeated = three(requestId=["same"] * 3)
    assert "call_id" not in places(*repeated)


def test_counts_that_are_named_like_texts_are_tokens() -> None:
    counted = [
        {"started": f"2026-11-10T09:0{n}:00Z", "model": "gpt-4.1-mini", "call": f"c-{n}",
         "n_prompt": 1000 + n, "n_completion": 100 + n, "cached": 64 * n, "lat": 1.5}
        for n in range(3)
    ]  # fmt: skip
    table = io.StringIO()
    writer = csv.DictWriter(table, list(counted[0]))
    writer.writeheader()
    writer.writerows(counted)
    for file in (log("x.jsonl", lines(*counted)), log("x.csv", table.getvalue().encode())):
        _, lake = read_back(file)
        rows = lake.rows()
        assert rows.select("uncached_input", "cache_read", "output_text").rows() == [
            (1000, 0, 100), (937, 64, 101), (874, 128, 102),
        ]  # fmt: skip
        assert rows["latency_ms"].to_list() == [1500.0] * 3
        assert rows["answer_chars"].null_count() == 3


def test_a_name_that_its_parent_makes_sure_needs_no_review() -> None:
    records = [made | {"tokens": {"prompt": 5, "completion": 3}} for made in three()]
    bare = [{k: v for k, v in each.items() if not k.startswith("num")} for each in records]
    assert guesses(*bare)["input_tokens"].review == ""


def test_words_of_a_status_that_sound_bad_are_failures_of_their_class() -> None:
    words = ["COMPLETED", "THROTTLED", "TIMED_OUT", "server", "FAULT"]
    records = [record(number, status=word) for number, word in enumerate(words)]
    _, lake = read_back(log("x.jsonl", lines(*records)))
    assert lake.rows().select("status", "error_class").rows() == [
        ("ok", None), ("error", "rate_limit"), ("error", "timeout"), ("error", "server"),
        ("error", "other"),
    ]  # fmt: skip


@pytest.mark.parametrize("nothing", ["None", "null", "-"])
@pytest.mark.parametrize("name", ["error", "error_type"])
def test_a_word_for_no_error_is_no_error(nothing: str, name: str) -> None:
    _, lake = read_back(log("x.jsonl", lines(*three(**{name: [nothing, "timeout", nothing]}))))
    assert lake.rows()["status"].to_list() == ["ok", "error", "ok"]


def test_totals_of_both_sides_are_their_tokens() -> None:
    usage = {"prompt": {"total": 50, "cached": 20}, "completion": {"total": 9, "reasoning": 4}}
    bare = [{k: v for k, v in made.items() if not k.startswith("num")} for made in three()]
    _, lake = read_back(log("x.jsonl", lines(*[made | {"usage": usage} for made in bare])))
    told = ("uncached_input", "cache_read", "output_text", "reasoning")
    assert lake.rows().select(told).rows() == [(30, 20, 5, 4)] * 3


def test_keys_that_a_tool_defines_are_told_without_their_mark() -> None:
    """PostHog's ``$ai_generation``: the sign is no currency."""
    told = {
        "$ai_model": "gpt-4.1-mini", "$ai_input_tokens": 50, "$ai_output_tokens": 7,
        "$ai_cache_read_input_tokens": 20, "$ai_reasoning_tokens": 3, "$ai_trace_id": "t",
        "$ai_is_error": False, "$ai_total_cost_usd": 0.25,
    }  # fmt: skip
    rows = [{"uuid": f"u-{n}", "timestamp": "2026-11-10T09:00:00Z", "p": told} for n in range(3)]
    found = places(*rows)
    assert {name: str(place)[2:] for name, place in found.items() if "$" in str(place)} == {
        "trace_id": "$ai_trace_id", "model": "$ai_model", "status": "$ai_is_error",
        "uncached_input": "$ai_input_tokens", "cache_read": "$ai_cache_read_input_tokens",
        "output_tokens": "$ai_output_tokens", "reasoning": "$ai_reasoning_tokens",
        "cost_reported": "$ai_total_cost_usd",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("native_tokens_prompt", "input_tokens"),
        ("native_tokens_completion", "output_tokens"),
        ("native_tokens_cached", "cache_read"),
        ("prompt_cached_tokens", "cache_read"),
        ("prompt_cache_creation_tokens", "cache_write_5m"),
        ("ephemeral_1h_input_tokens", "cache_write_1h"),
        ("reasoning_output_tokens", "reasoning"),
        ("completion_reasoning_tokens", "reasoning"),
        ("input_audio_tokens", "audio_input"),
        ("distinct_id", "user_id"),
        ("resultSignature", "error_status"),
    ],
)
def test_names_of_other_tools_are_known(name: str, field: str) -> None:
    value = "u" if field == "user_id" else "200"
    assert places(*(record(n) | {name: value} for n in range(3)))[field] == name


def test_writes_that_include_those_for_an_hour_are_not_counted_twice() -> None:
    split = three(ephemeral_5m_input_tokens=[3, 0, 2], ephemeral_1h_input_tokens=[0, 4, 2],
                  cache_write_input_tokens=[3, 4, 4])  # fmt: skip
    found = places(*split)
    assert found["cache_write_5m"] == "ephemeral_5m_input_tokens"
    assert found["cache_write_1h"] == "ephemeral_1h_input_tokens"
    whole = guesses(*three(ephemeral_1h_input_tokens=[0, 4, 2], cache_write_input_tokens=[3, 4, 4]))
    assert "cache_write_1h" not in whole
    assert "ephemeral_1h_input_tokens" in whole["cache_write_5m"].review


def test_providers_that_count_caches_differently_are_told_apart() -> None:
    rows = [
        record(n, provider=who, cache_read_tokens=cached)
        for n in range(4)
        for who, cached in (("anthropic", 5000), ("openai", 20))
    ]
    made = guesses(*rows)["uncached_input"]
    assert "those of openai never do" in made.review
    assert "file of its own" in made.review
    alone = [row for row in rows if row["provider"] == "anthropic"]
    assert not guesses(*alone)["uncached_input"].review


@pytest.mark.parametrize(
    ("start", "duration", "unit"),
    [
        ({"start_ns": 1_794_301_200_000_000_000}, 43_000_000, "ns"),
        ({"start_ms": 1_794_301_200_000}, 1_943_000_000, "ns"),  # as Datadog's search answers
    ],
)
def test_a_duration_is_counted_as_the_start_beside_it_where_that_can_be(
    start: dict[str, int], duration: int, unit: str
) -> None:
    rows = [record(n, receivedAt=None, duration=duration) | start for n in range(3)]
    made = guesses(*rows)["latency_ms"]
    assert (made.unit, bool(made.review)) == (unit, True)


def test_records_that_list_several_calls_need_a_person() -> None:
    row = {"batch": "b", "calls": [record(1), record(2)]}
    assert "lists up to 2" in guesses(row, row)["input_tokens"].review
    lone = {"batch": "b", "calls": [record(1)]}
    assert not guesses(lone, lone)["input_tokens"].review


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"odd_video_tokens": 7}, "odd_video_tokens: number. REVIEW: counts tokens"),
        ({"properties": '{"modelName": "gpt-4.1"}'}, "properties: text. REVIEW: JSON text"),
        ({"cached": True}, "cost nothing; leave those records out"),
    ],
)
def test_what_fills_nothing_and_matters_is_told(more: dict[str, Any], said: str) -> None:
    text = propose(log("log.jsonl", lines(*(record(n) | more for n in range(3)))), options()).text
    assert said in text
    assert "1 line(s) say REVIEW" in text
    assert "No path counts tokens" not in text


@pytest.mark.parametrize("more", [{"max_tokens": 100}, {"odd_video_tokens": 0}])
def test_what_counts_nothing_that_was_used_needs_no_person(more: dict[str, Any]) -> None:
    text = propose(log("log.jsonl", lines(*(record(n) | more for n in range(3)))), options()).text
    assert "0 line(s) say REVIEW" in text


def test_records_that_tell_of_no_model_are_counted() -> None:
    """Spans of tools beside those of models, as Datadog exports them."""
    tool = {"requestId": "t", "receivedAt": "2026-11-10T09:00:00Z", "kind": "tool"}
    text = propose(log("log.jsonl", lines(record(1), record(2), tool)), options()).text
    assert "# REVIEW: 1 record(s) hold no model" in text
    assert "1 line(s) say REVIEW" in text
    assert "hold no model" not in propose(log("log.jsonl", lines(record())), options()).text


def test_records_without_counts_say_that_they_have_no_cost() -> None:
    bare = [record(n, numInputTokens=None, numOutputTokens=None) for n in range(3)]
    text = propose(log("log.jsonl", lines(*bare)), options()).text
    assert "# No path counts tokens" in text
