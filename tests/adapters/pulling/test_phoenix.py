"""Spans of a real Phoenix server, sent through OTLP."""

import time
from pathlib import Path

import httpx
import pytest

from llmops_pipelines.adapters.pulling import Page, PullError
from tests.adapters.pulling.real import interpreter, running, send
from tests.adapters.pulling.services import DAY
from tests.adapters.pulling.worlds import entry, lines, pulled, source
from tests.orchestration.processes import free_port

PYTHON = interpreter("PHOENIX_PYTHON", "phoenix")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(PYTHON is None, reason="PHOENIX_PYTHON names no interpreter with Phoenix"),
]

STARTS = [
    "2026-11-09T23:59:59+00:00",
    "2026-11-10T00:00:00+00:00",
    *[f"2026-11-10T09:{n:02d}:00+00:00" for n in range(20)],
    "2026-11-10T23:59:59+00:00",
    "2026-11-11T00:00:00+00:00",
]


def until(found, missing):
    """Wait for what the server does a moment after it has answered."""
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end, missing
        time.sleep(0.1)


def arrived(url):
    """Whether all spans of the day are stored; the project is made with the first of them."""
    try:
        return source(entry("phoenix", url)).count(DAY).records == 22
    except PullError:
        return False


@pytest.fixture(scope="module")
def phoenix(tmp_path_factory):
    folder, port, grpc = tmp_path_factory.mktemp("phoenix"), free_port(), free_port()
    settings = {
        "PHOENIX_WORKING_DIR": str(folder / "data"),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }
    command = [str(Path(PYTHON).parent / "phoenix"), "serve"]
    with running(command, f"http://127.0.0.1:{port}/healthz", folder, **settings) as url:
        send(PYTHON, "send_to_phoenix.py", url, "shop", ",".join(STARTS))
        until(lambda: arrived(url), "the spans did not arrive")
        yield url


def test_a_day_of_spans_comes_in_pages_as_the_server_counts_them(phoenix, tmp_path):
    result = pulled(source(entry("phoenix", phoenix, page_size=5)), tmp_path)
    assert [line["name"] for line in lines(result)] == [f"call {n}" for n in range(1, 23)]
    assert (result.pages, result.counted.records, result.outside) == (5, 22, 0)
    assert result.counted.mark.startswith("22 spans, 220 tokens")


def test_a_span_has_kind_times_and_attributes(phoenix, tmp_path):
    span = lines(pulled(source(entry("phoenix", phoenix)), tmp_path))[0]
    assert span["span_kind"] == "LLM"
    assert span["start_time"] == "2026-11-10T00:00:00+00:00"
    assert span["attributes"]["llm.token_count.prompt"] == 8


def mark(url):
    return source(entry("phoenix", url)).count(DAY).mark


def test_what_is_said_of_spans_and_traces_later_changes_the_mark_and_comes_with_them(
    phoenix, tmp_path
):
    spans = lines(pulled(source(entry("phoenix", phoenix, page_size=5)), tmp_path / "a"))
    marks = [mark(phoenix)]
    for label in ("up", "down"):
        for kind, subject in (("span", spans[3]), ("trace", spans[4])):
            said = {"name": "helpful", "annotator_kind": "HUMAN", "result": {"label": label}}
            said[f"{kind}_id"] = subject["context"][f"{kind}_id"]
            url = f"{phoenix}/v1/{kind}_annotations?sync=true"
            httpx.post(url, json={"data": [said]}, trust_env=False).raise_for_status()
            # Phoenix keeps its sums for a tenth of a second after it has stored an annotation.
            until(lambda: mark(phoenix) not in marks, f"the {kind}'s {label!r} changed no mark")
            marks.append(mark(phoenix))
    assert len({*marks}) == 5
    found = lines(pulled(source(entry("phoenix", phoenix, page_size=5)), tmp_path / "b"))
    assert [
        (line["name"], said["name"], said["result"]["label"], "span_id" in said)
        for line in found
        for said in line.pop("annotations", [])
    ] == [("call 4", "helpful", "down", True), ("call 5", "helpful", "down", False)]
    assert found == spans


def test_a_second_download_gives_the_same_bytes(phoenix, tmp_path):
    first = pulled(source(entry("phoenix", phoenix, page_size=5)), tmp_path / "a").file
    assert pulled(source(entry("phoenix", phoenix, page_size=7)), tmp_path / "b").file == first


def test_a_page_begins_where_the_one_before_said(phoenix):
    first = next(source(entry("phoenix", phoenix, page_size=15)).pages(DAY, None))
    (rest,) = source(entry("phoenix", phoenix, page_size=15)).pages(DAY, first.after)
    assert len({record.id for record in first.records + rest.records}) == 22
    assert rest == Page(rest.records, None)


def test_an_unknown_project_is_told(phoenix, tmp_path):
    with pytest.raises(PullError, match=r"HTTP 404; check url, and project or experiment"):
        pulled(source(entry("phoenix", phoenix, project="other")), tmp_path)
    with pytest.raises(PullError, match="Phoenix has no project 'other'"):
        source(entry("phoenix", phoenix, project="other")).count(DAY)
