"""Where processes share what they may spend, and what happens where they cannot."""

import logging

from llmops_pipelines.orchestration.judging import desk_of
from llmops_pipelines.orchestration.resources import Judge


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
