"""Nights whose charts are put together from their figures and then not drawn.

Drawing is a quarter of what a small day costs, and other tests look at every chart that is drawn
(adapters/test_charts.py, adapters/test_report_charts.py); nights in processes of their own and the
night over a real log draw theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from llmops_pipelines.adapters.charting import charts, report_charts

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@pytest.fixture(scope="module", autouse=True)
def undrawn() -> Iterator[None]:
    """While the tests of a module run, figures end in an empty picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_charts, "svg", _no_svg)
        patch.setattr(charts, "png_markdown", _no_png)
        yield


def _no_svg(figure: Figure, description: str = "") -> str:
    assert figure.axes
    return "<svg></svg>"


def _no_png(figure: Figure, description: str = "chart") -> str:
    assert figure.axes
    return "![chart](data:,)"
