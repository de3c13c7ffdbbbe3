"""Make ``opik.jsonl``: traces and spans as the Opik SDK sends them, one a line.

Run with opik 2.2.122, openai and anthropic, in an environment of their own; only loopback is asked.
Details of the host are removed, and the day of the run becomes 2026-11-10.
"""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from loopback import loopback

HERE = Path(__file__).parent
DAY = date(2026, 11, 10)


def main() -> None:
    """Drive the SDK and write the traces and spans that it sent."""
    with loopback() as (address, kept):
        os.environ |= {
            "OPIK_URL_OVERRIDE": address,
            "OPIK_API_KEY": "none",
            "OPIK_WORKSPACE": "acme",
            "OPIK_PROJECT_NAME": "support",
            "OPIK_ENABLE_JSON_REQUEST_COMPRESSION": "false",
            "OPIK_SENTRY_ENABLE": "false",
        }
        _run(address)
        bodies = [request["body"] for request in kept if isinstance(request["body"], dict)]
    sent = [
        record for body in bodies for name in ("traces", "spans") for record in body.get(name, [])
    ]
    text = "".join(json.dumps(_scrubbed(record)) + "\n" for record in sent)
    (HERE / "opik.jsonl").write_text(text, encoding="utf-8")


def _run(address: str) -> None:
    import opik
    from anthropic import Anthropic
    from openai import OpenAI
    from opik.integrations.anthropic import track_anthropic
    from opik.integrations.openai import track_openai

    openai = track_openai(OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0))
    anthropic = track_anthropic(Anthropic(base_url=address, api_key="none", max_retries=0))
    question: list[Any] = [{"role": "user", "content": "When does it ship?"}]

    @opik.track(type="tool")
    def retrieve(text: str) -> list[dict[str, str]]:
        return [{"id": "kb-7", "content": "Orders ship on Mondays."}]

    @opik.track(tags=["feature:support"])
    def answer(text: str) -> str | None:
        opik.opik_context.update_current_trace(thread_id="th-7", metadata={"user_id": "u-42"})
        retrieve(text)
        said = openai.chat.completions.create(model="gpt-4.1-mini", messages=question)
        return said.choices[0].message.content

    answer("When does it ship?")
    options = {"include_usage": True}
    list(
        openai.chat.completions.create(
            model="gpt-4.1-mini", messages=question, stream=True, stream_options=options
        )
    )
    anthropic.messages.create(model="claude-sonnet-4-5", messages=question, max_tokens=99)
    with contextlib.suppress(Exception):
        openai.chat.completions.create(model="limited", messages=question)
    opik.flush_tracker()


def _scrubbed(record: Any) -> Any:
    if isinstance(record, dict):
        found = {key: _scrubbed(value) for key, value in record.items()}
        if "traceback" in found:
            found["traceback"] = "Traceback (most recent call last):"
        if found.get("provider") == "127.0.0.1":  # of an address that is not OpenAI's own
            found["provider"] = "openai"
        return {key: value for key, value in found.items() if key != "base_url"}
    if isinstance(record, list):
        return [_scrubbed(item) for item in record]
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    return record.replace(today, DAY.isoformat()) if isinstance(record, str) else record


if __name__ == "__main__":
    main()
