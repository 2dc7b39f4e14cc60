"""Horizontal bars on a logarithmic scale as SVG text: no library, no network, the same bytes for the same figures."""

from __future__ import annotations

import math
from html import escape

WIDTH, LEFT, RIGHT, BAR, GAP = 760, 170, 70, 16, 6
INK, SOFT, OURS, LIMIT, OTHER = "#1f2933", "#9aa5b1", "#0b7285", "#2b8a3e", "#ced4da"
FONT = "font-family='Helvetica, Arial, sans-serif'"


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, fill: str = INK) -> str:
    look = f"{FONT} font-size='{size}' fill='{fill}' text-anchor='{anchor}'"
    return f"<text x='{x:.1f}' y='{y:.1f}' {look}>{escape(words)}</text>"


def bars(title: str, groups: list[tuple[str, list[tuple[str, float]]]]) -> str:
    """An SVG document: a heading per group, a bar and its figure per row."""
    values = [value for _, rows in groups for _, value in rows if value > 0] or [1.0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 0.01)
    span = WIDTH - LEFT - RIGHT

    def at(value: float) -> float:
        return LEFT + span * (math.log10(max(value, 10**low)) - low) / max(high - low, 1)

    parts: list[str] = []
    y = 44.0
    for name, rows in groups:
        y += 14
        parts.append(_text(12, y, name, size=13))
        y += 8
        for label, value in rows:
            colour = {"Meterhouse": OURS, "limit query": LIMIT}.get(label, OTHER)
            parts.append(_text(LEFT - 8, y + BAR - 4, label, anchor="end"))
            width = max(at(value) - LEFT, 1)
            parts.append(f"<rect x='{LEFT}' y='{y:.1f}' width='{width:.1f}' height='{BAR}' rx='2' fill='{colour}'/>")
            parts.append(_text(at(value) + 6, y + BAR - 4, f"{value:.3g} s"))
            y += BAR + GAP
        y += 10
    grid = []
    for power in range(low, high + 1):
        x = at(10.0**power)
        grid.append(f"<line x1='{x:.1f}' y1='40' x2='{x:.1f}' y2='{y:.1f}' stroke='{SOFT}' stroke-width='0.5'/>")
        grid.append(_text(x, y + 14, f"{10.0**power:g}", anchor="middle", size=11, fill=SOFT))
    height = y + 26
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height:.0f}' "
        f"viewBox='0 0 {WIDTH} {height:.0f}'>"
    )
    background = f"<rect width='{WIDTH}' height='{height:.0f}' fill='#ffffff'/>"
    return "\n".join([head, background, _text(12, 24, title, size=15), *grid, *parts, "</svg>", ""])
