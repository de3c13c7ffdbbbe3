"""Format ``mlflow``: MLflow traces."""

from __future__ import annotations

from typing import Final

from llmops_pipelines.formats.reading import LogFormat

MLFLOW: Final = LogFormat(
    name="mlflow",
    about="MLflow traces",
    recognises=lambda _record: False,
    unpack=lambda _record: (),
)
