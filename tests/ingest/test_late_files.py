"""Files that come late, grow, change, return or are landed twice."""

import io

import polars as pl

from llmops_pipelines.ingest import (
    LogFile,
    Sources,
    changed_files,
    folded_index,
    land,
    llm_calls,
    updated_index,
)
from llmops_pipelines.tables import LANDED_REJECTIONS, LOG_INDEX
from tests.ingest.worlds import (
    MORNING_NS,
    Lake,
    call,
    landed,
    lines,
    log,
    options,
    reasons,
    utc_moment,
)


def ids(lake):
    return lake.rows()["call_id"].to_list()


def test_a_late_file_touches_only_the_days_it_holds():
    lake = landed(log("a.jsonl", lines(call(1), call(2, timestamp="2026-11-11T09:00:00Z"))))
    before = set(lake.parts)
    lake.land(log("late.jsonl", lines(call(3))))
    assert {str(day) for _, day, _ in set(lake.parts) - before} == {"2026-11-10"}
    assert ids(lake) == ["c-1", "c-2", "c-3"]


def test_a_landed_file_is_not_read_again():
    opened = []

    def open_it(_path):
        opened.append(1)
        return io.BytesIO(lines(call(1)))

    lake = Lake()
    file = LogFile("log.jsonl", 10, 5, open_it)
    lake.land(file)
    assert lake.land(file) == []
    assert opened == [1]


def test_a_touched_file_only_renews_its_index_row():
    lake = landed(log("log.jsonl", lines(call(1))))
    (batch,) = lake.land(log("log.jsonl", lines(call(1)), modified_ns=99))
    assert batch.tables == {}
    assert lake.file()["modified_ns"] == 99
    assert lake.index.height == 1
    assert ids(lake) == ["c-1"]


def test_a_changed_file_replaces_its_old_rows():
    lake = landed(log("log.jsonl", lines(call(1), call(2))))
    lake.land(log("log.jsonl", lines(call(2), call(3), "{bad"), modified_ns=9))
    assert ids(lake) == ["c-2", "c-3"]
    assert lake.rows(LANDED_REJECTIONS).height == 1
    assert sorted(lake.index["superseded"]) == [False, True]


def test_a_file_that_grew_holds_its_lines_once():
    lake = landed(log("log.jsonl", lines(call(1))))
    lake.land(log("log.jsonl", lines(call(1), call(2)), modified_ns=9))
    assert ids(lake) == ["c-1", "c-2"]


def test_a_file_that_returns_to_an_old_version_holds_that_one():
    lake = Lake()
    for time, records in enumerate([[call(1)], [call(2)], [call(1)]], start=1):
        lake.land(log("log.jsonl", lines(*records), modified_ns=time))
    assert ids(lake) == ["c-1"]
    assert lake.index.height == 2


def test_a_crash_before_the_index_loses_and_doubles_nothing():
    lake = Lake(options(batch_bytes=300))
    files = [log("a.jsonl", lines(call(1), call(2))), log("b.jsonl", lines(call(3), call(4)))]
    first = next(iter(land(files, lake.options, lake.index)))
    lake.write(first)  # ... and then the lights go out
    assert ids(lake) == []
    lake.land(*files, log("c.jsonl", lines(call(5))))
    assert ids(lake) == ["c-1", "c-2", "c-3", "c-4", "c-5"]


def test_a_crash_after_some_files_are_indexed_lands_only_the_others():
    lake = Lake(options(batch_bytes=300))
    files = [log(f"{name}.jsonl", lines(call(n))) for n, name in enumerate("abc")]
    for batch in land(files, lake.options, lake.index):
        lake.write(batch)
        lake.index = updated_index(lake.index, batch.index)
        if batch.index.height:
            break
    done = set(lake.index["source_file"])
    assert 0 < len(done) < 3
    left = changed_files(files, lake.index)
    assert {file.path for file in left} == {"a.jsonl", "b.jsonl", "c.jsonl"} - done
    lake.land(*files)
    assert ids(lake) == ["c-0", "c-1", "c-2"]


def test_a_second_try_at_the_same_files_uses_the_same_names():
    lake, again = Lake(), Lake()
    lake.land(log("a.jsonl", lines(call(1))))
    again.land(log("a.jsonl", lines(call(1)), modified_ns=77))
    assert lake.names == again.names


def test_a_file_of_unknown_format_is_read_once_somebody_describes_it():
    odd = log("odd.jsonl", lines({"at": "2026-11-10T09:00:00Z", "who": "c-1"}))
    lake = landed(odd)
    assert lake.counts("odd.jsonl") == (1, 0, 0, 0, 1, 0)
    assert lake.land(odd) == []
    fields = {"started_at": "at", "call_id": "who"}
    source = {"name": "odd", "match": "odd.*", "format": "mapped", "fields": fields}
    lake.options = options(sources=Sources.model_validate({"sources": [source]}))
    lake.land(odd)
    assert ids(lake) == ["c-1"]
    assert lake.rows(LANDED_REJECTIONS).is_empty()
    assert lake.land(odd) == []


def test_a_corrected_entry_reads_its_files_again_and_a_removed_one_too():
    odd = log("odd.jsonl", lines(call(1) | {"when": "2026-11-12T09:00:00Z"}))

    def sources(**fields):
        source = {"name": "odd", "match": "*", "format": "mapped", "fields": fields}
        return options(sources=Sources.model_validate({"sources": [source]}))

    lake = Lake(sources(started_at="timestamp"))
    lake.land(odd)
    lake.options = sources(started_at="when")
    lake.land(odd)
    assert lake.rows()["day"].cast(pl.String).to_list() == ["2026-11-12"]
    lake.options = options()
    lake.land(odd)
    assert ids(lake) == ["c-1"]
    assert lake.file("odd.jsonl")["source_format"] == "openai"


def test_the_index_can_be_folded_from_all_rows_ever_written():
    lake = Lake()
    written = []
    for hour, records in enumerate([[call(1)], [call(2)], [call(1)]], start=10):
        now = lake.options.now.replace(hour=hour)
        lake.options = options(now=now)
        batches = lake.land(log("log.jsonl", lines(*records), modified_ns=hour))
        written += [batch.index for batch in batches]
    folded = folded_index(pl.concat(reversed(written)))
    assert folded.equals(lake.index)


def test_a_failed_reading_supersedes_nothing_when_folded():
    def refuse(_path):
        raise OSError("gone")

    lake = Lake()
    written = [batch.index for batch in lake.land(log("log.jsonl", lines(call(1))))]
    lake.options = options(now=lake.options.now.replace(hour=13))
    written += [batch.index for batch in lake.land(LogFile("log.jsonl", 1, 1, refuse))]
    folded = folded_index(pl.concat(written))
    assert folded["superseded"].to_list() == [False, False]
    assert folded.equals(lake.index)


def test_an_empty_index_folds_to_itself():
    assert folded_index(LOG_INDEX.empty()).equals(LOG_INDEX.empty())


def test_the_same_call_in_two_files_lands_twice_and_counts_once():
    from llmops_pipelines.ingest import llm_calls

    lake = landed(log("a.jsonl", lines(call(1))), log("b.jsonl", lines(call(1))))
    assert lake.rows().height == 2
    assert llm_calls(lake.rows()).height == 1


def test_a_line_of_the_future_lands_once_its_day_has_come_as_its_reason_says():
    content = lines(call(1), call(2, timestamp="2026-11-25T09:00:00Z"))
    lake = landed(log("a.jsonl", content))
    ((line, reason),) = reasons(lake)
    assert (line, "deliver the file again under another name" in reason) == (2, True)
    lake.options = options(now=utc_moment("2026-11-26T12:00:00"))
    lake.land(log("again.jsonl", content))
    assert llm_calls(lake.rows().drop("day"))["call_id"].to_list() == ["c-1", "c-2"]
    lake.land(log("a.jsonl", content + lines(call(3)), MORNING_NS + 10**9))
    assert lake.counts("a.jsonl") == (3, 3, 0, 0, 0, 0), "a file that grows is read anew"


def test_files_that_take_the_place_of_the_only_one_are_new():
    lake = landed(log("a.jsonl", lines(call(1))))
    lake.land(log("b.jsonl", lines(call(2))), log("c.jsonl", lines(call(3))))
    assert ids(lake) == ["c-1", "c-2", "c-3"]
