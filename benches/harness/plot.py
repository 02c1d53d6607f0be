# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two kinds of plots as SVG, with logarithmic axes: bars for each case, lines over sizes."""

import math
from html import escape

COLOURS = {"reference": "#b5651d", "ours": "#1f6fb2", "floor": "#8a8f98"}
NAMES = {"reference": "libESMTP", "ours": "ours", "floor": "floor"}
# Small, with a white edge, so that it can be read where it crosses a line.
LABEL = "font-size='11' paint-order='stroke' stroke='#fff' stroke-width='3'"
STYLE = "font-family='sans-serif' font-size='12' fill='#222'"


class Axis:
    """A logarithmic axis over whole decades, from `start` to `end` on the page."""

    def __init__(self, values, start: float, end: float):
        positive = [value for value in values if value > 0] or [1]
        self.low = math.floor(math.log10(min(positive)))
        self.high = max(math.ceil(math.log10(max(positive))), self.low + 1)
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        exponent = math.log10(value) if value > 0 else self.low
        share = (exponent - self.low) / (self.high - self.low)
        return self.start + max(share, 0) * (self.end - self.start)

    def decades(self) -> list[float]:
        return [10.0**exponent for exponent in range(self.low, self.high + 1)]


def is_number(value) -> bool:
    return isinstance(value, (int, float))


def text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' {more}>{escape(words)}</text>"


def line(x1, y1, x2, y2, colour="#ddd", more="") -> str:
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='{colour}' {more}/>"


def legend(names, x: float, y: float, target: bool) -> list[str]:
    parts = []
    for name in names:
        parts.append(f"<rect x='{x}' y='{y - 10}' width='12' height='12' fill='{COLOURS[name]}'/>")
        parts.append(text(x + 18, y, NAMES[name]))
        x += 90
    if target:
        parts += [line(x + 6, y - 12, x + 6, y + 4, "#c00", "stroke-width='2'"), text(x + 18, y, "target")]
    return parts


def page(width: int, height: float, title: str, parts: list[str]) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height:.0f}' {STYLE}>"
    paper = "<rect width='100%' height='100%' fill='#fff'/>"
    heading = text(16, 24, title, more="font-size='15' font-weight='bold'")
    return "\n".join([head, paper, heading, *parts, "</svg>"]) + "\n"


def bars(title: str, cases: list, show, show_round) -> str:
    """`cases`: (name, {subject: value}, limit or None); what is no number is written as it is."""
    width, left, right, thickness = 900, 310, 820, 13
    values = [v for _, found, limit in cases for v in (*found.values(), limit) if is_number(v)]
    axis = Axis(values, left, right)
    parts, y = legend(COLOURS, left, 48, any(limit for _, _, limit in cases)), 64.0
    body, labels = [], []
    for name, found, limit in cases:
        present = {subject: value for subject, value in found.items() if value is not None}
        middle = y + thickness * len(present) / 2 + 4
        body.append(text(left - 10, middle, name, "end"))
        for subject, value in present.items():
            if is_number(value):
                end = max(axis.at(value), left + 1)
                body.append(
                    f"<rect x='{left}' y='{y:.1f}' width='{end - left:.1f}' height='{thickness - 2}'"
                    f" fill='{COLOURS[subject]}'/>"
                )
                labels.append(text(end + 5, y + 10, show(value), more=LABEL))
            else:
                labels.append(text(left + 5, y + 10, str(value), more=f"{LABEL} font-style='italic'"))
            y += thickness
        if is_number(limit):
            place, start = axis.at(limit), y - thickness * len(present)
            body.append(line(place, start - 3, place, y, "#c00", "stroke-width='2'"))
        y += 10
    for decade in axis.decades():
        parts.append(line(axis.at(decade), 58, axis.at(decade), y))
        parts.append(text(axis.at(decade), y + 16, show_round(decade), "middle"))
    return page(width, y + 28, title, parts + body + labels)


def lines(title: str, panels: dict, show) -> str:
    """`panels`: {name: {subject: [(size, value)]}}, side by side."""
    width, height, panel, top, bottom = 860, 360, 400, 76, 310
    points = [point for found in panels.values() for curve in found.values() for point in curve]
    up = Axis([value for _, value in points], bottom, top)
    subjects = list(dict.fromkeys(subject for found in panels.values() for subject in found))
    parts = legend(subjects, 70, 48, False)
    for index, (name, found) in enumerate(panels.items()):
        left = 70 + index * panel
        across = Axis([size for size, _ in points], left, left + panel - 80)
        for decade in up.decades():
            parts.append(line(left, up.at(decade), left + panel - 80, up.at(decade)))
            parts.append(text(left - 6, up.at(decade) + 4, show(decade), "end", "font-size='11'"))
        for decade in across.decades():
            parts.append(line(across.at(decade), top, across.at(decade), bottom))
            parts.append(text(across.at(decade), bottom + 16, f"{decade:,.0f}", "middle", "font-size='11'"))
        parts.append(text(left + (panel - 80) / 2, bottom + 36, name, "middle"))
        for subject, curve in found.items():
            places = [(across.at(size), up.at(value)) for size, value in curve]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(f"<polyline points='{path}' fill='none' stroke='{COLOURS[subject]}' stroke-width='2'/>")
            parts += [f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='{COLOURS[subject]}'/>" for x, y in places]
    return page(width, height, title, parts)
