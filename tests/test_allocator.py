"""Polars' allocator is told to keep pages, unless the environment says otherwise."""

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, time
import llmops_pipelines
assert "polars" not in sys.modules
import polars as pl
def taken():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        pl.zeros(1_000_000, eager=True)
        time.sleep(0.1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
taken()
print(taken())
"""


def faults(told: dict[str, str]) -> int:
    kept = {key: value for key, value in os.environ.items() if key != "_RJEM_MALLOC_CONF"}
    child = [sys.executable, "-c", FAULTS]
    return int(subprocess.run(child, env=kept | told, capture_output=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="another allocator")
def test_memory_that_polars_freed_is_taken_again_without_asking_the_kernel():
    as_built = faults({"_RJEM_MALLOC_CONF": ""})
    assert faults({}) * 10 < as_built
