"""Where processes share what they may spend, and what happens where they cannot."""

import logging
from datetime import date, datetime

import polars as pl
from pyarrow.parquet import ParquetFile

from llmops_pipelines.judging import (
    JudgeSpec,
    SlicedItems,
    digests_of,
    judge_specs,
    rubric_spec,
    slices,
)
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    Judge,
    ReferenceFolder,
)
from llmops_pipelines.orchestration.judging.asking import Asked, Occasion, ledger_on
from llmops_pipelines.orchestration.judging.endpoints import JudgeSetup, read_setup
from llmops_pipelines.orchestration.judging.judging import score_with_ragas
from llmops_pipelines.orchestration.judging.purses import desk_of
from llmops_pipelines.orchestration.judging.sampled_items import sampled_items
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.orchestration.storage.stores import open_store
from llmops_pipelines.tables import (
    CALL_TEXTS,
    JUDGE_LEDGER,
    JUDGE_SPECS,
    LLM_CALLS,
    RAGAS_SCORES,
    STEP_TEXTS,
)
from tests.judging.worlds import JUDGED, default_rubrics, item_frame

DAY = date(2026, 11, 10)


def test_processes_that_name_one_folder_share_a_desk(tmp_path):
    judge = Judge(state=str(tmp_path / "judging"))
    assert desk_of(judge) is desk_of(judge) is not None
    assert (tmp_path / "judging" / "desk.sqlite").exists()


def test_without_a_folder_each_process_has_caps_of_its_own():
    assert desk_of(Judge()) is None


def test_a_disk_that_cannot_be_written_is_told_and_stops_nobody(tmp_path, caplog):
    (tmp_path / "file").touch()
    with caplog.at_level(logging.WARNING, "llmops.quotes"):
        assert desk_of(Judge(state=str(tmp_path / "file" / "judging"))) is None
    assert "caps and pace of the judge hold for this process alone" in caplog.text


def test_the_texts_of_a_large_sample_are_held_a_slice_at_a_time(tmp_path, monkeypatch):
    line = {"source_file": "a", "source_line": 1, "record_digest": "r", "content_digest": "c"}
    calls = [{"call_id": f"c-{n}", **line} for n in range(7)]
    said = {"batch": "b", "source_record": 0, "messages": [], "contexts": [], "tool_calls": []}
    lake = Lake(open_store(str(tmp_path)))
    texts = [{**call, **said, "answer": f"answer of {call['call_id']}"} for call in calls]
    lake.append(CALL_TEXTS, pl.DataFrame(texts, schema=CALL_TEXTS.schema), name="p", day=DAY)
    sampled = pl.LazyFrame(calls).select("call_id", trace_id="call_id", feature=pl.lit("chat"))
    kept = pl.LazyFrame(calls, schema=LLM_CALLS.schema)
    with sampled_items(lake, sampled, kept, DAY) as whole:
        assert isinstance(whole, pl.DataFrame)
    monkeypatch.setattr("llmops_pipelines.orchestration.judging.sampled_items._SLICE", 3)
    with sampled_items(lake, sampled, kept, DAY) as sliced:
        parts = list(slices(sliced))
        assert [part.height for part in slices(sliced)] == [3, 3, 1]
    assert pl.concat(parts).sort("call_id").equals(whole)
    assert pl.concat(parts)["call_id"].to_list() != whole["call_id"].to_list()
    monkeypatch.setattr("llmops_pipelines.orchestration.judging.sampled_items._MOST_SLICES", 2)
    with sampled_items(lake, sampled, kept, DAY) as few:
        assert [part.height for part in slices(few)] == [4, 3], "no more files than can be open"


def test_the_gathered_ledger_of_a_large_day_is_read_a_few_rows_at_a_time(tmp_path, monkeypatch):
    """Every slice looks through it: as one group of rows all verdicts would be held each time."""
    lake = Lake(open_store(str(tmp_path / "lake")))
    groundedness = rubric_spec("groundedness", default_rubrics().rubrics["groundedness"], model="m")
    items = SlicedItems(lambda: item_frame("one", "two", "three", "four", "five").iter_slices(2))
    occasion = Occasion(lake, JudgeSetup(Judge(), JUDGED), Clock(), DAY, "run")
    asked = Asked([groundedness], ["assistant"], occasion)
    verdict = {
        "spec_id": groundedness.spec_id, "repetition": 0, "metric": "groundedness",
        "outcome": "scored", "attempts": 1, "library_versions": "{}",
        "scored_at": datetime.fromisoformat("2026-11-11T02:00:00"),
    }  # fmt: skip
    rows = [
        {**verdict, "item_digest": digest, "call_id": call}
        for call, digest in digests_of(items, groundedness).iter_rows()
    ]
    ledger = pl.DataFrame(rows, schema=JUDGE_LEDGER.schema)
    lake.append(JUDGE_LEDGER, ledger, name="part", day=DAY)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("llmops_pipelines.orchestration.judging.asking._ROW_GROUP", 2)
    with ledger_on(items, [asked], lake) as gathered:
        (file,) = tmp_path.glob("llmops-*/ledger.parquet")
        assert ParquetFile(file).num_row_groups == 3
        assert sorted(gathered.collect()["call_id"]) == sorted(ledger["call_id"])


def test_slices_have_the_last_texts_of_a_call_and_what_its_trace_retrieved(tmp_path, monkeypatch):
    """As whole samples have them, whatever parts they lie in; two slices may share a step."""
    line = {"source_file": "a", "source_line": 1, "record_digest": "r", "content_digest": "c"}
    steps = {0: ["s-0", "shared"], 1: ["shared"], 2: ["gone"], 3: None}
    calls = [{"call_id": f"c-{n}", **line, "context_steps": steps.get(n, [])} for n in range(9)]
    said = {"source_record": 0, "messages": [], "tool_calls": []}
    lake = Lake(open_store(str(tmp_path)))
    for batch, numbers in (("b-1", range(9)), ("b-2", range(4, 6)), ("b-3", ())):
        texts = [
            {**line, **said, "batch": batch, "call_id": f"c-{n}",
             "answer": f"answer {n} of {batch}", "contexts": [{"content": f"logged with {n}"}]}
            for n in numbers
        ]  # fmt: skip
        lake.append(CALL_TEXTS, pl.DataFrame(texts, schema=CALL_TEXTS.schema), name=batch, day=DAY)
    found = [
        {**line, "batch": "b", "source_record": 0, "step_id": step, "contexts": [{"content": step}]}
        for step in ("s-0", "shared", "of nobody")
    ]
    for number, step in enumerate(found):
        frame = pl.DataFrame([step], schema=STEP_TEXTS.schema)
        lake.append(STEP_TEXTS, frame, name=f"part-{number}", day=DAY)
    sampled = pl.LazyFrame(calls).select("call_id", trace_id="call_id", feature=pl.lit("chat"))
    kept = pl.LazyFrame(calls, schema=LLM_CALLS.schema)
    with sampled_items(lake, sampled.head(8), kept, DAY) as whole:
        assert isinstance(whole, pl.DataFrame)
    monkeypatch.setattr("llmops_pipelines.orchestration.judging.sampled_items._SLICE", 1)
    with sampled_items(lake, sampled.head(8), kept, DAY) as sliced:
        parts = list(slices(sliced))
    assert [part.height for part in parts] == [1] * 8
    assert pl.concat(parts).sort("call_id").equals(whole)
    assert whole["contexts"].to_list()[:4] == [
        ["s-0", "shared"], ["shared"], ["logged with 2"], ["logged with 3"],
    ]  # fmt: skip
    assert whole["answer"][4] == "answer 4 of b-2"


def test_what_a_judge_still_owes_stays_on_record_while_no_judge_is_set(tmp_path):
    faithful = JudgeSpec(
        metric="faithfulness", kind="ragas", model="m", sees=("answer",), requires=()
    )
    lake = Lake(open_store(str(tmp_path / "lake")))
    line = {"source_file": "a", "source_line": 1, "record_digest": "r", "content_digest": "c"}
    calls = [{"call_id": f"c-{n}", **line} for n in range(2)]
    said = {"batch": "b", "source_record": 0, "messages": [], "contexts": [], "tool_calls": []}
    texts = [{**call, **said, "answer": f"answer of {call['call_id']}"} for call in calls]
    lake.append(CALL_TEXTS, pl.DataFrame(texts, schema=CALL_TEXTS.schema), name="p", day=DAY)
    lake.append(JUDGE_SPECS, judge_specs([faithful]), name=faithful.spec_id)
    owed = {
        "item_digest": "d", "repetition": 0, "spec_id": faithful.spec_id, "metric": "faithfulness",
        "outcome": "failed", "attempts": 1, "library_versions": "{}",
        "scored_at": datetime.fromisoformat("2026-11-11T02:00:00"),
    }  # fmt: skip
    stored = pl.DataFrame(
        [{"call_id": call["call_id"], **owed} for call in calls], schema=RAGAS_SCORES.schema
    )
    lake.write(RAGAS_SCORES, stored, day=DAY)
    (tmp_path / "features.yaml").write_text("features:\n  chat: {judging: judge}\n")

    def again() -> pl.DataFrame:
        setup = read_setup(ReferenceFolder(path=str(tmp_path)), Judge())
        told = score_with_ragas(
            pl.LazyFrame(calls).select("call_id", trace_id="call_id", feature=pl.lit("chat")),
            pl.LazyFrame(calls, schema=LLM_CALLS.schema),
            Occasion(lake, setup, Clock(fixed="2026-11-12T02:00:00"), DAY, "r"),
        )
        return pl.concat(list(told))

    assert again().sort("call_id").equals(stored)
    (tmp_path / "features.yaml").write_text("features:\n  chat: {judging: local}\n")
    assert again().is_empty(), "nobody is to ask about them any more"


def test_a_day_that_is_owed_nothing_is_told_without_a_judge(tmp_path):
    lake = Lake(open_store(str(tmp_path / "lake")))
    setup, clock = JudgeSetup(Judge(), JUDGED), Clock(fixed="2026-11-12T02:00:00")
    occasion = Occasion(lake, setup, clock, DAY, run_id="r")
    items = item_frame("Refunds take five days.")
    nobody = Asked((), ["assistant"], occasion, configured=False)
    with ledger_on(items, [nobody], lake) as ledger:
        assert nobody.said_of(items, ledger).is_empty()
