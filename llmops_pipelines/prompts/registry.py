"""Moves of the active label, and the text a prompt file is written back as."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import yaml

from llmops_pipelines.prompts.file import Activation, PromptFile

HEADER = """\
# One prompt: every wording it ever had, and which of them is active.
#   active    the application reads this label and logs it as prompt_version with each call
#   versions  never edit a wording that has served traffic, add a version: figures are per version
#   history   every move of the label, oldest first, in UTC; a rollback is a move like any other
# The rollback sensor writes this file when it moves the label. Comments are not kept: use notes.
"""


class UnknownVersionError(ValueError):
    """The label cannot move to a version that is not on file."""


def activate(file: PromptFile, version: str, why: str, at: datetime) -> PromptFile:
    """``file`` with ``version`` active and the move recorded; unchanged where it is active already.

    Doing it twice records one move, so that a run that died after writing can be repeated.

    Args:
        file: The prompt file as it stands.
        version: The version to make active; it must be on file.
        why: The reason, for the people who read the history.
        at: The moment of the move, UTC.

    Raises:
        UnknownVersionError: ``version`` is not on file; the message lists those that are.
    """
    if version not in file.known:
        raise UnknownVersionError(
            f"prompt {file.name}: there is no version {version!r}; it has {', '.join(file.known)}"
        )
    if version == file.active:
        return file
    moment = at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
    if file.history:
        moment = max(moment, file.history[-1].at)  # a clock behind the last writer's
    move = Activation(at=moment, from_version=file.active, to_version=version, why=why)
    return PromptFile.model_validate(
        file.model_dump(by_alias=True)
        | {
            "active": version,
            "history": [
                *(past.model_dump(by_alias=True) for past in file.history),
                move.model_dump(by_alias=True),
            ],
        }
    )


def render(file: PromptFile) -> str:
    """``file`` as YAML under the standard header; parsing it gives ``file`` again.

    Wordings of several lines stand as blocks, so that a change of the label is a diff of a line.
    """
    body = yaml.dump(
        {
            "name": file.name,
            "feature": file.feature,
            "active": file.active,
            "versions": [version.model_dump() for version in file.versions],
            "history": [
                move.model_dump(by_alias=True) | {"at": f"{move.at.isoformat()}Z"}
                for move in file.history
            ],
        },
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
    return f"{HEADER}{body}"


class _Dumper(yaml.SafeDumper):
    """Safe YAML with text of several lines as a block."""


def _text(dumper: yaml.SafeDumper, value: str) -> Any:
    if any(separator in value for separator in "\x85\u2028\u2029"):
        style: str | None = '"'  # YAML reads them as line breaks anywhere else
    else:
        style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
