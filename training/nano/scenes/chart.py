"""Bar, line and pie charts with two to five items."""

from itertools import pairwise

import cv2
import numpy as np

from ..draw.painter import Painter, color_distance
from ..phrases import LABELS, TITLES
from ..vocabulary import COLORS
from .picture import Chart, Picture, develop

_BASE_LINE = 200  # y of the value zero
_PIE_CENTER_X, _PIE_RADIUS = 78, 64
_PAPER = 253


def chart(painter: Painter) -> Picture:
    rng = painter.rng
    while True:
        _new_paper(painter)
        lang, kind, n = rng.choice(["en", "zh"]), rng.choice(["bar", "bar", "line", "pie"]), rng.randint(2, 5)
        labels = [label[lang] for label in rng.sample(LABELS, n)]
        if len(set(labels)) == n:
            break
    font = painter.lettering.pick(lang)
    ink = painter.shade(painter.contrast_color(far=220), 5)
    top, title = 10, None
    if rng.random() < 0.5:
        title = rng.choice(TITLES)[lang]
        painter.write(title, (112, 14), 16, ink, font)
        top = 28
    size = 13 if n > 3 or rng.random() < 0.5 else 15
    colors = rng.sample([name for name in COLORS if color_distance(name, painter.mean) > 130], n)
    if kind == "pie":
        facts = Chart(kind, labels, _pie_values(painter, n), "%", colors, title)
        _draw_pie(painter, facts, font, ink, top, size)
    else:
        values = rng.sample(range(5, 100), n) if rng.random() < 0.6 else [v * 10 for v in rng.sample(range(1, 10), n)]
        if rng.random() < 0.35:
            colors = [colors[0]] * n
        facts = Chart(kind, labels, values, "", colors, title)
        _draw_axes(painter, ink, top)
        _draw_values(painter, facts, font, ink, top, size)
        if kind == "line" or len(set(colors)) == 1:
            facts.colors = None
    return develop(painter, "chart", chart=facts, lang=lang)


def _new_paper(painter: Painter) -> None:
    painter.new_canvas(plain=True)
    if painter.rng.random() < 0.7:
        painter.image[:] = _PAPER
        painter.mean, painter.background = np.array([float(_PAPER)] * 3), "white"


def _pie_values(painter: Painter, n: int) -> list[int]:
    """Shares in steps of 5 %, nearly always all different."""
    rng = painter.rng
    while True:
        cuts = [0, *sorted(rng.sample(range(1, 20), n - 1)), 20]
        values = [(b - a) * 5 for a, b in pairwise(cuts)]
        if len(set(values)) == n or rng.random() < 0.05:
            return values


def _draw_pie(painter: Painter, facts: Chart, font: str, ink, top: int, size: int) -> None:
    center, radii = (_PIE_CENTER_X, (top + 220) // 2), (_PIE_RADIUS, _PIE_RADIUS)
    start = painter.rng.uniform(0, 360)
    for value, color in zip(facts.values, facts.colors, strict=True):
        end = start + value * 3.6
        cv2.ellipse(painter.image, center, radii, 0, start, end, painter.shade(color), -1, cv2.LINE_AA)
        start = end
    for i, (label, value, color) in enumerate(zip(facts.labels, facts.values, facts.colors, strict=True)):
        y = top + 24 + i * 30
        cv2.rectangle(painter.image, (150, y - 5), (160, y + 5), painter.shade(color, 4), -1)
        painter.write(label, (165, y - 7), size, ink, font, "left")
        painter.write(f"{value}%", (165, y + 8), 12, ink, font, "left")


def _draw_axes(painter: Painter, ink, top: int) -> None:
    cv2.line(painter.image, (10, _BASE_LINE), (216, _BASE_LINE), ink, 1)
    if painter.rng.random() < 0.5:
        cv2.line(painter.image, (10, top), (10, _BASE_LINE), ink, 1)


def _draw_values(painter: Painter, facts: Chart, font: str, ink, top: int, size: int) -> None:
    rng, step = painter.rng, 200 / len(facts.values)
    scale = (_BASE_LINE - top - 20) / max(*facts.values, rng.choice([0, 60, 100]))
    points = []
    for i, (label, value, color) in enumerate(zip(facts.labels, facts.values, facts.colors, strict=True)):
        x, y = 14 + (i + 0.5) * step, _BASE_LINE - value * scale
        points.append((int(x), int(y)))
        if facts.kind == "bar":
            left, right = int(x - step * 0.3), int(x + step * 0.3)
            cv2.rectangle(painter.image, (left, int(y)), (right, _BASE_LINE), painter.shade(color), -1)
        fitting = int(step / max(1, painter.lettering.width(label, font, size)) * size * 0.95)
        painter.write(label, (x, _BASE_LINE + 11), max(9, min(size, fitting)), ink, font)
    if facts.kind == "line":
        path, color, width = np.array(points, np.int32), painter.shade(facts.colors[0]), rng.randint(2, 3)
        cv2.polylines(painter.image, [path], False, color, width, cv2.LINE_AA)
        for point in points:
            cv2.circle(painter.image, point, 4, painter.shade(facts.colors[0]), -1, cv2.LINE_AA)
    for (x, y), value in zip(points, facts.values, strict=True):
        painter.write(str(value), (x, y - 9), 13, ink, font)
