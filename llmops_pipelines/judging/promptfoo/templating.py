"""``{{ variable }}`` in the values of a configuration; outputs are never templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2


class TemplateFaultError(ValueError):
    """A value cannot be filled in. The message says why."""


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """``value`` with the test's variables filled into every text of it.

    promptfoo's templates are Nunjucks; what Jinja2 reads the same is filled in, in a sandbox.

    Raises:
        TemplateFaultError: A variable is not there, or the template is no Jinja2.
    """
    if isinstance(value, list):
        return [filled(part, variables) for part in value]
    if isinstance(value, Mapping):
        return {key: filled(part, variables) for key, part in value.items()}
    if not isinstance(value, str) or ("{{" not in value and "{%" not in value):
        return value
    import jinja2

    try:
        return _environment().from_string(value).render({"vars": variables, **variables})
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise TemplateFaultError(f"the value cannot be filled in: {error}") from error


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        autoescape=False, undefined=StrictUndefined, finalize=_shown
    )
    environment.filters["dump"] = json.dumps
    return environment


def _shown(value: object) -> object:
    """Lists and mappings as JSON, booleans and null as JavaScript writes them."""
    if isinstance(value, bool | list | dict) or value is None:
        return json.dumps(value, ensure_ascii=False)
    return value
