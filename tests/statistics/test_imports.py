import subprocess
import sys

HEAVY = ["scipy", "statsmodels", "sklearn", "pandas", "torch", "matplotlib", "dagster", "openai"]


def test_importing_the_numbers_imports_nothing_heavy():
    code = (
        "import sys, llmops_pipelines.statistics, llmops_pipelines.sampling\n"
        "import llmops_pipelines.health, llmops_pipelines.quality\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
