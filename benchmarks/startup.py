"""What loading the code location costs, beside importing what it is built on.

Prints CPU seconds (medians of fresh processes) and the limit: 1.5 times the imports plus 0.5 s.
`python benchmarks/startup.py [--runs 5]`
"""

import argparse
import statistics
import subprocess
import sys

CPU = "import resource as r; u = r.getrusage(r.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"
BASE = "import dagster, polars, duckdb"
LOCATION = "import llmops_pipelines.definitions as d; d.defs().get_repository_def()"


def cpu_seconds(code: str, runs: int) -> float:
    """Median CPU seconds of a fresh process that runs ``code``."""
    command = [sys.executable, "-W", "ignore", "-c", f"{code}; {CPU}"]
    spent = [
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(runs)
    ]
    return statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    base, location = cpu_seconds(BASE, runs), cpu_seconds(LOCATION, runs)
    limit = 1.5 * base + 0.5
    print(f"{BASE}: {base:.2f} CPU-s")
    print(f"loading the code location: {location:.2f} CPU-s, {location / base:.2f} x")
    print(f"limit 1.5 x + 0.5 s: {limit:.2f} CPU-s, {location / limit:.0%} of it used")


if __name__ == "__main__":
    main()
