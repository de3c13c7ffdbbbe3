"""Logged text cannot leave its slot, hide from a reader or run as a template."""

import re
import unicodedata
from html import unescape

import jinja2
import pytest

from llmops_pipelines.judging import RubricJudge, rubric_spec
from llmops_pipelines.judging.judges.escaping import escaped, render
from tests.judging.judges.attack_texts import ATTACKS
from tests.judging.worlds import default_rubrics, item

SPEC = rubric_spec("groundedness", default_rubrics().rubrics["groundedness"], model="judge-1")


def prompt(**fields):
    judge = RubricJudge(SPEC)
    return judge.request(item(**{"contexts": ("Refunds take five days.",), **fields})).messages


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_judge_sees_every_character_of_an_attack(attack):
    def spelled(hit):
        return chr(int(hit[1], 16))

    shown = re.sub(r"&#x([0-9a-f]+);", spelled, escaped(attack.text))
    assert shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == attack.text


def test_nothing_invisible_reaches_the_judge():
    hidden = "a\u200bb\u202ec\U000e0041d\x00e\ufefff\u2028g"
    assert escaped(hidden).isascii()


VISIBLE_FORMAT_SIGNS = [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD]
HIEROGLYPH_JOINERS = range(0x13430, 0x13440)


def test_every_sign_that_unicode_calls_invisible_is_spelled_out():
    kept = {"\n", "\t", *map(chr, VISIBLE_FORMAT_SIGNS), *map(chr, HIEROGLYPH_JOINERS)}
    unseen = {
        sign
        for sign in map(chr, range(0x110000))
        if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Cs")
    }
    assert {sign for sign in unseen if escaped(sign) == sign} <= kept


def test_no_sign_becomes_part_of_a_tag_when_unicode_is_normalised():
    composed = [sign for sign in map(chr, range(0x110000)) if unicodedata.decomposition(sign)]
    for form in ("NFKC", "NFKD"):
        assert not set("<>") & set(unicodedata.normalize(form, escaped("\n".join(composed))))


def test_a_text_cannot_strike_out_the_bracket_before_it():
    shown = render("<a>{{ x }}</a>", {"x": "\u0338 struck"})
    assert unicodedata.normalize("NFC", shown).startswith("<a>")


def test_markers_of_chat_templates_are_broken_and_redaction_marks_are_not():
    assert escaped("[/INST] [SEP] [gMASK]") == "&#x5b;/INST] &#x5b;SEP] &#x5b;gMASK]"
    assert escaped("[EMAIL] [1] [INSTALL]") == "[EMAIL] [1] [INSTALL]"


def test_ordinary_text_comes_back_as_it_was():
    said = "Größe < 5 & > 3, «naïve»\n\tnext"
    assert unescape(escaped(said)) == said


def test_templates_in_log_text_are_printed_not_run():
    assert "{{ 7 * 7 }}" in prompt(answer="{{ 7 * 7 }}")[1].content


def test_no_filter_switches_escaping_off():
    assert render("<a>{{ x | safe }}</a>", {"x": "</a>"}) == "<a>&lt;/a&gt;</a>"
    assert render("<a>{{ x | upper }}</a>", {"x": "</a>"}) == "<a>&lt;/A&gt;</a>"


def test_a_missing_value_is_an_error_not_a_blank():
    with pytest.raises(jinja2.UndefinedError, match="'y' is undefined"):
        render("{{ y }}", {"x": 1})


def test_templates_stay_in_their_sandbox():
    with pytest.raises(jinja2.exceptions.SecurityError):
        render("{{ x.__class__.__mro__ }}", {"x": "a"})
