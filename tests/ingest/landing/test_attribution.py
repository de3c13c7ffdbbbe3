from fnmatch import fnmatchcase

import pytest
from pydantic import ValidationError

from llmops_pipelines.reference import Features
from tests.ingest.worlds import call, landed_lines

RULES = Features.model_validate(
    {
        "rules": [
            {"when": {"tag": "billing*"}, "feature": "billing", "team": "payments"},
            {"when": {"model": "m-1", "environment": "prod"}, "feature": "chat"},
            {"when": {"source_file": "batch/*"}, "feature": "nightly_batch"},
        ]
    }
)


def feature_and_team(path: str = "log.jsonl", **changes):
    lake = landed_lines(call(**changes), path=path, features=RULES)
    return lake.rows().select("feature", "team").row(0)


def test_the_first_rule_that_fits_says_feature_and_team():
    assert feature_and_team(feature=None, tags=["x", "billing:eu"], environment="prod") == (
        "billing",
        "payments",
    )


def test_all_attributes_of_a_rule_must_fit():
    assert feature_and_team(feature=None, environment="prod")[0] == "chat"
    assert feature_and_team(feature=None, environment="test")[0] == "unattributed"


def test_a_rule_may_look_at_the_file():
    assert feature_and_team("batch/2026/a.jsonl", feature=None)[0] == "nightly_batch"


def test_a_record_that_names_its_feature_and_team_keeps_them():
    assert feature_and_team(tags=["billing"])[0] == "support"
    assert feature_and_team(feature=None, tags=["billing"], team="ops") == ("billing", "ops")


@pytest.mark.parametrize(
    ("glob", "named"),
    [
        ("*chat*", ["eu-chat-2", "eu-mail-2", "chat"]),
        ("eu-*-chat-*", ["eu-prod-chat-2", "eu-prod-mail-2", "us-prod-chat-2"]),
        ("[!e]*-?", ["us-1", "eu-1", "us-10"]),
        ("[[]x] **", ["[x] a\nb", "x a"]),
        ("a.b", ["a.b", "a-b"]),
        ("[z-a]*|*", ["z|"]),
        ("[open", ["[open", "o"]),
    ],
)
def test_a_glob_means_what_it_means_in_python(glob, named):
    rule = {"when": {"environment": glob}, "feature": "chat"}
    features = Features.model_validate({"rules": [rule]})
    lines = [call(id=f"c-{n}", feature=None, environment=word) for n, word in enumerate(named)]
    landed = landed_lines(*lines, features=features).rows().sort("call_id")
    assert [feature == "chat" for feature in landed["feature"]] == [
        fnmatchcase(word, glob) for word in named
    ]


def test_an_unknown_attribute_is_refused_with_those_there_are():
    rule = {"when": {"colour": "red"}, "feature": "x"}
    with pytest.raises(ValidationError, match="source_file"):
        Features.model_validate({"rules": [rule]})


def test_a_feature_given_by_a_rule_decides_what_is_kept():
    features = RULES.model_copy(
        update={
            "features": Features.model_validate(
                {"features": {"chat": {"content": "none"}}}
            ).features
        }
    )
    lake = landed_lines(call(feature=None, environment="prod"), features=features)
    assert lake.rows()["content_digest"].to_list() == [None]
