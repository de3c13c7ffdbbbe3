import io
import logging

from rich.console import Console

from llmops_pipelines.cli import telling


def console(*, terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=80, color_system=None)


def said(console: Console) -> str:
    return console.file.getvalue()


def test_where_lines_cannot_be_overwritten_each_phase_is_one_line():
    quiet = console(terminal=False)
    with telling.progress(quiet) as show:
        show("reading new logs", 0, 1)
        show("reading new logs", 1, 1)
        show("computing 2026-06-01", 0, 2)
        show("computing 2026-06-02", 1, 2)
    assert said(quiet).splitlines() == [
        "reading new logs  0/1",
        "computing 2026-06-01  0/2",
        "computing 2026-06-02  1/2",
    ]


def test_a_long_phase_speaks_again():
    moments = iter([0.0, 1.0, 9.0, 9.5])
    quiet = console(terminal=False)
    with telling.progress(quiet, clock=lambda: next(moments)) as show:
        for done in range(4):
            show("reading new logs", done, 4)
    assert said(quiet).splitlines() == ["reading new logs  0/4", "reading new logs  2/4"]


def test_a_bar_shows_what_logs_and_models_are_called_as_it_is_written():
    live = console(terminal=True)
    with telling.progress(live) as show:
        show("politeness by tuned[/v2]", 1, 2)
    assert "politeness by tuned[/v2]" in said(live)


def test_a_terminal_has_a_bar_with_done_and_total():
    live = console(terminal=True)
    with telling.progress(live) as show:
        show("computing 2026-06-02", 1, 14)
    assert "computing 2026-06-02" in said(live)
    assert "1/14" in said(live)
    assert "━" in said(live)


def test_a_quote_stands_above_the_bar_and_stays():
    live = console(terminal=True)
    with telling.progress(live) as show:
        show("computing 2026-06-02", 1, 14)
        logging.getLogger("llmops.quotes").info("%s: about $1.20", "2026-06-02")
    assert "2026-06-02: about $1.20\n" in said(live)


def test_quotes_and_warnings_are_heard_only_while_a_command_runs():
    quiet = console(terminal=False)
    with telling.progress(quiet):
        logging.getLogger("llmops.quotes").warning("not judged: 8 failed")
        logging.getLogger("llmops.quotes").debug("details")
        logging.getLogger("other.library").warning("noise")
    logging.getLogger("llmops.quotes").info("too late")
    assert said(quiet) == "not judged: 8 failed\n"


def test_foreign_text_is_no_markup():
    quiet = console(terminal=False)
    with telling.progress(quiet):
        logging.getLogger("llmops.quotes").warning("[red]model[/red] failed")
    assert said(quiet) == "[red]model[/red] failed\n"
