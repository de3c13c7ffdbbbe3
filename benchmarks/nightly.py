"""How long the nightly job takes: a sample fortnight, and again when nothing is new.

Runs the installed `llmops` command in fresh processes and prints wall and CPU seconds beside the
limits we set ourselves. `python benchmarks/nightly.py [--days 14] [--calls-per-day 1500]`
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIMITS = {"first night": 300.0, "second night": 15.0}


def measured(data: Path, *arguments: str) -> tuple[float, float]:
    """Wall and CPU seconds of one `llmops` command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(
        [Path(sys.executable).parent / "llmops", "--data", data, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", default="14")
    parser.add_argument("--calls-per-day", default="1500")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        measured(data, "init")
        sample = ("--days", asked.days, "--calls-per-day", asked.calls_per_day)
        measured(data, "sample-logs", "--out", str(data / "logs"), *sample)
        print(f"{'':14} {'wall s':>8} {'cpu s':>8} {'limit s':>8}")
        for name, limit in LIMITS.items():
            wall, cpu = measured(data, "nightly")
            print(f"{name:14} {wall:8.1f} {cpu:8.1f} {limit:8.0f}")


if __name__ == "__main__":
    main()
