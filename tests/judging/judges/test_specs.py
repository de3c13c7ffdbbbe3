"""The identity of a judge."""

import json
import subprocess
import sys

import pytest

from llmops_pipelines.judging import embedded_specs, judge_specs, read_spec, rubric_spec
from tests.judging.worlds import default_rubrics, rubric, spec


def test_the_id_is_the_same_in_every_process():
    program = "from tests.judging.worlds import spec; print(spec().spec_id)"
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert printed == {spec().spec_id}


@pytest.mark.parametrize(
    "changes",
    [
        {"asks": "Is it rude?"},
        {"system": "You judge tone."},
        {"prompt": "<reply>\n{{ answer }}\n</reply>"},
        {"temperature": 0.5},
        {"max_tokens": 99},
        {"direction": "lower_is_better"},
        {"max_prompt_chars": 5_000},
    ],
)
def test_the_id_changes_with_whatever_shapes_a_verdict(changes):
    assert spec(**changes).spec_id != spec().spec_id


def test_the_id_changes_with_the_model_and_the_metric():
    ids = {
        rubric_spec(name, rubric(), model=model).spec_id
        for name in ("politeness", "tone")
        for model in ("judge-1", "judge-2")
    }
    assert len(ids) == 4


def test_which_features_use_a_rubric_does_not_change_the_judge():
    assert spec(features=["assistant"]).spec_id == spec().spec_id


def test_the_text_of_a_spec_is_canonical_and_rebuilds_it():
    written = spec()
    assert written.text == json.dumps(
        json.loads(written.text), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert read_spec(written.text) == written
    assert len(written.spec_id) == 16


def test_the_text_holds_the_whole_prompt_and_neither_url_nor_key():
    shipped = rubric_spec(
        "groundedness", default_rubrics().rubrics["groundedness"], model="judge-1"
    )
    assert "One unsupported claim makes it ungrounded" in shipped.text
    assert "http" not in shipped.text
    assert "key" not in shipped.text


def test_embedded_specs_carry_the_version_of_their_weights():
    one, other = (embedded_specs(weights=f"minilm {n}") for n in (1, 2))
    assert one[0].spec_id == other[0].spec_id
    assert one[1].spec_id != other[1].spec_id
    assert [s.metric for s in one] == ["support", "relevance"]


def test_the_table_of_specs_holds_each_once():
    frame = judge_specs([spec(), spec(), *embedded_specs(weights="minilm 1")])
    assert frame.height == 3
    row = frame.filter(metric="politeness").row(0, named=True)
    assert (row["kind"], row["model"], row["spec"]) == ("rubric", "judge-1", spec().text)
    assert row["spec_id"] == spec().spec_id


def test_the_id_of_a_known_spec_holds_from_release_to_release():
    assert spec().spec_id == "f1ca53c386b222e3"
