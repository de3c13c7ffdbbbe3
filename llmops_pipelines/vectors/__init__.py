"""Exact near-duplicate joins over unit vectors."""

from llmops_pipelines.vectors.duplicates import Pair, duplicate_groups, near_duplicates
from llmops_pipelines.vectors.heads import heads, main_directions
from llmops_pipelines.vectors.neighbours import Neighbours, nearest
from llmops_pipelines.vectors.units import (
    Vectors,
    VectorsError,
    exact_cosines,
    rounding_margin,
    unit_vectors,
)

__all__ = [
    "Neighbours",
    "Pair",
    "Vectors",
    "VectorsError",
    "duplicate_groups",
    "exact_cosines",
    "heads",
    "main_directions",
    "near_duplicates",
    "nearest",
    "rounding_margin",
    "unit_vectors",
]
