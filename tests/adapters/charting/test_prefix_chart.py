"""The chart of prompt caching."""

from datetime import date

import polars as pl
import pytest

from llmops_pipelines.adapters.charting.prefix_chart import prompt_cache_bars
from llmops_pipelines.savings import CACHE_SCOPE, prompt_cache_rows
from tests.savings.prompts import GUIDE, asked, replay

CLAUDE = {"provider": "anthropic", "model": "claude-sonnet-4-5"}


@pytest.fixture(scope="module")
def rows():
    calls = [
        *(asked(n, feature="good", call_id=f"g{n}") for n in range(130)),
        *(asked(n, feature="young", call_id=f"y{n}", **CLAUDE) for n in range(12)),
        *(asked(n, f"{n}\n{GUIDE}", feature="odd", call_id=f"o{n}") for n in range(12)),
        *(asked(n, feature="unknown", call_id=f"u{n}", provider="acme") for n in range(3)),
    ]
    nobody = pl.DataFrame(schema=dict.fromkeys((*CACHE_SCOPE, "why"), pl.String))
    return prompt_cache_rows(replay(*calls), nobody, [date(2026, 11, 20)], {}, "", 1)


def texts(figure):
    axes = figure.axes[0]
    return [text.get_text() for text in (*axes.texts, *axes.get_yticklabels())]


def test_every_scope_has_a_bar_as_long_as_its_prompts(rows):
    axes = prompt_cache_bars(rows).axes[0]
    bars = zip(*axes.containers, strict=True)
    ends = [max(bar.get_x() + bar.get_width() for bar in own) for own in bars]
    scopes = rows.filter(pl.col("feature") != "*")
    assert sorted(ends) == sorted(scopes["prompt_tokens"])


def test_it_tells_the_saving_of_a_year_and_what_is_not_known(rows):
    shown = texts(prompt_cache_bars(rows))
    good = rows.row(by_predicate=pl.col("feature") == "good", named=True)
    assert any(text.startswith(f"${good['saved_a_year']:,.2f} ($") for text in shown)
    assert any(text.endswith(", not proven") for text in shown)
    assert "no rule known" in shown
    assert any(text.startswith("good") for text in shown)
    assert not any("*" in text for text in shown)


def test_where_nothing_can_be_saved_it_says_so_in_place_of_a_sum(rows):
    idle = rows.with_columns(
        state=pl.lit("nothing_to_save"), saved_a_year=pl.lit(0.0), could_read=pl.lit(0)
    )
    shown = texts(prompt_cache_bars(idle))
    assert "nothing to save" in shown
    assert not any(text.startswith("$0") for text in shown)


def test_names_of_dated_models_are_whole(rows):
    named = rows.with_columns(
        feature=pl.lit("support_assistant"), model=pl.lit("gpt-4.1-mini-2025-04-14")
    )
    shown = texts(prompt_cache_bars(named))
    assert any(text.endswith(", gpt-4.1-mini-2025-04-14") for text in shown)


def test_without_prompts_it_says_so(rows):
    assert any("no prompt could be replayed" in text.get_text()
               for text in prompt_cache_bars(rows.clear()).findobj()
               if hasattr(text, "get_text"))  # fmt: skip
