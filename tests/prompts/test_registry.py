"""Moving the active label, and writing the file back."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmops_pipelines.prompts import (
    Activation,
    PromptFile,
    PromptVersion,
    UnknownVersionError,
    activate,
    previous_active,
    render,
)
from llmops_pipelines.reference import parse_document

SHIPPED = Path(__file__).parents[2] / "data/reference/prompts/support_answer.yaml"
NIGHT = datetime(2026, 11, 10, 2, 5)  # noqa: DTZ001 - naive UTC throughout


def wording(version: str, template: str = "Answer.\n", notes: str = "") -> PromptVersion:
    return PromptVersion(version=version, created=date(2026, 2, 16), notes=notes, template=template)


def prompt(active: str = "4", *versions: PromptVersion) -> PromptFile:
    return PromptFile(
        name="support_answer",
        feature="support_assistant",
        active=active,
        versions=versions or (wording("3"), wording("4")),
        history=(
            Activation(
                at=datetime(2026, 5, 6, 8, 30),  # noqa: DTZ001
                from_version="3",
                to_version="4",
                why="shorter",
            ),
        ),
    )


def read(text: str) -> PromptFile:
    return parse_document(text, PromptFile, file="p.yaml")


def test_a_rollback_moves_the_label_and_says_why():
    moved = activate(prompt(), "3", "hallucination_rate critical", NIGHT)
    assert moved.active == "3"
    assert moved.history[:-1] == prompt().history
    assert moved.history[-1] == Activation(
        at=NIGHT, from_version="4", to_version="3", why="hallucination_rate critical"
    )


def test_the_original_is_left_as_it_was():
    before = prompt()
    activate(before, "3", "why", NIGHT)
    assert before == prompt()


def test_activating_the_active_version_changes_nothing():
    once = activate(prompt(), "3", "why", NIGHT)
    assert activate(once, "3", "again", NIGHT + timedelta(hours=1)) == once


def test_an_unknown_version_is_answered_with_the_known_ones():
    with pytest.raises(UnknownVersionError) as error:
        activate(prompt(), "5", "why", NIGHT)
    assert str(error.value) == "prompt support_answer: there is no version '5'; it has 3, 4"


def test_a_zoned_moment_is_written_as_utc():
    at = datetime(2026, 11, 10, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert activate(prompt(), "3", "why", at).history[-1].at == NIGHT
    assert activate(prompt(), "3", "why", NIGHT.replace(tzinfo=UTC)).history[-1].at == NIGHT


def test_a_clock_behind_the_last_writer_does_not_break_the_order_of_history():
    moved = activate(prompt(), "3", "why", datetime(2020, 1, 1))  # noqa: DTZ001
    assert moved.history[-1].at == prompt().history[-1].at
    assert read(render(moved)) == moved


def test_moves_back_and_forth_keep_every_step():
    there = activate(prompt(), "3", "bad", NIGHT)
    back = activate(there, "4", "repaired", NIGHT + timedelta(days=1))
    assert [(move.from_version, move.to_version) for move in back.history] == [
        ("3", "4"),
        ("4", "3"),
        ("3", "4"),
    ]
    assert previous_active(back) == "3"


def test_the_shipped_file_is_exactly_what_render_writes():
    text = SHIPPED.read_text()
    assert render(read(text)) == text


def test_a_rollback_is_a_small_diff():
    text = SHIPPED.read_text()
    before, after = (
        set(text.splitlines()),
        set(render(activate(read(text), "3", "worse", NIGHT)).splitlines()),
    )
    assert before - after == {"active: '4'"}
    assert after - before == {
        "active: '3'",
        "- at: '2026-11-10T02:05:00Z'",
        "  from: '4'",
        "  why: worse",
    }


def test_wordings_of_several_lines_stay_blocks():
    text = render(prompt("4", wording("3", "One.\nTwo: {{ x }}\n"), wording("4")))
    assert "  template: |\n    One.\n    Two: {{ x }}\n" in text


@pytest.mark.parametrize(
    "template",
    [
        "ends without a newline",
        "a\n\n\nb\n\n",
        "  leading spaces\n  stay\n",
        "trailing spaces   \nand\ttabs\n",
        "carriage\r\nreturns\r\n",
        "- looks: like\n- yaml: yes\n",
        "# looks like a comment\n",
        "---\n...\n",
        "umlauts äöü, 漢字, emoji 🙂\n",
        "{% if x %}{{ y }}{% endif %}\n",
        "null",
        "2026-11-01",
        "\x07 a bell and \u2028 a separator",
        "\x85",
        "a\n\u2029b\n",
        "\n",
        "x" * 50_000 + "\n",
    ],
)
def test_any_wording_survives_writing_and_reading(template):
    file = prompt("4", wording("3", template, notes=template), wording("4"))
    assert read(render(file)) == file


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_whatever_text_a_wording_is_it_comes_back(template):
    file = prompt("4", wording("3", template, notes=template), wording("4"))
    assert read(render(file)) == file


def test_rendering_twice_gives_the_same_bytes():
    assert render(prompt()) == render(read(render(prompt())))
