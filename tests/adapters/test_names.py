"""Names of people: only where Presidio is installed, and said plainly where it is not."""

from importlib.util import find_spec

import pytest

from llmops_pipelines.adapters import names


@pytest.mark.skipif(find_spec("presidio_analyzer") is not None, reason="Presidio is installed")
def test_what_is_missing_is_told_with_its_remedy():
    with pytest.raises(
        names.MissingExtraError, match=r"pip install -e .\.\[names\]. in the checkout"
    ):
        names.finder()


def analyzer():
    """Presidio with a list of names instead of a language model."""
    presidio = pytest.importorskip("presidio_analyzer")
    spacy = pytest.importorskip("spacy")
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    registry = presidio.RecognizerRegistry(supported_languages=["en"])
    for names_known in (["Jo Doe", "Ann"], ["Jo Doe Smith"]):
        registry.add_recognizer(presidio.PatternRecognizer("PERSON", deny_list=names_known))
    return presidio.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def test_names_come_in_order_of_their_place_and_the_longer_one_wins():
    find = names.finder_of(analyzer())
    assert find(["Ann met Jo Doe Smith.", "Nobody"]) == [["Ann", "Jo Doe Smith"], []]
