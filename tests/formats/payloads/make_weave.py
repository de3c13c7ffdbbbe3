"""Make ``weave.jsonl``: calls as the Weave SDK sends them, one request a line.

Run with weave 0.54.0 and openai 3.57.0, in an environment of their own; only loopback is asked.
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
REPLIES = {
    "/server_info": {"min_required_weave_python_version": "0.0.1", "trace_server_version": "0"},
    "/graphql": {
        "data": {
            "project": {"name": "support"},
            "viewer": {"username": "u", "defaultEntity": {"name": "acme"}},
        }
    },
    "/obj/create": {"digest": "d1"},
    "/file/create": {"digest": "f1"},
}


def main() -> None:
    """Drive the SDK and write the calls that it sent."""
    with loopback(REPLIES) as (address, kept):
        os.environ |= {
            "WANDB_API_KEY": "0" * 40,
            "WANDB_BASE_URL": address,
            "WF_TRACE_SERVER_URL": address,
            "WEAVE_PRINT_CALL_LINK": "false",
        }
        _run(address)
        batches = [request["body"] for request in kept if "/call" in request["path"]]
    text = "".join(json.dumps(_scrubbed(batch)) + "\n" for batch in batches)
    (HERE / "weave.jsonl").write_text(text, encoding="utf-8")


def _run(address: str) -> None:
    import weave
    from anthropic import Anthropic
    from openai import OpenAI

    client = weave.init("acme/support")
    openai = OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    anthropic = Anthropic(base_url=address, api_key="none", max_retries=0)
    question: list[Any] = [{"role": "user", "content": "When does it ship?"}]

    @weave.op
    def search(text: str) -> list[dict[str, str]]:
        return [{"id": "kb-7", "content": "Orders ship on Mondays."}]

    @weave.op
    def answer(text: str) -> str | None:
        search(text)
        said = openai.chat.completions.create(model="gpt-4.1-mini", messages=question)
        return said.choices[0].message.content

    with weave.attributes({"user_id": "u-42", "feature": "support"}), weave.thread("th-7"):
        answer("When does it ship?")
    list(openai.chat.completions.create(model="gpt-4.1-mini", messages=question, stream=True))
    anthropic.messages.create(model="claude-sonnet-4-5", messages=question, max_tokens=99)
    with contextlib.suppress(Exception):
        openai.chat.completions.create(model="limited", messages=question)
    client.finish()


def _scrubbed(record: Any) -> Any:
    if isinstance(record, dict):
        dropped = ("self", "sys_version", "os_name", "os_version", "os_release")
        return {key: _scrubbed(value) for key, value in record.items() if key not in dropped}
    if isinstance(record, list):
        return [_scrubbed(item) for item in record]
    if not isinstance(record, str):
        return record
    text = record.replace(datetime.now(UTC).strftime("%Y-%m-%d"), DAY.isoformat())
    with contextlib.suppress(ValueError, TypeError):
        said = json.loads(text)
        if isinstance(said, dict) and "traceback" in said:
            return json.dumps(said | {"traceback": "Traceback (most recent call last):"})
    return text


if __name__ == "__main__":
    main()
