"""The loss of a run as a picture: one SVG, logarithmic, the total and each term."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from nst_tf.solver.report import Report

_WIDTH, _HEIGHT, _MARGIN, _LEGEND = 820, 420, 60, 180
# Okabe and Ito 2008: colours that people with any colour vision can tell apart
_COLOURS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999933")
MOST_POINTS = 1000  # a curve: more could not be seen at this width


def loss_plot(reports: Sequence[Report]) -> str:
    """Loss and parts against the step, on a logarithmic axis, as the text of an SVG file."""
    reports = reports[:: max(1, math.ceil(len(reports) / MOST_POINTS))]
    names = ["loss", *reports[0].parts]
    curves = {
        name: [(one.step, one.loss if name == "loss" else one.parts[name]) for one in reports]
        for name in names
    }
    positive = [value for curve in curves.values() for _, value in curve if 0 < value < math.inf]
    low, high = (math.log10(min(positive)), math.log10(max(positive))) if positive else (0.0, 1.0)
    low = max(low, high - 8)  # a part that is almost nothing must not flatten the others
    bottom, top = math.floor(low), max(math.ceil(high), math.floor(low) + 1)
    first, last = reports[0].step, max(reports[-1].step, reports[0].step + 1)

    def across(step: float) -> float:
        return _MARGIN + (step - first) / (last - first) * (_WIDTH - _MARGIN - _LEGEND)

    def down(value: float) -> float:
        return _HEIGHT - _MARGIN - (math.log10(value) - bottom) / (top - bottom) * (_HEIGHT - 1.5 * _MARGIN)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for exponent in range(bottom, top + 1):
        y = down(10.0**exponent)
        lines.append(f'<path d="M{_MARGIN} {y:.1f}H{_WIDTH - _LEGEND}" stroke="#ddd"/>')
        lines.append(f'<text x="{_MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">1e{exponent}</text>')
    for share in (0, 0.25, 0.5, 0.75, 1):
        step = first + share * (last - first)
        place = f'x="{across(step):.1f}" y="{_HEIGHT - _MARGIN + 18}"'
        lines.append(f'<text {place} text-anchor="middle">{step:.0f}</text>')
    lines.append(
        f'<text x="{across((first + last) / 2):.1f}" y="{_HEIGHT - 12}" text-anchor="middle">step</text>'
    )
    for index, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        dash = ' stroke-dasharray="5 3"' if index >= len(_COLOURS) else ""
        points = " ".join(
            f"{across(step):.1f},{down(value):.1f}"
            for step, value in curve
            if 10.0**bottom <= value < math.inf
        )
        width = 2 if index == 0 else 1.2
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/>'
        )
        y = 24 + 18 * index
        left = _WIDTH - _LEGEND + 12
        lines.append(f'<path d="M{left} {y}h18" stroke="{colour}" stroke-width="{width}"{dash}/>')
        lines.append(f'<text x="{left + 24}" y="{y + 4}">{escape(name)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
