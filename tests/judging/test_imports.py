"""Importing the room is cheap."""

import subprocess
import sys

HEAVY = [
    "torch",
    "ragas",
    "deepeval",
    "great_expectations",
    "sentence_transformers",
    "matplotlib",
    "scipy",
    "sklearn",
    "statsmodels",
    "openai",
    "pandas",
    "dagster",
    "instructor",
    "tiktoken",
    "aiohttp",
    "httpx2",
]


def test_importing_the_room_and_its_adapters_loads_nothing_heavy():
    program = (
        "import sys, llmops_pipelines.judging, llmops_pipelines.adapters.judging_day, "
        "llmops_pipelines.adapters.cross_encoder, llmops_pipelines.adapters.minilm, "
        "llmops_pipelines.adapters.named_judges, "
        "llmops_pipelines.judging.promptfoo\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
