"""How answers decline, as patterns over lower-case text with straight quotes; English in families.

Subjects are kept narrow on purpose: "you can't use a coupon twice" and "we cannot divide by zero"
are answers. Other languages have only the few forms that models use again and again.
"""

from __future__ import annotations

_AFTER_CANNOT_AN_ANSWER = (
    r"(?! (?:help but|wait|emphasi[sz]e|stress|believe|overstate|imagine|deny|resist|complain|lie"
    r"|only|agree more|thank you enough|say (?:enough|for (?:sure|certain))"
    r"|(?:recommend|praise)\b[^.]{0,40}\benough)\b)"
)
_HELPING = (
    r"(?:help|assist|do|comply|answer|provide|share|process|discuss|disclose|fulfil\w*|continue"
    r"|comment|offer|give|support|engage)\b"
)
_RULES = r"(?:guidelines|programming|polic(?:y|ies)|principles|standards|law|terms|rules)\b"

CANNOT = (
    r"\bi (?:\w+ ){0,2}(?:can ?not|can'?t|could ?n[o']t|won'?t|will not)\b"
    + _AFTER_CANNOT_AN_ANSWER,
    r"\bi (?:wouldn't|would not) (?:be able|feel comfortable)\b",
    rf"\bi (?:shouldn't|should not) {_HELPING}",
    r"\bi (?:do not|don't) (?:think|believe) i (?:should|can|could)\b",
    r"\bi(?:'m| am) (?:(?:really|very|so|simply) )?(?:unable|not (?:able|comfortable|programmed"
    r"|allowed|permitted|capable|designed|in a position|going)|prohibited|restricted|forbidden"
    r"|barred|only (?:able|allowed|permitted))\b",
    r"\bi(?:'m| am) (?:just|only|merely) an? (?:\w+ )?"
    r"(?:ai|language model|assistant|bot|machine)\b",
    r"\bi can only (?:answer|help|assist|discuss|respond|talk)\b",
    r"\bi lack the (?:ability|capability|capacity|access|tools|authority)\b",
    r"\bi (?:(?:must|have to|need to|will|would|will have to|would have to) )?(?:\w+ly )?"
    r"(?:decline|refuse)\b",
    r"\bhave to (?:pass(?: on)?(?: this| that)|decline|refuse)\b",
    r"\bi(?:'d| would) (?:rather|prefer) not\b|\bi prefer not\b",
    r"\bi(?:'m| am) (?:\w+ )?sorry,? (?:but )?(?:i|that's|this is|it's)\b(?!'ve| have)"
    r"(?! (?:\w+ )?(?:misunderstood|misread|made|missed|forgot|got|gave|meant|was|were|did"
    r"|didn't (?:understand|catch|reali[sz]e|see)))",
    r"^\W*(?:sorry|apologies),? (?:but )?i\b(?!'ve| have)"
    r"(?! (?:misunderstood|misread|made|missed|forgot|got|gave|meant|was))",
    r"\bi(?:'m| am) afraid (?:i can'?t|i cannot|not\b|that's (?:not|im|beyond)|that is not)",
    r"(?<!you )(?<!they )(?<!users )\b(?:do not|don't) (?:(?:have|possess) "
    r"(?:(?:real-time |direct )?access to|the (?:ability|capability|information|authority)"
    r"|(?:\w+ )?personal (?:opinions?|beliefs?|views?)|any (?:personal )?information)"
    r"|hold (?:any )?personal|feel comfortable|condone|promote|endorse)",
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b[^.]{0,60}"
    r"(?:\bnot\b|n't\b|cannot|unable)",
    r"\bi (?:do not|don't) (?:provide|give|offer|disclose|share|discuss|engage)\b",
    r"\bwe (?:do not|don't) (?:disclose|share)\b",
    r"\b(?:can ?not|can't) be (?:fulfilled|completed|shared|disclosed)\b",
    # Speaking for a company, of giving something out; not of what the world allows.
    rf"\bwe(?:'re| are) (?:unable|not (?:able|allowed|permitted)) to {_HELPING}"
    rf"|\bwe (?:can ?not|can't|will not|won't) {_HELPING}",
    # Without a subject: only as the opening.
    rf"^\W*(?:(?:sorry|nope?|unfortunately)\W+)?(?:can ?not|can'?t|unable to|not able to|won't) "
    rf"{_HELPING}",
    r"^\W*(?:no can do|not gonna happen|request denied|sorry\W+no\b)",
    r"\b(?:that's|this is|that is|it's) (?:not something (?:i|we)\b|beyond (?:what i|my))",
    r"\b(?:outside|beyond) (?:of )?(?:what i(?:'m| am| can)\b|my (?:scope|abilit|capabilit|role))",
    r"^\W*let(?:'s| us) (?:talk about|discuss|focus on) (?:something|anything) else",
    r"^\W*if you or someone you know is\b",
)  # fmt: skip
"""The assistant says that it does not."""

OBJECTION = (
    r"\b(?:do not|don't) (?:think|believe) (?:it|that|this)\b[^.,]{0,20}"
    r"\b(?:appropriate|right|ethical|valid|respectful|okay|acceptable|fair)\b",
    r"\b(?:not|never|n't|neither)(?: \w+){0,2} "
    r"(?:appropriate|acceptable|ethical|respectful|justified|legal)\b",
    r"\b(?:inappropriate|unacceptable|unethical)\b",
    rf"\bagainst (?:my|our|the|ethical|all)(?: \w+){{0,4}} {_RULES}",
    rf"\bviolat(?:e|es|ing)\b[^.]{{0,30}}\b{_RULES}",
    r"\b(?:violates|violation of)\b",
    r"\b(?:my|our|company|content|usage|safety)(?: \w+)? polic(?:y|ies) "
    r"(?:prohibits?|forbids?|prevents?|do(?:es)? not allow)\b",
    r"\bnever the answer\b",
    r"\bshould (?:not|never)(?: \w+){0,2} "
    r"(?:discriminated|tolerated|promoted|denied|barred|judged)\b",
    r"\bit(?:'s| is) (?:\w+ly )?(?:important|crucial|essential|vital) to (?:note|remember"
    r"|understand|recogni[sz]e|acknowledge|respect|treat|prioriti[sz]e)\b[^.]*?\b(?:never|illegal"
    r"|unethical|ethical|moral|legal|harm\w*|violen\w+|discriminat\w+|respect\w*|privacy"
    r"|dangerous|consent|rights)\b",
    r"\bi (?:strongly |respectfully |completely )?disagree\b",
)
"""The assistant objects to what was asked."""

ELSEWHERE = (
    # German, Dutch
    r"\bkann ich\b[^.]{0,40}\b(?:nicht|keine)\b|\bich kann\b[^.]{0,60}\b(?:nicht|keine)\b[^.]{0,40}"
    r"\b(?:helfen|weiterhelfen|beantworten|unterstützen|bereitstellen|geben|teilen|anbieten)\b",
    r"\b(?:spijt me|sorry|helaas)\b[^.]{0,15}\b(?:ik kan|kan ik)\b[^.]{0,40}\b(?:niet|geen)\b",
    # French, Spanish, Italian, Portuguese
    r"\bje ne (?:peux|puis) (?:malheureusement )?pas (?:vous |t')?"
    r"(?:aider|répondre|fournir|assister|faire|donner|partager|continuer|satisfaire)",
    r"\bno puedo (?:ayudar|proporcionar|responder|cumplir|ofrecer|hacer|compartir|asistir)",
    r"\bnon posso (?:aiutar|fornir|risponder|condivider|soddisfar|assister|offrir|continuar)",
    r"\bnão posso (?:ajudar|fornecer|responder|compartilhar|atender|oferecer|fazer|continuar)"
    r"|\bnão (?:sou capaz de|consigo) ajudar",
    # Russian, Polish
    r"\bя не могу (?:вам )?(?:помочь|предоставить|ответить|выполнить|обсуждать|поделиться)",
    r"\bnie mogę (?:\w+ )?(?:pomóc|udzielić|odpowiedzieć|udostępnić)",
    # Chinese, Japanese, Korean
    r"(?:抱歉|对不起|對不起|很遗憾)[^。]{0,12}(?:无法|不能|無法|不便)"
    r"|我(?:无法|不能|無法)(?:提供|协助|帮助|幫助|回答|满足)",
    r"(?:申し訳|すみません|ごめんなさい|残念ながら)[^。]{0,40}(?:できません|できかね|いたしかね)",
    r"(?:죄송|미안)[^.]{0,40}(?:없습니다|없어요|어렵습니다)",
)
"""The same in eleven other languages."""
