"""Judges: what they are asked, and what that costs."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from llmops_pipelines.cli.options import JSON, day_option, in_order, settings_of
from llmops_pipelines.cli.problems import told_plainly

PANEL = "Judging"

app = typer.Typer()
batches = typer.Typer(
    invoke_without_command=True,
    help="Judge requests that wait in batches. Alone, the command lists them.",
)
app.add_typer(batches, name="batches", rich_help_panel=PANEL)


@app.command(rich_help_panel=PANEL)
def quote(
    context: typer.Context,
    first: Annotated[date, day_option("--from", "First day.")],
    last: Annotated[date, day_option("--to", "Last UTC day.")],
    spec: Annotated[
        list[str] | None,
        typer.Option(help="Id of a judge spec, a rubric, or a metric; default what nights ask."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Judge model; default JUDGE_MODEL.")] = None,
    as_json: JSON = False,
) -> None:
    """Tell what judging sampled days would cost, and how far past quotes were off; asks nobody.

    Leaves with 0, or with 2 when nothing can be quoted.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.judging.quoting import print_quote

        print_quote(settings_of(context), first, last, spec or [], model, as_json=as_json)


@app.command(rich_help_panel=PANEL)
def score(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(readable=False, help="JSON lines with RAGAS's field names and id.")
    ],
    rubric: Annotated[
        str,
        typer.Option(
            help="In rubrics.yaml, of RAGAS or DeepEval, or support, relevance, entailment."
        ),
    ],
    model: Annotated[str | None, typer.Option(help="Judge model; default JUDGE_MODEL.")] = None,
    judge: Annotated[
        str, typer.Option(help="judge (JUDGE_BASE_URL), or an endpoint or jury of judges.yaml.")
    ] = "judge",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row per line there, as JSON lines.")
    ] = None,
    as_json: JSON = False,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Most requests at once; default 64.")
    ] = None,
    max_usd: Annotated[
        float | None, typer.Option(min=0, help="Cap; default LLMOPS_JUDGE_MAX_USD_PER_RUN.")
    ] = None,
    fail_under: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=X", help="Leave with 3 if its mean is less.")
    ] = None,
    fail_over: Annotated[
        list[str] | None, typer.Option(metavar="METRIC=X", help="The same if it is more.")
    ] = None,
    batch: Annotated[
        bool, typer.Option("--batch", help="Submit as batches at half the price, and wait.")
    ] = False,
    logprobs: Annotated[
        bool, typer.Option("--logprobs", help="Weigh scores by token probabilities.")
    ] = False,
    no_preflight: Annotated[
        bool, typer.Option("--no-preflight", help="Do not look first what the endpoint does.")
    ] = False,
    no_canary: Annotated[
        bool, typer.Option("--no-canary", help="Do not ask the judge's canaries first.")
    ] = False,
) -> None:
    """Judge a file of samples through the ledger; what is paid for is not paid again.

    Leaves with 0 when judged, 1 when lines were left without a verdict, 2 when nothing could be
    done, 3 when a bound is broken, 4 when the scores cannot tell whether it holds.
    """
    with told_plainly():
        from llmops_pipelines.cli.judging import scoring

        order = scoring.Order(
            file=file,
            rubric=rubric,
            model=model,
            endpoint=judge,
            out=out,
            concurrency=concurrency,
            max_usd=max_usd,
            bounds=scoring.read_bounds(fail_under or [], fail_over or []),
            preflight=not no_preflight,
            canaries=not no_canary,
            logprobs=logprobs,
            batch=batch,
        )
        code = scoring.score(settings_of(context), order, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def rescore(
    context: typer.Context,
    first: Annotated[date, day_option("--from", "First day.")],
    last: Annotated[date, day_option("--to", "Last UTC day.")],
    spec: Annotated[str, typer.Option(help="Id of a judge spec, a rubric, or a metric.")],
    model: Annotated[str | None, typer.Option(help="Judge model; default JUDGE_MODEL.")] = None,
    repetition: Annotated[
        int,
        typer.Option(
            min=0,
            help="Ask the same judge once more, as when another snapshot answers to its name: 1, "
            "then 2, ... Verdicts of before are kept, and compared.",
        ),
    ] = 0,
    yes: Annotated[bool, typer.Option("--yes", help="Spend without asking.")] = False,
    as_json: JSON = False,
) -> None:
    """Have past samples judged by another judge: quotes first, keeps both versions, resumes.

    Leaves with 0 when all is judged, 1 when a run failed or something was left for another time, 2
    when nothing could be done.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.judging.rescoring import rescore_days

        code = rescore_days(
            settings_of(context),
            first,
            last,
            spec,
            model,
            yes=yes,
            as_json=as_json,
            repetition=repetition,
        )
    raise typer.Exit(code)


@app.command("assert", rich_help_panel=PANEL)
def assert_outputs(
    context: typer.Context,
    config: Annotated[Path, typer.Argument(readable=False, help="A promptfooconfig.yaml.")],
    outputs: Annotated[
        Path,
        typer.Option(help="JSON lines with `output` and what names its test; see docs/judging.md."),
    ],
    skip_unsupported: Annotated[
        bool,
        typer.Option("--skip-unsupported", help="Assertions not known here decide nothing."),
    ] = False,
    as_json: JSON = False,
) -> None:
    """Hold outputs against the assertions of a promptfoo file; code in it is never run.

    Leaves with 0 when every output passes, 1 when one fails, 3 when none fails but some cannot be
    told, 2 when nothing could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.judging.asserting import assert_outputs

        code = assert_outputs(
            settings_of(context),
            config,
            outputs,
            skip_unsupported=skip_unsupported,
            as_json=as_json,
        )
    raise typer.Exit(code)


@batches.callback()
def list_batches(context: typer.Context, as_json: JSON = False) -> None:
    """List batches with their state, counts and dollars."""
    if context.invoked_subcommand:
        return
    with told_plainly():
        from llmops_pipelines.cli.judging import batching

        batching.tell_batches(settings_of(context), as_json=as_json)


@batches.command("collect")
def collect_batches(context: typer.Context, as_json: JSON = False) -> None:
    """Take in what open batches have brought by now; the daemon does so by itself.

    Leaves with 0, or with 1 where a batch could not be looked at.
    """
    with told_plainly():
        from llmops_pipelines.cli.judging import batching

        code = batching.collect(settings_of(context), as_json=as_json)
    raise typer.Exit(code)


@batches.command("cancel")
def cancel_batch(
    context: typer.Context,
    batch: Annotated[
        str, typer.Argument(help="Its id, ours or the endpoint's; its beginning will do.")
    ],
) -> None:
    """Have the endpoint leave the rest of a batch; what it has done by then is kept and paid."""
    with told_plainly():
        from llmops_pipelines.cli.judging import batching

        batching.cancel(settings_of(context), batch)
