"""Series of one snapshot each."""

from llmops_pipelines.incidents.series import one_snapshot_each
from llmops_pipelines.tables import QUALITY
from tests.reporting.worlds import rows


def series(*told: tuple[str, str]) -> list[str]:
    quality = rows(QUALITY, *({"judge_spec": spec, "snapshot": name} for spec, name in told))
    return one_snapshot_each(quality)["judge_spec"].to_list()


def test_snapshots_of_one_judge_are_series_of_their_own():
    assert series(("g", "a"), ("g", "b"), ("h", "a")) == ["g@a", "g@b", "h"]


def test_rows_that_tell_no_snapshot_go_on_until_there_are_two():
    assert series(("g", ""), ("g", "a")) == ["g", "g"]
    assert series(("g", ""), ("g", "a"), ("g", "b")) == ["g@", "g@a", "g@b"]
