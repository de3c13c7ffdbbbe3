"""Traces of a real MLflow server on SQLite."""

import json

import httpx
import pytest

from llmops_pipelines.adapters.pulling import PullError
from tests.adapters.pulling.real import interpreter, running, send
from tests.adapters.pulling.services import DAY
from tests.adapters.pulling.worlds import entry, lines, pulled, source
from tests.orchestration.processes import free_port

PYTHON = interpreter("MLFLOW_PYTHON", "mlflow")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(PYTHON is None, reason="MLFLOW_PYTHON names no interpreter with MLflow"),
]

STARTS = [
    "2026-11-09T23:59:59+00:00",
    "2026-11-10T00:00:00+00:00",
    *[f"2026-11-10T09:{n:02d}:00+00:00" for n in range(8)],
    "2026-11-10T23:59:59+00:00",
    "2026-11-11T00:00:00+00:00",
]


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    command = [
        PYTHON, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///m.db",
        "--artifacts-destination", "./artifacts", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1",
    ]  # fmt: skip
    settings = {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(command, f"http://127.0.0.1:{port}/health", folder, **settings) as url:
        send(PYTHON, "send_to_mlflow.py", url, "shop", ",".join(STARTS))
        yield url


def asking(url, **changes):
    return source(entry("mlflow", url, **{"experiment": "shop", "api_key_env": ""} | changes))


def test_a_day_of_traces_comes_in_pages_as_the_server_counts_them(mlflow, tmp_path):
    result = pulled(asking(mlflow, page_size=3), tmp_path)
    found = lines(result)
    assert [trace["data"]["spans"][0]["name"] for trace in found] == [
        f"call {n}" for n in range(1, 11)
    ]
    assert (result.pages, result.counted.records, result.outside) == (4, 10, 0)
    assert result.counted.mark == "10 traces, 100 tokens, 15 spans, 0 assessments of 0"


def test_spans_of_files_and_of_the_database_have_one_shape(mlflow, tmp_path):
    otlp, client = lines(pulled(asking(mlflow), tmp_path))[:2]
    roots = [trace["data"]["spans"][0] for trace in (otlp, client)]
    assert set(roots[1]) - {"links"} == set(roots[0])
    for span in roots:
        usage = json.loads(span["attributes"]["mlflow.chat.tokenUsage"])
        assert (usage["input_tokens"], usage["output_tokens"]) == (8, 2)
        assert span["end_time_unix_nano"] - span["start_time_unix_nano"] == 10**9
        assert span["parent_span_id"] is None
    assert otlp["data"]["spans"][1]["parent_span_id"] == roots[0]["span_id"]


def test_a_second_download_gives_the_same_bytes(mlflow, tmp_path):
    first = pulled(asking(mlflow, page_size=3), tmp_path / "a").file
    assert pulled(asking(mlflow, page_size=4), tmp_path / "b").file == first


def test_a_page_begins_where_the_one_before_said(mlflow):
    first = next(asking(mlflow, page_size=6).pages(DAY, None))
    (rest,) = asking(mlflow, page_size=6).pages(DAY, first.after)
    assert len({record.id for record in first.records + rest.records}) == 10


def test_what_a_person_says_of_a_trace_later_changes_the_mark_and_comes_with_it(mlflow, tmp_path):
    trace = lines(pulled(asking(mlflow), tmp_path / "a"))[0]["info"]["trace_id"]
    marks = [asking(mlflow).count(DAY).mark]
    path = f"{mlflow}/api/3.0/mlflow/traces/{trace}/assessments"
    said = {
        "trace_id": trace,
        "assessment_name": "helpful",
        "source": {"source_type": "HUMAN", "source_id": "ada"},
        "feedback": {"value": True},
        "create_time": f"{DAY}T10:00:00Z",
        "last_update_time": f"{DAY}T10:00:00Z",
    }
    made = httpx.post(path, json={"assessment": said}, trust_env=False).json()["assessment"]
    marks.append(asking(mlflow).count(DAY).mark)
    (told,) = lines(pulled(asking(mlflow), tmp_path / "b"))[0]["info"]["assessments"]
    assert (told["assessment_name"], told["feedback"]["value"]) == ("helpful", True)
    name = made["assessment_id"]
    changed = {"assessment_id": name, "trace_id": trace, "feedback": {"value": False}}
    httpx.patch(
        f"{path}/{name}",
        json={"assessment": changed, "update_mask": "feedback"},
        trust_env=False,
    ).raise_for_status()
    marks.append(asking(mlflow).count(DAY).mark)
    httpx.request("DELETE", f"{path}/{name}", trust_env=False).raise_for_status()
    assert len({*marks}) == 3
    assert asking(mlflow).count(DAY).mark == marks[0]


def test_an_unknown_experiment_is_told(mlflow, tmp_path):
    with pytest.raises(PullError, match=r"HTTP 404; check url, and project or experiment"):
        pulled(asking(mlflow, experiment="other"), tmp_path)
