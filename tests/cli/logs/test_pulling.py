"""`llmops pull` and what a night pulls, from a stub of Langfuse to the landing zone."""

import json
from datetime import date

import pytest

from llmops_pipelines.orchestration.landing.landing import log_index
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from tests.adapters.pulling.services import LangfuseService, observation, serving
from tests.cli.worlds import DAY, data_folder, invoke

FILE = f"pulled/shop/{DAY}.ndjson.zst"


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", "sk")
    monkeypatch.setenv("SHOP_PUBLIC", "pk")
    records = [observation(n, f"{DAY}T09:0{n}:00.000Z") for n in range(5)]
    with serving(LangfuseService(records)) as service:
        yield service


@pytest.fixture
def folder(service, tmp_path):
    shop = {
        "name": "shop",
        "kind": "langfuse",
        "url": service.url,
        "page_size": 2,
        "api_key_env": "SHOP_SECRET",
        "public_key_env": "SHOP_PUBLIC",
        "since": str(DAY),
    }
    sources = json.dumps({"pull": [shop]})
    return data_folder(tmp_path, {}, {"sources.yaml": sources})


@pytest.mark.slow
def test_a_day_is_downloaded_told_and_landed_by_the_night_without_asking_for_it_again(
    folder, service
):
    run = invoke("--data", folder, "pull", "--from", DAY, "--to", DAY, "--json")
    assert run.returncode == 0, run.stderr
    (row,) = json.loads(run.stdout)["pulled"]
    told = {name: row[name] for name in ("day", "source", "outcome", "file", "records", "pages")}
    assert told == {
        "day": str(DAY), "source": "shop", "outcome": "pulled", "file": FILE, "records": 5,
        "pages": 3,
    }  # fmt: skip
    assert (folder / "logs" / FILE).exists()
    service.seen.clear()
    invoke("--data", folder, "nightly", "--json")
    assert service.seen == ["GET /api/public/v2/metrics"]
    index = log_index(Lake(open_store(str(folder / "lake"))))
    assert index.select("source_file", "lines").rows() == [(FILE, 5)]
    assert index["source_format"][0].startswith("langfuse:shop:")


@pytest.mark.slow
def test_a_service_that_refuses_is_a_sentence_and_exit_code_1(folder, service, monkeypatch):
    monkeypatch.setenv("SHOP_SECRET", "secret-that-is-wrong")
    run = invoke("--data", folder, "pull", "--to", DAY)
    assert run.returncode == 1
    assert f"{DAY} shop: failed; shop: {service.url}/api/public/v2/observations" in run.stdout
    assert "HTTP 401; check the key in SHOP_SECRET" in run.stdout
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"secret-that-is-wrong" not in everything + (run.stdout + run.stderr).encode()


def test_without_services_there_is_nothing_to_pull(tmp_path):
    run = invoke("--data", data_folder(tmp_path, {}), "pull")
    assert run.returncode == 2
    assert run.stderr.splitlines()[-1] == (
        f"nothing to pull: {tmp_path / 'reference'}/sources.yaml lists no service under pull:"
    )


def test_an_unknown_source_is_told_with_those_that_are_known(folder):
    run = invoke("--data", folder, "pull", "--source", "shopp")
    assert run.returncode == 2
    assert "--source shopp is not under pull:; known: shop" in run.stderr


def test_days_before_the_lake_and_of_the_future_are_refused(folder):
    run = invoke("--data", folder, "pull", "--from", "1990-01-01", "--to", "1990-01-02")
    assert run.returncode == 2
    assert "--from 1990-01-01 lies before LLMOPS_START" in run.stderr
    run = invoke("--data", folder, "pull", "--from", date(2030, 1, 1))
    assert run.returncode == 2
    assert "choose 1 to 3,660 days, up to today" in run.stderr
