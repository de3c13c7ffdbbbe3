"""Days pulled from a stub of Langfuse into a landing zone, as nights do it."""

import gc
import json
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import zstandard

from llmops_pipelines.definitions import pull_secrets
from llmops_pipelines.orchestration.checking import checks
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    LakeResource,
    LogFolder,
    Pulling,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.landing.pulling import days_due, pull, stored_pulls
from llmops_pipelines.tables import PULLED_LOGS
from tests.adapters.pulling.services import LangfuseService, observation, serving

DAY = date(2026, 11, 10)
FILE = "pulled/shop/2026-11-10.ndjson.zst"


class Night:
    """A data folder with one source, and the shortest way to pull ``DAY``."""

    def __init__(self, root, service):
        self.root, self.service = root, service
        self.resources = {
            "lake": LakeResource(root=str(root / "lake")),
            "logs": LogFolder(root=str(root / "logs")),
            "reference": ReferenceFolder(path=str(root)),
        }
        self.configure()

    def configure(self, **changes):
        names = {"api_key_env": "KEY", "public_key_env": "PUBLIC"}
        shop = {"name": "shop", "kind": "langfuse", "url": self.service.url, "page_size": 2}
        keys = {"api_key_env": "NONE", "public_key_env": "PUBLIC"}
        down = {"name": "down", "kind": "langfuse", "url": self.service.url} | keys
        entries = [shop | names | changes] + ([down] if changes.pop("with_one_down", 0) else [])
        entries[0].pop("with_one_down", None)
        (self.root / "sources.yaml").write_text(json.dumps({"pull": entries}))

    def pull(self, now="2026-11-12T02:00:00", only="", **secrets):
        keys = {"KEY": "sk", "PUBLIC": "pk"} | secrets
        pulling = Pulling(staging=str(self.root / "staging"), secrets=keys, only=only)
        rows = pull(**self.resources, pulling=pulling, clock=Clock(fixed=now), day=DAY)
        self.lake.write(PULLED_LOGS, rows, day=DAY)
        return rows.row(by_predicate=pl.col("source") == (only or "shop"), named=True)

    @property
    def lake(self):
        return self.resources["lake"].open()

    @property
    def file(self):
        return self.root / "logs" / FILE

    def ids(self):
        text = zstandard.ZstdDecompressor().decompressobj().decompress(self.file.read_bytes())
        return [json.loads(line)["id"] for line in text.splitlines()]

    def check(self):
        return checks.day_is_complete(self.lake, DAY)

    def store_nine_more_days(self, changes):
        """Rows as of ``DAY``, pulled when the day was over, on the nine days after it."""
        row = self.pull()
        for n in range(1, 10):
            over = {"pulled_at": row["pulled_at"] + timedelta(days=n)}
            rows = pl.DataFrame([row | over | changes.get(n, {})], schema=PULLED_LOGS.schema)
            self.lake.write(PULLED_LOGS, rows, day=DAY + timedelta(days=n))

    def due(self):
        """Days of the month that a night of the 20th asks about."""
        today = date(2026, 11, 20)
        return [day.day for day in days_due(self.lake, self.resources["reference"], today, DAY)]

    def asked(self):
        """Requests since the last look, as pages and counts."""
        pages = self.service.seen.count("GET /api/public/v2/observations")
        counts = self.service.seen.count("GET /api/public/v2/metrics")
        self.service.seen.clear()
        return pages, counts


@pytest.fixture
def night(tmp_path):
    with serving(LangfuseService([observation(n) for n in range(5)])) as service:
        yield Night(tmp_path, service)


def test_a_day_becomes_a_file_of_the_landing_zone_and_a_row_of_figures(night):
    row = night.pull()
    assert night.ids() == ["o-000", "o-001", "o-002", "o-003", "o-004"]
    figures = ("outcome", "file", "pages", "records", "server_count", "requests", "retries")
    assert [row[name] for name in figures] == ["pulled", FILE, 3, 5, 5, 4, 0]
    assert night.check().passed
    assert [file.path for file in night.resources["logs"].files()] == [FILE]


def test_an_unchanged_day_is_counted_and_not_downloaded_again(night):
    night.pull()
    before = night.file.stat().st_mtime_ns
    assert night.asked() == (3, 1)
    assert night.pull()["outcome"] == "unchanged"
    assert night.asked() == (0, 1)
    assert night.file.stat().st_mtime_ns == before


def test_a_day_that_was_not_over_is_downloaded_again(night):
    night.pull(now="2026-11-10T20:00:00")
    assert night.pull()["outcome"] == "pulled"


def test_a_day_downloaded_again_without_news_leaves_the_file_alone(night):
    night.pull()
    before = night.file.stat().st_mtime_ns
    night.service.tokens = 11
    assert night.pull()["outcome"] == "pulled"
    assert night.file.stat().st_mtime_ns == before


def test_a_late_record_replaces_the_file(night):
    night.pull()
    night.service.records.append(observation(9))
    row = night.pull()
    assert (row["outcome"], row["records"]) == ("pulled", 6)
    assert night.ids()[-1] == "o-009"


def test_a_file_that_is_gone_is_downloaded_again(night):
    night.pull()
    night.file.unlink()
    assert night.pull()["outcome"] == "pulled"
    assert len(night.ids()) == 5


def test_what_a_service_has_deleted_stays_in_the_landing_zone_and_is_told(night):
    night.pull()
    night.service.records = night.service.records[:2]
    row = night.pull()
    assert (row["outcome"], row["records"], row["server_count"]) == ("kept", 5, 2)
    assert len(night.ids()) == 5
    assert night.check().severity.value == "WARN"
    assert not night.check().passed


def test_what_comes_late_is_landed_beside_what_the_service_has_deleted(night):
    night.pull()
    night.service.records = [*night.service.records[2:], observation(8), observation(9)]
    night.service.tokens = 11
    row = night.pull()
    assert (row["outcome"], row["records"], row["server_count"]) == ("kept", 7, 5)
    assert night.ids() == ["o-000", "o-001", "o-002", "o-003", "o-004", "o-008", "o-009"]
    assert not night.check().passed
    before = night.file.read_bytes()
    assert night.pull()["outcome"] == "kept"
    assert night.file.read_bytes() == before


def test_what_the_service_has_and_did_not_send_this_time_is_not_taken_for_deleted(night):
    night.pull()
    night.service.tokens = 11
    night.service.page = lambda found, *asked, page=night.service.page: page(found[:4], *asked)
    row = night.pull()
    assert (row["outcome"], row["records"], row["server_count"]) == ("pulled", 5, 5)
    assert night.check().passed


def test_records_of_another_address_do_not_stay_in_the_file(night):
    night.pull()
    with serving(LangfuseService([observation(n) for n in range(10, 15)])) as other:
        night.configure(url=other.url)
        assert night.pull()["outcome"] == "pulled"
    assert night.ids() == ["o-010", "o-011", "o-012", "o-013", "o-014"]


def test_a_file_that_somebody_broke_is_downloaded_again(night):
    night.pull()
    night.file.write_bytes(b"broken")
    night.service.records.append(observation(9))
    assert night.pull()["outcome"] == "pulled"
    assert len(night.ids()) == 6


def test_a_day_that_is_short_of_the_servers_count_is_told_and_downloaded_again(night):
    whole = night.service.during
    night.service.page = lambda found, *asked, page=night.service.page: page(found[:4], *asked)
    row = night.pull()
    assert (row["records"], row["server_count"]) == (4, 5)
    result = night.check()
    assert not result.passed
    assert result.severity.value == "WARN"
    (fault,) = result.metadata["faults"].records
    assert fault.data["server_count"] == "5"
    assert whole("2026", "2027")
    del night.service.page
    assert night.pull()["records"] == 5
    assert night.check().passed


def test_a_day_without_records_is_complete_and_has_no_file(night):
    night.service.records = []
    row = night.pull()
    assert (row["records"], row["server_count"], row["file"]) == (0, 0, None)
    assert night.check().passed
    assert not night.file.exists()


def test_a_service_that_fails_is_an_error_of_its_own_and_its_file_stays(night):
    night.pull()
    row = night.pull(KEY="wrong")
    assert row["outcome"] == "failed"
    assert "HTTP 401; check the key in KEY" in row["error"]
    assert night.check().severity.value == "ERROR"
    assert len(night.ids()) == 5
    assert night.pull()["outcome"] == "pulled"


def test_one_service_that_fails_does_not_keep_the_other_from_its_day(night):
    night.configure(with_one_down=True)
    assert night.pull()["outcome"] == "pulled"
    outcomes = dict(stored_pulls(night.lake, DAY).select("source", "outcome").iter_rows())
    assert outcomes == {"down": "failed", "shop": "pulled"}


def test_one_service_can_be_asked_alone_and_rows_of_the_others_stay(night):
    night.configure(with_one_down=True)
    night.pull()
    night.asked()
    assert "NONE is not set" in night.pull(only="down")["error"]
    assert night.asked() == (0, 0)
    assert stored_pulls(night.lake, DAY)["source"].to_list() == ["down", "shop"]


def test_a_download_that_was_killed_goes_on_with_its_next_page(night, monkeypatch):
    page, calls = night.service.page, []

    def dying(found, limit, cursor):
        calls.append(cursor)
        return (401, [], None) if cursor == "4" and len(calls) == 3 else page(found, limit, cursor)

    night.service.page = dying
    assert night.pull()["outcome"] == "failed"
    assert not night.file.exists()
    assert night.pull()["records"] == 5
    assert calls == [None, "2", "4", "4"]
    assert list((night.root / "staging" / "shop").glob("*.sqlite")) == []


def test_what_was_left_of_another_day_or_another_address_is_not_gone_on_with(night):
    page = night.service.page
    night.service.page = lambda found, limit, cursor: (
        (401, [], None) if cursor else page(found, limit, cursor)
    )
    night.pull()
    del night.service.page
    night.service.cursors.clear()
    night.pull(now="2026-11-13T02:00:00")
    assert night.service.cursors == [None, "2", "4"]


def test_a_night_asks_about_missing_failed_and_recent_days(night):
    night.configure(since="2026-11-08", look_back_days=2)
    assert night.due() == list(range(10, 20))
    night.store_nine_more_days({3: {"outcome": "failed"}})
    assert night.due() == [13, 18, 19]


def test_a_night_asks_again_about_days_that_were_short_or_not_over_when_they_were_downloaded(night):
    night.configure(since="2026-11-08", look_back_days=2)
    night.store_nine_more_days(
        {
            2: {"server_count": 6},
            3: {"server_count": 6, "outside": 1},
            4: {"server_count": None},
            5: {"pulled_at": datetime.fromisoformat("2026-11-15T23:59:00")},
            6: {"server_count": 2, "outcome": "kept"},
        }
    )
    assert night.due() == [12, 15, 18, 19]


def test_without_services_there_is_nothing_to_ask_and_no_day_is_due(night):
    (night.root / "sources.yaml").write_text("sources: []\n")
    pulling = Pulling(staging=str(night.root / "staging"))
    clock = Clock(fixed="2026-11-12T02:00:00")
    assert pull(**night.resources, pulling=pulling, clock=clock, day=DAY).is_empty()
    assert days_due(night.lake, night.resources["reference"], date(2026, 11, 12), DAY) == []
    assert night.check().passed


def test_only_variables_that_are_named_and_set_are_given_to_runs(night, monkeypatch):
    monkeypatch.setenv("KEY", "sk")
    monkeypatch.setenv("OTHER", "x")
    monkeypatch.delenv("PUBLIC", raising=False)
    secrets = pull_secrets(night.resources["reference"])
    assert [repr(secret) for secret in secrets.values()] != ["'sk'"]
    assert list(secrets) == ["KEY"]
    (night.root / "sources.yaml").write_text("pull: [")
    assert pull_secrets(night.resources["reference"]) == {}


@pytest.mark.slow
def test_a_landing_zone_in_an_object_store_gets_the_same_file(night, s3):
    logs = LogFolder(root="s3://logs/shop", options=s3)
    night.pull()
    night.lake.write(PULLED_LOGS, PULLED_LOGS.empty(), day=DAY)
    night.resources["logs"] = logs
    assert night.pull()["outcome"] == "pulled"
    assert logs.store().read(FILE) == night.file.read_bytes()
    assert [file.path for file in logs.files()] == [FILE]
    assert night.pull()["outcome"] == "unchanged"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files cannot be listed")
def test_no_connection_is_left_open_for_the_days_that_follow(tmp_path):
    """Collected by chance, they would add up: one for each day of a long download."""
    with serving(LangfuseService([observation(1)]), keeps=True) as service:
        night = Night(tmp_path, service)
        gc.collect()
        gc.disable()
        try:
            before = _open_files()
            for _ in range(9):
                night.pull()
            left = _open_files() - before
        finally:
            gc.enable()
    # The service's own end of one closes in a thread, a moment later.
    assert left < 9


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
