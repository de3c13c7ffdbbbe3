"""What calls would have cost otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from llmops_pipelines.cli.options import (
    CALLS_PER_DAY,
    CHART_OUT,
    JSON,
    MAX_LOSS,
    between_0_and_1,
    settings_of,
)
from llmops_pipelines.cli.problems import told_plainly

PANEL = "Savings"

app = typer.Typer()


@app.command(rich_help_panel=PANEL)
def plan(
    context: typer.Context,
    chart_out: CHART_OUT = None,
    as_json: JSON = False,
) -> None:
    """Tell what caching, routing, compressing and batching save as one, by the last night.

    Leaves with 0 when something is recommended, 3 when nothing is, 2 when no plan is stored.
    """
    with told_plainly():
        from llmops_pipelines.cli.savings.planning import tell_plan

        code = tell_plan(settings_of(context), chart_out, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def routing(
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="JSON, CSV or Parquet: text, score_weak, score_strong; and where known id, group,"
            " cost_weak, cost_strong, cost_router. Usual other names, columns per model and a row"
            " per question and model are read too.",
        ),
    ],
    weak: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="The small model, where a file is named by models."),
    ] = None,
    strong: Annotated[str | None, typer.Option(metavar="MODEL", help="The large one.")] = None,
    max_loss: MAX_LOSS = 0.05,
    calls_per_day: CALLS_PER_DAY = None,
    policy_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the policy there, as JSON.")
    ] = None,
    chart_out: CHART_OUT = None,
    as_json: JSON = False,
) -> None:
    """Replay a router on questions that a small and a large model both answered.

    Leaves with 0 when a threshold can be recommended, 3 when none can, 2 when nothing could be
    done.
    """
    between_0_and_1(max_loss, "--max-loss")
    with told_plainly():
        from llmops_pipelines.cli.savings.routing import Order, route

        order = Order(file, max_loss, calls_per_day, policy_out, chart_out, weak, strong)
        code = route(order, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
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
    calls_per_day: CALLS_PER_DAY = None,
    chart_out: CHART_OUT = None,
    as_json: JSON = False,
) -> None:
    """Replay a cache of answers over logged requests: what it saves, and how often it errs.

    Leaves with 0 when something can be recommended, 3 when nothing can, 2 when nothing could be
    done.
    """
    between_0_and_1(max_wrong, "--max-wrong")
    if ttl < 0:
        raise typer.BadParameter(f"{ttl} is below 0", param_hint="--ttl")
    with told_plainly():
        from llmops_pipelines.cli.savings.caching import Order, policy_of
        from llmops_pipelines.cli.savings.caching import cache as replay

        policy = policy_of(ttl or None, max_wrong, embedding_usd)
        code = replay(Order(file, policy, calls_per_day, chart_out), as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def prefix(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="A log in a known format, or JSONL with messages, model, timestamp, usage; or a "
            "trace with input_length and hash_ids.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Whose cache a trace is held against.")
    ] = None,
    block_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens a hash of a trace stands for; Mooncake's have 512.")
    ] = 512,
    calls_per_day: CALLS_PER_DAY = None,
    chart_out: CHART_OUT = None,
    as_json: JSON = False,
) -> None:
    """Replay a provider's prompt cache over logged prompts: what it could have read, and why not.

    Leaves with 0 when something can be saved, 3 when nothing can or nobody can tell, 2 when nothing
    could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.savings.prefix import Order, replay_file

        order = Order(file, calls_per_day, chart_out, model, block_tokens)
        code = replay_file(settings_of(context), order, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def batch(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="A log in a known format, or records with model, timestamp, usage.",
        ),
    ],
    not_interactive: Annotated[
        list[str] | None,
        typer.Option(metavar="FEATURE", help="Nobody waits for this feature; may be given again."),
    ] = None,
    calls_per_day: CALLS_PER_DAY = None,
    chart_out: CHART_OUT = None,
    as_json: JSON = False,
) -> None:
    """Replay calls that nobody waits for at batch prices: half the money, within 24 hours.

    Leaves with 0 when calls marked as not interactive would save, 3 when there are none, 2 when
    nothing could be done.
    """
    with told_plainly():
        from llmops_pipelines.cli.savings.batch_replay import Order, replay_file

        order = Order(file, tuple(not_interactive or ()), calls_per_day, chart_out)
        code = replay_file(settings_of(context), order, as_json=as_json)
    raise typer.Exit(code)


@app.command(rich_help_panel=PANEL)
def compress(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            readable=False,
            help="JSON lines of RAGAS samples: user_input, retrieved_contexts, response.",
        ),
    ],
    max_loss: MAX_LOSS = 0.05,
    model: Annotated[
        str | None, typer.Option(help="Whose tokens are counted and priced, such as gpt-4.1-mini.")
    ] = None,
    calls_per_day: CALLS_PER_DAY = None,
    chart_out: CHART_OUT = None,
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
    as_json: JSON = False,
) -> None:
    """Replay samples with shorter prompts: tokens saved, and support of the answers lost.

    Leaves with 0 when a setting can be recommended, 3 when none can, 2 when nothing could be done.
    """
    between_0_and_1(max_loss, "--max-loss")
    if keep and not anew:
        raise typer.BadParameter(
            "is what --anew tries; add --anew N, or leave it out: all settings are replayed",
            param_hint="--keep",
        )
    with told_plainly():
        from llmops_pipelines.cli.savings import compressing
        from llmops_pipelines.cli.savings.compress_anew import Anew

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
        code = compressing.compress(settings_of(context), order, as_json=as_json)
    raise typer.Exit(code)
