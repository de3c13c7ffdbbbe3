"""``sources.yaml``: how log files are read where sniffing cannot tell."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from llmops_pipelines.formats import FORMATS, MappedFields, Place, Reading, check_mapping
from llmops_pipelines.ingest.pulls import PULLED, PULLED_FORMATS, Pull


class Source(BaseModel):
    """The log files of one origin."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", description="For messages and the index.")
    match: str = Field(
        min_length=1, description="Glob below the log root: * within a folder, ** across folders."
    )
    format: str = Field(description="A log format; `llmops formats` lists them.")
    zone: str = Field(
        "UTC", description="IANA zone of times that name none, such as Europe/Berlin."
    )
    fields: MappedFields = Field(
        default_factory=dict, description="Field: path, or path, unit, constant and values."
    )

    @field_validator("match")
    @classmethod
    def _stays_below(cls, match: str) -> str:
        if match.startswith("/") or "\\" in match or ".." in match.split("/"):
            raise ValueError("leaves the log root; write a path below it, such as gateway/*.jsonl")
        return match

    @field_validator("zone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("is no IANA zone; accepted are names such as Europe/Berlin") from error
        return zone

    @field_validator("format")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in FORMATS:
            raise ValueError(f"is no log format; accepted: {', '.join(FORMATS)}")
        return name

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        check_mapping(self.fields)
        if self.format == "mapped" and "started_at" not in self.fields:
            raise ValueError("fields: started_at is missing; a mapped source must place it")
        return self

    @cached_property
    def reading(self) -> Reading:
        """How the records of this source are read."""
        places: dict[str, Place] = {name: field.place() for name, field in self.fields.items()}
        return replace(FORMATS[self.format].reading(places, self.zone), pinned=True)

    @cached_property
    def tag(self) -> str:
        """Format, name and digest of this entry: files are landed anew when it changes."""
        digest = hashlib.sha256(self.model_dump_json(exclude={"match"}).encode()).hexdigest()
        return f"{self.format}:{self.name}:{digest[:8]}"

    def matches(self, path: str) -> bool:
        """Whether the file at ``path``, relative to the log root, is one of this source."""
        return self._pattern.fullmatch(path) is not None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(_regex(self.match))


class Sources(BaseModel):
    """All of ``sources.yaml``. Files that no entry matches are sniffed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: list[Source] = Field(default_factory=list)
    pull: list[Pull] = Field(default_factory=list, description="Services that are downloaded.")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for names in ([source.name for source in self.sources], [pull.name for pull in self.pull]):
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"the names {repeated} are given twice; each source needs its own")
        return self

    def of(self, path: str) -> Source | None:
        """The first entry that matches ``path``; None where the file has to be sniffed.

        Files that were pulled need no entry: their service tells their format.
        """
        entries = chain(self.sources, self._pulled)
        return next((source for source in entries if source.matches(path)), None)

    @cached_property
    def _pulled(self) -> list[Source]:
        return [
            Source(
                name=pull.name,
                match=f"{PULLED}/{pull.name}/*.ndjson.zst",
                format=PULLED_FORMATS[pull.kind],
            )
            for pull in self.pull
        ]


def _regex(glob: str) -> str:
    """The regular expression of a glob in which ``**/`` is any number of folders, also none."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", glob) if part
    )
