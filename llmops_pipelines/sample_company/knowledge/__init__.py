"""The fictional shop's help pages: areas of passages, written for this project."""

from llmops_pipelines.sample_company.knowledge.aftercare import ACCOUNT, ASSEMBLY, STORES, WARRANTY
from llmops_pipelines.sample_company.knowledge.orders import DELIVERY, PARCELS, PAYMENT, RETURNS
from llmops_pipelines.sample_company.knowledge.passage import Area, Fact, Passage, parse_area
from llmops_pipelines.sample_company.knowledge.products import BEDS, OVENS, SOFAS, WASHING

AREAS = (
    DELIVERY,
    PARCELS,
    RETURNS,
    PAYMENT,
    WARRANTY,
    ASSEMBLY,
    ACCOUNT,
    STORES,
    SOFAS,
    BEDS,
    WASHING,
    OVENS,
)

__all__ = ["AREAS", "Area", "Fact", "Passage", "parse_area"]
