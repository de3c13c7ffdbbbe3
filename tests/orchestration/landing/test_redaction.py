"""privacy.yaml at landing, and the second look at the texts that are judged."""

import polars as pl
import pytest

from llmops_pipelines import ingest, sampling
from llmops_pipelines.definitions import resources_of
from llmops_pipelines.orchestration.graph.resources import LogFolder
from llmops_pipelines.orchestration.landing.landing import land_new_files
from llmops_pipelines.orchestration.landing.redaction import no_personal_data, redaction_of
from llmops_pipelines.reference import Features, PrivacyRules
from llmops_pipelines.tables import (
    CALL_TEXTS,
    LANDED_CALLS,
    LLM_CALLS,
    SAMPLED_TRACES,
    TRACE_STEPS,
)
from tests.ingest.worlds import options
from tests.orchestration.folders import DAY, Folder, calls_of

SSN = "patterns:\n  - {name: ssn, pattern: '[0-9]{3}-[0-9]{2}-[0-9]{4}'}\n"


@pytest.fixture
def folder(tmp_path):
    """Three calls, one of them with an id that nothing redacts by itself; all are sampled."""
    folder = Folder(tmp_path)
    private = {"messages": [{"role": "user", "content": "SSN 123-45-6789 and 987-65-4321"}]}
    folder.log("a.jsonl", calls_of(DAY, 1, 2) + calls_of(DAY, 3, request=private))
    return folder


def calls_as_landed(lake):
    """The day's calls, each logged once."""
    rows = lake.read(LANDED_CALLS, [DAY])
    lacking = [column for column in LLM_CALLS.columns if column.name not in rows.columns]
    empty = {True: None, False: []}
    return LLM_CALLS.require(
        rows.with_columns(
            pl.Series(column.name, [empty[column.nullable]] * rows.height, column.dtype)
            for column in lacking
        )
    )


def looked_at(folder):
    """Land what is new and sample every call, straight from the library; then look again."""
    lake, reference = folder.lake, resources_of(folder.at()).reference
    given = options(
        features=reference.read("features.yaml", Features),
        redaction=redaction_of(reference.read("privacy.yaml", PrivacyRules)),
    )
    land_new_files(lake, LogFolder(root=str(folder.root / "logs")).files(), given)
    calls = calls_as_landed(lake)
    lake.write(LLM_CALLS, calls, day=DAY)
    traces = ingest.traces(calls, TRACE_STEPS.empty())
    sample = sampling.sample_traces(traces, per_day=10, seed=7, features=given.features)
    lake.write(SAMPLED_TRACES, sample, day=DAY)
    return no_personal_data(lake, reference, DAY)


def test_texts_that_hold_nothing_pass(folder):
    assert looked_at(folder).passed
    assert folder.lake.read(SAMPLED_TRACES).height == 3


def test_what_a_new_pattern_finds_in_old_texts_is_named_by_call_and_kind_never_by_text(folder):
    looked_at(folder)
    folder.edit("privacy.yaml", SSN)
    result = looked_at(folder)
    assert not result.passed
    assert result.description.startswith("1 sampled call(s) hold 2 national_id;")
    (fault,) = [record.data for record in result.metadata["faults"].records]
    assert fault == {"call_id": "c-3", "kind": "national_id", "count": "2"}
    assert "6789" not in repr(result)


def test_patterns_hold_from_the_next_landing_on(folder):
    folder.edit("privacy.yaml", SSN)
    assert looked_at(folder).passed
    questions = folder.lake.read(CALL_TEXTS)["question"].to_list()
    assert "SSN [NATIONAL_ID] and [NATIONAL_ID]" in questions
    by_kind = folder.lake.read(LLM_CALLS)["redactions_by_kind"].struct.field("national_id")
    assert by_kind.sum() == 2


def test_texts_kept_whole_on_purpose_are_counted_not_told(folder):
    folder.edit("privacy.yaml", SSN)
    folder.edit("features.yaml", "features: {support: {content: full}}\n")
    result = looked_at(folder)
    assert result.passed
    assert result.metadata["kept_whole"].value == 3


def test_a_lake_of_before_has_no_counts_by_kind_and_says_so_by_null(folder):
    looked_at(folder)
    lake = folder.lake
    file = folder.root / f"lake/landed_calls/day={DAY}"
    (part,) = file.iterdir()
    old = pl.read_parquet(part)
    metadata = pl.read_parquet_metadata(part)
    metadata.pop("ARROW:schema", None)
    old.drop("redactions_by_kind").write_parquet(part, metadata=metadata)
    rows = calls_as_landed(lake)
    assert rows["redactions_by_kind"].to_list() == [None] * 3
    assert rows["redactions"].to_list() == [0, 0, 0]


def test_names_are_not_looked_for_unless_asked():
    assert redaction_of(PrivacyRules()).find_names is None
