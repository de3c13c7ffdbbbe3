"""Format ``mapped``: any JSON record, through a ``sources.yaml`` entry that places its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from llmops_pipelines.formats.engine.fields import FIELDS, NUMBERS, MappedName
from llmops_pipelines.formats.engine.paths import Path, parse_path
from llmops_pipelines.formats.engine.reading import LogFormat, Place

MAPPED: Final = LogFormat(
    name="mapped",
    about="any JSON record; sources.yaml says which path, unit and constant fills which field",
    recognises=lambda _record: False,
)

Scalar = str | bool | int | float

_UNITS: Final[Mapping[str, tuple[str, ...]]] = {
    "time": ("s", "ms", "us", "ns"),
    "duration": ("s", "ms", "us", "ns"),
    "money": ("usd", "cents"),
}


_CONTAINERS: Final = ("messages", "contexts", "labels", "tools", "json")
"""Kinds of fields that hold a list or an object, which no constant of sources.yaml can be."""


def _spelled(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else str(value)


class MappedField(BaseModel):
    """Where one field comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | list[str | int] | None = Field(
        None, description="a.b[0].c, or a list of steps for keys that contain dots."
    )
    unit: Literal["s", "ms", "us", "ns", "usd", "cents"] | None = Field(
        None, description="Of a time, a duration or a cost; default: by magnitude, ms, usd."
    )
    constant: Scalar | None = Field(None, description="Used where the path holds nothing.")
    values: dict[Annotated[str, BeforeValidator(_spelled)], str] = Field(
        default_factory=dict, description="What the record says: what the field accepts."
    )

    decimal: Literal[".", ","] = Field(".", description="Before decimals in numbers as text.")

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.path is None and self.constant is None:
            raise ValueError("give a path, a constant, or both")
        if self.path is not None:
            parse_path(self.path)
        return self

    def place(self) -> Place:
        """The same as the engine reads it."""
        paths: tuple[Path, ...] = () if self.path is None else (parse_path(self.path),)
        constant = None if self.constant is None else cast(str, _spelled(self.constant))
        return Place(paths, constant, self.unit, self.values, self.decimal)


def _short(value: Any) -> Any:
    return {"path": value} if isinstance(value, (str, list)) else value


MappedFields = dict[MappedName, Annotated[MappedField, BeforeValidator(_short)]]
"""Fields of ``sources.yaml``: a path alone, or path, unit, constant and values."""


def check_mapping(fields: MappedFields) -> None:
    """Refuse a mapping that cannot work.

    Raises:
        ValueError: Naming the field and what it accepts.
    """
    for name, mapped in fields.items():
        kind = FIELDS[name]
        accepted = _UNITS.get(kind, ())
        if mapped.unit and mapped.unit not in accepted:
            raise ValueError(
                f"{name}: has the unit {mapped.unit!r}, accepted: {', '.join(accepted) or 'none'}"
            )
        if mapped.decimal == "," and kind not in NUMBERS:
            raise ValueError(f"{name}: takes no decimal; only numbers have decimals")
        if name == "status" and (wrong := set(mapped.values.values()) - {"ok", "error"}):
            raise ValueError(f"status: values map to {sorted(wrong)}, accepted: ok, error")
        if kind not in {"name", "label"} and mapped.values:
            raise ValueError(f"{name}: takes no values; only words are translated")
        if kind in _CONTAINERS and mapped.constant is not None:
            raise ValueError(f"{name}: takes no constant; give the path of a list or object")
    spelled: dict[tuple[str, ...], str] = {}
    for name, mapped in fields.items():
        for path in mapped.place().paths:
            steps = tuple(str(step) for step in path)
            for end in range(1, len(steps) + 1):
                key = tuple(step.lower() for step in steps[:end])
                if spelled.setdefault(key, steps[end - 1]) != steps[end - 1]:
                    raise ValueError(
                        f"{name}: the keys {spelled[key]!r} and {steps[end - 1]!r} differ only in"
                        " case; a mapping can use one of them"
                    )
