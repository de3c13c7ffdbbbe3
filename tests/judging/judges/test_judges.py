"""The judge that asks by a rubric: what it writes, and what it keeps of it."""

from llmops_pipelines.judging import RubricJudge
from llmops_pipelines.judging.judges import judges as judges_module
from tests.judging.worlds import item, spec


def prompt_of(judge, answer):
    return judge.request(item(answer)).messages[1].content


def test_a_prompt_is_written_once_for_a_content_and_anew_for_another():
    judge = RubricJudge(spec())
    first = judge.request(item("Yes.", call_id="c-1"))
    assert judge.request(item("Yes.", call_id="c-2")) is first
    assert prompt_of(judge, "No.") == "<answer>\nNo.\n</answer>"
    assert prompt_of(judge, "Yes.") == "<answer>\nYes.\n</answer>"


def test_of_many_prompts_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(judges_module, "_KEPT_CHARS", 300)
    judge = RubricJudge(spec())
    told = [prompt_of(judge, f"answer {n}") for n in range(100)]
    assert told == [f"<answer>\nanswer {n}\n</answer>" for n in range(100)]
    assert sum(len(r.messages[1].content) for r in judge._written.values()) <= 300
