"""``llmops``: the command line over a data folder. Commands load what they need when they run."""

from __future__ import annotations

import re
import warnings
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from llmops_pipelines.cli.problems import UnusableError, of_settings, told_plainly, typed

if TYPE_CHECKING:
    from llmops_pipelines.definitions import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Batch evaluation and cost analytics of LLM applications.",
)
alerts = typer.Typer(no_args_is_help=True, help="Alerts, and where they are told.")
app.add_typer(alerts, name="alerts")
batches = typer.Typer(
    invoke_without_command=True,
    help="Judge requests that wait in batches. Alone, the command lists them.",
)
app.add_typer(batches, name="batches")
export = typer.Typer(no_args_is_help=True, help="The cost table in other tools' formats.")
app.add_typer(export, name="export")

_DAY = "YYYY-MM-DD"
ChartFormat = Literal["png", "svg"]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no day; write it as 2026-11-22") from error


def _month(text: str) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text):
        raise typer.BadParameter(f"{text!r} is no month; write it as 2026-10")
    return text


_MONTH_ARGUMENT = Annotated[
    str, typer.Argument(parser=_month, metavar="YYYY-MM", help="Month of the business.")
]


def _in_order(first: date | None, last: date | None) -> None:
    if first and last and first > last:
        raise typer.BadParameter(f"{first} lies after --to {last}; swap them", param_hint="--from")


_JSON = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
]
_MAX_LOSS = Annotated[float, typer.Option(help="Part of the quality that may be lost.")]
_CALLS_PER_DAY = Annotated[float | None, typer.Option(min=0, help="Traffic, for a year's saving.")]


def _chart_file(path: Path | None) -> Path | None:
    from llmops_pipelines.cli.replays import chart_file

    return chart_file(path)


_CHART_OUT = Annotated[
    Path | None,
    typer.Option(
        "--chart-out", metavar="FILE", callback=_chart_file, help="Write the chart: .svg or .png."
    ),
]


def _between_0_and_1(value: float, option: str) -> None:
    if not 0 < value < 1:
        raise typer.BadParameter(f"{value} is not between 0 and 1", param_hint=option)


@app.callback()
def _options(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Folder with reference/, logs/, lake/; default LLMOPS_DATA or data.",
        ),
    ] = None,
) -> None:
    context.obj = data


def _settings(context: typer.Context) -> Settings:
    """The settings of the environment, with ``--data`` on top."""
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from llmops_pipelines.definitions import Settings, unread_variables, variables

    for warning in unread_variables():
        typer.secho(f"warning: {warning}", err=True, fg="yellow")
    try:
        settings = Settings(data=context.obj) if context.obj else Settings()
    except ValidationError as error:
        raise of_settings(error, variables()) from error
    except SettingsError as error:
        raise UnusableError(f"the environment cannot be used: {error}: is it JSON?") from error
    if settings.data.exists() and not settings.data.is_dir():
        raise UnusableError(f"LLMOPS_DATA: {settings.data} is a file; name a folder")
    return settings


@app.command()
def init(context: typer.Context) -> None:
    """Write default reference files; what is there already stays."""
    with told_plainly():
        from llmops_pipelines.cli.folder import prepare

        settings = _settings(context)
        written = prepare(settings)
    typer.echo(f"{settings.data}: {len(written)} reference file(s) written, others kept")
    then = typed("--data", settings.data, "nightly")
    typer.echo(f"put logs below {settings.log_root}, then: {then}")


@app.command()
def nightly(
    context: typer.Context,
    first: Annotated[
        date | None,
        typer.Option("--from", parser=_day, metavar=_DAY, help="First UTC day; default all."),
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Land new logs, then compute every day that is new or changed, up to its report.

    Leaves with 0 when all went well, 1 when a run failed, 2 when nothing could be done.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.night import night

        code = night(_settings(context), first, last, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def reprice(
    context: typer.Context,
    first: Annotated[
        date | None, typer.Option("--from", parser=_day, metavar=_DAY, help="First UTC day.")
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day.")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason; kept with both figures.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show before and after, and write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Restate without asking.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Show what was restated, and whether it still holds.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON value on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Price past days again after a price was put right: before and after first, both kept.

    Only days whose figures change are restated, with what rests on them. Leaves with 0 when all is
    done or nothing changes, 1 when a day failed or was left, 2 when nothing could be done.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli import repricing

        settings = _settings(context)
        if history:
            repricing.print_history(settings, first, last, as_json=as_json)
            return
        if first is None or last is None:
            raise typer.BadParameter(
                "name both, the first and the last day", param_hint="--from, --to"
            )
        order = repricing.Order(first, last, why=why, yes=yes, dry_run=dry_run)
        code = repricing.reprice(settings, order, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def price(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="JSON lines: id, provider, model, timestamp, usage; service_tier and batch.",
        ),
    ],
    at: Annotated[
        date | None,
        typer.Option(parser=_day, metavar=_DAY, help="Price all as of this UTC day."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Price usage records, as providers return them, line by line with the arithmetic.

    A record without a known price is told with the reason. Leaves with 0, or with 2 when nothing
    could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.pricing import price_file

        price_file(_settings(context), file, at, as_json=as_json)


@app.command()
def costs(
    context: typer.Context,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="day, hour, feature, team, user, session, environment, provider, model, tier, "
            "batch, cached, retry, prompt, prompt_version, arm, status or error; several by commas "
            "or by repeating. Default feature."
        ),
    ] = None,
    first: Annotated[
        date | None,
        typer.Option("--from", parser=_day, metavar=_DAY, help="First UTC day; default all."),
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day.")
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Rows on the terminal; files and --json have all.")
    ] = 50,
    out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write all rows here: a .csv or .parquet file for BI."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Spend by any dimension, evaluation apart, and whether it adds up to the calls.

    Leaves with 0, 1 where the rows do not add up to the calls, 2 when nothing could be done.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.spending import Question, tell_costs

        asked = [name for part in by or ["feature"] for name in part.split(",")]
        question = Question(asked, first, last, top, out)
        code = tell_costs(_settings(context), question, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def reconcile(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="OpenAI costs or usage, Anthropic cost or usage report, LiteLLM spend; JSON, JSON "
            "lines or CSV, also packed.",
        ),
    ],
    first: Annotated[
        date | None,
        typer.Option("--from", parser=_day, metavar=_DAY, help="First day of it; default all."),
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=_day, metavar=_DAY, help="Last day of it.")
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Rows on the terminal; files and --json have all.")
    ] = 30,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write all rows to a .csv or .parquet file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Hold a provider's invoice or usage export against the calls that were logged.

    Leaves with 0, 1 where more than 1 % of it is unexplained or lines cannot be read, 2 when
    nothing could be done.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.reconciling import reconcile_file

        code = reconcile_file(
            _settings(context), file, first, last, out=out, top=top, as_json=as_json
        )
    raise typer.Exit(code)


@app.command()
def quote(
    context: typer.Context,
    first: Annotated[date, typer.Option("--from", parser=_day, metavar=_DAY, help="First day.")],
    last: Annotated[date, typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day.")],
    spec: Annotated[
        list[str] | None,
        typer.Option(help="Id of a judge spec, a rubric, or a metric; default what nights ask."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Judge model; default JUDGE_MODEL.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Tell what judging sampled days would cost, and how far past quotes were off; asks nobody.

    Leaves with 0, or with 2 when nothing can be quoted.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.quoting import print_quote

        print_quote(_settings(context), first, last, spec or [], model, as_json=as_json)


@app.command()
def rescore(
    context: typer.Context,
    first: Annotated[date, typer.Option("--from", parser=_day, metavar=_DAY, help="First day.")],
    last: Annotated[date, typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day.")],
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Have past samples judged by another judge: quotes first, keeps both versions, resumes.

    Leaves with 0 when all is judged, 1 when a run failed or something was left for another time, 2
    when nothing could be done.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.rescoring import rescore_days

        code = rescore_days(
            _settings(context),
            first,
            last,
            spec,
            model,
            yes=yes,
            as_json=as_json,
            repetition=repetition,
        )
    raise typer.Exit(code)


@app.command("import")
def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(readable=False, help="One log file, wherever it lies.")],
    chosen: Annotated[
        str | None,
        typer.Option("--as", metavar="FORMAT", help="Read it as this, whatever it looks like."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into the log folder, below imported/.")
    ] = False,
    write_mapping: Annotated[
        bool, typer.Option("--write-mapping", help="Propose an entry for sources.yaml.")
    ] = False,
) -> None:
    """Show what a log file would become: rows, losses, cost, fields. Writes only if asked.

    Leaves with 0 when anything of it can be read, 2 when nothing can.
    """
    with told_plainly():
        from llmops_pipelines.cli.importing import import_file

        code = import_file(
            _settings(context),
            file,
            chosen=chosen,
            as_json=as_json,
            write=write,
            write_mapping=write_mapping,
        )
    raise typer.Exit(code)


@app.command()
def formats(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """List the log formats that are read, and what their records need."""
    from llmops_pipelines.cli.listing import list_formats

    list_formats(as_json=as_json)


@app.command()
def pull(
    context: typer.Context,
    first: Annotated[
        date | None,
        typer.Option("--from", parser=_day, metavar=_DAY, help="First UTC day; default --to."),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day; default yesterday."),
    ] = None,
    source: Annotated[str, typer.Option(help="Only this entry under pull: in sources.yaml.")] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Download days of logs from the services under `pull:` in sources.yaml; `nightly` does too.

    Leaves with 0 when all went well, 1 when a service failed, 2 when nothing could be done.
    """
    if first and last and first > last:
        raise typer.BadParameter(f"{first} lies after --to {last}; swap them", param_hint="--from")
    with told_plainly():
        from llmops_pipelines.cli.pulling import pull_days

        code = pull_days(_settings(context), first, last, source, as_json=as_json)
    raise typer.Exit(code)


@app.command("assert")
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
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """Hold outputs against the assertions of a promptfoo file; code in it is never run.

    Leaves with 0 when every output passes, 1 when one fails, 3 when none fails but some cannot be
    told, 2 when nothing could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.asserting import assert_outputs

        code = assert_outputs(
            _settings(context),
            config,
            outputs,
            skip_unsupported=skip_unsupported,
            as_json=as_json,
        )
    raise typer.Exit(code)


@app.command()
def score(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(readable=False, help="JSON lines with RAGAS's field names and id.")
    ],
    rubric: Annotated[
        str,
        typer.Option(help="In rubrics.yaml, RAGAS, or support, relevance, entailment."),
    ],
    model: Annotated[str | None, typer.Option(help="Judge model; default JUDGE_MODEL.")] = None,
    judge: Annotated[
        str, typer.Option(help="judge (JUDGE_BASE_URL), or an endpoint or jury of judges.yaml.")
    ] = "judge",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a row per line there, as JSON lines.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
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
        from llmops_pipelines.cli import scoring

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
        code = scoring.score(_settings(context), order, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def charts(
    context: typer.Context,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for them.")],
    form: Annotated[
        ChartFormat, typer.Option("--format", help="svg for pages, png for slides.")
    ] = "svg",
    first: Annotated[
        date | None,
        typer.Option("--from", parser=_day, metavar=_DAY, help="First UTC day; default 42 days."),
    ] = None,
    last: Annotated[
        date | None,
        typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day; default the latest."),
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Draw what spend was, is made of and is heading for, each with its figures as CSV.

    Leaves with 0, or with 2 when there is nothing to draw.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.charting import write_charts

        write_charts(_settings(context), out, form, first, last, as_json=as_json)


@app.command()
def routing(
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="JSONL, CSV or Parquet: text, score_weak, score_strong; and where known id, group,"
            " cost_weak, cost_strong, cost_router.",
        ),
    ],
    max_loss: _MAX_LOSS = 0.05,
    calls_per_day: _CALLS_PER_DAY = None,
    policy_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the policy there, as JSON.")
    ] = None,
    chart_out: _CHART_OUT = None,
    as_json: _JSON = False,
) -> None:
    """Replay a router on questions that a small and a large model both answered.

    Leaves with 0 when a threshold can be recommended, 3 when none can, 2 when nothing could be
    done.
    """
    _between_0_and_1(max_loss, "--max-loss")
    with told_plainly():
        from llmops_pipelines.cli.routing import Order, route

        code = route(Order(file, max_loss, calls_per_day, policy_out, chart_out), as_json=as_json)
    raise typer.Exit(code)


@app.command()
def chargeback(
    context: typer.Context,
    month: _MONTH_ARGUMENT,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write there; default stdout.")
    ] = None,
    invoice: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="One invoice for everything, US dollars.")
    ] = None,
    invoice_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV: provider, amount in US dollars.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")
    ] = False,
) -> None:
    """A month's costs by team, feature and model as CSV; with an invoice, what is left of it.

    Leaves with 0, or with 2 when nothing could be done.
    """
    if invoice is not None and invoice_file is not None:
        raise typer.BadParameter("give one of --invoice and --invoice-file", param_hint="--invoice")
    with told_plainly():
        from llmops_pipelines.cli.finance import Order, charge_back

        charge_back(_settings(context), Order(month, out, invoice, invoice_file), as_json=as_json)


@app.command("close-month")
def close_month(
    context: typer.Context,
    month: _MONTH_ARGUMENT,
    by: Annotated[str | None, typer.Option(help="Who closes it; default your user name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Close without asking.")] = False,
) -> None:
    """Keep a month's costs as they are, for good; later changes become dated adjustments.

    Leaves with 0, or with 2 when it was not closed.
    """
    with told_plainly():
        from llmops_pipelines.cli.finance import close

        close(_settings(context), month, by, yes=yes)


@app.command()
def plan(
    context: typer.Context,
    chart_out: _CHART_OUT = None,
    as_json: _JSON = False,
) -> None:
    """Tell what caching, routing, compressing and batching save as one, by the last night.

    Leaves with 0 when something is recommended, 3 when nothing is, 2 when no plan is stored.
    """
    with told_plainly():
        from llmops_pipelines.cli.planning import tell_plan

        code = tell_plan(_settings(context), chart_out, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def prefix(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="A log in a known format, or JSONL with messages, model, timestamp, usage.",
        ),
    ],
    chart_out: _CHART_OUT = None,
    as_json: _JSON = False,
) -> None:
    """Replay a provider's prompt cache over logged prompts: what it could have read, and why not.

    Leaves with 0 when something can be saved, 3 when nothing can or nobody can tell, 2 when nothing
    could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.prefix import Order, replay_file

        code = replay_file(_settings(context), Order(file, chart_out), as_json=as_json)
    raise typer.Exit(code)


@app.command()
def cache(
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="JSONL: id, timestamp, question or messages, answer, feature, cost; where known"
            " tenant, prompt_version, model, session_id, user_id, latency_ms, status, tool_calls.",
        ),
    ],
    ttl: Annotated[float, typer.Option(help="Hours that an answer lives; 0: for ever.")] = 24.0,
    max_wrong: Annotated[
        float, typer.Option(help="Share of the hits that may be given a wrong answer.")
    ] = 0.02,
    embedding_usd: Annotated[
        str, typer.Option(help="What embedding a question costs, US dollars; MiniLM costs none.")
    ] = "0",
    calls_per_day: Annotated[
        float | None, typer.Option(min=0, help="Traffic, for a year's saving; else as in the file.")
    ] = None,
    chart_out: _CHART_OUT = None,
    as_json: _JSON = False,
) -> None:
    """Replay a cache of answers over logged requests: what it saves, and how often it errs.

    Leaves with 0 when something can be recommended, 3 when nothing can, 2 when nothing could be
    done.
    """
    _between_0_and_1(max_wrong, "--max-wrong")
    if ttl < 0:
        raise typer.BadParameter(f"{ttl} is below 0", param_hint="--ttl")
    with told_plainly():
        from llmops_pipelines.cli.caching import Order, policy_of
        from llmops_pipelines.cli.caching import cache as replay

        policy = policy_of(ttl or None, max_wrong, embedding_usd, calls_per_day)
        code = replay(Order(file, policy, chart_out), as_json=as_json)
    raise typer.Exit(code)


@app.command()
def compress(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="JSON lines of RAGAS samples: user_input, retrieved_contexts, response.",
        ),
    ],
    max_loss: _MAX_LOSS = 0.05,
    model: Annotated[
        str | None, typer.Option(help="Whose tokens are counted and priced, such as gpt-4.1-mini.")
    ] = None,
    calls_per_day: _CALLS_PER_DAY = None,
    chart_out: _CHART_OUT = None,
    llmlingua: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Try LLMLingua-2 too, with the model in that folder; needs the extra `llmlingua`.",
        ),
    ] = None,
    anew: Annotated[
        int,
        typer.Option(
            min=0,
            help="Have --model answer that many samples from full and short contexts at the judge's"
            " endpoint, and both answers judged. Costs money.",
        ),
    ] = 0,
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="TECHNIQUE=SETTING",
            help="What --anew tries, as extractive=0.5; default: what support recommends.",
        ),
    ] = None,
    rubric: Annotated[str, typer.Option(help="What --anew has judged.")] = "groundedness",
    judge: Annotated[
        str, typer.Option(help="Endpoint of --anew: `judge` or a name of judges.yaml.")
    ] = "judge",
    max_usd: Annotated[float | None, typer.Option(min=0, help="Most that --anew may cost.")] = None,
    as_json: _JSON = False,
) -> None:
    """Replay samples with shorter prompts: tokens saved, and support of the answers lost.

    Leaves with 0 when a setting can be recommended, 3 when none can, 2 when nothing could be done.
    """
    _between_0_and_1(max_loss, "--max-loss")
    with told_plainly():
        from llmops_pipelines.cli import compressing
        from llmops_pipelines.cli.compress_anew import Anew

        order = compressing.Order(
            file,
            max_loss,
            model,
            calls_per_day,
            chart_out,
            llmlingua,
            compressing.read_keep(keep),
            Anew(anew, model, rubric, judge, max_usd) if anew else None,
        )
        code = compressing.compress(_settings(context), order, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what leaves this machine, to whom, and what is wrong; sends nothing.

    Leaves with 0 without problems, 1 with any.
    """
    with told_plainly():
        from llmops_pipelines.cli.doctor import examine

        code = examine(_settings(context), as_json=as_json)
    raise typer.Exit(code)


@app.command("sample-logs")
def sample_logs(
    out: Annotated[
        Path,
        typer.Option(file_okay=False, help="Folder for the logs; truth.json lies beside it."),
    ],
    end: Annotated[
        date | None,
        typer.Option(parser=_day, metavar=_DAY, help="Last UTC day; default yesterday."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days.")] = 14,
    calls_per_day: Annotated[int, typer.Option(min=1, help="Calls on an average day.")] = 1500,
    seed: Annotated[int, typer.Option(help="Same arguments, same bytes.")] = 7,
) -> None:
    """Write a believable company's logs, with planted events and their truth."""
    with told_plainly():
        from llmops_pipelines.cli.sample import write_sample

        write_sample(out, days=days, end=end, calls_per_day=calls_per_day, seed=seed)


@app.command("forget")
def forget(
    context: typer.Context,
    user: Annotated[
        str | None, typer.Option("--user-id", help="The user's id as the application logs it.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="Id of one conversation.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Erase a person's texts from the lake for good; numbers and digests stay."""
    if bool(user) == bool(session):
        raise typer.BadParameter("name one of --user-id and --session", param_hint="--user-id")
    with told_plainly():
        from llmops_pipelines.cli.privacy import forget_person

        forget_person(_settings(context), user, session, as_json=as_json)


@app.command("expire")
def expire(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and leave it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Take out the days that are older than `retention_days` of privacy.yaml allows."""
    with told_plainly():
        from llmops_pipelines.cli.privacy import expire_tables

        expire_tables(_settings(context), dry_run=dry_run, as_json=as_json)


@app.command("rotate-user-key")
def rotate_user_key(context: typer.Context) -> None:
    """Hash users with a new key from now on; older rows keep theirs."""
    with told_plainly():
        from llmops_pipelines.cli.privacy import rotate_key

        rotate_key(_settings(context))


@app.command()
def ui(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 3000,
) -> None:
    """Open the Dagster UI on the data folder's instance."""
    with told_plainly():
        from llmops_pipelines.cli.ui import serve

        serve(_settings(context), port)


@alerts.command("test")
def test_alert(context: typer.Context) -> None:
    """Send one test notification to the webhook and say what it answered."""
    with told_plainly():
        from llmops_pipelines.cli.alerting import send_test

        code = send_test(_settings(context))
    raise typer.Exit(code)


@batches.callback()
def list_batches(context: typer.Context, as_json: _JSON = False) -> None:
    """List batches with their state, counts and dollars."""
    if context.invoked_subcommand:
        return
    with told_plainly():
        from llmops_pipelines.cli import batching

        batching.tell_batches(_settings(context), as_json=as_json)


@batches.command("collect")
def collect_batches(context: typer.Context, as_json: _JSON = False) -> None:
    """Take in what open batches have brought by now; the daemon does so by itself.

    Leaves with 0, or with 1 where a batch could not be looked at.
    """
    with told_plainly():
        from llmops_pipelines.cli import batching

        code = batching.collect(_settings(context), as_json=as_json)
    raise typer.Exit(code)


@batches.command("cancel")
def cancel_batch(
    context: typer.Context,
    batch: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
) -> None:
    """Have the endpoint leave the rest of a batch; what it has done by then is kept and paid."""
    with told_plainly():
        from llmops_pipelines.cli import batching

        batching.cancel(_settings(context), batch)


@export.command("focus")
def export_focus(
    context: typer.Context,
    out: Annotated[Path, typer.Option(dir_okay=False, help="A .csv or .parquet file.")],
    first: Annotated[
        date | None,
        typer.Option("--from", parser=_day, metavar=_DAY, help="First UTC day; default all."),
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=_day, metavar=_DAY, help="Last UTC day.")
    ] = None,
    account: Annotated[str, typer.Option(help="BillingAccountId of the rows.")] = "llmops",
    as_json: _JSON = False,
) -> None:
    """Write what calls cost in the format of FOCUS 1.2 (FinOps), and validate it.

    Leaves with 0, 1 where it does not add up or breaks a rule, 2 when nothing could be done.
    """
    _in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.exporting import write_focus

        code = write_focus(_settings(context), first, last, out, account, as_json=as_json)
    raise typer.Exit(code)


@export.command("validate-focus")
def validate_focus(
    file: Annotated[Path, typer.Argument(readable=False, help="A .csv or .parquet file.")],
    as_json: _JSON = False,
) -> None:
    """Hold any FOCUS file against the rules of FOCUS 1.2 for costs and usage.

    Leaves with 0, 1 where it breaks a rule, 2 when nothing could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.exporting import validate_file

        code = validate_file(file, as_json=as_json)
    raise typer.Exit(code)


def main() -> None:
    """Entry point of the `llmops` command."""
    # Notes of libraries to their developers are not for people who run a pipeline.
    warnings.simplefilter("ignore")
    app()
