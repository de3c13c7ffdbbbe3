"""How every chart looks and leaves the house: one quiet style, SVG for pages, PNG for Dagster."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import unicodedata
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, GRID, PAPER = "#1f2937", "#667085", "#e4e7ec", "#ffffff"
"""Text, secondary text, lines, background. A page may replace them by its own."""

ACCENT, WARNING, CRITICAL = "#2f6db3", "#b7791f", "#c8442b"

PALETTE = ("#2f6db3", "#e69f00", "#1d9a76", "#c674a4", "#5bb0dd", "#8a7a3d", "#9aa3af")
"""Told apart with every common colour blindness (after Okabe and Ito); the last is for the rest."""

_CSS_NAMES = {
    INK: "--chart-ink",
    MUTED: "--chart-muted",
    GRID: "--chart-grid",
    PAPER: "--chart-paper",
    ACCENT: "--chart-accent",
    WARNING: "--chart-warning",
    CRITICAL: "--chart-critical",
}

_SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "text.color": INK,
    # A feature may be called "$x_1$"; it is a name, not a formula.
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.labelcolor": MUTED,
    "axes.labelsize": 8.5,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0.0,
    "ytick.major.size": 0.0,
    "lines.solid_capstyle": "round",
    "figure.facecolor": PAPER,
    # Text stays text: a third of the size, selectable, and read out by screen readers.
    "svg.fonttype": "none",
    "svg.hashsalt": "llmops",
}

_EDGE = 0.06
"""Inches that stay free around the labels of a panel."""

_COLOURS = 64
_LONGEST_LABEL = 34
_LARGEST_MARKDOWN = 60_000


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this: our settings hold, whatever the user's matplotlibrc says."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # Names may hold characters the font has no picture for; a box is shown instead.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)  # type: ignore[arg-type]
        yield


def new_figure(width: float, height: float) -> Figure:
    """Open a figure of ``width`` x ``height`` inches that no global state knows of."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def no_data(title: str, reason: str = "no data") -> Figure:
    """What a chart is when there is nothing to draw: its title, and that it has no data."""
    with style():
        figure = new_figure(7.6, 1.3)
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.set_title(label(title, 90), fontweight="bold", fontsize=10)
        axes.text(0.5, 0.4, label(reason, 90), ha="center", va="center", color=MUTED)
    return figure


def arrange(figure: Figure) -> None:
    """Give the grid of panels the room that its labels leave, all panels the same.

    Everything is measured once; matplotlib's own layouts measure and draw two to four times, which
    is most of what a chart costs.
    """
    renderer = _ruler(figure.dpi)
    around: dict[str, dict[int, float]] = {side: {} for side in ("left", "right", "top", "bottom")}
    rows = columns = 1
    for axes in figure.axes:
        place = axes.get_subplotspec()
        taken = axes.get_tightbbox(renderer, for_layout_only=True) if axes.get_visible() else None
        if place is None or taken is None:
            continue
        rows, columns = place.get_gridspec().nrows, place.get_gridspec().ncols
        for side, index, pixels in (
            ("left", place.colspan.start, axes.bbox.x0 - taken.x0),
            ("right", place.colspan.start, taken.x1 - axes.bbox.x1),
            ("top", place.rowspan.start, taken.y1 - axes.bbox.y1),
            ("bottom", place.rowspan.start, axes.bbox.y0 - taken.y0),
        ):
            room = _EDGE + max(0.0, pixels / figure.dpi)
            around[side][index] = max(around[side].get(index, 0.0), room)
    width, height = figure.get_size_inches()
    left, right, across = _shares(around["left"], around["right"], columns, width)
    top, bottom, down = _shares(around["top"], around["bottom"], rows, height)
    figure.subplots_adjust(left, bottom, 1 - right, 1 - top, across, down)


@lru_cache(maxsize=4)
def _ruler(dots_per_inch: float) -> Any:
    """What texts are measured with: one for all figures, since it remembers what it measured."""
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, dots_per_inch)  # type: ignore[no-untyped-call]


def _shares(
    before: Mapping[int, float], after: Mapping[int, float], count: int, size: float
) -> tuple[float, float, float]:
    """Margins before and after a row of panels as shares of ``size``; the gaps, of one panel."""
    first, last = before.get(0, _EDGE), after.get(count - 1, _EDGE)
    gap = max(
        (after.get(at, 0.0) + before.get(at + 1, 0.0) for at in range(count - 1)), default=0.0
    )
    panel = max((size - first - last - gap * (count - 1)) / count, 0.1)
    return min(first / size, 0.6), min(last / size, 0.3), gap / panel


def label(text: str, longest: int = _LONGEST_LABEL) -> str:
    """A name as a chart may show it: no control or direction marks, no line ends, not too long."""
    visible = "".join(
        character if unicodedata.category(character)[0] != "C" else "\N{REPLACEMENT CHARACTER}"
        for character in " ".join(text.split())
    )
    return visible if len(visible) <= longest else f"{visible[: longest - 1]}…"


def svg(figure: Figure, description: str = "") -> str:
    """Write a figure as one ``<svg>`` element to stand inside an HTML page.

    Nothing in it depends on clock, host or other figures on the page. Its colours follow the page
    where that sets ``--chart-ink``, ``--chart-muted``, ``--chart-grid``, ``--chart-paper``,
    ``--chart-accent``, ``--chart-warning`` and ``--chart-critical``.
    """
    text = io.StringIO()
    with style():
        arrange(figure)
        figure.savefig(
            text,
            format="svg",
            transparent=True,
            metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        )
    drawing = text.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"<!--.*?-->\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", drawing)
    drawing = re.sub(r"'DejaVu Sans'(, [^;\"]*)?|(?<=font-family: )sans-serif", "inherit", drawing)
    # Two figures on a page may share a marker's id but not its colour.
    salt = hashlib.sha256(drawing.encode()).hexdigest()[:6]
    ids = r'(id="|"#|url\(#)([a-z][0-9a-f]{10})(?=["\)])'
    drawing = re.sub(ids, rf"\g<1>c{salt}\g<2>", drawing)
    for colour, name in _CSS_NAMES.items():
        drawing = drawing.replace(colour, f"var({name}, {colour})")
    size = re.search(r'viewBox="[^"]+"', drawing)
    body = drawing[drawing.index(">") + 1 :].strip()
    opening = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{size[0] if size else ""} role="img"'
    )
    named = f" aria-label={quoteattr(label(description, 200))}" if description else ""
    return re.sub(r"\n\s*", "\n", f"{opening}{named}>\n{body}")


def file_bytes(figure: Figure, ending: str, description: str = "") -> bytes:
    """A figure as a file: ``svg``, or ``png`` at twice a screen's resolution, for slides."""
    if ending == "svg":
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        return f"{head}\n{svg(figure, description)}\n".encode()
    picture = io.BytesIO()
    with style():
        arrange(figure)
        figure.savefig(picture, format="png", dpi=200, metadata={"Software": None})
    return picture.getvalue()


def png_markdown(figure: Figure, description: str = "chart") -> str:
    """Write a figure as a Markdown image that carries its own PNG, below 60 kB."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    markdown = ""
    alternative = re.sub(r"[\[\]()\\`<>]", " ", label(description, 200))
    canvas: Any = FigureCanvasAgg(figure)
    with style():
        arrange(figure)
        for dots_per_inch in (110, 80, 55, 40):
            figure.set_dpi(dots_per_inch)
            canvas.draw()
            image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
            png = io.BytesIO()
            # A chart has few colours: written by number, it takes a third of the bytes. The median
            # cut makes one colour of two that few marks have, such as those of warnings and alarms.
            few = image.quantize(_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(png, "png", optimize=True)
            encoded = base64.b64encode(png.getvalue()).decode()
            markdown = f"![{alternative}](data:image/png;base64,{encoded})"
            if len(markdown) < _LARGEST_MARKDOWN:
                break
    return markdown
