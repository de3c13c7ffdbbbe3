"""SQL that reads messages, contexts and texts in every shape they are logged in.

The usual shapes are read together with everything else in one parse of the line. Lines whose texts
look otherwise (lists of parts, plain passages, other spellings) are read again here, exactly.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from llmops_pipelines.formats.engine.structure import literal

MACROS: Final = (
    "CREATE TEMP MACRO llm_first(j) AS substring(j::VARCHAR, 1, 1)",
    # The JSON type as a message names it.
    """CREATE TEMP MACRO llm_kind(t) AS CASE t
        WHEN 'OBJECT' THEN 'an object'
        WHEN 'ARRAY' THEN 'a list'
        WHEN 'VARCHAR' THEN 'text'
        WHEN 'BOOLEAN' THEN 'true or false'
        WHEN 'NULL' THEN 'null'
        ELSE 'a number'
        END""",
    # One part of a message: its text, or the name of what it is ("[image_url]").
    """CREATE TEMP MACRO llm_part(p) AS CASE llm_first(p)
        WHEN '"' THEN json_extract_string(p, '$')
        WHEN '{' THEN coalesce(
            json_extract_string(p, '$.text'),
            json_extract_string(p, '$.refusal'),
            '[' || coalesce(json_extract_string(p, '$.type'), 'part') || ']')
        END""",
    """CREATE TEMP MACRO llm_text(j) AS CASE
        WHEN llm_first(j) = '"' THEN json_extract_string(j, '$')
        WHEN llm_first(j) = '[' THEN array_to_string(
            list_transform(json_extract(j, '$[*]'), lambda p: llm_part(p)), chr(10))
        WHEN j::VARCHAR <> 'null' THEN j::VARCHAR
        END""",
    """CREATE TEMP MACRO llm_message(m) AS CASE llm_first(m)
        WHEN '"' THEN {role: 'user', content: json_extract_string(m, '$')}
        WHEN '{' THEN {
            role: coalesce(json_extract_string(m, '$.role'), 'unknown'),
            content: coalesce(llm_text(json_extract(m, '$.content')), '')}
        END""",
    """CREATE TEMP MACRO llm_messages(j) AS CASE llm_first(j)
        WHEN '[' THEN list_transform(json_extract(j, '$[*]'), lambda m: llm_message(m))
        WHEN '{' THEN [llm_message(j)]
        WHEN '"' THEN [llm_message(j)]
        END""",
    """CREATE TEMP MACRO llm_context(c) AS CASE llm_first(c)
        WHEN '"' THEN {
            id: NULL::VARCHAR, content: json_extract_string(c, '$'), score: NULL::DOUBLE}
        WHEN '{' THEN {
            id: coalesce(json_extract_string(c, '$.id'), json_extract_string(c, '$.document_id')),
            content: coalesce(
                llm_text(coalesce(
                    json_extract(c, '$.content'),
                    json_extract(c, '$.text'),
                    json_extract(c, '$.page_content'))),
                ''),
            score: TRY_CAST(json_extract_string(c, '$.score') AS DOUBLE)}
        END""",
    """CREATE TEMP MACRO llm_contexts(j) AS CASE llm_first(j)
        WHEN '[' THEN list_transform(json_extract(j, '$[*]'), lambda c: llm_context(c))
        WHEN '{' THEN [llm_context(j)]
        WHEN '"' THEN [llm_context(j)]
        END""",
)

EXACT: Final = {"messages": "llm_messages", "contexts": "llm_contexts", "text": "llm_text"}
"""The macro that reads each kind of text from its JSON."""


def unusual(kind: str, value: str, keys: Iterable[str]) -> str:
    """SQL that is true where ``value`` may not tell the whole story and must be read again.

    ``keys`` are the last keys of its paths: a list that is missing from the struct although the
    line speaks of it has another shape. What passes as usual has no null role or content.
    """
    if kind == "text":
        return f"coalesce(starts_with({value}, '['), false)"
    element = {
        "messages": "x IS NULL OR x.role IS NULL OR x.content IS NULL"
        " OR starts_with(x.content, '[')",
        "contexts": "x IS NULL OR x.content IS NULL OR starts_with(x.content, '[')",
    }[kind]
    spoken_of = " OR ".join(
        f"contains(raw, {literal(json.dumps(key, ensure_ascii=False))})" for key in sorted(keys)
    )
    return (
        f"CASE WHEN {value} IS NULL THEN {spoken_of}"
        f" ELSE len(list_filter({value}, lambda x: {element})) > 0 END"
    )
