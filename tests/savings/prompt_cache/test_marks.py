"""Chains of hashes agree where, and only where, prefixes do."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from llmops_pipelines.savings.prompt_cache.marks import (
    BLOCK_BYTES,
    prompt_marks,
    rendered,
    together,
)
from llmops_pipelines.tables import MESSAGE

PIECES = st.sampled_from(["a" * 200, "b" * 200, "é" * 150, "a", ""])
PROMPT = st.lists(
    st.tuples(st.sampled_from(["system", "user"]), st.lists(PIECES, max_size=4).map("".join)),
    max_size=3,
)


def prompts_of(*prompts, system_first=False):
    return pl.DataFrame(
        {
            "call_id": [str(n) for n in range(len(prompts))],
            "messages": [[{"role": r, "content": c} for r, c in own] for own in prompts],
            "system_first": [system_first] * len(prompts),
        },
        schema={"call_id": pl.String, "messages": pl.List(MESSAGE), "system_first": pl.Boolean},
    )


def codes_by_end(chains):
    found = {}
    for prompt, end, code in zip(chains.prompt, chains.end, chains.code, strict=True):
        found.setdefault(int(prompt), {})[int(end)] = int(code)
    return found


@given(st.lists(PROMPT, min_size=2, max_size=4))
def test_values_are_equal_exactly_where_all_bytes_up_to_there_are(prompts):
    frame = prompts_of(*prompts)
    texts = {int(i): t.encode() for i, t in rendered(frame).iter_rows()}
    marks = prompt_marks(frame)
    for chains in (marks.blocks, marks.ends):
        found = codes_by_end(chains)
        for one in found:
            for other in found:
                for end in found[one].keys() & found[other].keys():
                    same = texts[one][:end] == texts[other][:end]
                    # Ends also tell where messages end, which blocks do not.
                    if chains is marks.blocks or not same:
                        assert (found[one][end] == found[other][end]) is same


@given(st.lists(PROMPT, min_size=1, max_size=4), st.lists(PROMPT, max_size=3))
def test_lots_put_together_are_one_lot(first, second):
    whole = prompt_marks(prompts_of(*first, *second))
    parts = together([prompt_marks(prompts_of(*part)) for part in (first, second)])
    for name in ("blocks", "ends"):
        one, other = getattr(whole, name), getattr(parts, name)
        assert (one.prompt == other.prompt).all()
        assert (one.end == other.end).all()
        assert (one.code == other.code).all()
    assert whole.held.equals(parts.held)
    assert sorted(whole.lines.rows()) == sorted(parts.lines.rows())


def test_only_whole_blocks_count():
    marks = prompt_marks(prompts_of([("user", "x" * (2 * BLOCK_BYTES - 8))], [("user", "")]))
    assert marks.blocks.end.tolist() == [BLOCK_BYTES]
    assert marks.calls["bytes"].to_list() == [2 * BLOCK_BYTES - 1, 7]


def test_a_prompt_without_messages_has_no_marks_and_keeps_its_row():
    marks = prompt_marks(prompts_of([], [("user", "hi")]))
    assert marks.calls["bytes"].to_list() == [0, len("user\nhi\n\n")]
    assert marks.ends.prompt.tolist() == [1]
    assert not len(prompt_marks(prompts_of([])).ends.prompt)


def test_the_system_text_is_what_the_prompt_opens_with():
    parts = [("system", "s" * 10), ("developer", "d"), ("user", "u"), ("system", "later")]
    marks = prompt_marks(prompts_of(parts))
    assert marks.calls["system_bytes"].to_list() == [
        len("system\n" + "s" * 10 + "\n\n") + len("developer\nd\n\n")
    ]


def test_a_provider_with_a_system_field_sees_it_first():
    asked = [("user", "hello"), ("system", "be kind")]
    (first,) = rendered(prompts_of(asked, system_first=True))["text"]
    (logged,) = rendered(prompts_of(asked))["text"]
    assert first.startswith("system\nbe kind")
    assert logged.startswith("user\nhello")


def test_the_first_redaction_is_found():
    marks = prompt_marks(prompts_of([("user", "é [EMAIL] [NAME]")], [("user", "[X] plain")]))
    assert marks.calls["mark_at"].to_list() == [len("user\né ".encode()), None]
