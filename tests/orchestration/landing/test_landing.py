"""Landing into the lake: crashes, replaced files, touched files, object stores."""

import itertools
import os
import weakref
from datetime import date
from functools import partial

import dagster as dg
import polars as pl
import pytest

from llmops_pipelines import ingest
from llmops_pipelines.definitions import resources_of
from llmops_pipelines.orchestration.graph.reference_assets import digest_of, reference_key
from llmops_pipelines.orchestration.graph.resources import LogFolder
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows
from llmops_pipelines.orchestration.landing.landing import (
    calls_of_day,
    land_new_files,
    log_index,
    unreported_days,
)
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.reference import Features
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_REJECTIONS,
    LATE_FEEDBACK,
    LLM_CALLS,
    NIGHTLY_REPORTS,
)
from tests.ingest.worlds import call, lines, options
from tests.orchestration.folders import DAY, NEXT, Folder, calls_of


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


class CrashError(Exception):
    """The process died here."""


class DyingLake(Lake):
    """A lake whose process dies after ``survives`` more writes."""

    def __init__(self, store, survives: int) -> None:
        super().__init__(store)
        self.survives = survives

    def append(self, table, frame, *, name, day=None, digest=None):
        self._live_on()
        return super().append(table, frame, name=name, day=day, digest=digest)

    def write(self, table, frame, *, day=None, inputs=None):
        self._live_on()
        return super().write(table, frame, day=day, inputs=inputs)

    def _live_on(self) -> None:
        if self.survives == 0:
            raise CrashError
        self.survives -= 1


def land(folder: Folder, lake: Lake | None = None, **changes):
    files = LogFolder(root=str(folder.root / "logs")).files()
    report = changes.pop("report", lambda *_: None)
    return land_new_files(lake or folder.lake, files, options(**changes), report)


def landed(lake: Lake) -> dict[date, list[str]]:
    """Ids of the calls that count, by day."""
    return {
        day: sorted(
            landed_rows(lake, LANDED_CALLS, day, lake.read(LANDED_DAYS, [day])).collect()["call_id"]
        )
        for day in lake.days(LANDED_DAYS)
    }


def changed(folder: Folder) -> list[str]:
    files = LogFolder(root=str(folder.root / "logs")).files()
    return [file.path for file in ingest.changed_files(files, log_index(folder.lake))]


def test_calls_come_to_their_own_days_whatever_the_file(folder):
    folder.log("a/one.jsonl", calls_of(DAY, 1, 2) + calls_of(NEXT, 3))
    landing = land(folder)
    assert landing.files == 1
    assert sorted(landing.changed) == [DAY, NEXT]
    assert landed(folder.lake) == {DAY: ["c-1", "c-2"], NEXT: ["c-3"]}


def test_a_crash_anywhere_loses_nothing_and_doubles_nothing(tmp_path):
    for survives in itertools.count():
        folder = Folder(tmp_path / str(survives))
        folder.log("one.jsonl", calls_of(DAY, 1, 2) + calls_of(NEXT, 3))
        try:
            land(folder, DyingLake(folder.lake.store, survives))
            break
        except CrashError:
            folder.log("late.jsonl", calls_of(NEXT, 5))
            land(folder)
        assert landed(folder.lake) == {DAY: ["c-1", "c-2"], NEXT: ["c-3", "c-5"]}
        assert ingest.unaccounted_files(log_index(folder.lake)).is_empty()
        assert changed(folder) == []
    assert survives == 9, "rows and texts of two days, the index, then both lists of each day"


def test_a_day_that_a_dying_landing_did_not_report_is_reported_by_the_next(folder):
    def die(*_):
        raise CrashError

    folder.log("one.jsonl", calls_of(DAY, 1))
    with pytest.raises(CrashError):
        land(folder, report=die)
    assert unreported_days(folder.lake) == [DAY]
    folder.log("two.jsonl", calls_of(NEXT, 2))
    with pytest.raises(CrashError):
        land(folder, report=die)
    told = {}
    land(folder, report=told.__setitem__)
    assert told == {
        table: {day: folder.lake.stored(table, day).digest for day in (DAY, NEXT)}
        for table in (LANDED_DAYS, LATE_FEEDBACK)
    }
    assert unreported_days(folder.lake) == []
    assert land(folder).changed == {}


def test_a_replaced_file_takes_its_old_rows_out_also_where_it_no_longer_reaches(folder):
    folder.log("one.jsonl", calls_of(DAY, 1) + calls_of(NEXT, 2))
    folder.log("two.jsonl", calls_of(NEXT, 3))
    land(folder)
    folder.log("one.jsonl", calls_of(DAY, 1, 4))
    assert changed(folder) == ["one.jsonl"]
    assert sorted(land(folder).changed) == [DAY, NEXT]
    assert landed(folder.lake) == {DAY: ["c-1", "c-4"], NEXT: ["c-3"]}


def test_a_day_that_loses_its_only_file_becomes_an_empty_day(folder):
    folder.log("one.jsonl", calls_of(DAY, 1) + calls_of(NEXT, 2))
    land(folder)
    folder.log("one.jsonl", calls_of(DAY, 1))
    land(folder)
    assert landed(folder.lake) == {DAY: ["c-1"], NEXT: []}
    assert land(folder).changed == {}, "an empty day is settled too"


def test_a_file_that_came_back_in_its_old_form_counts_again(folder):
    old, new = calls_of(DAY, 1), calls_of(DAY, 2, 3)
    for content in (old, new, old):
        folder.log("one.jsonl", content)
        land(folder)
    assert landed(folder.lake) == {DAY: ["c-1"]}
    assert changed(folder) == []


def test_a_touched_file_is_not_read_again_and_becomes_quiet(folder):
    file = folder.log("one.jsonl", calls_of(DAY, 1))
    land(folder)
    parts = list(folder.lake.store.walk(LANDED_CALLS.name))
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 10**9))
    assert changed(folder) == ["one.jsonl"]
    landing = land(folder)
    assert (landing.files, landing.changed) == (0, {})
    assert list(folder.lake.store.walk(LANDED_CALLS.name)) == parts
    assert changed(folder) == []


def test_a_file_that_is_gone_keeps_its_rows(folder):
    folder.log("one.jsonl", calls_of(DAY, 1)).unlink()
    folder.log("two.jsonl", calls_of(DAY, 2))
    land(folder)
    (folder.root / "logs/two.jsonl").unlink()
    assert land(folder).changed == {}
    assert landed(folder.lake) == {DAY: ["c-2"]}


def test_no_log_folder_is_no_error_and_no_day(folder):
    landing = land(folder)
    assert (landing.files, landing.changed) == (0, {})


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A landing of a log root full of links, which is one itself."""
    root = tmp_path_factory.mktemp("linked")
    folder, elsewhere = Folder(root), root / "elsewhere"
    folder.log("own/log.jsonl", calls_of(DAY, 1))
    (root / "logs").rename(root / "volume")
    (root / "logs").symlink_to(root / "volume")
    elsewhere.mkdir()
    (elsewhere / "private.jsonl").write_bytes((root / "volume/own/log.jsonl").read_bytes())
    for name, target in {
        "latest.jsonl": "own/log.jsonl",
        "own/back": "..",
        "own/loop.jsonl": "loop.jsonl",
        "own/nowhere.jsonl": "gone.jsonl",
        "out/file.jsonl": elsewhere / "private.jsonl",
        "out/folder": elsewhere,
        "out/way": "../../elsewhere/private.jsonl",
    }.items():
        (root / "volume" / name).parent.mkdir(exist_ok=True)
        (root / "volume" / name).symlink_to(target)
    os.mkfifo(root / "volume/own/pipe.jsonl")
    sources = ingest.Sources(sources=[ingest.Source(name="out", match="out/**", format="openai")])
    land(folder, sources=sources)
    return folder


def test_links_that_lead_out_of_the_log_root_are_counted_and_not_followed(linked):
    refused = linked.lake.read(LANDED_REJECTIONS)
    why = dict(refused.select("source_file", "reason").iter_rows())
    out = (
        "file: cannot be read (it is a link that leads out of the log root; copy or mount there"
        " what it leads to, or make the log root a folder that holds both); it is tried again at"
        " the next landing"
    )
    assert [why.pop(f"out/{name}") for name in ("file.jsonl", "folder", "way")] == [out] * 3
    assert {name: said.split("(")[1].split(")")[0] for name, said in why.items()} == {
        "own/loop.jsonl": "Too many levels of symbolic links",
        "own/nowhere.jsonl": "No such file or directory",
        "own/pipe.jsonl": "it is a pipe, a socket or a device; write its records into a file",
    }


def test_links_within_the_log_root_are_read_and_its_folders_walked_once(linked):
    index = log_index(linked.lake).filter(pl.col("lines") - pl.col("rejected") > 0)
    assert index.select("source_file", "calls").rows() == [
        ("latest.jsonl", 1),
        ("own/log.jsonl", 1),
    ]


def test_a_name_that_is_no_utf8_is_spelled_and_its_file_read(folder):
    folder.log("plain.jsonl", calls_of(DAY, 1))
    folder.log(os.fsdecode(b"caf\xe9/\xff.jsonl"), calls_of(NEXT, 2))
    land(folder)
    index = log_index(folder.lake)
    assert index["source_file"].to_list() == [r"caf\xe9/\xff.jsonl", "plain.jsonl"]
    assert landed(folder.lake) == {DAY: ["c-1"], NEXT: ["c-2"]}
    assert changed(folder) == []


def test_nothing_is_written_through_a_link_that_leads_out_of_the_log_root(linked):
    store = LogFolder(root=str(linked.root / "logs")).store()
    with pytest.raises(PermissionError, match="leads out of the log root"):
        store.create("out/folder/new.jsonl", b"")
    assert [file.name for file in (linked.root / "elsewhere").iterdir()] == ["private.jsonl"]


def test_a_landing_run_reports_each_changed_day_with_its_digest(folder):
    folder.log("one.jsonl", calls_of(DAY, 1) + calls_of(NEXT, 2))
    with dg.DagsterInstance.ephemeral() as instance:
        result = folder.run("land_job", instance=instance)
        assert result.success
        folder.log("late.jsonl", calls_of(NEXT, 3))
        folder.run("land_job", instance=instance)
        records = instance.fetch_materializations(dg.AssetKey("landed_days"), limit=9).records
        edition = instance.fetch_observations(reference_key("budgets"), limit=1).records[0]
    in_force = digest_of(folder.root / "reference", "budgets.yaml")
    assert edition.asset_observation.tags["dagster/data_version"] == in_force
    versions = [
        (record.partition_key, record.asset_materialization.tags["dagster/data_version"])
        for record in reversed(records)
    ]
    assert [day for day, _ in versions] == [str(DAY), str(NEXT), str(NEXT)]
    assert versions[1] != versions[2]
    assert versions[2][1] == folder.lake.stored(LANDED_DAYS, NEXT).digest
    (landing,) = [
        event
        for event in result.asset_materializations_for_node("landing")
        if event.asset_key == dg.AssetKey("landing")
    ]
    shown = {name: landing.metadata[name].value for name in ("files_landed", "days_changed")}
    assert shown == {"files_landed": 1, "days_changed": 2}
    assert landing.metadata["calls"].value == 2


def test_the_key_that_hides_users_is_made_once_and_kept(tmp_path):
    folder = Folder(tmp_path, {"user_hash_key": ""})
    key = resources_of(folder.at()).privacy.key()
    assert len(key) == 64
    assert resources_of(folder.at()).privacy.key() == key
    assert (tmp_path / ".dagster/user_hash.key").stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_a_night_over_logs_and_lake_in_an_object_store(tmp_path, s3):
    places = {"logs": "s3://logs/app", "lake": "s3://lake/night", "storage_options": s3}
    folder = Folder(tmp_path, {**places, "sample_per_day": 0})
    logs = open_store("s3://logs/app", s3)
    logs.put("eu/a.jsonl", calls_of(DAY, 1, 2) + calls_of(NEXT, 3))
    night = folder.night(last=DAY)
    assert (night.failures, set(night.computed)) == ([], {DAY})
    lake = folder.lake
    assert lake.read(LLM_CALLS).select("day", "call_id", "source_file").rows() == [
        (DAY, "c-1", "eu/a.jsonl"),
        (DAY, "c-2", "eu/a.jsonl"),
    ]
    assert landed(lake) == {DAY: ["c-1", "c-2"], NEXT: ["c-3"]}
    assert lake.read(CALL_TEXTS).height == 3
    for path in lake.read(NIGHTLY_REPORTS)["path"]:
        assert lake.store.read(path).startswith(b"<!doctype html>")
    assert lake.store.read("warehouse.duckdb")
    assert not (tmp_path / "lake").exists()
    assert folder.night(last=DAY).computed == {}
    logs.put("eu/late.jsonl", calls_of(DAY, 4))
    assert folder.night(last=DAY).failures == []
    assert lake.read(LLM_CALLS, [DAY]).height == 3


def test_rows_of_a_part_are_not_held_while_the_next_is_read(folder, monkeypatch):
    folder.log("one.jsonl", calls_of(DAY, *range(6)))
    held, land_batches = [], ingest.land

    def watched(*given):
        batches = land_batches(*given)
        while batch := next(batches, None):
            assert [rows for rows in held if rows() is not None] == []
            held.extend(weakref.ref(days[DAY]) for days in batch.tables.values())
            yield batch
            del batch

    monkeypatch.setattr(ingest, "land", watched)
    land(folder, batch_lines=2)
    assert len(held) > 2


def test_a_day_too_large_to_be_held_gives_the_same_calls(folder):
    folder.log("one.jsonl", calls_of(DAY, *range(8)))
    folder.log("two.jsonl", calls_of(DAY, *range(6, 13)))
    land(folder)
    days = folder.lake.read(LANDED_DAYS, [DAY])
    (whole,) = calls_of_day(folder.lake, DAY, days, Features())
    in_threes = partial(ingest.dealt, held_whole=3, piece=3)
    pieces = list(calls_of_day(folder.lake, DAY, days, Features(), in_threes))
    alone, *company = pieces
    assert alone.height == 11
    assert sum(piece.height for piece in company) == 2
    assert pl.concat(pieces).sort("call_id").equals(whole)


def test_a_path_that_a_record_names_leads_nowhere_but_below_the_log_root(linked):
    store = LogFolder(root=str(linked.root / "logs")).store()
    with store.open_named("own/back/latest.jsonl") as within:
        assert within.read() == (linked.root / "volume/own/log.jsonl").read_bytes()
    for way in ("out/folder/private.jsonl", "../elsewhere/private.jsonl", "out/file.jsonl"):
        with pytest.raises(PermissionError, match="leads out of the log root"):
            store.open_named(way)
    with pytest.raises(OSError, match="a pipe"):
        store.open_named("own/pipe.jsonl")


ANSWERED = call()["response"] | {"id": "chatcmpl-1"}
GATEWAYS = {
    "id": "g-1", "trace_id": "g-1", "call_type": "acompletion", "custom_llm_provider": "openai",
    "model": "m-1", "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
    "startTime": 1794355201.0, "endTime": 1794355202.0, "status": "success",
    "response": ANSWERED, "messages": [], "response_cost": 0.001,
}  # fmt: skip
"""The call of a minute before midnight, as a gateway logs it a second after."""


def at_midnight(lake: Lake) -> dict[date, list[str]]:
    """Ids in ``llm_calls`` of two days, as they would be computed now."""
    return {
        day: pl.concat(calls_of_day(lake, day, lake.read(LANDED_DAYS, [day]), Features()))[
            "call_id"
        ].to_list()
        for day in (DAY, NEXT)
    }


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a"), ("ab",)])
def test_a_call_on_two_sides_of_midnight_counts_once_whatever_came_first(folder, order):
    own = calls_of(DAY, 2)
    logs = {
        "a": own + lines(call(timestamp=f"{DAY}T23:59:59Z", response=ANSWERED)),
        "b": lines(GATEWAYS),
    }
    folder.log("c.jsonl", calls_of(NEXT, 3))
    for names in order:
        for name in names:
            folder.log(f"{name}.jsonl", logs[name])
        changed = land(folder).changed
    assert set(changed) == {"a": {DAY, NEXT}, "b": {NEXT}, "ab": {DAY, NEXT}}[order[-1]]
    assert at_midnight(folder.lake) == {DAY: ["c-1", "c-2"], NEXT: ["c-3"]}
    elsewhere = {
        day: dict(folder.lake.read(LANDED_DAYS, [day]).select("source_file", "elsewhere").rows())
        for day in (DAY, NEXT)
    }
    assert elsewhere == {
        DAY: {"a.jsonl": []},
        NEXT: {"b.jsonl": ["g-1"], "c.jsonl": []},
    }
    assert land(folder).changed == {}
    folder.log("a.jsonl", own)
    assert set(land(folder).changed) == {DAY, NEXT}
    assert at_midnight(folder.lake)[NEXT] == ["c-3", "g-1"], "now only the morning has it"


def test_a_landing_that_died_between_the_days_is_taken_up_for_both(folder):
    folder.log("b.jsonl", lines(GATEWAYS))
    land(folder)
    folder.log("a.jsonl", lines(call(timestamp=f"{DAY}T23:59:59Z", response=ANSWERED)))
    for survives in itertools.count():
        try:
            land(folder, DyingLake(folder.lake.store, survives))
            break
        except CrashError:
            continue
    assert at_midnight(folder.lake) == {DAY: ["c-1"], NEXT: []}
