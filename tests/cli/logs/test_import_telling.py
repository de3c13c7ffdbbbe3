"""The paths of a preview as people see them."""

import io

from rich.console import Console

from llmops_pipelines.cli.logs.import_telling import print_paths
from llmops_pipelines.ingest.previewing.field_paths import FieldPaths


def printed(paths: FieldPaths) -> list[str]:
    out = io.StringIO()
    print_paths(Console(file=out, width=60), paths)
    return out.getvalue().splitlines()


def test_a_beginning_that_most_paths_share_is_said_once() -> None:
    spans = "resourceSpans[].scopeSpans[].spans[]"
    mapped = {
        "call_id": [f"{spans}.spanId"],
        "model": [f"{spans}.attributes[gen_ai.response.model].stringValue"],
        "project": ["resourceSpans[].resource.attributes[project].stringValue"],
    }
    assert printed(FieldPaths(mapped, [f"{spans}.flags", "other"])) == [
        "",
        f"our field <- its paths (… is {spans})",
        "  call_id  ….spanId",
        "  model    ….attributes[gen_ai.response.model].stringValue",
        "  project  resourceSpans[].resource.attributes[project].stringValue",
        "",
        "never used",
        "  ….flags, other",
    ]


def test_short_paths_stay_whole_and_are_never_read_as_markup() -> None:
    assert printed(FieldPaths({"answer": ["choices[].text"], "tags": ["[bold]"]}, [])) == [
        "",
        "our field <- its paths",
        "  answer  choices[].text",
        "  tags    [bold]",
    ]
