"""Outlines of the coloured shapes."""

import math
import random
from collections.abc import Sequence

import numpy as np

_MAX_TURN_DEGREES = {
    "square": 10,
    "rectangle": 10,
    "diamond": 8,
    "heart": 12,
    "cross": 12,
    "oval": 0,
    "circle": 0,
    "ring": 0,
}  # any other shape may stand at any angle

Points = list[tuple[float, float]]


def outline(rng: random.Random, name: str, size: float) -> np.ndarray:
    """Corner points, [n, 2], of a shape about `size` pixels large around (0, 0)."""
    most = _MAX_TURN_DEGREES.get(name, 180)
    turn = math.radians(rng.uniform(-most, most)) if rng.random() < 0.5 else 0
    cos, sin, scale = math.cos(turn), math.sin(turn), size / 2
    return np.array([(scale * (x * cos - y * sin), scale * (x * sin + y * cos)) for x, y in _points(rng, name)])


def _points(rng: random.Random, name: str) -> Points:
    """The shape within the unit circle."""
    if name in ("circle", "ring"):
        return _regular(48)
    if name == "oval":
        k = rng.uniform(0.5, 0.68)
        return _maybe_upright(rng, [(x, y * k) for x, y in _regular(48)])
    if name == "square":
        return [(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]
    if name == "rectangle":
        k = rng.uniform(0.4, 0.62)
        return _maybe_upright(rng, [(-1, -k), (1, -k), (1, k), (-1, k)])
    if name == "diamond":
        k = rng.uniform(0.6, 0.85)
        return [(0, -1), (k, 0), (0, 1), (-k, 0)]
    if name == "cross":
        k = rng.uniform(0.28, 0.4)
        arm = [(-k, -1), (k, -1), (k, -k), (1, -k), (1, k), (k, k)]
        return arm + [(-x, -y) for x, y in arm]
    if name == "star":
        return _regular(10, radii=(1, 0.42))
    if name == "heart":
        t = np.linspace(0, 2 * math.pi, 48)
        x = 16 * np.sin(t) ** 3 / 17
        y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 17
        return list(zip(x, y, strict=True))
    return _regular({"triangle": 3, "pentagon": 5, "hexagon": 6}[name])


def _regular(n: int, radii: Sequence[float] = (1,)) -> Points:
    angles = [-math.pi / 2 + 2 * math.pi * i / n for i in range(n)]
    return [(radii[i % len(radii)] * math.cos(a), radii[i % len(radii)] * math.sin(a)) for i, a in enumerate(angles)]


def _maybe_upright(rng: random.Random, points: Points) -> Points:
    return [(y, x) for x, y in points] if rng.random() < 0.4 else points
