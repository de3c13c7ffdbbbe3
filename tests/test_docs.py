"""README and docs tell the truth about settings, commands and tables."""

from pathlib import Path

from llmops_pipelines.definitions import Settings
from llmops_pipelines.tables.documentation import tables_markdown

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def setting_rows() -> list[str]:
    """The README's table of settings, as the settings themselves say it."""
    rows = []
    for name, field in Settings.model_fields.items():
        judge = name in ("judge_base_url", "judge_api_key", "judge_model")
        variable = name.upper() if judge else f"LLMOPS_{name.upper()}"
        default = field.get_default(call_default_factory=True)
        shown = "not set" if not str(default).strip("*{}") else f"`{default}`"
        rows.append(f"| `{variable}` | {shown} | {field.description} |")
    return rows


def test_every_setting_stands_in_the_readme_with_its_default():
    missing = [row for row in setting_rows() if row not in README]
    assert missing == []


def test_the_two_commands_come_first():
    lines = [line for line in README.splitlines() if line.startswith("make ")]
    assert [line.split()[1] for line in lines[:2]] == ["nightly", "test"]


def test_continuous_integration_calls_the_readme_test_command():
    script = (Path(__file__).parents[1] / ".ci" / "run").read_text(encoding="utf-8")
    assert "\nmake test\n" in script


def test_the_page_of_tables_is_made_from_the_tables():
    page = Path(__file__).parents[1] / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8") == tables_markdown(), "run `make docs`"
