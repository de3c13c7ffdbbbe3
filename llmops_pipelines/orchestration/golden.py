"""Releases the golden dataset: the lake's table, and one file per version for people."""

from pathlib import Path

import dagster as dg
import polars as pl

from llmops_pipelines import golden
from llmops_pipelines.adapters.minilm import embed
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.tables import GOLDEN_CANDIDATES, GOLDEN_DATASET


def release_golden(context: dg.AssetExecutionContext, lake: Lake, folder: str) -> pl.DataFrame:
    """Add the candidates of all days to the dataset; the same content makes no new version.

    Returns:
        ``GOLDEN_DATASET``. Its version is written to ``folder`` as ``golden-<version>.jsonl``.
    """
    release = golden.release(lake.read(GOLDEN_CANDIDATES), lake.read(GOLDEN_DATASET), embed)
    metadata: dict[str, str | int] = {
        "version": release.version or "none yet",
        "cases": release.cases.height,
        "dropped": release.dropped.total(),
    }
    if release.version:
        file = Path(folder) / f"golden-{release.version}.jsonl"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            # Written beside and renamed: a version that can be seen is whole.
            staged = file.with_name(f".{file.name}.new")
            staged.write_text(golden.to_jsonl(release.cases), encoding="utf-8")
            staged.replace(file)
        metadata["file"] = file.name
    context.add_output_metadata(metadata)
    return release.cases
