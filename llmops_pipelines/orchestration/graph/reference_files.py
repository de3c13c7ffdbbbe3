"""All reference files, read once before anything runs, so that every mistake is told at once."""

import json
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, create_model, field_validator

from llmops_pipelines import cost, finance, incidents, ingest, judging, pricing, prompts
from llmops_pipelines.judging.endpoints import RESERVED, Judges
from llmops_pipelines.reference import (
    Feature,
    Features,
    PrivacyRules,
    ReferenceFileError,
    document_text,
    parse_document,
)

MODELS: dict[str, type[BaseModel]] = {
    "alert_rules.yaml": incidents.Rules,
    "budgets.yaml": cost.Budgets,
    "features.yaml": Features,
    "finance.yaml": finance.Finance,
    "judges.yaml": Judges,
    "prices.yaml": pricing.PriceOverrides,
    "privacy.yaml": PrivacyRules,
    "rubrics.yaml": judging.Rubrics,
    "sources.yaml": ingest.Sources,
}

PATTERNS = {Path(name).stem: name for name in MODELS} | {"prompts": "prompts/*.yaml"}
"""The files of each reference asset, by its name."""

PROPOSED = "sources.proposed.yaml"
"""What `llmops import --write-mapping` leaves for people to take over; nothing else reads it."""


class _Checked(Feature):
    """A feature whose schema is one."""

    @field_validator("output_schema")
    @classmethod
    def _is_usable(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None:
            judging.check_schema(json.dumps(schema, default=str))
        return schema


@lru_cache(maxsize=8)
def _features_judged_by(accepted: tuple[str, ...]) -> type[BaseModel]:
    """Features whose judge is one that is there to be asked."""

    def known(name: str) -> str:
        if name not in accepted:
            raise ValueError(f"no such judge; accepted: {', '.join(accepted)}")
        return name

    feature = create_model(
        "CheckedFeature",
        __base__=_Checked,
        judging=(Annotated[str, AfterValidator(known)], Feature.model_fields["judging"].default),
    )
    return create_model(
        "CheckedFeatures",
        __base__=Features,
        features=(dict[str, feature], Field(default_factory=dict)),
    )


def _accepted(folder: Path) -> tuple[str, ...]:
    """What ``judging:`` may say; a judges.yaml that cannot be read tells its own faults."""
    file = folder / "judges.yaml"
    try:
        text = document_text(file.read_bytes() if file.exists() else b"", file=str(file))
        return parse_document(text, Judges, file=str(file)).accepted
    except (OSError, ReferenceFileError):
        return RESERVED


def check_reference(folder: Path) -> None:
    """Read every file of the reference folder.

    Raises:
        ReferenceFileError: All faults of all files, one line each.
    """
    faults = []
    models = {folder / name: model for name, model in MODELS.items()}
    models[folder / "features.yaml"] = _features_judged_by(_accepted(folder))
    models |= dict.fromkeys(sorted((folder / "prompts").glob("*.yaml")), prompts.PromptFile)
    read: dict[str, BaseModel] = {}
    for file, model in models.items():
        if not file.exists():
            continue
        try:
            text = document_text(file.read_bytes(), file=str(file))
            read[file.name] = parse_document(text, model, file=str(file))
        except OSError as error:
            faults.append(f"{file}:1: cannot be read: {(error.strerror or str(error)).lower()}")
        except ReferenceFileError as error:
            faults.append(str(error))
    faults += _other_currencies(folder, read.get("budgets.yaml"), read.get("finance.yaml"))
    if faults:
        raise ReferenceFileError("\n".join(faults))


def _other_currencies(
    folder: Path, budgets: BaseModel | None, rules: BaseModel | None
) -> Iterator[str]:
    """Budgets in a currency that is not converted: only that of the reports is."""
    if not isinstance(budgets, cost.Budgets):
        return
    report = rules.report_currency if isinstance(rules, finance.Finance) else finance.USD
    for place, currency in cost.currencies(budgets):
        if currency != report:
            yield (
                f"{folder / 'budgets.yaml'}: {place} is in {currency}, but report_currency is "
                f"{report} in finance.yaml: give it in that, or in dollars"
            )


def unread_files(folder: Path) -> list[str]:
    """YAML files that nothing reads, each with what it may have been meant to be."""
    known = {folder / name for name in (*MODELS, PROPOSED)}
    known |= set((folder / "prompts").glob("*.yaml"))
    return [
        f"{file} is not read; {_meant(file.name)}"
        for file in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
        if file not in known
    ]


def _meant(name: str) -> str:
    close = get_close_matches(name, MODELS, n=1)
    return f"did you mean {close[0]}?" if close else f"known files are {', '.join(MODELS)}"
