"""privacy.yaml: patterns that can be used, tables that can expire."""

import pytest

from llmops_pipelines.reference import PrivacyRules, ReferenceFileError, parse_document


def faults(text):
    with pytest.raises(ReferenceFileError) as caught:
        parse_document(text, PrivacyRules, file="privacy.yaml")
    return str(caught.value)


def pattern(text, **more):
    rest = "".join(f"    {key}: {value}\n" for key, value in more.items())
    return f"patterns:\n  - name: id\n    pattern: '{text}'\n{rest}"


def test_an_empty_file_adds_nothing_and_keeps_everything():
    rules = parse_document("", PrivacyRules, file="privacy.yaml")
    assert (rules.patterns, rules.names, rules.retention_days) == ((), False, {})


def test_a_pattern_has_no_checksum_unless_one_is_named():
    rules = parse_document(pattern("[0-9]{9}"), PrivacyRules, file="privacy.yaml")
    assert (rules.patterns[0].name, rules.patterns[0].checksum) == ("id", "none")


@pytest.mark.parametrize("text", [r"ID\x{2010}[0-9]{9}", "No,500[0-9]{6}"])
def test_a_number_that_repeats_nothing_is_no_bound(text):
    assert parse_document(pattern(text), PrivacyRules, file="privacy.yaml").patterns


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[0-9", "is no regular expression that can be used: unclosed character class; found"),
        ("(?<=x)[0-9]{9}", "that can be used: look-around, including look-ahead and"),
        (r"([0-9])\1", "is no regular expression that can be used"),
        ("([0-9]+)+x", "repeats a repetition without bounds"),
        ("(?:[a-z]*[0-9]){2,}x", "repeats a repetition without bounds"),
        ("[0-9]{1000}", "repeats something more than 100 times"),
        ("[0-9]{2, 1000}", "repeats something more than 100 times"),
        ("[0-9]*", "matches '', so it would redact nearly all texts"),
        ("[a-z]+", "matches 'a', so it would redact nearly all texts"),
        ("[0-9]{4}", "matches '2026', so it would redact nearly all texts"),
        ("x" * 501, "has 501 characters; at most 500 are read"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_its_line(text, told):
    fault = faults(pattern(text))
    assert fault.startswith("privacy.yaml:3: patterns.0.pattern: ")
    assert told in fault


def test_an_unknown_checksum_is_told_with_those_there_are():
    assert "'luhn', 'mod97' or 'none'" in faults(pattern("[0-9]{9}", checksum="crc"))


def test_two_patterns_of_one_name_are_refused():
    twice = pattern("[0-9]{9}") + "  - name: id\n    pattern: '[0-9]{8}'\n"
    assert "id is given twice" in faults(twice)


def test_only_tables_kept_by_day_can_expire():
    fault = faults("retention_days:\n  call_text: 90\n")
    assert fault.startswith("privacy.yaml:1: retention_days: call_text is no table kept by day")
    assert "call_texts" in fault
    assert "price_book is no table" in faults("retention_days: {price_book: 90}")


def test_nothing_is_kept_for_less_than_a_day():
    assert "call_texts must be kept for a day at least" in faults("retention_days: {call_texts: 0}")
