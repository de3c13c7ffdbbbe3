"""YAML read as JavaScript's parser reads it, every mapping knowing its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode

from llmops_pipelines.judging.promptfoo.suite import ConfigError


class Marked(dict[str, Any]):
    """A mapping of a YAML file; ``line`` is where it begins, from 1."""

    line: int = 0


class _Loader(yaml.SafeLoader):
    """YAML 1.2, as promptfoo reads it: ``yes`` and ``on`` are words, dates are text."""

    def _marked(self, node: MappingNode) -> Iterator[Marked]:
        found = Marked()
        found.line = node.start_mark.line + 1
        yield found
        found.update({str(key): value for key, value in self.construct_mapping(node).items()})


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rsplit(":", 1)[-1] not in ("bool", "timestamp", "int")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^(?:[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)
_Loader.add_constructor("tag:yaml.org,2002:map", _Loader._marked)


def read_yaml(text: str, file: str) -> Any:
    """The document in ``text``, YAML or JSON.

    Raises:
        ConfigError: Naming file and line.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"{file}:1: not YAML: {str(error).splitlines()[0]}") from error
