"""What privacy.yaml asks of landing, and a second look at what landing left."""

from datetime import date

import dagster as dg
import polars as pl

from llmops_pipelines import ingest
from llmops_pipelines.adapters import names
from llmops_pipelines.orchestration.graph.resources import ReferenceFolder
from llmops_pipelines.orchestration.storage.lake import Lake
from llmops_pipelines.reference import Features, PrivacyRules
from llmops_pipelines.tables import CALL_TEXTS, LLM_CALLS, SAMPLED_TRACES

SHOWN = 20


def redaction_of(rules: PrivacyRules) -> ingest.Redaction:
    """The redaction that ``rules`` ask for.

    Raises:
        MissingExtraError: Names are asked for and the extra is not installed.
    """
    return ingest.Redaction(rules.patterns, names.finder() if rules.names else None)


def no_personal_data(lake: Lake, reference: ReferenceFolder, day: date) -> dg.AssetCheckResult:
    """Whether the texts of the day's sample hold what the patterns of today find.

    Texts that were kept whole on purpose (``content: full``) are passed over and counted.
    """
    features = reference.read("features.yaml", Features)
    sampled = lake.scan(SAMPLED_TRACES, [day]).select("call_id")
    calls = lake.scan(LLM_CALLS, [day]).join(sampled, on="call_id", how="semi")
    whole = [name for name, feature in features.features.items() if feature.content == "full"]
    kept_whole = calls.filter(pl.col("feature").is_in(whole)).select(pl.len()).collect().item()
    found = ingest.found_again(
        ingest.texts_of(
            lake.scan(CALL_TEXTS, [day]), calls.filter(~pl.col("feature").is_in(whole))
        ).collect(),
        redaction_of(reference.read("privacy.yaml", PrivacyRules)),
    )
    if found.is_empty():
        return dg.AssetCheckResult(
            passed=True, severity=dg.AssetCheckSeverity.WARN, metadata={"kept_whole": kept_whole}
        )
    by_kind = found.group_by("kind").agg(pl.col("count").sum()).sort("kind")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in by_kind.iter_rows())
    return dg.AssetCheckResult(
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{found['call_id'].n_unique():,} sampled call(s) hold {kinds}; texts landed "
        "before a pattern was added stay as they are: `llmops forget` erases, `llmops expire` ages",
        metadata={
            "kept_whole": kept_whole,
            "faults": dg.MetadataValue.table(
                [
                    dg.TableRecord({name: str(value) for name, value in row.items()})
                    for row in found.head(SHOWN).to_dicts()
                ]
            ),
        },
    )
