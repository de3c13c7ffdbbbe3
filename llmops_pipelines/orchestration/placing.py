"""Puts the graph under a tenant: asset-key prefix, first day and tags are settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg

from llmops_pipelines.orchestration.partitions import daily_partitions


def place(graph: dg.Definitions, *, start: date, prefix: str, tenant: str) -> dg.Definitions:
    """``graph`` with every daily asset starting at ``start`` and every key below ``prefix``."""
    objects = [*(graph.assets or []), *(graph.asset_checks or [])]
    keys = {key: key.with_prefix(_parts(prefix)) for item in objects for key in _keys(item)}
    placed = [_placed(item, keys, start, tenant) for item in objects]
    return dg.Definitions(assets=placed)


def _parts(prefix: str) -> list[str]:
    return [part for part in prefix.split("/") if part]


def _keys(item: object) -> list[dg.AssetKey]:
    if isinstance(item, dg.AssetSpec | dg.SourceAsset):
        return [item.key]
    return list(item.keys) if isinstance(item, dg.AssetsDefinition) else []


def _placed(
    item: object, keys: Mapping[dg.AssetKey, dg.AssetKey], start: date, tenant: str
) -> dg.AssetSpec | dg.SourceAsset | dg.AssetsDefinition:
    def settle(spec: dg.AssetSpec) -> dg.AssetSpec:
        tags = {**spec.tags, "llmops/tenant": tenant} if tenant else spec.tags
        if spec.partitions_def is None:
            return spec.replace_attributes(tags=tags)
        return spec.replace_attributes(tags=tags, partitions_def=daily_partitions(start))

    if isinstance(item, dg.AssetSpec):
        return settle(item).replace_attributes(
            key=keys[item.key],
            deps=[
                dg.AssetDep(keys[dep.asset_key], partition_mapping=dep.partition_mapping)
                for dep in item.deps
            ],
        )
    if isinstance(item, dg.SourceAsset):
        return item.with_attributes(key=keys[item.key])
    if not isinstance(item, dg.AssetsDefinition):
        raise TypeError(f"cannot place a {type(item).__name__}; expected an asset, spec or check")
    return item.map_asset_specs(settle).with_attributes(asset_key_replacements=keys)
