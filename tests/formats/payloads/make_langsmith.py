"""Make ``langsmith.jsonl``: runs and feedback as the LangSmith SDK sends them, one a line.

Run with langsmith 0.15.1, langchain-core 1.8.3, langchain-openai 1.7.4 and openai 3.57.0, in an
environment of their own; only loopback is asked. Details of the host are removed, and the day of
the run becomes 2026-11-10.
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
    """Drive the SDK and write what it sent."""
    with loopback() as (address, kept):
        os.environ |= {
            "LANGSMITH_ENDPOINT": address,
            "LANGSMITH_API_KEY": "none",
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_PROJECT": "support",
        }
        _run(address)
        records = [
            _scrubbed(request["body"])
            for request in kept
            if request["method"] in ("POST", "PATCH")
            and request["body"]
            and ("/runs" in request["path"] or "/feedback" in request["path"])
        ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (HERE / "langsmith.jsonl").write_text(text, encoding="utf-8")


def _run(address: str) -> None:
    from langchain_core.documents import Document
    from langchain_core.tracers.langchain import LangChainTracer
    from langchain_openai import ChatOpenAI
    from langsmith import Client, traceable
    from langsmith.wrappers import wrap_openai
    from openai import OpenAI

    client = Client(auto_batch_tracing=False, info={})
    model = wrap_openai(
        OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0),
        tracing_extra={"client": client},
    )
    question = [{"role": "user", "content": "When does it ship?"}]

    @traceable(run_type="retriever", client=client)
    def search(query: str) -> list[Document]:
        return [Document(page_content="Orders ship on Mondays.", metadata={"id": "kb-7"})]

    @traceable(
        run_type="chain",
        client=client,
        tags=["feature:support", "beta"],
        metadata={"user_id": "u-42", "thread_id": "th-7"},
    )
    def answer(text: str) -> str | None:
        search(text)
        said = model.chat.completions.create(model="gpt-4.1-mini", messages=question)
        return said.choices[0].message.content

    answer("When does it ship?")
    list(model.chat.completions.create(model="gpt-4.1-mini", messages=question, stream=True))
    with contextlib.suppress(Exception):
        model.chat.completions.create(model="limited", messages=question)
    chat = ChatOpenAI(model="gpt-4.1-mini", base_url=f"{address}/v1", api_key="none")
    tracer = LangChainTracer(client=client, project_name="support")
    chat.invoke("When does it ship?", config={"callbacks": [tracer]})
    about = "0198e3f0-0000-7000-8000-000000000001"
    client.create_feedback(about, key="user_score", score=1, comment="Thanks", trace_id=about)
    client.create_feedback(
        about, key="correctness", score=0.4, trace_id=about, feedback_source_type="model"
    )
    client.flush()


def _scrubbed(record: Any) -> Any:
    if isinstance(record, dict):
        dropped = ("runtime", "serialized", "LANGSMITH_ENDPOINT", "revision_id")
        return {key: _scrubbed(value) for key, value in record.items() if key not in dropped}
    if isinstance(record, list):
        return [_scrubbed(item) for item in record]
    return record if not isinstance(record, str) else _plain(record)


def _plain(text: str) -> str:
    """Text on the fixture's day, without the frames of a traceback, which name files."""
    now = datetime.now(UTC)
    for spelling in ("%Y-%m-%d", "%Y%m%d"):
        text = text.replace(now.strftime(spelling), DAY.strftime(spelling))
    kept = [line for line in text.splitlines() if not line.startswith("  ")]
    return "\n".join(kept) if "Traceback" in text else text


if __name__ == "__main__":
    main()
