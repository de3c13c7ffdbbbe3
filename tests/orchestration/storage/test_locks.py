"""One process at a time: others wait, and nobody waits for the dead."""

import subprocess
import sys
import time

from llmops_pipelines.orchestration.storage.locks import alone

HOLDER = """
import sys, time
from pathlib import Path
from llmops_pipelines.orchestration.storage.locks import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
    print(time.monotonic(), flush=True)
"""


def holder(file, seconds: float) -> subprocess.Popen:
    """Another process that holds ``file`` for some time."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_waits_for_the_first_and_says_so(tmp_path):
    said = []
    first = holder(tmp_path / "lock", 0.5)
    with alone(tmp_path / "lock", lambda: said.append("waiting")):
        entered = time.monotonic()
    assert entered >= float(first.communicate()[0])
    assert said == ["waiting"]


def test_nobody_waits_for_the_dead(tmp_path):
    first = holder(tmp_path / "lock", 600)
    first.kill()
    first.communicate()
    with alone(tmp_path / "lock", lambda: (_ for _ in ()).throw(AssertionError("waited"))):
        pass


def test_the_folder_is_made_and_the_lock_let_go(tmp_path):
    file = tmp_path / "new" / "lock"
    for _ in range(2):
        with alone(file, lambda: (_ for _ in ()).throw(AssertionError("waited"))):
            assert file.exists()
