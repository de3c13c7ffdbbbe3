"""Reference files as observable assets: their digest is their data version."""

import hashlib
from pathlib import Path
from typing import cast

import dagster as dg

from llmops_pipelines.orchestration.graph.resources import ReferenceFolder


def reference_key(name: str) -> dg.AssetKey:
    """Key of the reference file called ``name``, for assets that rest on it."""
    return dg.AssetKey(["reference", name])


def reference_asset(name: str, pattern: str, description: str, owner: str) -> dg.AssetsDefinition:
    """An external asset for the files that match ``pattern`` in the reference folder."""
    spec = dg.AssetSpec(
        reference_key(name),
        description=f"{description} File: `{pattern}`.",
        group_name="reference",
        owners=[owner],
        kinds={"yaml"},
    )

    def observe(reference: ReferenceFolder) -> dg.ObserveResult:
        return dg.ObserveResult(data_version=dg.DataVersion(digest_of(reference.folder(), pattern)))

    # The plural decorator, since the singular one knows no owners; it has no types.
    decorate = dg.multi_observable_source_asset(name=f"observe_{name}", specs=[spec])
    return cast(dg.AssetsDefinition, decorate(observe))


def digest_of(folder: Path, pattern: str) -> str:
    """SHA-256 over names and bytes of the matching files, 16 hex digits; `missing` for none."""
    files = sorted(folder.glob(pattern))
    content = hashlib.sha256()
    for file in files:
        content.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return content.hexdigest()[:16] if files else "missing"
