"""Shapes of well-known keys and tokens: each begins with, or holds, a literal that is looked for.

Patterns are in the form Rust's regex reads fast: a literal in front, ASCII word boundaries.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class _Shape(NamedTuple):
    """Literals of which one stands in every such secret, and its pattern."""

    literals: tuple[str, ...]
    pattern: str


_B: Final = r"(?-u:\b)"
_WORD: Final = "[A-Za-z0-9_-]"

_SHAPES: Final = (
    _Shape(  # PEM of any kind, OpenPGP; a block that was cut off goes to the end of the text
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\\\s:.,()-]*?"
        r"(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)",
    ),
    # OpenAI, Anthropic, OpenRouter, DeepSeek, LiteLLM, Langfuse and who else copied the form
    _Shape(("sk-",), rf"{_B}sk-{_WORD}{{20,}}"),
    _Shape(("pk-lf-",), rf"{_B}pk-lf-{_WORD}{{20,}}"),
    _Shape(("gsk_",), rf"{_B}gsk_[A-Za-z0-9]{{40,}}"),  # Groq
    _Shape(("xai-",), rf"{_B}xai-[A-Za-z0-9]{{40,}}"),
    _Shape(("pplx-",), rf"{_B}pplx-[A-Za-z0-9]{{30,}}"),
    _Shape(("r8_",), rf"{_B}r8_[A-Za-z0-9]{{30,}}"),  # Replicate
    _Shape(("nvapi-",), rf"{_B}nvapi-{_WORD}{{40,}}"),  # NVIDIA
    _Shape(("csk-",), rf"{_B}csk-[A-Za-z0-9]{{40,}}"),  # Cerebras
    _Shape(("jina_",), rf"{_B}jina_{_WORD}{{40,}}"),
    _Shape(("tvly-",), rf"{_B}tvly-{_WORD}{{20,}}"),
    _Shape(("pcsk_",), rf"{_B}pcsk_[A-Za-z0-9_]{{40,}}"),  # Pinecone
    _Shape(("lsv2_",), rf"{_B}lsv2_(?:pt|sk)_[A-Za-z0-9_]{{20,}}"),  # LangSmith
    _Shape(("hf_", "api_org_"), rf"{_B}(?:hf|api_org)_[A-Za-z0-9]{{30,}}"),  # Hugging Face
    # Amazon: access keys, and secret keys where their setting's name stands beside them
    _Shape(("AKIA", "ASIA", "ABIA", "ACCA"), rf"{_B}A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{{16}}{_B}"),
    _Shape(
        ("ecret_access_key", "ecretAccessKey", "SECRET_ACCESS_KEY"),
        r"(?:[Ss]ecret_?[Aa]ccess_?[Kk]ey|SECRET_ACCESS_KEY)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
        rf"[A-Za-z0-9/+]{{40}}{_B}",
    ),
    # Google: API keys, access tokens, OAuth clients
    _Shape(("AIza",), rf"{_B}AIza{_WORD}{{35}}"),
    _Shape(("ya29.",), rf"{_B}ya29\.{_WORD}{{20,}}"),
    _Shape(("GOCSPX-",), rf"{_B}GOCSPX-{_WORD}{{20,}}"),
    # Azure: storage and bus keys, shared access signatures, client secrets
    _Shape(("AccountKey=",), r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    _Shape(("SharedAccessKey=",), r"SharedAccessKey=[A-Za-z0-9+/]{40,}={0,2}"),
    _Shape(("sig=",), r"[?&]sig=[A-Za-z0-9%+/]{40,}(?:=|%3[Dd])?"),
    _Shape(("Q~",), rf"{_B}[A-Za-z0-9_~.-]{{3}}[78]Q~[A-Za-z0-9_~.-]{{31,34}}"),
    # Code hosts and package registries
    _Shape(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_B}gh[opusr]_[A-Za-z0-9]{{30,}}"),
    _Shape(("github_pat_",), rf"{_B}github_pat_[A-Za-z0-9_]{{22,}}"),
    _Shape(
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-",
         "glsoat-"),
        rf"{_B}gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-{_WORD}{{20,}}",
    ),
    _Shape(("npm_",), rf"{_B}npm_[A-Za-z0-9]{{36}}"),
    _Shape(("pypi-",), rf"{_B}pypi-{_WORD}{{50,}}"),
    _Shape(("ATATT3",), rf"{_B}ATATT3[A-Za-z0-9_=-]{{50,}}"),  # Atlassian
    # Chat
    _Shape(
        ("xoxa-", "xoxb-", "xoxe", "xoxp-", "xoxr-", "xoxs-", "xapp-"),
        rf"{_B}(?:xox[abeprs](?:\.xox[bp])?|xapp)-[A-Za-z0-9-]{{10,}}",
    ),
    _Shape(
        ("hooks.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"
    ),
    _Shape(("/api/webhooks/",), rf"/api/webhooks/[0-9]{{10,}}/{_WORD}{{30,}}"),  # Discord
    _Shape((":AA",), rf"{_B}[0-9]{{8,10}}:AA{_WORD}{{32,}}"),  # Telegram
    # Payment, mail, telephony, shops
    _Shape(("_live_", "_test_"), rf"{_B}(?:sk|rk|pk|whsec)_(?:live|test)_[0-9A-Za-z]{{16,}}"),
    _Shape(("whsec_",), rf"{_B}whsec_[A-Za-z0-9+/]{{24,}}={{0,2}}"),
    _Shape(("SG.",), rf"{_B}SG\.{_WORD}{{16,}}\.{_WORD}{{16,}}"),  # SendGrid
    _Shape(("SK",), rf"{_B}SK[0-9a-f]{{32}}{_B}"),  # Twilio
    _Shape(("key-",), rf"{_B}key-[0-9a-f]{{32}}{_B}"),  # Mailgun
    _Shape(("shpat_", "shpss_", "shpca_", "shppa_"), rf"{_B}shp(?:at|ss|ca|pa)_[0-9a-fA-F]{{32}}"),
    # Clouds, vaults, observability
    _Shape(("dop_v1_",), rf"{_B}dop_v1_[0-9a-f]{{64}}"),
    _Shape(("dapi",), rf"{_B}dapi[0-9a-f]{{32}}"),  # Databricks
    _Shape(("hvs.",), rf"{_B}hvs\.{_WORD}{{24,}}"),  # Vault
    _Shape(("glsa_",), rf"{_B}glsa_[A-Za-z0-9_]{{32,}}"),  # Grafana
    _Shape(("NRAK-",), rf"{_B}NRAK-[A-Z0-9]{{27}}"),
    _Shape(("PMAK-",), rf"{_B}PMAK-[0-9a-f]{{24}}-[0-9a-f]{{34}}"),
    _Shape(("lin_api_",), rf"{_B}lin_api_[A-Za-z0-9]{{40}}"),
    _Shape(("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    # Keys without a form of their own (Azure, Mistral, Cohere): by the name before them
    _Shape(
        ("api_key", "apikey", "apiKey", "api-key", "API_KEY", "APIKEY", "Api-Key", "ApiKey"),
        r"(?:api|Api|API)[_-]?(?:key|Key|KEY)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
        rf"(?:[A-Za-z0-9_]*[0-9]{_WORD}{{23,}}|{_WORD}{{23,}}[0-9]{_WORD}*)",
    ),
    # Whoever issued them: JSON web tokens, bearer tokens, passwords in addresses
    _Shape(("eyJ",), rf"{_B}eyJ{_WORD}{{8,}}\.{_WORD}{{8,}}(?:\.{_WORD}*)?"),
    _Shape(
        ("earer ", "EARER "),
        rf"{_B}(?:[Bb]earer|BEARER) +[A-Za-z0-9._~+/-]*[0-9][A-Za-z0-9._~+/-]{{15,}}=*"
        rf"|{_B}(?:[Bb]earer|BEARER) +[A-Za-z0-9._~+/-]{{15,}}[0-9][A-Za-z0-9._~+/-]*=*",
    ),
)  # fmt: skip

SECRET_LITERALS: Final = list(dict.fromkeys(word for shape in _SHAPES for word in shape.literals))
"""Texts without any of these hold no such secret."""

_SIGNS: Final = "_=~"
_AT_ONCE: Final = 16
"""So many literals are looked for at the speed of memory; a few dozen take five times as long."""


def _hints() -> list[str]:
    others = [word for word in SECRET_LITERALS if not set(word) & set(_SIGNS)]
    # Capitals are rare in running text: together they are found absent fast.
    others.sort(key=lambda word: (any(letter.isupper() for letter in word[:3]), word))
    groups = [others[first : first + _AT_ONCE] for first in range(0, len(others), _AT_ONCE)]
    return [f"[{_SIGNS}]", *("|".join(map(re.escape, words)) for words in groups)]


SECRET_HINTS: Final = _hints()
"""Patterns that are searched for fast; texts without any hold none of ``SECRET_LITERALS``."""

SECRET: Final = "|".join(shape.pattern for shape in _SHAPES)

LOGIN: Final = r"://[^\s:/@]{0,64}:[^\s:/@]{3,200}@"
"""User and password in an address, as in ``postgres://user:password@host``."""
