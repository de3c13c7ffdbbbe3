"""All reference files, read once before anything runs, so that every mistake is told at once."""

from pathlib import Path

from pydantic import BaseModel

from llmops_pipelines import cost, incidents, ingest, judging, pricing, prompts
from llmops_pipelines.reference import Features, ReferenceFileError, parse_document

MODELS: dict[str, type[BaseModel]] = {
    "alert_rules.yaml": incidents.Rules,
    "budgets.yaml": cost.Budgets,
    "features.yaml": Features,
    "prices.yaml": pricing.PriceOverrides,
    "rubrics.yaml": judging.Rubrics,
    "sources.yaml": ingest.Sources,
}


def check_reference(folder: Path) -> None:
    """Read every file of the reference folder.

    Raises:
        ReferenceFileError: All faults of all files, one line each.
    """
    faults = []
    models = {folder / name: model for name, model in MODELS.items()}
    models |= dict.fromkeys(sorted((folder / "prompts").glob("*.yaml")), prompts.PromptFile)
    for file, model in models.items():
        if not file.exists():
            continue
        try:
            parse_document(
                file.read_text(encoding="utf-8", errors="replace"), model, file=str(file)
            )
        except ReferenceFileError as error:
            faults.append(str(error))
    if faults:
        raise ReferenceFileError("\n".join(faults))
