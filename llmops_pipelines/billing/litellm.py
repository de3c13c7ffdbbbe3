"""LiteLLM: rows of its proxy's ``LiteLLM_SpendLogs`` and of its daily spend.

Fields as in its ``schema.prisma`` (``LiteLLM_SpendLogs``: ``startTime``, ``spend``,
``prompt_tokens``, ``completion_tokens``, ``model``, ``custom_llm_provider``; ``/spend/logs``
returns the same with ``summarize=false``; ``LiteLLM_DailyUserSpend`` and its kin: ``date``,
``spend``, ...) and in ``SpendAnalyticsPaginatedResponse`` of ``/user/daily/activity`` (``results``
of ``date``, ``metrics`` and ``breakdown.models``). Summed ``/spend/logs`` have ``startTime`` and
``models``, a map to dollars. Spend is what LiteLLM computed: the prompt is not told apart from the
answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmops_pipelines.billing.lines import (
    InvoiceLine,
    LineError,
    Record,
    count,
    moment,
    money,
    name_of,
)


def is_spend(record: Record) -> bool:
    """Whether the record is a row of the proxy, or a day of its activity."""
    row = "spend" in record and ("startTime" in record or "date" in record)
    return row or ("date" in record and "metrics" in record)


def spend_lines(record: Record) -> Iterator[InvoiceLine]:
    """The spend of a row, or of each model of a day.

    Raises:
        LineError: A field cannot be read.
    """
    base = InvoiceLine(moment(record.get("startTime") or record.get("date"), "date").date(), "")
    if isinstance(record.get("metrics"), dict):
        yield from _of_activity(record, base)
    elif isinstance(record.get("models"), dict):
        for model, spend in record["models"].items():
            amount, places = money(spend, f"models.{model}")
            yield _named(base._replace(amount=amount, places=places), model, None)
    else:
        provider = record.get("custom_llm_provider")
        yield _named(_metered(base, record), record.get("model"), provider)


def _of_activity(record: Record, base: InvoiceLine) -> Iterator[InvoiceLine]:
    """A day of activity by model, whose sum must be the day's."""
    breakdown = record.get("breakdown")
    models = breakdown.get("models") if isinstance(breakdown, dict) else None
    if not isinstance(models, dict) or not models:
        yield _metered(base, record["metrics"])
        return
    for model, told in models.items():
        if not isinstance(told, dict):
            raise LineError(f"breakdown.models.{model}: {str(told)[:40]!r} is no object")
        metrics = told.get("metrics")
        yield _named(_metered(base, metrics if isinstance(metrics, dict) else told), model, None)


def _metered(base: InvoiceLine, metrics: Record) -> InvoiceLine:
    amount, places = money(metrics.get("spend") or 0, "spend")
    tokens = sum(count(metrics.get(name), name) for name in ("prompt_tokens", "completion_tokens"))
    return base._replace(amount=amount, places=places, tokens=tokens)


def _named(line: InvoiceLine, model: object, provider: object) -> InvoiceLine:
    """With model and provider; a model may carry its provider before a slash."""
    name, said = name_of(model), name_of(provider)
    if name and said:
        name = name.removeprefix(f"{said}/")
    elif name and "/" in name:
        said, _, name = name.partition("/")
    return line._replace(model=name, provider=said or "")
