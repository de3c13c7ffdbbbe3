"""Names of people, by Presidio; only where it is installed and privacy.yaml asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final

from llmops_pipelines.ingest import FindNames

MODEL: Final = "en_core_web_sm"
"""spaCy's model that tells names of people; it is installed apart from the extra."""

_SURE: Final = 0.5


class MissingExtraError(RuntimeError):
    """privacy.yaml asks for names and what finds them is not installed."""


def finder() -> FindNames:
    """What finds names of people, loaded once per process.

    Raises:
        MissingExtraError: Presidio or its language model is not installed.
    """
    if find_spec("presidio_analyzer") is None:
        raise MissingExtraError(
            "privacy.yaml says `names: true`, but Presidio is not installed: "
            'pip install -e ".[names]" in the checkout, or say `names: false`'
        )
    if find_spec(MODEL) is None:
        raise MissingExtraError(
            f"privacy.yaml says `names: true`, but spaCy's model {MODEL} is not installed: "
            f"python -m spacy download {MODEL}, or say `names: false`"
        )
    return finder_of(_analyzer())


def finder_of(analyzer: Any) -> FindNames:
    """The finder that asks ``analyzer``, a Presidio ``AnalyzerEngine``, for persons."""

    def find(texts: Sequence[str]) -> list[list[str]]:
        return [_names_in(analyzer, text) for text in texts]

    return find


def _names_in(analyzer: Any, text: str) -> list[str]:
    """The names in ``text`` in order of their place; of two that overlap the longer one."""
    found = analyzer.analyze(text=text, language="en", entities=["PERSON"], score_threshold=_SURE)
    names: list[str] = []
    end = 0
    for span in sorted(found, key=lambda span: (span.start, -span.end)):
        if span.start >= end:
            names.append(text[span.start : span.end])
            end = span.end
    return names


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    configuration = {
        "nlp_engine_name": "spacy",
        "models": [{"lang_code": "en", "model_name": MODEL}],
    }
    engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
