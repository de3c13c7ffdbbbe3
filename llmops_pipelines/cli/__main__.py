"""``python -m llmops_pipelines.cli``: the same as ``llmops``."""

from llmops_pipelines.cli import main

main()
