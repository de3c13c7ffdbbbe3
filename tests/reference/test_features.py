from pathlib import Path

import pytest

from llmops_pipelines.reference import Feature, Features, ReferenceFileError, parse_document

SHIPPED = Path(__file__).parents[2] / "data" / "reference" / "features.yaml"


def features(text: str) -> Features:
    return parse_document(text, Features, file="features.yaml")


def test_a_feature_that_is_not_listed_gets_the_defaults():
    assert Features().of("new") == Feature(
        team=None,
        criticality="normal",
        content="redacted",
        judging="local",
        output_schema=None,
        has_contexts=None,
    )


def test_texts_leave_the_machine_only_where_the_file_says_so():
    found = features("features:\n  chat: {team: care}\n  mail: {judging: judge}\n")
    assert {name: found.of(name).judging for name in ("chat", "mail", "other")} == {
        "chat": "local",
        "mail": "judge",
        "other": "local",
    }


def test_a_listed_feature_keeps_what_the_file_says():
    found = features("features:\n  chat: {team: care, criticality: high, content: none}\n")
    assert found.of("chat") == Feature(team="care", criticality="high", content="none")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("criticality: urgent", "criticality: input should be 'low', 'normal' or 'high'"),
        ("content: some", "content: input should be 'full', 'redacted' or 'none'"),
        ("tema: care", "tema: is not known here; accepted: team, criticality, content, judging"),
        ("output_schema: text", "output_schema: expected `key: value` pairs"),
        ("has_contexts: perhaps", "has_contexts: input should be a valid boolean"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_is_accepted(entry, says):
    with pytest.raises(ReferenceFileError) as raised:
        features(f"features:\n  chat:\n    {entry}\n")
    assert str(raised.value).startswith(f"features.yaml:3: features.chat.{says}")


def test_settings_cannot_be_changed_behind_the_file():
    with pytest.raises(ValueError, match="frozen"):
        Features().of("chat").judging = "judge"


def test_the_shipped_file_judges_nothing_for_money():
    found = features(SHIPPED.read_text(encoding="utf-8"))
    assert {feature.judging for feature in found.features.values()} == {"local"}
    assert all(feature.team for feature in found.features.values())
