"""Every seed of a figure as a dot on a line, drawn as SVG inside a page, in the colours of the page.

A share (all values between 0 and 1) is drawn on a line from 0 to 1; another figure on a line that begins at 0
where nothing is below, and ends at the largest value. A hollow diamond is the published figure.
"""

from collections.abc import Sequence

from markupsafe import Markup, escape

from wavetrain.report.results import Row, number

WIDTH, HEIGHT, EDGE = 180, 22, 8  # pixels


def span(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the line on which values are drawn."""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1 and any(value not in (0, 1) for value in values):
        return 0.0, 1.0
    return min(low, 0.0), max(high, 0.0) if high != low or high else 1.0


def strip(row: Row) -> Markup:
    """The seeds of a figure; empty where none has a value."""
    if not row.finite:
        return Markup("")
    published = row.published if isinstance(row.published, int | float) else None
    values = [*row.finite, *([] if published is None else [float(published)])]
    low, high = span(values)
    if high == low:
        high = low + 1

    def across(value: float) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (value - low) / (high - low)

    middle = HEIGHT / 2
    marks = [f'<line x1="{EDGE}" y1="{middle:g}" x2="{WIDTH - EDGE}" y2="{middle:g}"/>']
    if low < 0 < high:
        marks.append(
            f'<line class="zero" x1="{across(0):.1f}" y1="4" x2="{across(0):.1f}" y2="{HEIGHT - 4}"/>'
        )
    if published is not None:
        x = across(published)
        marks.append(f'<path d="M{x:.1f} {middle - 6:g}l6 6l-6 6l-6 -6z"/>')
    marks += [f'<circle cx="{across(value):.1f}" cy="{middle:g}" r="4"/>' for value in row.finite]
    said = f"{len(row.finite)} seeds: {', '.join(number(value) for value in row.finite)}"
    said += "" if published is None else f"; published: {number(published)}"
    ends = f"{number(low)} to {number(high)}"
    return Markup(
        '<svg class="strip" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}">'
        "<title>{label}</title>{marks}</svg>"
    ).format(w=WIDTH, h=HEIGHT, label=escape(f"{said}; on a line from {ends}"), marks=Markup("".join(marks)))
