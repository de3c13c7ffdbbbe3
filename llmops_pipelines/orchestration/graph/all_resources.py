"""All resources together, for what runs outside of assets."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_pipelines.orchestration.graph.io_manager import LakeIOManager
from llmops_pipelines.orchestration.graph.resources import (
    Clock,
    Judge,
    LakeResource,
    LogFolder,
    Policy,
    Privacy,
    Pulling,
    ReferenceFolder,
    Webhook,
)


@dataclass(frozen=True)
class Resources:
    """The resources that the graph runs on, by the names that assets ask for."""

    golden_folder: str
    lake: LakeResource
    io_manager: LakeIOManager
    logs: LogFolder
    invoices: LogFolder
    reference: ReferenceFolder
    privacy: Privacy
    clock: Clock
    policy: Policy
    judge: Judge
    webhook: Webhook
    pulling: Pulling
