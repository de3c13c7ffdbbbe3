"""Shapes of well-known keys and tokens: each begins with, or holds, a literal that is looked for.

Patterns are in the form Rust's regex reads fast: a literal in front, ASCII word boundaries.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple


class _Shape(NamedTuple):
    """Literals of which one stands in every such secret, and its pattern.

    Of two that would do, the literal is the one whose first three letters running text has less
    often: ``tSecret``, not ``clientSecret``.
    """

    literals: tuple[str, ...]
    pattern: str


_B: Final = r"(?-u:\b)"
_WORD: Final = "[A-Za-z0-9_-]"
_QUOTE: Final = r"\\{0,3}[\"']?"
_IS: Final = rf"{_QUOTE}\s{{0,3}}(?:=>|:=|[:=]|is )\s{{0,3}}{_QUOTE}"
"""Between the name of a setting and its value, in JSON within JSON too."""
_LONG: Final = (
    r"(?:[A-Za-z0-9_]*[0-9][A-Za-z0-9_/+-]{23,}|[A-Za-z0-9_/+-]{23,}[0-9][A-Za-z0-9_/+-]*)={0,2}"
)
"""A value that nobody wrote by hand: long, and with a digit."""

_SHAPES: Final = (
    _Shape(  # PEM of any kind, OpenPGP; a block that was cut off goes to the end of the text
        ("PRIVATE KEY",),
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
        r"(?:[A-Za-z0-9+/=\\\s:.,()>|#*\"'\x{10fff0}-\x{10fff5}-]*?"
        r"(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|$)"
        r"|(?:[\\\s>|#*\"'\x{10fff0}-\x{10fff5}]{0,8}[A-Za-z0-9+/=]{12,})+)",
    ),
    # OpenAI, Anthropic, OpenRouter, DeepSeek, LiteLLM, Langfuse and who else copied the form
    _Shape(("sk-",), rf"{_B}sk-{_WORD}{{20,}}"),
    _Shape(("sk_",), rf"{_B}sk_[0-9a-f]{{40,}}{_B}"),  # ElevenLabs
    _Shape(("pk-lf-",), rf"{_B}pk-lf-{_WORD}{{20,}}"),
    _Shape(("fw_",), rf"{_B}fw_[A-Za-z0-9]{{22,}}{_B}"),  # Fireworks
    _Shape(("tgp_v1_",), rf"{_B}tgp_v1_{_WORD}{{40,}}"),  # Together
    _Shape(("wandb_v1_",), rf"{_B}wandb_v1_[A-Za-z0-9_]{{40,}}"),
    _Shape(("fc-",), rf"{_B}fc-[0-9a-f]{{32}}{_B}"),  # Firecrawl
    _Shape(("pa-",), rf"{_B}pa-[A-Za-z0-9_]{{20,}}-?{_WORD}{{20,}}"),  # Voyage
    _Shape(("gsk_",), rf"{_B}gsk_[A-Za-z0-9]{{40,}}"),  # Groq
    _Shape(("xai-",), rf"{_B}xai-[A-Za-z0-9]{{40,}}"),
    _Shape(("plx-",), rf"{_B}pplx-[A-Za-z0-9]{{30,}}"),
    _Shape(("r8_",), rf"{_B}r8_[A-Za-z0-9]{{30,}}"),  # Replicate
    _Shape(("vapi-",), rf"{_B}nvapi-{_WORD}{{40,}}"),  # NVIDIA
    _Shape(("csk-",), rf"{_B}csk-[A-Za-z0-9]{{40,}}"),  # Cerebras
    _Shape(("jina_",), rf"{_B}jina_{_WORD}{{40,}}"),
    _Shape(("tvly-",), rf"{_B}tvly-{_WORD}{{20,}}"),
    _Shape(("pcsk_",), rf"{_B}pcsk_[A-Za-z0-9_]{{40,}}"),  # Pinecone
    _Shape(("lsv2_",), rf"{_B}lsv2_(?:pt|sk)_[A-Za-z0-9_]{{20,}}"),  # LangSmith
    _Shape(("hf_", "api_org_"), rf"{_B}(?:hf|api_org)_[A-Za-z0-9]{{30,}}"),  # Hugging Face
    # Amazon: access keys, and secret keys where their setting's name stands beside them
    _Shape(
        ("AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
        rf"{_B}A(?:KIA|SIA|BIA|CCA|3T[0-9A-Z])[0-9A-Z]{{16}}{_B}",
    ),
    _Shape(
        ("sskey", "ssKey", "ss_key", "ss_Key", "SECRET_ACCESS_KEY"),
        r"(?:[Ss]ecret_?[Aa]ccess_?[Kk]ey|SECRET_ACCESS_KEY)[\"']?\s{0,3}[:=]\s{0,3}[\"']?"
        rf"[A-Za-z0-9/+]{{40}}{_B}",
    ),
    # Bedrock's keys, for long and for short
    _Shape(("ABSK",), rf"{_B}ABSK[A-Za-z0-9+/]{{100,}}={{0,2}}"),
    _Shape(("pi-key-",), r"bedrock-api-key-[A-Za-z0-9+/]{40,}={0,2}"),
    # Google: API keys, access tokens, OAuth clients
    _Shape(("AIza",), rf"{_B}AIza{_WORD}{{35}}"),
    _Shape(("AQ.A",), rf"{_B}AQ\.A{_WORD}{{40,}}"),
    _Shape(("ya29.",), rf"{_B}ya29\.{_WORD}{{20,}}"),
    _Shape(("1//0",), rf"{_B}1//0{_WORD}{{40,}}"),
    _Shape(("GOCSPX-",), rf"{_B}GOCSPX-{_WORD}{{20,}}"),
    # Azure: storage and bus keys, shared access signatures, client secrets, keys of services
    _Shape(("AccountKey=",), r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    _Shape(("SharedAccessKey=",), r"SharedAccessKey=[A-Za-z0-9+/]{40,}={0,2}"),
    _Shape(("sig=",), r"[?&]sig=[A-Za-z0-9%+/]{40,}(?:=|%3[Dd])?"),
    # Code hosts and package registries
    _Shape(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_B}gh[opusr]_[A-Za-z0-9]{{30,}}"),
    _Shape(("github_pat_",), rf"{_B}github_pat_[A-Za-z0-9_]{{22,}}"),
    _Shape(
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "gloas-",
         "glsoat-", "glffct-"),
        rf"{_B}gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-{_WORD}{{20,}}"
        r"(?:\.[0-9a-z]{2}\.[0-9a-z]{9})?",
    ),
    _Shape(("GR1348941",), rf"{_B}GR1348941{_WORD}{{20,}}"),
    _Shape(("_authToken=",), rf"_authToken={_QUOTE}{_LONG}"),
    _Shape(("ATBB",), rf"{_B}ATBB[A-Za-z0-9]{{32}}{_B}"),  # Bitbucket
    _Shape(("npm_",), rf"{_B}npm_[A-Za-z0-9]{{36}}"),
    _Shape(("rubygems_",), rf"{_B}rubygems_[0-9a-f]{{48}}"),
    _Shape(("dckr_",), rf"{_B}dckr_(?:pat|oat)_{_WORD}{{27,}}"),  # Docker
    _Shape(("AKCp",), rf"{_B}AKCp[A-Za-z0-9]{{60,}}"),  # JFrog
    _Shape(("pypi-",), rf"{_B}pypi-{_WORD}{{50,}}"),
    _Shape(("ATATT3",), rf"{_B}ATATT3[A-Za-z0-9_=-]{{50,}}"),  # Atlassian
    # Chat
    _Shape(
        ("xoxa-", "xoxb-", "xoxc-", "xoxd-", "xoxe", "xoxp-", "xoxr-", "xoxs-", "xapp-"),
        rf"{_B}(?:xox[abcdeprs](?:\.xox[bp])?|xapp)-[A-Za-z0-9%/+-]{{10,}}",
    ),
    _Shape(
        ("s.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"
    ),
    _Shape(("/api/webhooks/",), rf"/api/webhooks/[0-9]{{10,}}/{_WORD}{{30,}}"),  # Discord
    _Shape(
        ("k.office.com/",), r"webhook\.office\.com/webhookb2/[A-Za-z0-9@/-]{40,}",
    ),
    # Payment, mail, telephony, shops
    _Shape(
        ("_live_", "_test_"),
        rf"{_B}(?:(?:sk|rk|pk|whsec)(?:_org)?_(?:live|test)_[0-9A-Za-z]{{16,}}"
        rf"|rzp_(?:live|test)_[0-9A-Za-z]{{14,}})",
    ),
    _Shape(("access_token$",), r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    _Shape(
        ("s-production-", "s-sandbox-"),
        rf"{_B}access-(?:production|sandbox)-[0-9a-f]{{8}}-[0-9a-f-]{{27}}",
    ),  # Plaid
    _Shape(("FLWSECK",), r"FLWSECK(?:_TEST)?-[0-9A-Za-z]{12,}-X"),
    _Shape(("EZAK", "EZTK"), rf"{_B}EZ[AT]K[A-Za-z0-9]{{54}}"),
    _Shape(("sq0csp-", "sq0atp-"), rf"{_B}sq0(?:csp|atp)-{_WORD}{{22,}}"),
    _Shape(("EAA",), rf"{_B}EAA[A-Za-z0-9_-]{{57,}}"),  # Square, Meta
    _Shape(("whsec_",), rf"{_B}whsec_[A-Za-z0-9+/]{{24,}}={{0,2}}"),
    _Shape(("SG.",), rf"{_B}SG\.{_WORD}{{16,}}\.{_WORD}{{16,}}"),  # SendGrid
    _Shape(("SK",), rf"{_B}SK[0-9a-f]{{32}}{_B}"),  # Twilio
    _Shape(("key-",), rf"{_B}key-[0-9a-f]{{32}}{_B}"),  # Mailgun
    _Shape(("shpat_", "shpss_", "shpca_", "shppa_"), rf"{_B}shp(?:at|ss|ca|pa)_[0-9a-fA-F]{{32}}"),
    # Clouds, vaults, observability
    _Shape(("dop_v1_",), rf"{_B}dop_v1_[0-9a-f]{{64}}"),
    _Shape(("dapi",), rf"{_B}dapi[0-9a-f]{{32}}"),  # Databricks
    _Shape(("hvs.", "hvb."), rf"{_B}hv[sb]\.{_WORD}{{24,}}"),  # Vault
    _Shape(
        ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa."),
        rf"{_B}dp\.(?:pt|st|ct|sa)\.(?:[a-z0-9_-]{{2,35}}\.)?[A-Za-z0-9]{{40,}}",
    ),  # Doppler
    _Shape(("sbp_", "sb_secret_"), rf"{_B}(?:sbp_[0-9a-f]{{40}}|sb_secret_{_WORD}{{20,}})"),
    _Shape(("pscale_",), rf"{_B}pscale_(?:pw|tkn|oauth)_[A-Za-z0-9_.=-]{{32,}}"),
    _Shape(("fo1_", "fm1_", "fm2_"), rf"{_B}(?:fo1_{_WORD}{{40,}}|fm[12]_[A-Za-z0-9+/=_-]{{60,}})"),
    _Shape(("HRKU-AA",), rf"{_B}HRKU-AA{_WORD}{{40,}}"),  # Heroku
    _Shape(("rnd_",), rf"{_B}rnd_[A-Za-z0-9]{{28,}}{_B}"),  # Render
    _Shape(  # Vercel
        ("vcp_", "vci_", "vca_", "vcr_", "vck_"), rf"{_B}vc[piark]_[A-Za-z0-9]{{24,}}"
    ),
    _Shape(("nfp_",), rf"{_B}nfp_[A-Za-z0-9]{{36,}}"),  # Netlify
    _Shape(("v1.0-",), rf"{_B}v1\.0-[0-9a-f]{{24}}-[0-9a-f]{{146}}"),  # Cloudflare
    _Shape(("cfut_", "cfat_", "cfk_"), rf"{_B}cf(?:ut|at|k)_[A-Za-z0-9]{{40,}}"),
    _Shape(("pul-",), rf"{_B}pul-[0-9a-f]{{40}}"),  # Pulumi
    _Shape(("tskey-",), rf"{_B}tskey-[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]{{16,}}"),  # Tailscale
    _Shape(("glsa_",), rf"{_B}glsa_[A-Za-z0-9_]{{32,}}"),  # Grafana
    _Shape(("glc_",), rf"{_B}glc_[A-Za-z0-9+/]{{32,}}={{0,2}}"),
    _Shape(("sntry",), rf"{_B}sntry(?:s_eyJ[A-Za-z0-9+/=_-]{{40,}}|u_[0-9a-f]{{64}})"),  # Sentry
    _Shape(("phx_", "phc_"), rf"{_B}ph[xc]_[A-Za-z0-9]{{32,}}"),  # PostHog
    _Shape(("NRAK-",), rf"{_B}NRAK-[A-Z0-9]{{27}}"),
    _Shape(("PMAK-",), rf"{_B}PMAK-[0-9a-f]{{24}}-[0-9a-f]{{34}}"),
    _Shape(("lin_api_",), rf"{_B}lin_api_[A-Za-z0-9]{{40}}"),
    _Shape(("ntn_",), rf"{_B}ntn_[A-Za-z0-9]{{40,}}"),  # Notion
    _Shape(("secret_",), rf"{_B}secret_[A-Za-z0-9]{{43}}{_B}"),
    _Shape(("figd_",), rf"{_B}figd_{_WORD}{{36,}}"),  # Figma
    _Shape(("ops_eyJ",), rf"{_B}ops_eyJ{_WORD}{{100,}}"),  # 1Password
    _Shape(("p8e-",), rf"{_B}p8e-{_WORD}{{32,}}"),  # Adobe
    _Shape(("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    # Keys without a form of their own (Azure, Mistral, Cohere): by the name before them
    _Shape(
        tuple(
            api + sign + key
            for api in ("pi", "PI") for sign in ("", " ", "-", "_") for key in ("key", "Key", "KEY")
        ),
        rf"(?:api|Api|API)[ _-]?(?:key|Key|KEY){_IS}"
        rf"(?:[A-Za-z0-9_]*[0-9]{_WORD}{{23,}}|{_WORD}{{23,}}[0-9]{_WORD}*)",
    ),
    _Shape(
        ("sstoken", "sToken", "ss_token", "ss_Token", "SS_TOKEN",
         "shtoken", "hToken", "sh_token", "sh_Token", "SH_TOKEN",
         "ssiontoken", "ssionToken", "ssion_token", "ssion_Token", "SSION_TOKEN",
         "uthtoken", "uth_token", "uth_Token", "UTH_TOKEN",
         "tsecret", "tSecret", "ent_secret", "ent_Secret", "ENT_SECRET",
         "tkey", "tKey", "cret_key", "cret_Key", "CRET_KEY"),
        r"(?:(?:[Aa]ccess|[Rr]efresh|[Ss]ession|[Aa]uth)_?[Tt]oken|[Cc]lient_?[Ss]ecret|[Ss]ecret_?[Kk]ey"
        r"|(?:ACCESS|REFRESH|SESSION|AUTH)_TOKEN|CLIENT_SECRET|SECRET_KEY)"
        rf"{_IS}{_LONG}",
    ),
    _Shape(  # as the environment names them
        ("_KEY=", "_TOKEN=", "_SECRET="),
        rf"_(?:KEY|TOKEN|SECRET)={_QUOTE}{_LONG}",
    ),
    # Passwords by the name before them: of connections, of the environment, in JSON and YAML
    _Shape(
        ("sword", "SWORD", "sswd", "SSWD", "pwd", "Pwd", "PWD"),
        rf"(?:[Pp]assword|PASSWORD|[Pp]asswd|PASSWD|{_B}[Pp]wd|{_B}PWD){_QUOTE}\s{{0,3}}[:=]\s{{0,3}}{_QUOTE}"
        r"(?:[A-Za-z_!@#$%^&*+?~-]*[0-9][A-Za-z0-9_!@#$%^&*+?~-]{7,}"
        r"|[A-Za-z0-9_!@#$%^&*+?~-]{7,}[0-9][A-Za-z0-9_!@#$%^&*+?~-]*)"
        r"(?:[\\\s\"',;&)}\]\x{10fff0}-\x{10fff5}]|$)",
    ),
    _Shape(("Basic ",), r"uthorization[\\\s\"',:=]{1,8}Basic +[A-Za-z0-9+/]{8,}={0,2}"),
    # Whoever issued them: JSON web tokens, bearer tokens, passwords in addresses
    _Shape(("eyJ",), rf"{_B}eyJ{_WORD}{{8,}}\.{_WORD}{{8,}}(?:\.{_WORD}*)?"),
    _Shape(
        ("earer ", "EARER "),
        rf"{_B}(?:[Bb]earer|BEARER) +[A-Za-z0-9._~+/-]*[0-9][A-Za-z0-9._~+/-]{{15,}}=*"
        rf"|{_B}(?:[Bb]earer|BEARER) +[A-Za-z0-9._~+/-]{{15,}}[0-9][A-Za-z0-9._~+/-]*=*",
    ),
)  # fmt: skip

_INNER: Final = (
    _Shape(("Q~",), rf"{_B}[A-Za-z0-9_~.-]{{3}}[78]Q~[A-Za-z0-9_~.-]{{31,34}}"),  # Azure's clients
    _Shape(("JQQJ99",), rf"{_B}[A-Za-z0-9]{{20,60}}JQQJ99[A-Za-z0-9]{{10,50}}{_B}"),  # its services
    _Shape((":AA",), rf"{_B}[0-9]{{8,10}}:AA{_WORD}{{32,}}"),  # Telegram
    _Shape(
        tuple(f"-us{n}" for n in range(1, 10)), rf"{_B}[0-9a-f]{{32}}-us[1-9][0-9]?{_B}"
    ),  # Mailchimp
    _Shape((".atlasv1.",), rf"{_B}[A-Za-z0-9]{{14}}\.atlasv1\.{_WORD}{{60,}}"),  # Terraform
)
"""Shapes whose literal stands within: any word may begin one, which is slow beside the others."""

SECRET_LITERALS: Final = list(
    dict.fromkeys(word for shape in (*_SHAPES, *_INNER) for word in shape.literals)
)
"""Texts without any of these hold no such secret."""

_AT_ONCE: Final = 20
"""So many literals are looked for at the speed of memory; a few dozen take five times as long."""

SIGNS: Final = "[_=~]"
"""Running text has none of these signs, one of which stands in half of the literals."""


def _hints(words: Iterable[str]) -> list[str]:
    # Capitals are rare in running text: together they are found absent fast. The search compares
    # three letters at once: words that share the third let fewer places through.
    ordered = sorted(words, key=lambda word: (any(map(str.isupper, word[:3])), word[2:3], word))
    groups = (ordered[first : first + _AT_ONCE] for first in range(0, len(ordered), _AT_ONCE))
    return ["|".join(map(re.escape, group)) for group in groups]


_SIGNED: Final = frozenset(word for word in SECRET_LITERALS if set(word) & set(SIGNS[1:-1]))
_FOLLOWED: Final = {
    "sk-": rf"{_WORD}{{20}}",
    "sword": r"(?:\\|[\"']?\s{0,3}[:=])",
    "SK": "[0-9a-f]{32}",
}
"""What follows literals in a secret that running text has, too (`task-force`, `password`)."""
PLAIN_HINTS: Final = [
    *_hints(word for word in SECRET_LITERALS if word not in _SIGNED and word not in _FOLLOWED),
    "|".join(word + end for word, end in _FOLLOWED.items()),
]
SIGNED_HINTS: Final = _hints(_SIGNED)
"""Patterns that are searched for fast: those of ``SECRET_LITERALS`` without and with a sign."""

SECRET: Final = "|".join(shape.pattern for shape in _SHAPES)
INNER: Final = [("|".join(map(re.escape, each.literals)), each.pattern) for each in _INNER]
"""What of these shapes is looked for, each with what tells that there may be one."""

LOGIN: Final = r":\\?/\\?/[^\s:/@]{0,64}:[^\s/?#<>\"'`]{1,200}@"
"""User and password in an address, as in ``postgres://user:password@host``."""
