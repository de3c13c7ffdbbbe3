"""How the whole suite runs: long files first, and less collecting of garbage."""

import gc
import os

import pytest

# As many processes run as there are cores: threads of linear algebra would wait for one another.
# Polars keeps its threads, for what depends on their order is to be found here.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# Libraries make millions of objects that stay; looking through them again and again is a tenth of
# what a short test process costs.
gc.set_threshold(50_000, 20, 50)

LONGEST = [
    "tests/fortnight/test_keyless.py",
    "tests/fortnight/test_judged.py",
    "tests/orchestration/runs/test_nightly.py",
    "tests/test_real_input.py",
    "tests/orchestration/test_daemon.py",
    "tests/cli/test_nightly.py",
    "tests/test_offline.py",
]
"""Each takes half a minute or more, the longest first."""


def pytest_configure(config: pytest.Config) -> None:
    # pytest-xdist would put files with many tests first, which are the quick ones here.
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in order of what they cost, so that no worker is left alone with a long one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> tuple[int, bool]:
        file = item.nodeid.split("::")[0]
        return (
            LONGEST.index(file) if file in LONGEST else len(LONGEST),
            item.path not in slow,
        )

    items.sort(key=place)
