"""What an answer claims: its sentences without small talk and questions."""

from __future__ import annotations

import re

from llmops_pipelines.judging.words import FUNCTION_WORDS, sentences, straight_quotes, words

_SMALL_TALK_WORDS = 10
"""A sentence that opens like small talk but runs longer than this usually goes on to claim."""

# Words of assent or feeling before the matter itself: what follows decides.
_ASSENT = re.compile(
    r"""\W*(?:
      yes | yeah | yep | yea | no | nope | sure | of\ course | certainly | absolutely | definitely
    | exactly | indeed | great | perfect | wow | ok | okay | alright | oh | lol | well | hm+
    | understood | got\ it | i\ (?:see|understand|agree|get\ it)
    )\b(?!')""",
    re.VERBOSE,
)
_SMALL_TALK = re.compile(
    r"""\W*(?:
      hi | hello | hey | dear | greetings | good\ (?:morning|afternoon|evening|day|night)
    | (?:many\ )?thanks | thank\ (?:you|u) | you(?:'re|\ are)\ (?:very\ |most\ )?welcome | you\ too
    | my\ pleasure | no\ (?:problem|worries|doubt) | don't\ worry | me\ (?:too|neither)
    | (?:a\ )?(?:good|great)\ (?:question|point|choice)
    | (?:i(?:'m|\ am)\ )?(?:so\ |very\ |really\ )?(?:glad|happy|delighted|pleased|sorry\ to\ hear)
    | (?:please\ )?(?:let\ me\ know|feel\ free|don't\ hesitate|do\ not\ hesitate|reach\ out)
    | if\ you\ (?:have|need)\ (?:any|further|more|anything)
    | (?:i\ )?hope\ (?:this|that|you|it)
    | have\ a\ (?:\w+\ )?(?:day|evening|night|weekend|one|time)
    | (?:best|kind|warm)\ (?:regards|wishes) | sincerely | cheers | bye | goodbye | take\ care
    | oh\ (?:my|wait|dear|no)\b | omg | (?:(?:that|this|it)\ )?makes\ (?:a\ lot\ of\ )?sense
    | same\ here | congrat(?:s|ulations)
    | see\ you | (?:it's\ |it\ is\ |it\ was\ )?(?:so\ )?nice\ (?:to|talking|chatting|meeting)
    | (?:that|this|it)(?:'s|\ is|\ was|\ sounds)\ (?:so\ |very\ |really\ |a\ )?(?:great|nice|good
        |cool|awesome|amazing|interesting|wonderful|fun|funny|lovely|true|right|fine)
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
    matter = straight_quotes(sentence.lower())
    while not _SMALL_TALK.match(matter) and (assent := _ASSENT.match(matter)):
        matter = matter[assent.end() :]
    found = words(matter)
    if all(word in FUNCTION_WORDS for word in found):
        return False
    return len(found) > _SMALL_TALK_WORDS or _SMALL_TALK.match(matter) is None
