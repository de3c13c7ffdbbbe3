"""Landing needs no heavy library, no clock and no environment."""

import subprocess
import sys

HEAVY = ("torch", "ragas", "great_expectations", "sentence_transformers", "matplotlib", "scipy",
         "sklearn", "statsmodels", "openai", "pandas", "dagster")  # fmt: skip


def test_importing_landing_loads_nothing_heavy():
    program = (
        f"import sys, llmops_pipelines.ingest; print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
