"""How people write phone numbers, and the words before digits that are, or are not, one.

Patterns are for cuttings (``numbers``): a run of digits with two characters, or one of these words,
before it.
"""

from __future__ import annotations

from typing import Final

_B: Final = r"(?-u:\b)"
_END: Final = rf"(?:(?:[xX]|[Ee]xt\.?)[0-9]{{1,6}}{_B}|{_B})"
"""The end of a number, after its extension."""

_BEFORE: Final = r"(?:^|[^0-9A-Za-z.:_/#+-]|[^0-9]:)"
"""What may stand before a phone number: not a number, a word, a path or a time going on."""

_ALONE: Final = r"(?:^|[^0-9A-Za-z .:_/#+-]|[^0-9]:|[^0-9] )"
"""What may stand before it where a number in groups of digits would look the same."""

_QUOTE: Final = r"\\{0,3}[\"']?"
_PHONE: Final = (
    r"(?:(?i:phone|t[eé]l[eé]phone|tel[eé]fono?|telefoon|mobile?|whatsapp|handy|cell(?:ulare?)?"
    r"|m[oó]vil|celular|rufnummer|contact|kontakt)|телефон|电话|電話|手机|手機|携帯|전화"
    rf"|{_B}(?i:tel|fax|sms|my number|meine nummer|mon numéro|mi número|il mio numero|meu número"
    r"|(?:call|reach|text|ring) (?:me|us|him|her|them)))"
    r"(?:[ _-]?(?i:number|nummer|no|nr|num))?"
)
_VERB: Final = r"(?:back )?(?:is|at|on|under|ist|unter|es|est|é|è|al|au)"

CALLED: Final = rf"{_PHONE}{_QUOTE}[.:=\x{{ff1a}} ]{{0,3}}(?:{_VERB} )?{_QUOTE}"
"""After these words digits without a form are a phone number."""

_SAID: Final = rf"{_PHONE}(?:{_QUOTE} ?[:=\x{{ff1a}}] ?{_QUOTE}| {_VERB}:? )"
"""After these digits in any groups are one: a colon, or a verb, tells them from a model's name."""

ITEM: Final = (
    rf"{_B}(?:ISBN(?:-1[03])?|ISSN|PMID|EAN|UPC|GTIN|SKU|(?i:order|invoice|ticket|case|article|account"
    r"|reference|ref|id|bestellung|rechnung|kunde|commande|pedido))"
    r"(?: ?(?i:number|no|nr|id)\.?)?[ :#=]{0,3}"
)
"""What digits without a form number behind it: no phone."""

INTERNATIONAL: Final = (  # +49 30 1234567, +1 (415) 555-0132x17, +49 151 / 123 456 78
    r"(?:^|[^0-9A-Za-z+])\(?\+[1-9][0-9]{0,2}\)?[ ./-]{0,3}(?:\([0-9]{1,5}\)[ ./-]{0,3})?"
    rf"[0-9](?:(?:[ ./-]| / |  )?[0-9]){{5,12}}{_END}"
)

NATIONAL: Final = "|".join(
    (
        # 0049 30 1234567, but no group of a longer number
        _ALONE + rf"00[1-9][0-9]{{0,2}}[ ./-](?:\(0\) ?)?[0-9](?:[ ./-]?[0-9]){{6,12}}{_END}",
        # (415) 555-0132, 415-555-0132, 1-415-555-0132, 415.555.0132x17
        _BEFORE + r"(?:1[ .-])?(?:\([2-9][0-9]{2}\)[ /-]{0,2}|[1-9][0-9]{2}[.-]|[2-9][0-9]{2} )"
        rf"[0-9]{{3}}[ .-][0-9]{{4}}{_END}",
        # 030 1234567, 0151/12345678
        _BEFORE + rf"0[1-9][0-9]{{0,4}}[ /-]{{1,3}}[0-9]{{2,}}(?:[ -]?[0-9]{{2,}}){{0,4}}{_B}",
        # (030) 123 45 67, (06)24/154-9909, (0118)4960482, (351) 925 807 302, 06-24/154 9909
        _BEFORE + rf"\(0[0-9]{{1,5}}\)[ /-]{{0,3}}[0-9]{{2,}}(?:[ /-]?[0-9]{{2,}}){{0,4}}{_B}",
        _BEFORE + rf"\([1-9][0-9]{{1,2}}\) ?(?:[0-9]{{7,9}}|[0-9]{{3}}(?: [0-9]{{3}}){{2}}){_B}",
        _BEFORE + rf"06-[1-9][0-9]?/[0-9]{{3}} [0-9]{{3,4}}{_B}",
        # 01.23.45.67.89, 08.4056.2241, 0437.567.334
        _BEFORE + rf"0[1-9](?:(?:\.[0-9]{{2}}){{4}}|(?:\.[0-9]{{4}}){{2}}){_B}",
        _BEFORE + rf"0[1-9][0-9]{{2}}(?:\.[0-9]{{3}}){{2}}{_B}",
        # 8 (912) 345-67-89, 8 912 345 67 89, (11) 91234-5678, 11 91234-5678
        _BEFORE + r"(?:8[ -]?\([0-9]{3}\) ?[0-9]{3}-?[0-9]{2}-?[0-9]{2}"
        r"|8[ -][0-9]{3}[ -][0-9]{3}[ -][0-9]{2}[ -][0-9]{2}"
        rf"|\([1-9][0-9]\) ?9?[0-9]{{4}}-[0-9]{{4}}|[1-9][0-9] 9[0-9]{{4}}-[0-9]{{4}}){_B}",
        _ALONE + rf"1[3-9][0-9][ -][0-9]{{4}}[ -][0-9]{{4}}{_B}",
        # tel. 0301234567, "phone": "4155550132", my number is 23 64 05 62
        rf"{CALLED}[0-9]{{8,13}}{_END}",
        rf"{_SAID}\(?[0-9](?:[ ()./-]{{0,2}}[0-9]){{7,13}}{_END}",
    )
)

COMPACT: Final = (  # 0301234567, 07700900123, 我的手机是13812345678
    r"(?:(?:^|[(,;\n\t]|[^0-9:=&?] )0[1-9][0-9]{8,9}"
    rf"|[\x{{3001}}-\x{{9fff}}\x{{ff01}}-\x{{ff5e}}] ?1[3-9][0-9]{{9}}){_B}"
)
"""A number in one piece: with a leading zero, or a mobile one in a Chinese text."""

NUMBERED_ITEM: Final = rf"^{ITEM}"

DATE: Final = (
    r"(?:19|20)[0-9]{2}[./-](?:0[1-9]|1[0-2])[./-](?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)[0-9]{2}"
    r"|(?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12][0-9]|3[01])[./-](?:19|20)[0-9]{2}"
)
