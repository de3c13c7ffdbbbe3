"""A person is forgotten: texts leave every table, numbers stay, and nothing comes back."""

import json
import os
from datetime import datetime

import duckdb
import polars as pl
import pytest

from llmops_pipelines import ingest
from llmops_pipelines.orchestration.landing.landed_rows import landed_rows
from llmops_pipelines.orchestration.landing.landing import calls_of_day, land_new_files
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import FolderStore, open_store
from llmops_pipelines.orchestration.upkeep import forgetting
from llmops_pipelines.orchestration.upkeep.forgetting import foreign_folders, forget
from llmops_pipelines.orchestration.upkeep.warehouse import FILE, rebuild_warehouse
from llmops_pipelines.reference import Features
from llmops_pipelines.reporting import NightlyData, page
from llmops_pipelines.tables import (
    CALL_TEXTS,
    ERASURES,
    FEEDBACK,
    GOLDEN_CANDIDATES,
    GOLDEN_DATASET,
    HEURISTIC_SCORES,
    JUDGE_CALLS,
    JUDGE_LEDGER,
    JUDGE_SCORES,
    LANDED_CALLS,
    LANDED_DAYS,
    LANDED_FEEDBACK,
    LANDED_STEPS,
    LLM_CALLS,
    LOG_INDEX,
    NIGHTLY_REPORTS,
    REJECTED_LINES,
    STEP_TEXTS,
    TOMBSTONES,
    TRACE_STEPS,
)
from tests.formats.spans import batch, span
from tests.golden.worlds import frame
from tests.ingest.worlds import call, lines, log, options
from tests.orchestration.folders import DAY
from tests.reporting.worlds import rows

NOW = datetime.fromisoformat("2026-11-20T12:00:00")
WORDS = "my very private words, all of them"


def told(number, **changes):
    """A call whose answer holds the private words."""
    answer = {"choices": [{"finish_reason": "stop", "message": {"content": WORDS}}]}
    return call(number, response=answer | {"model": "m"}, **changes)


def step(number, trace):
    return {
        "kind": "step", "id": f"s-{number}", "trace_id": trace, "step": "retriever",
        "timestamp": f"{DAY}T09:00:00Z", "contexts": [{"id": "d", "content": WORDS}],
    }  # fmt: skip


def remark(number, about):
    return {
        "kind": "feedback", "id": f"f-{number}", "call_id": about, "rating": 1, "comment": WORDS,
        "timestamp": f"{DAY}T10:00:00Z",
    }  # fmt: skip


RECORDS = [
    told(1, user_id="jo", trace_id="t1", session_id="s1", name=WORDS, tags=[WORDS]),
    told(2, trace_id="t1"),
    step(1, "t1"),
    remark(1, "c-1"),
    told(3, user_id="ann", trace_id="t2", session_id="s2"),
    step(2, "t2"),
    remark(2, "c-3"),
]


def user(name, key=b"key"):
    hashed = ingest.hidden(pl.Series([name]), key)[0]
    return ingest.Subjects(frozenset([hashed]), frozenset(), frozenset())


def session(name):
    return ingest.Subjects(frozenset(), frozenset([ingest.session_digest(name)]), frozenset())


def land(lake, *records, path="log.jsonl", modified_ns=1, **changes):
    file = log(path, lines(*records), modified_ns)
    land_new_files(lake, [file], options(now=NOW, **changes))


@pytest.fixture(params=["folder", "s3"])
def lake(request, tmp_path):
    """Two people's calls, steps and remarks, judged and in the golden dataset."""
    if request.param == "folder":
        lake = Lake(open_store(str(tmp_path / "lake")))
    else:
        lake = Lake(open_store(f"s3://lake/{tmp_path.name}", request.getfixturevalue("s3")))
    land(lake, *RECORDS)
    quoting = {"reason": WORDS, "evidence": WORDS, "score": 0.2}
    verdicts = [{"call_id": f"c-{n}", "item_digest": f"d{n}", **quoting} for n in (1, 3)]
    scored = {"scored_at": NOW, "library_versions": "{}", "cost": None}
    rows = [verdict | scored for verdict in verdicts]
    lake.append(JUDGE_LEDGER, frame(JUDGE_LEDGER, rows), name="p", day=DAY)
    lake.write(JUDGE_SCORES, frame(JUDGE_SCORES, rows), day=DAY)
    asked = [row | {"attempt_id": row["call_id"], "asked_at": NOW} for row in rows]
    lake.append(JUDGE_CALLS, frame(JUDGE_CALLS, asked), name="p", day=DAY)
    rows = [{"call_id": f"c-{n}", "unmatched": [WORDS], "format_error": WORDS} for n in (1, 3)]
    lake.write(HEURISTIC_SCORES, frame(HEURISTIC_SCORES, rows), day=DAY)
    text = {"question": WORDS, "contexts": [], "embedding": []}
    cases = [{"case_id": f"k{n}", "call_id": f"c-{n}", **text} for n in (1, 3)]
    lake.write(GOLDEN_CANDIDATES, frame(GOLDEN_CANDIDATES, cases), day=DAY)
    lake.write(GOLDEN_DATASET, frame(GOLDEN_DATASET, cases))
    landed = lake.read(LANDED_FEEDBACK, [DAY]).drop("day", "batch")
    lake.write(FEEDBACK, landed, day=DAY)
    return lake


def compute(lake):
    """The day's calls and steps, as a night makes them."""
    days = lake.read(LANDED_DAYS, [DAY]).drop("day")
    lake.write(LLM_CALLS, calls_of_day(lake, DAY, days, Features()), day=DAY)
    steps = landed_rows(lake, LANDED_STEPS, DAY, days)
    lake.write(TRACE_STEPS, ingest.trace_steps(steps), day=DAY)


def forgotten(lake, tmp_path, subjects, command="llmops forget --user-id"):
    return forget(lake, tmp_path / "golden", subjects, command=command, now=NOW)


def ids(lake, table, name="call_id"):
    return sorted(lake.read(table)[name].to_list())


def test_texts_of_the_whole_trace_leave_and_others_stay(lake, tmp_path):
    done = forgotten(lake, tmp_path, user("jo"))
    assert (done.traces, done.calls, done.steps) == (1, 2, 1)
    assert ids(lake, CALL_TEXTS) == ["c-3"]
    assert ids(lake, STEP_TEXTS, "step_id") == ["s-2"]
    assert ids(lake, GOLDEN_CANDIDATES) == ids(lake, GOLDEN_DATASET) == ["c-3"]
    assert done.log_files == {"log.jsonl": 4}
    assert done.rows == {
        "reports": 0, "heuristic_scores": 1, "judge_scores": 1, "ragas_scores": 0,
        "judge_ledger": 1, "judge_calls": 1, "golden_candidates": 1, "golden_dataset": 1,
        "text_vectors": 0,
        "feedback": 1, "landed_feedback": 1, "golden files": 0, "call_texts": 2, "step_texts": 1,
        "unfinished files": 0,
        "llm_calls": 0, "landed_calls": 1, "trace_steps": 0, "landed_steps": 0,
    }  # fmt: skip


def test_numbers_and_digests_stay(lake, tmp_path):
    before = lake.read(LANDED_CALLS)
    digests = {table: lake.stored(table, DAY) for table in (CALL_TEXTS, JUDGE_SCORES, FEEDBACK)}
    forgotten(lake, tmp_path, user("jo"))
    labels = ("name", "tags")
    assert lake.read(LANDED_CALLS).drop(labels).equals(before.drop(labels))
    assert {table: lake.stored(table, DAY) for table in digests} == digests
    assert lake.read(JUDGE_LEDGER).sort("call_id").select("score", "reason", "evidence").rows() == [
        (0.2, None, None),
        (0.2, WORDS, WORDS),
    ]
    assert lake.read(FEEDBACK).sort("feedback_id").select("rating", "comment").rows() == [
        (1.0, None),
        (1.0, WORDS),
    ]
    unmatched = lake.read(HEURISTIC_SCORES).sort("call_id").select("unmatched", "format_error")
    assert unmatched.rows() == [([], None), ([WORDS], WORDS)]


def test_a_second_run_finds_nothing_left_and_records_that_too(lake, tmp_path):
    forgotten(lake, tmp_path, user("jo"))
    again = forgotten(lake, tmp_path, user("jo"))
    assert set(again.rows.values()) == {0}
    assert again.calls == 2
    assert sorted(lake.read(TOMBSTONES)["kind"]) == ["trace", "user"]
    assert lake.read(ERASURES)["erasure"].n_unique() == 2
    assert lake.read(ERASURES)["rows"].sum() == 12


def test_neither_the_same_nor_a_changed_file_brings_texts_back(lake, tmp_path):
    forgotten(lake, tmp_path, user("jo"))
    land(lake, *RECORDS, told(4, user_id="jo", trace_id="t4"), told(5), modified_ns=2)
    land(lake, *RECORDS, path="copy.jsonl")
    land(lake, told(6, trace_id="t1"), path="late.jsonl")
    assert set(ids(lake, CALL_TEXTS)) == {"c-3", "c-5"}
    assert set(ids(lake, STEP_TEXTS, "step_id")) == {"s-2"}
    comments = lake.read(LANDED_FEEDBACK).group_by("feedback_id").agg(pl.col("comment").count())
    assert sorted(comments.rows()) == [("f-1", 0), ("f-2", 3)]
    assert set(ids(lake, LANDED_CALLS)) == {f"c-{n}" for n in range(1, 7)}


class Interrupting(FolderStore):
    """A folder in which somebody is forgotten just before the first part of a table is there."""

    deed = None

    def create(self, path, content):
        if self.deed is not None and path.startswith(f"{self.table.name}/"):
            deed, self.deed = self.deed, None
            deed()
        return super().create(path, content)


ROTATED = {"hash_key": b"new", "old_keys": (b"older", b"key")}


def test_whoever_was_forgotten_before_the_key_was_rotated_stays_forgotten(lake, tmp_path):
    forgotten(lake, tmp_path, user("jo"))
    land(lake, told(9, user_id="jo"), told(8, user_id="bob"), path="later.jsonl", **ROTATED)
    assert ids(lake, CALL_TEXTS) == ["c-3", "c-8"]
    again = lake.read(TOMBSTONES).filter(kind="user")
    assert set(again["subject"]) == user("jo").users | user("jo", b"new").users
    # From now on the newest key knows.
    land(lake, told(7, user_id="jo"), path="last.jsonl", hash_key=b"new")
    assert ids(lake, CALL_TEXTS) == ["c-3", "c-8"]
    assert lake.read(TOMBSTONES).filter(kind="user").height == 2


@pytest.mark.parametrize("name", ["session_id", "trace_id"])
def test_ids_that_an_older_key_hid_are_known_when_they_land_again(tmp_path, name):
    lake = Lake(open_store(str(tmp_path / "lake")))
    phone = "+4917012345678"
    land(lake, told(1, **{name: phone}))
    if name == "session_id":
        hidden = ingest.spellings(phone, [b"key"]) - {phone}
        digests = frozenset(map(ingest.session_digest, hidden))
        subjects = ingest.Subjects(frozenset(), digests, frozenset())
    else:
        traces = frozenset(lake.read(LANDED_CALLS)["trace_id"])
        subjects = ingest.Subjects(frozenset(), frozenset(), traces)
    forgotten(lake, tmp_path, subjects)
    land(lake, told(2, **{name: phone}), path="later.jsonl", **ROTATED)
    assert ids(lake, CALL_TEXTS) == []


def test_later_batches_on_a_trace_that_came_after_its_user_was_forgotten_bring_no_texts(
    lake, tmp_path
):
    forgotten(lake, tmp_path, user("jo"))
    land(lake, told(4, user_id="jo", trace_id="t4"), path="back.jsonl")
    about_trace = remark(9, None) | {"trace_id": "t4"}
    land(lake, told(5, trace_id="t4"), step(4, "t4"), remark(8, "c-4"), about_trace, path="z.jsonl")
    assert ids(lake, CALL_TEXTS) == ["c-3"]
    assert ids(lake, STEP_TEXTS, "step_id") == ["s-2"]
    kept = lake.read(LANDED_FEEDBACK).filter(pl.col("comment").is_not_null())
    assert kept["feedback_id"].to_list() == ["f-2"]
    (told_by,) = lake.read(TOMBSTONES).filter(subject="t4")["command"]
    assert told_by == "landing"


def test_a_trace_that_lands_just_before_the_tombstones_is_found(tmp_path):
    store = Interrupting(tmp_path / "lake")
    lake = Lake(store)
    land(lake, *RECORDS)
    late = told(4, user_id="jo", trace_id="t4")
    store.table, store.deed = TOMBSTONES, lambda: land(lake, late, path="late.jsonl")
    forgotten(lake, tmp_path, user("jo"))
    assert store.deed is None
    assert ids(lake, CALL_TEXTS) == ["c-3"]


def test_who_is_known_from_computed_days_alone_is_forgotten_too(lake, tmp_path):
    compute(lake)
    for table in (LANDED_CALLS, LANDED_STEPS, LANDED_FEEDBACK):
        lake.expire(table, DAY)
    done = forgotten(lake, tmp_path, user("jo"))
    assert (done.traces, done.calls, done.steps) == (1, 2, 1)
    assert done.log_files == {"log.jsonl": 3}
    assert ids(lake, CALL_TEXTS) == ids(lake, GOLDEN_DATASET) == ["c-3"]
    assert ids(lake, STEP_TEXTS, "step_id") == ["s-2"]
    assert lake.read(JUDGE_LEDGER).sort("call_id")["reason"].to_list() == [None, WORDS]
    assert lake.read(LLM_CALLS).sort("call_id")["name"].to_list() == [None, None, None]


def test_texts_that_outlive_all_that_says_whose_they_are_are_told(lake, tmp_path):
    lake.expire(LANDED_CALLS, DAY)
    done = forgotten(lake, tmp_path, user("jo"))
    (told_of,) = set(done.outside) - set(forgetting.OUTSIDE)
    assert told_of.startswith(f"texts of 1 day(s) up to {DAY}")
    assert forgotten(Lake(FolderStore(tmp_path / "other")), tmp_path, user("jo")).outside == (
        forgetting.OUTSIDE
    )


def test_a_remark_that_lands_after_its_call_was_forgotten_is_blank(lake, tmp_path):
    forgotten(lake, tmp_path, user("jo"))
    land(lake, remark(7, "c-1"), remark(8, "c-3"), path="remarks.jsonl")
    kept = lake.read(LANDED_FEEDBACK).filter(pl.col("comment").is_not_null())
    assert sorted(kept["feedback_id"]) == ["f-2", "f-8"]


@pytest.mark.parametrize(
    "table", [LANDED_CALLS, CALL_TEXTS, STEP_TEXTS, LANDED_FEEDBACK, LOG_INDEX]
)
def test_who_is_forgotten_while_a_batch_is_written_is_not_in_it(tmp_path, table):
    store = Interrupting(tmp_path / "lake")
    lake = Lake(store)
    store.table, store.deed = table, lambda: forgotten(lake, tmp_path, user("jo"))
    land(lake, *RECORDS)
    assert store.deed is None
    assert ids(lake, CALL_TEXTS) == ["c-3"]
    assert ids(lake, STEP_TEXTS, "step_id") == ["s-2"]
    assert lake.read(LANDED_FEEDBACK).sort("feedback_id")["comment"].to_list() == [None, WORDS]
    assert ids(lake, LANDED_CALLS) == ["c-1", "c-2", "c-3"]


def test_a_session_is_forgotten_by_its_id(lake, tmp_path):
    done = forgotten(lake, tmp_path, session("s2"), "llmops forget --session")
    assert done.calls == 1
    assert ids(lake, CALL_TEXTS) == ["c-1", "c-2"]
    assert "s2" not in lake.read(TOMBSTONES)["subject"].to_list()


def test_somebody_unknown_is_remembered_for_later_landings(lake, tmp_path):
    done = forgotten(lake, tmp_path, user("eve"))
    assert (done.calls, set(done.rows.values())) == (0, {0})
    land(lake, told(9, user_id="eve"), path="later.jsonl")
    assert "c-9" not in ids(lake, CALL_TEXTS)


def test_pages_that_quote_the_person_go_and_the_next_night_writes_them_anew(lake, tmp_path):
    for name, text in (("2026-11-10", WORDS), ("2026-11-11", "all quiet")):
        lake.store.put(f"reports/{name}.html", text.encode())
        day = datetime.fromisoformat(name).date()
        row = {"path": f"reports/{name}.html"}
        lake.write(NIGHTLY_REPORTS, frame(NIGHTLY_REPORTS, [row]), day=day)
    assert forgotten(lake, tmp_path, user("jo")).rows["reports"] == 1
    assert [entry.path for entry in lake.store.walk("reports")] == ["reports/2026-11-11.html"]
    assert lake.stored(NIGHTLY_REPORTS, DAY) is None


def test_a_quotation_is_found_whatever_characters_html_has_other_words_for(lake, tmp_path):
    said = "It's \"mine\" & I don't\nlike <it>, not at all"
    answer = {"choices": [{"finish_reason": "stop", "message": {"content": said}}], "model": "m"}
    land(lake, call(9, response=answer, user_id="jo"), path="more.jsonl")
    lost = rows(REJECTED_LINES, {"source_file": "a", "source_line": 1, "reason": f"is: {said}"})
    lake.store.put("reports/2026-11-10.html", page(NightlyData(DAY, rejected_lines=lost)).encode())
    assert forgotten(lake, tmp_path, user("jo")).rows["reports"] == 1


def test_golden_files_lose_the_cases(lake, tmp_path):
    file = tmp_path / "golden" / "golden-2026.11.10-abc.jsonl"
    file.parent.mkdir()
    cases = [{"id": n, "metadata": {"call_id": f"c-{n}"}} for n in (1, 3)]
    file.write_text("".join(json.dumps(case) + "\n" for case in cases))
    assert forgotten(lake, tmp_path, user("jo")).rows["golden files"] == 1
    assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [3]


def test_what_a_killed_writer_left_goes_and_what_is_being_written_stays(tmp_path):
    lake = Lake(FolderStore(tmp_path / "lake"))
    golden = tmp_path / "golden"
    left = [
        tmp_path / "lake/.writing-warehouse",
        tmp_path / f"lake/call_texts/day={DAY}/.writing-part",
        golden / ".golden-2026.11.10-abc.jsonl.new",
    ]
    at_work = tmp_path / "lake/.writing-now"
    for file in (*left, at_work):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(WORDS)
    for file in left:
        os.utime(file, (1, 1))
    assert forgotten(lake, tmp_path, user("jo")).rows["unfinished files"] == 3
    assert [file.exists() for file in (*left, at_work)] == [False, False, False, True]


def test_the_warehouse_is_written_anew_and_holds_no_documents(lake, tmp_path):
    assert "step_texts" not in rebuild_warehouse(lake)
    assert forgotten(lake, tmp_path, user("jo")).rows["warehouse"] == 1
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(lake.store.read(FILE))
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.sql("select call_id, evidence from judge_ledger order by 1").fetchall()
    assert found == [("c-1", None), ("c-3", WORDS)]


def test_folders_that_are_no_tables_are_pointed_out(lake):
    lake.store.put("pulled/x.jsonl", b"{}")
    lake.store.put("judge_preflights/x.json", b"{}")  # our own canaries
    assert foreign_folders(lake) == ["pulled"]


def test_rows_hashed_with_an_older_key_are_found_too(tmp_path):
    lake = Lake(open_store(str(tmp_path / "lake")))
    for name, key in (("a.jsonl", b"old"), ("b.jsonl", b"new")):
        file = log(name, lines(told(1 if key == b"old" else 2, user_id="jo")))
        land_new_files(lake, [file], options(now=NOW, hash_key=key))
    assert lake.read(LANDED_CALLS)["user_hash"].n_unique() == 2
    assert lake.read(LANDED_CALLS)["user_key"].n_unique() == 2
    both = frozenset().union(*(user("jo", key).users for key in (b"old", b"new")))
    done = forgotten(lake, tmp_path, ingest.Subjects(both, frozenset(), frozenset()))
    assert done.calls == 2
    assert lake.read(CALL_TEXTS).is_empty()


def test_log_files_are_told_with_their_lines_not_with_their_records(tmp_path):
    lake = Lake(open_store(str(tmp_path / "lake")))
    says = {"user.id": "jo", "openinference.span.kind": "LLM", "llm.model_name": "m"}
    spans = [span(says, spanId=f"a0b0c0d00000000{n}", parentSpanId=None) for n in range(3)]
    land(lake, batch(*spans), path="spans.jsonl")
    land(lake, batch(*spans), batch(*spans, scope="again"), path="spans.jsonl", modified_ns=2)
    done = forgotten(lake, tmp_path, user("jo"))
    assert done.calls == 3
    assert done.log_files == {"spans.jsonl": 2}


@pytest.mark.parametrize("stopped_at", [0, 3, 8, "the warehouse"])
def test_a_run_that_was_stopped_anywhere_is_recorded_and_done_again(
    tmp_path, lake, stopped_at, monkeypatch
):
    rebuild_warehouse(lake)
    whole, count = Lake.rewrite, iter(range(100))

    def rewrite(self, table, change, **more):
        if next(count) == stopped_at:
            raise KeyboardInterrupt
        return whole(self, table, change, **more)

    monkeypatch.setattr(Lake, "rewrite", rewrite)
    if stopped_at == "the warehouse":
        monkeypatch.setattr(forgetting, "rebuild_warehouse", stop)
    with pytest.raises(KeyboardInterrupt):
        forgotten(lake, tmp_path, user("jo"))
    monkeypatch.undo()
    assert lake.read(ERASURES)["erasure"].n_unique() == 1, "what was done is recorded"
    forgotten(lake, tmp_path, user("jo"))
    told = lake.read(ERASURES).filter(pl.col("place") != "warehouse")
    assert told["rows"].sum() == 12, "each row is counted once, by the run that changed it"
    assert ids(lake, CALL_TEXTS) == ["c-3"]
    assert lake.read(ERASURES).filter(place="warehouse").height == 1


def stop(lake):
    raise KeyboardInterrupt


def test_the_warehouse_knows_of_the_erasure(lake, tmp_path):
    rebuild_warehouse(lake)
    forgotten(lake, tmp_path, user("jo"))
    file = tmp_path / "warehouse.duckdb"
    file.write_bytes(lake.store.read(FILE))
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.sql("select sum(rows) from erasures").fetchall()
    assert found == [(12,)]
