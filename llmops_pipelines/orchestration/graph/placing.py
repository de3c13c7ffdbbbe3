"""Puts the graph under a tenant: asset-key prefix, first day and tags are settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster_shared.record import replace

from llmops_pipelines.orchestration.graph.conditions import RULES, Rule
from llmops_pipelines.orchestration.graph.daily import INPUTS_KEY, inputs_of
from llmops_pipelines.orchestration.graph.partitions import daily_partitions


def place(graph: dg.Definitions, *, start: date, prefix: str, tenant: str) -> dg.Definitions:
    """``graph`` with every daily asset starting at ``start`` and every key below ``prefix``."""
    objects = [*(graph.assets or []), *(graph.asset_checks or [])]
    keys = {key: key.with_prefix(_parts(prefix)) for item in objects for key in _keys(item)}
    placing = _Placing(keys, daily_partitions(start), {"llmops/tenant": tenant} if tenant else {})
    return dg.Definitions(assets=[placing.of(item) for item in objects])


@dataclass(frozen=True)
class _Placing:
    """New keys, days and tags of everything in the graph."""

    keys: Mapping[dg.AssetKey, dg.AssetKey]
    days: dg.DailyPartitionsDefinition
    tags: Mapping[str, str]

    def of(self, item: object) -> dg.AssetSpec | dg.SourceAsset | dg.AssetsDefinition:
        """``item``, placed."""
        if isinstance(item, dg.AssetSpec):
            deps = [
                dg.AssetDep(self.keys[dep.asset_key], partition_mapping=dep.partition_mapping)
                for dep in item.deps
            ]
            return self._spec(item).replace_attributes(key=self.keys[item.key], deps=deps)
        if isinstance(item, dg.SourceAsset):
            return item.with_attributes(key=self.keys[item.key])
        if not isinstance(item, dg.AssetsDefinition):
            raise TypeError(f"cannot place a {type(item).__name__}; expected an asset or a check")
        placed = item.map_asset_specs(self._spec)
        return self._checks(placed.with_attributes(asset_key_replacements=self.keys))

    def _spec(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        placed = spec.replace_attributes(
            tags={**spec.tags, **self.tags}, automation_condition=self._rule(spec)
        )
        if spec.partitions_def is None:
            return placed
        return placed.replace_attributes(partitions_def=self.days)

    def _rule(self, spec: dg.AssetSpec) -> Rule | None:
        """The asset's rule again, with the new keys of the assets it names."""
        if spec.automation_condition is None:
            return None
        rule = RULES[spec.automation_condition.get_label() or ""]
        windows = spec.metadata.get(INPUTS_KEY, {})
        return rule(inputs_of(windows, lambda name: self.keys[dg.AssetKey(name)]))

    def _checks(self, item: dg.AssetsDefinition) -> dg.AssetsDefinition:
        """``item`` with its daily checks on the assets' days; Dagster has no method for it."""
        specs = {
            output: replace(spec, partitions_def=self.days) if spec.partitions_def else spec
            for output, spec in item.node_check_specs_by_output_name.items()
        }
        attributes = {**item.get_attributes_dict(), "check_specs_by_output_name": specs}
        return type(item).dagster_internal_init(**attributes) if specs else item


def _parts(prefix: str) -> list[str]:
    return [part for part in prefix.split("/") if part]


def _keys(item: object) -> list[dg.AssetKey]:
    if isinstance(item, dg.AssetSpec | dg.SourceAsset):
        return [item.key]
    return list(item.keys) if isinstance(item, dg.AssetsDefinition) else []
