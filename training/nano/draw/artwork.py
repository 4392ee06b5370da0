"""The pictograms: loading them from assets/sprites-*.zip, and bending one before it is drawn."""

import io
import math
import random
import zipfile
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from ..config import ASSETS
from ..vocabulary import Concept, read_concepts

cv2.setNumThreads(0)  # the drawing processes are the parallelism

HELD_OUT_FAMILY = "fluent"


class Sprite(NamedTuple):
    """One pictogram: premultiplied RGBA at 128, 64 and 32 pixels, and its one dominant colour, if it has one."""

    mips: list[np.ndarray]
    color: str | None


def load_concepts() -> list[Concept]:
    """All concepts with their sprites, by artwork family."""
    concepts = list(read_concepts())
    by_name = {concept.en: concept for concept in concepts}
    for path in sorted(ASSETS.glob("sprites-*.zip")):
        family = path.stem.split("-")[1]
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                rgba = np.array(Image.open(io.BytesIO(archive.read(name))).convert("RGBA"))
                by_name[name.split("/")[0]].sprites.setdefault(family, []).append(_sprite(rgba))
    return concepts


def _sprite(rgba: np.ndarray) -> Sprite:
    full = rgba.copy()
    full[..., :3] = (rgba[..., :3].astype(np.uint16) * rgba[..., 3:] // 255).astype(np.uint8)
    smaller = [cv2.resize(full, (side, side), interpolation=cv2.INTER_AREA) for side in (64, 32)]
    return Sprite([full, *smaller], dominant_color(rgba))


def dominant_color(rgba: np.ndarray) -> str | None:
    """The colour name of two thirds of the opaque pixels, if there is one."""
    opaque = rgba[..., 3] > 200
    if opaque.sum() < 50:
        return None
    hsv = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2HSV)[opaque].astype(int)
    hue, saturation, value = hsv[:, 0] * 2, hsv[:, 1] / 255, hsv[:, 2] / 255
    reddish = (hue < 15) | (hue >= 338)
    rules = {
        "black": value < 0.25,
        "white": (saturation < 0.14) & (value > 0.85),
        "gray": saturation < 0.14,
        "pink": reddish & (saturation < 0.5) & (value > 0.75),
        "red": reddish,
        "brown": (hue < 42) & (value < 0.7),
        "orange": hue < 42,
        "yellow": hue < 68,
        "green": hue < 165,
        "blue": hue < 252,
        "purple": hue < 290,
    }
    names, counts = np.unique(np.select(list(rules.values()), list(rules), "pink"), return_counts=True)
    top = counts.argmax()
    return str(names[top]) if counts[top] > 0.66 * len(hue) else None


def choose_sprite(rng: random.Random, concept: Concept, held_out_art: bool) -> Sprite:
    """A drawing of the concept; in training never one that is kept for evaluation."""
    families = dict(concept.sprites)
    if held_out_art and HELD_OUT_FAMILY in families:
        families = {HELD_OUT_FAMILY: families[HELD_OUT_FAMILY]}
    elif not held_out_art and concept.art_held_out:
        families.pop(HELD_OUT_FAMILY, None)
    return rng.choice(families[rng.choice(list(families))])


def warp(rng: random.Random, sprite: Sprite, size: float) -> np.ndarray:
    """The sprite at about `size` pixels, with a random aspect ratio, tilt, mirroring and shade."""
    aspect = math.exp(rng.gauss(0, 0.18)) if rng.random() < 0.6 else 1
    width, height = size * math.sqrt(aspect), size / math.sqrt(aspect)
    angle = math.radians(rng.gauss(0, 9) if rng.random() < 0.6 else 0)
    mip = sprite.mips[0 if size > 64 else 1 if size > 32 else 2]
    side = mip.shape[0]
    cos, sin = math.cos(angle), math.sin(angle)
    out_width = int(abs(width * cos) + abs(height * sin)) + 2
    out_height = int(abs(width * sin) + abs(height * cos)) + 2
    matrix = np.array([[cos * width, -sin * height, 0], [sin * width, cos * height, 0]]) / side
    if rng.random() < 0.25:
        matrix[:, 0] *= -1
    matrix[:, 2] = (out_width / 2, out_height / 2) - matrix[:, :2] @ (side / 2, side / 2)
    patch = cv2.warpAffine(mip, matrix, (out_width, out_height), flags=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        patch[..., :3] = (patch[..., :3] * rng.uniform(0.82, 1)).astype(np.uint8)
    return patch
