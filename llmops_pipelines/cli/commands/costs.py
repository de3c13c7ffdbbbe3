"""What calls cost."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from llmops_pipelines.cli.options import (
    DAY,
    JSON,
    MONTH,
    day_option,
    in_order,
    parse_day,
    settings_of,
)
from llmops_pipelines.cli.problems import told_plainly

PANEL = "Costs"

app = typer.Typer()
export = typer.Typer(no_args_is_help=True, help="The cost table in other tools' formats.")
app.add_typer(export, name="export", rich_help_panel=PANEL)
ChartFormat = Literal["png", "svg"]


@app.command(rich_help_panel=PANEL)
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
        typer.Option(parser=parse_day, metavar=DAY, help="Price all as of this UTC day."),
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
        from llmops_pipelines.cli.money.pricing import price_file

        price_file(settings_of(context), file, at, as_json=as_json)


@app.command(rich_help_panel=PANEL)
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
        day_option("--from", "First UTC day; default all."),
    ] = None,
    last: Annotated[date | None, day_option("--to", "Last UTC day.")] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Rows on the terminal; files and --json have all.")
    ] = 50,
    out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write all rows here: a .csv or .parquet file for BI."),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Spend by any dimension, evaluation apart, and whether it adds up to the calls.

    Leaves with 0, 1 where the rows do not add up to the calls, 2 when nothing could be done.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.money.spending import Question, tell_costs

        asked = [name for part in by or ["feature"] for name in part.split(",")]
        question = Question(asked, first, last, top, out)
        code = tell_costs(settings_of(context), question, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def drivers(
    context: typer.Context,
    first: Annotated[date, day_option("--from", "First day of the business.")],
    last: Annotated[date, day_option("--to", "Last day of the business.")],
    before_first: Annotated[
        date | None,
        day_option(
            "--before-from",
            "First day of what it is compared with; default as many days, or whole months, just "
            "before --from.",
        ),
    ] = None,
    before_last: Annotated[date | None, day_option("--before-to", "Last day of that.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="Write all rows here: a .csv or .parquet file for BI."),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Why days cost more or less than others: price, volume, mix, lengths, cache, retries, routing.

    The parts add up to the difference to the last digit. Leaves with 0, or with 2 when nothing
    could be done.
    """
    in_order(first, last)
    in_order(before_first, before_last)
    if (before_first is None) != (before_last is None):
        raise typer.BadParameter("name both or neither", param_hint="--before-from, --before-to")
    with told_plainly():
        from llmops_pipelines.cli.money.drivers import tell_drivers
        from llmops_pipelines.orchestration.money.period_drivers import Period, period_before

        after = Period(first, last)
        before = period_before(after)
        if before_first and before_last:
            before = Period(before_first, before_last)
        if before.first <= after.last and after.first <= before.last:
            raise typer.BadParameter(
                f"{before} and {after} have days in common; name days apart",
                param_hint="--before-from, --before-to",
            )
        tell_drivers(settings_of(context), before, after, out, as_json=as_json)


@app.command(rich_help_panel=PANEL)
def reprice(
    context: typer.Context,
    first: Annotated[date | None, day_option("--from", "First UTC day.")] = None,
    last: Annotated[date | None, day_option("--to", "Last UTC day.")] = None,
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
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.money import repricing

        settings = settings_of(context)
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


@app.command(rich_help_panel=PANEL)
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
        day_option("--from", "First day of it; default all."),
    ] = None,
    last: Annotated[date | None, day_option("--to", "Last day of it.")] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Rows on the terminal; files and --json have all.")
    ] = 30,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write all rows to a .csv or .parquet file.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """Hold a provider's invoice or usage export against the calls that were logged.

    Leaves with 0, 1 where more than 1 % of it is unexplained or lines cannot be read, 2 when
    nothing could be done.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.money.reconciling import reconcile_file

        code = reconcile_file(
            settings_of(context), file, first, last, out=out, top=top, as_json=as_json
        )
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def chargeback(
    context: typer.Context,
    month: MONTH,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write there; default stdout.")
    ] = None,
    invoice: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="One invoice for everything, US dollars.")
    ] = None,
    invoice_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV: provider, amount in US dollars.")
    ] = None,
    as_json: JSON = False,
) -> None:
    """A month's costs by team, feature and model as CSV; with an invoice, what is left of it.

    Leaves with 0, or with 2 when nothing could be done.
    """
    if invoice is not None and invoice_file is not None:
        raise typer.BadParameter("give one of --invoice and --invoice-file", param_hint="--invoice")
    with told_plainly():
        from llmops_pipelines.cli.money.finance import Order, charge_back

        charge_back(settings_of(context), Order(month, out, invoice, invoice_file), as_json=as_json)


@app.command("close-month", rich_help_panel=PANEL)
def close_month(
    context: typer.Context,
    month: MONTH,
    by: Annotated[str | None, typer.Option(help="Who closes it; default your user name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Close without asking.")] = False,
) -> None:
    """Keep a month's costs as they are, for good; later changes become dated adjustments.

    Leaves with 0, or with 2 when it was not closed.
    """
    with told_plainly():
        from llmops_pipelines.cli.money.finance import close

        close(settings_of(context), month, by, yes=yes)


@app.command(rich_help_panel=PANEL)
def charts(
    context: typer.Context,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for them.")],
    form: Annotated[
        ChartFormat, typer.Option("--format", help="svg for pages, png for slides.")
    ] = "svg",
    first: Annotated[
        date | None,
        day_option("--from", "First UTC day; default 42 days."),
    ] = None,
    last: Annotated[
        date | None,
        day_option("--to", "Last UTC day; default the latest."),
    ] = None,
    as_json: JSON = False,
) -> None:
    """Draw what spend was, is made of and is heading for, each with its figures as CSV.

    Leaves with 0, or with 2 when there is nothing to draw.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.money.charting import write_charts

        write_charts(settings_of(context), out, form, first, last, as_json=as_json)


@export.command("focus")
def export_focus(
    context: typer.Context,
    out: Annotated[Path, typer.Option(dir_okay=False, help="A .csv or .parquet file.")],
    first: Annotated[
        date | None,
        day_option("--from", "First UTC day; default all."),
    ] = None,
    last: Annotated[date | None, day_option("--to", "Last UTC day.")] = None,
    account: Annotated[str, typer.Option(help="BillingAccountId of the rows.")] = "llmops",
    as_json: JSON = False,
) -> None:
    """Write what calls cost in the format of FOCUS 1.2 (FinOps), and validate it.

    Leaves with 0, 1 where it does not add up or breaks a rule, 2 when nothing could be done.
    """
    in_order(first, last)
    with told_plainly():
        from llmops_pipelines.cli.money.exporting import write_focus

        code = write_focus(settings_of(context), first, last, out, account, as_json=as_json)
    raise typer.Exit(code)


@export.command("validate-focus")
def validate_focus(
    file: Annotated[Path, typer.Argument(readable=False, help="A .csv or .parquet file.")],
    as_json: JSON = False,
) -> None:
    """Hold any FOCUS file against the rules of FOCUS 1.2 for costs and usage.

    Leaves with 0, 1 where it breaks a rule, 2 when nothing could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.money.exporting import validate_file

        code = validate_file(file, as_json=as_json)
    raise typer.Exit(code)
