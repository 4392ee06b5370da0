"""Backgrounds that are not one colour: gradients, noise, stripes, checks and blobs."""

import math
import random

import cv2
import numpy as np

from ..config import IMAGE_SIZE

KINDS = ("linear", "radial", "noise", "stripes", "checker", "blobs", "soft")


def random_color(rng: random.Random) -> list[float]:
    """An RGB colour, more often a light one."""
    low = 150 if rng.random() < 0.6 else 0
    return [rng.uniform(low, 255) for _ in range(3)]


def texture(rng: random.Random, noise: np.random.Generator) -> np.ndarray:
    """A square picture that runs between two colours."""
    first, second = np.array(random_color(rng)), np.array(random_color(rng))
    kind = rng.choice(KINDS)
    y, x = np.mgrid[0:IMAGE_SIZE, 0:IMAGE_SIZE].astype(np.float32) / IMAGE_SIZE
    if kind == "linear":
        angle = rng.uniform(0, 2 * math.pi)
        mix = (x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle) + 0.5
    elif kind == "radial":
        mix = np.hypot(x - rng.random(), y - rng.random())
    elif kind == "noise":
        second = first + noise.normal(0, 25, 3)
        mix = noise.random((IMAGE_SIZE, IMAGE_SIZE))
    elif kind in ("stripes", "checker"):
        second = first + rng.uniform(12, 45) * rng.choice([-1, 1])
        mix = _bands(rng, x, y, crossed=kind == "checker")
    else:
        n = rng.randint(2, 6) if kind == "blobs" else 24
        coarse = noise.random((n, n)).astype(np.float32)
        mix = cv2.resize(coarse, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_CUBIC)
    image = first + np.clip(mix, 0, 1)[..., None] * (second - first)
    return np.clip(image, 0, 255).astype(np.uint8)


def _bands(rng: random.Random, x: np.ndarray, y: np.ndarray, crossed: bool) -> np.ndarray:
    n, angle = rng.randint(4, 14), rng.uniform(0, math.pi)
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    if crossed:
        return ((along * n + 99).astype(int) + (across * n + 99).astype(int)) % 2 * 1.0
    return (along * n).astype(int) % 2 * 1.0
