"""What of an answer claims something: sentences left when small talk and questions are taken out."""

from __future__ import annotations

import re

from llmops_pipelines.judging.words import FUNCTION_WORDS, sentences, words

_SMALL_TALK_WORDS = 10
"""A sentence that opens like small talk but runs longer than this usually goes on to claim."""

_SMALL_TALK = re.compile(
    r"""^\W*(?:
      hi | hello | hey | dear | greetings | good\ (?:morning|afternoon|evening|day|night)
    | (?:many\ )?thanks | thank\ (?:you|u) | you(?:'re|\ are)\ (?:very\ |most\ )?welcome | my\ pleasure
    | no\ (?:problem|worries) | don't\ worry
    | sure | of\ course | certainly | absolutely | definitely | exactly | indeed | great | perfect | wow
    | ok | okay | alright | ye(?:ah|a|p|s) | no(?:pe)? | oh | lol | no\ doubt | understood | got\ it | i\ (?:see|understand|agree|get\ it) | me\ (?:too|neither)
    | (?:i(?:'m|\ am)\ )?(?:so\ |very\ |really\ )?(?:glad|happy|delighted|pleased|sorry\ to\ hear)
    | (?:please\ )?(?:let\ me\ know|feel\ free|don't\ hesitate|do\ not\ hesitate|reach\ out)
    | if\ you\ (?:have|need)\ (?:any|further|more|anything)
    | (?:i\ )?hope\ (?:this|that|you|it)
    | have\ a\ (?:\w+\ )?(?:day|evening|night|weekend|one|time)
    | (?:best|kind|warm)\ (?:regards|wishes) | sincerely | cheers | bye | goodbye | take\ care | see\ you
    | (?:it's\ |it\ is\ |it\ was\ )?(?:so\ )?nice\ (?:to|talking|chatting|meeting)
    | (?:that|this|it)(?:'s|\ is|\ sounds)\ (?:so\ |very\ |really\ |a\ )?
        (?:great|nice|good|cool|awesome|amazing|interesting|wonderful|fun|funny|lovely|true|right|fine)
    | i\ (?:really\ |also\ |do\ )?(?:love|like|enjoy|hate)\ (?:it|them|that|those|you)
    | i\ (?:don't|do\ not)\ know | i(?:'m|\ am)\ not\ sure | i\ have\ no\ idea | i\ have\ never
    )\b""",
    re.VERBOSE,
)


def claim_sentences(answer: str) -> list[str]:
    """The sentences of ``answer`` that may claim something about the world.

    Taken out are questions back to the user, greetings, thanks, assent, offers of help, feelings,
    and sentences made of function words alone, unless the answer is nothing but one short phrase
    (``Yes.`` stays out, ``Paris`` is a claim). A number always keeps its sentence in.
    """
    return [sentence for sentence in sentences(answer) if _claims(sentence)]


def _claims(sentence: str) -> bool:
    found = words(sentence)
    if any(word[0].isdigit() for word in found):
        return True
    if sentence.rstrip(" \"'”’)*_").endswith(("?", "？")):
        return False
    if all(word in FUNCTION_WORDS for word in found):
        return False
    opening = sentence[:80].lower().replace("’", "'")
    return len(found) > _SMALL_TALK_WORDS or _SMALL_TALK.match(opening) is None
