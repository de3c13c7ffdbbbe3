"""A gateway's record is recognised by its own format, and by no other that is asked before it.

The ``openai`` envelope takes whatever holds a chat completion; it is asked after the gateways.
"""

import pytest

from llmops_pipelines.formats import FORMATS
from tests.formats import test_helicone, test_kong, test_litellm, test_portkey

SAMPLES = {
    "litellm": test_litellm.PAYLOAD["chat"],
    "litellm failure": test_litellm.PAYLOAD["limited"],
    "litellm row": test_litellm.ROW["chat"],
    "helicone": test_helicone.request(),
    "portkey": test_portkey.log(),
    "kong": test_kong.line(),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_only_its_own_format_recognises_a_record(name):
    found = [known.name for known in FORMATS.values() if known.recognises(SAMPLES[name])]
    own, *others = found
    assert own == name.partition(" ")[0]
    assert set(others) <= {"openai"}
