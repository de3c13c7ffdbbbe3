import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from llmops_pipelines.adapters.pulling import Page, Record, Staging
from tests.adapters.pulling.services import DAY, LangfuseService, observation, serving
from tests.adapters.pulling.worlds import entry, ids, pulled, source

NINE = datetime.fromisoformat(f"{DAY}T09:00:00")


def page(*names, after=None):
    return Page([Record(name, NINE, {"id": name}) for name in names], after)


def test_a_page_and_where_the_next_begins_are_kept_together(tmp_path):
    with Staging(tmp_path / "day.sqlite", "a") as staging:
        staging.add(page("x", "y", after="2"))
    with Staging(tmp_path / "day.sqlite", "a") as staging:
        assert (staging.after, staging.pages, staging.finished) == ("2", 1, False)
        staging.add(page("z"))
        assert (staging.pages, staging.finished) == (2, True)
        assert staging.day_file(DAY).records == 3


def test_a_page_that_cannot_be_kept_whole_is_not_kept_at_all(tmp_path):
    with Staging(tmp_path / "day.sqlite", "a") as staging:
        staging.add(page("x", after="1"))
        broken = Page([Record("y", NINE, {}), Record(None, NINE, {}), Record([], NINE, {})], "3")
        with pytest.raises(Exception, match="type 'list' is not supported"):
            staging.add(broken)
        assert (staging.after, staging.day_file(DAY).records) == ("1", 1)


def test_what_arrived_from_another_source_is_forgotten(tmp_path):
    with Staging(tmp_path / "day.sqlite", "a") as staging:
        staging.add(page("x", after="1"))
    with Staging(tmp_path / "day.sqlite", "b") as staging:
        assert (staging.after, staging.pages, staging.day_file(DAY).records) == (None, 0, 0)


def test_a_damaged_file_begins_anew(tmp_path):
    (tmp_path / "day.sqlite").write_bytes(b"no database" * 1000)
    with Staging(tmp_path / "day.sqlite", "a") as staging:
        staging.add(page("x"))
        assert staging.day_file(DAY).records == 1


def test_a_finished_day_is_taken_away(tmp_path):
    with Staging(tmp_path / "day.sqlite", "a") as staging:
        staging.add(page("x"))
        staging.remove()
    assert list(tmp_path.iterdir()) == []


PULLING = """
import sys
from pathlib import Path
from tests.adapters.pulling.worlds import entry, pulled, source
pulled(source(entry("langfuse", sys.argv[1], page_size=2)), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_a_process_that_is_killed_loses_no_page_that_it_had(tmp_path):
    with serving(LangfuseService([observation(n) for n in range(5)])) as service:
        whole = service.page

        def slow(found, limit, cursor):
            if cursor == "4":
                time.sleep(60)
            return whole(found, limit, cursor)

        service.page = slow
        checkout = Path(__file__).parents[3]
        child = subprocess.Popen(
            [sys.executable, "-c", PULLING, service.url, tmp_path],
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(checkout), *sys.path])},
        )
        until = time.monotonic() + 60
        while service.cursors != [None, "2"]:
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(1)  # the third page is being waited for
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        service.page = whole
        service.cursors.clear()
        result = pulled(source(entry("langfuse", service.url, page_size=2)), tmp_path)
        assert ids(result) == ["o-000", "o-001", "o-002", "o-003", "o-004"]
        assert service.cursors == ["4"]
