"""``llmops alerts test``."""

from __future__ import annotations

import typer

from llmops_pipelines import incidents
from llmops_pipelines.adapters import webhook
from llmops_pipelines.cli.problems import UnusableError
from llmops_pipelines.definitions import Settings, resources_of


def send_test(settings: Settings) -> int:
    """Post a test message; exit code 0 when it was delivered, 1 when not.

    Raises:
        UnusableError: No webhook is set.
    """
    url = settings.webhook_url.get_secret_value()
    if not url:
        raise UnusableError("no webhook: set LLMOPS_WEBHOOK_URL to the address alerts go to")
    answer = webhook.post(url, incidents.trial(resources_of(settings).clock.today()))
    typer.echo(f"{answer.outcome}: {answer.detail}", err=answer.outcome != "delivered")
    return 0 if answer.outcome == "delivered" else 1
