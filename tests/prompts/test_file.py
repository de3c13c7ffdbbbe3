"""What a prompt file may say, and what it is told when it may not."""

from datetime import date, datetime
from pathlib import Path

import pytest

from llmops_pipelines.prompts import PromptFile, previous_active
from llmops_pipelines.reference import ReferenceFileError, parse_document

SHIPPED = Path(__file__).parents[2] / "data/reference/prompts/support_answer.yaml"

TWO_VERSIONS = """\
name: support_answer
feature: support_assistant
active: "4"
versions:
  - version: "3"
    created: 2026-02-16
    template: Rest on the passages.
  - version: "4"
    created: 2026-05-04
    template: Sound certain.
"""


def parse(text: str) -> PromptFile:
    return parse_document(text, PromptFile, file="prompts/p.yaml")


def refusal(text: str) -> str:
    with pytest.raises(ReferenceFileError) as error:
        parse(text)
    return str(error.value)


def history(*moves: tuple[str | None, str]) -> str:
    lines = [
        f'  - {{at: 2026-05-{day:02}, from: {f"{a!r}" if a else "null"}, to: "{b}", why: w}}'
        for day, (a, b) in enumerate(moves, 1)
    ]
    return "history:\n" + "\n".join(lines) + "\n"


def test_the_shipped_prompt_went_from_version_3_to_4():
    file = parse_document(SHIPPED.read_text(), PromptFile, file=SHIPPED.name)
    assert (file.name, file.feature, file.active) == ("support_answer", "support_assistant", "4")
    assert file.known == ("3", "4")
    assert previous_active(file) == "3"


def test_a_version_holds_its_day_notes_and_wording():
    (third, _) = parse(TWO_VERSIONS).versions
    assert (third.version, third.created, third.notes, third.template) == (
        "3",
        date(2026, 2, 16),
        "",
        "Rest on the passages.",
    )


def test_without_history_there_is_no_previous_version():
    assert previous_active(parse(TWO_VERSIONS)) is None


def test_the_first_version_in_production_has_no_previous_one():
    assert previous_active(parse(TWO_VERSIONS + history((None, "4")))) is None


def test_after_a_rollback_the_previous_version_is_the_one_that_was_rolled_back():
    text = TWO_VERSIONS.replace('active: "4"', 'active: "3"') + history(("3", "4"), ("4", "3"))
    assert previous_active(parse(text)) == "4"


def test_a_label_moved_by_hand_came_from_the_last_recorded_version():
    assert previous_active(parse(TWO_VERSIONS + history((None, "3")))) == "3"


def test_times_with_an_offset_become_naive_utc():
    text = TWO_VERSIONS + 'history: [{at: "2026-05-06T10:30:00+02:00", from: "3", to: "4", why: w}]'
    assert parse(text).history[0].at == datetime(2026, 5, 6, 8, 30)  # noqa: DTZ001


def test_a_time_without_a_zone_is_utc():
    text = TWO_VERSIONS + 'history: [{at: "2026-05-06T10:30:00", from: "3", to: "4", why: w}]'
    assert parse(text).history[0].at == datetime(2026, 5, 6, 10, 30)  # noqa: DTZ001


@pytest.mark.parametrize("bare", ["1.10", "3", "2026-11-01", "yes"])
def test_a_version_without_quotes_is_refused_since_yaml_would_change_it(bare):
    message = refusal(TWO_VERSIONS.replace('version: "3"', f"version: {bare}"))
    assert message.startswith(
        'prompts/p.yaml:5: versions.0.version: a version is text, write it in quotes, as in "3"'
    )


def test_the_active_version_must_be_on_file():
    message = refusal(TWO_VERSIONS.replace('active: "4"', 'active: "5"'))
    assert "prompts/p.yaml:1: (file): active is '5', but the versions are 3, 4" in message


def test_a_version_is_given_once():
    message = refusal(TWO_VERSIONS.replace('version: "3"', 'version: "4"'))
    assert "version '4' is given 2 times; give each wording a version of its own" in message


@pytest.mark.parametrize("move", [("2", "4"), ("4", "2")])
def test_history_names_only_versions_on_file(move):
    message = refusal(TWO_VERSIONS + history(move))
    assert "names version '2', but the versions are 3, 4; keep versions that once were" in message


def test_history_is_in_the_order_of_time():
    text = TWO_VERSIONS + (
        "history:\n"
        '  - {at: 2026-05-02T00:00:00Z, from: null, to: "3", why: w}\n'
        '  - {at: 2026-05-01T00:00:00Z, from: "3", to: "4", why: w}\n'
    )
    assert "history is not in the order of time; put the oldest move first" in refusal(text)


def test_malformed_yaml_names_file_and_line():
    assert refusal("name: p\nversions: [\n").startswith("prompts/p.yaml:3: not YAML: ")


def test_an_empty_file_names_every_missing_field():
    message = refusal("")
    assert [line.split(": ")[1] for line in message.splitlines()] == [
        "name",
        "feature",
        "active",
        "versions",
    ]


def test_an_unknown_field_is_answered_with_the_accepted_ones():
    message = refusal(TWO_VERSIONS.replace("created: 2026-02-16", "date: 2026-02-16"))
    assert "prompts/p.yaml:6: versions.0.date: is not known here; accepted: version" in message


def test_a_prompt_without_a_version_is_no_prompt():
    message = refusal('name: p\nfeature: f\nactive: "1"\nversions: []\n')
    assert message.startswith("prompts/p.yaml:4: versions: ")
