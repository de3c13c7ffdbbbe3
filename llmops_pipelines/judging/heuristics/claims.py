"""What an answer claims: its sentences without small talk and questions."""

from __future__ import annotations

import re

from llmops_pipelines.judging.heuristics.words import (
    FUNCTION_WORDS,
    sentences,
    straight_quotes,
    words,
)

_SMALL_TALK_WORDS = 10
"""A sentence that opens like small talk but runs longer than this usually goes on to claim."""

# Words of assent or feeling before the matter itself: what follows decides.
_ASSENT = re.compile(
    r"""\W*(?:
      yes | yeah | yep | yea | no | nope | sure | of\ course | certainly | absolutely | definitely
    | exactly | indeed | great | perfect | wow | ok | okay | alright | oh | lol | well | hm+
    | (?:ha){2,}h? | understood | got\ it | i\ (?:see|understand|agree|get\ it)
    )\b(?!')""",
    re.VERBOSE,
)
# "Thanks, ...", "Hi Anna, ...": said to the reader before the matter itself.
_ADDRESS = re.compile(
    r"\W*(?:(?:many )?thanks|thank you|hi|hello|hey|dear|good (?:morning|afternoon|evening))"
    r"(?: [\w'.-]+){0,3} *[,!:]"
)
_HELPING = r"(?:help|assist|check|look|see|find|explain|clarify|tell|hear|know|chat|talk)"
_SMALL_TALK = re.compile(
    rf"""\W*(?:
      hi | hello | hey | dear | greetings | good\ (?:morning|afternoon|evening|day|night)
    | welcome | any\ ?time | cheers | bye | goodbye | interesting | enjoy | good\ luck
    | (?:many\ )?thanks | thank\ (?:you|u) | you(?:'re|\ are)\ (?:very\ |most\ )?welcome | you\ too
    | my\ (?:pleasure|apologies|condolences) | no\ (?:problem|worries|doubt) | don't\ worry
    | me\ (?:too|neither)
    | (?:a\ )?(?:good|great)\ (?:question|point|choice)
    | (?:i(?:'m|\ am)\ )?(?:so\ |very\ |really\ )?(?:glad|happy|delighted|pleased)
        (?=\ (?:to|that|you|i|we|it|for|with|about)\b|\W*$)
    | i(?:'m|\ am)\ (?:so\ |very\ |really\ |truly\ )?sorry\ (?:to\ hear|for|about|that)
    | (?:so\ |very\ |really\ )?sorry\ to\ hear
    | i(?:'d|\ would)\ be\ (?:more\ than\ )?(?:glad|happy|delighted|pleased)
    | i(?:'d|\ would)\ love\ to\ {_HELPING}
    | i(?:'m|\ am)\ here\ (?:to|for)
    | i(?:'m|\ am)\ (?:doing|feeling)\ (?:very\ |really\ )?(?:well|good|great|fine|ok)
    | i\ (?:can|could|will)\ (?:certainly\ |definitely\ |gladly\ )?(?:help|assist)
    | i\ (?:completely\ |totally\ |fully\ )?understand\ (?:your|how|that\ you)
    | i\ can\ imagine | i\ feel\ (?:the\ same|you)
    | (?:i\ )?(?:sincerely\ |deeply\ )?apologi[sz]e
    | (?:please\ )?(?:let\ me\ know|feel\ free|don't\ hesitate|do\ not\ hesitate|reach\ out)
    | let\ me\ {_HELPING}
    | (?:please\ )?(?:hold\ on|bear\ with|(?:one|just\ a|give\ me\ a)\ (?:moment|second|minute))
    | if\ you\ (?:have|need)\ (?:any|further|more|anything)
    | (?:i\ )?hope\ (?:this|that|you|it)
    | have\ a\ (?:\w+\ )?(?:day|evening|night|weekend|one|time)
    | (?:best|kind|warm)\ (?:regards|wishes) | sincerely | take\ care
    | oh\ (?:my|wait|dear|no)\b | omg | (?:(?:that|this|it)\ )?makes\ (?:a\ lot\ of\ )?sense
    | same\ here | congrat(?:s|ulations)
    | see\ you | (?:it's\ |it\ is\ |it\ was\ )?(?:so\ )?nice\ (?:to|talking|chatting|meeting)
    | (?:that|this|it)(?:'s|\ is|\ was)\ (?:so\ |very\ |really\ |a\ )*(?:great|nice|good|cool
        |awesome|amazing|interesting|wonderful|fun|funny|lovely|true|right|fine)(?!\ that)
    | (?:(?:that|this|it)\ )?sounds\ (?:so\ |very\ |really\ |like\ |a\ )*(?:great|nice|good|cool
        |fine|awesome|amazing|interesting|wonderful|fun|lovely|right)
    | that\ must\ (?:be|have\ been)
    | i\ (?:really\ |also\ |do\ )?(?:love|like|enjoy|hate)\ (?:it|them|that|those|you)
    | i\ (?:don't|do\ not)\ (?:know|think\ so) | i(?:'m|\ am)\ not\ sure | i\ have\ no\ idea
    )\b""",
    re.VERBOSE,
)


def claim_sentences(answer: str) -> list[str]:
    """The sentences of ``answer`` that may claim something about the world.

    Taken out are questions back to the user, greetings, thanks, mere assent, offers of help,
    feelings, and sentences made of function words alone. ``Yes.`` stays out, ``Yes, within a week``
    and ``Paris`` are claims, and a number always keeps its sentence in.
    """
    return [sentence for sentence in sentences(answer) if _claims(sentence)]


def _claims(sentence: str) -> bool:
    found = words(sentence)
    if any(word[0].isdigit() for word in found):
        return True
    if sentence.rstrip(" \"'\u201d\u2019)*_").endswith(("?", "\uff1f")):
        return False
    matter = _without_address(straight_quotes(sentence.lower()))
    while not _SMALL_TALK.match(matter) and (assent := _ASSENT.match(matter)):
        matter = matter[assent.end() :]
    found = words(matter)
    if all(word in FUNCTION_WORDS for word in found):
        return False
    return len(found) > _SMALL_TALK_WORDS or _SMALL_TALK.match(matter) is None


def _without_address(sentence: str) -> str:
    hit = _ADDRESS.match(sentence)
    return sentence[hit.end() :] if hit else sentence
