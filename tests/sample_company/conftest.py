"""The default fortnight, written and read once for the whole room."""

from __future__ import annotations

from datetime import date

import pytest

from llmops_pipelines.sample_company import write_sample_logs
from tests.sample_company.sample import Sample


@pytest.fixture(scope="session")
def fortnight(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("fortnight")
    written = write_sample_logs(folder / "logs", end=date(2026, 11, 22))
    return Sample.read(written.out, written.truth)
