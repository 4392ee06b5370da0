"""Printed text: fonts, masks of single lines, and stacked lines that fill a box."""

import math
import random
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..config import ASSETS
from ..geometry import Box

MIN_STACK_SIZE = 15  # pixels; smaller only where the box demands it


class PlacedLine(NamedTuple):
    mask: np.ndarray  # coverage, 0 to 255
    x: float
    y: float


class Lettering:
    """The fonts of assets/fonts and the masks of text set in them."""

    def __init__(self, rng: random.Random):
        self._rng = rng
        files = sorted(path for path in (ASSETS / "fonts").iterdir() if path.suffix in (".ttf", ".otf"))
        self._cjk = [str(path) for path in files if "CJK" in path.stem or "WenQuan" in path.stem]
        self._latin = [str(path) for path in files if str(path) not in self._cjk]
        self._fonts: dict[tuple[str, int], ImageFont.FreeTypeFont] = {}

    def pick(self, lang: str) -> str:
        """A font file for a language."""
        return self._rng.choice(self._cjk if lang == "zh" else self._latin + self._cjk[:1])

    def width(self, text: str, font: str, size: int) -> float:
        return self._font(font, size).getlength(text)

    def mask(self, text: str, font: str, size: int) -> np.ndarray:
        """Coverage of one line, cropped to its ink."""
        face = self._font(font, size)
        x0, y0, x1, y1 = face.getbbox(text)
        image = Image.new("L", (max(1, x1 - x0), max(1, y1 - y0)))
        ImageDraw.Draw(image).text((-x0, -y0), text, font=face, fill=255)
        return np.asarray(image)

    def stack(self, lines: list[str], box: Box, font: str, max_size: int, tilt: bool) -> list[PlacedLine]:
        """The lines below each other, as large as a random share of the box allows."""
        rng = self._rng
        width, height = box[2] - box[0], box[3] - box[1]
        fitting = self._fitting_size(lines, width, height, font, max_size)
        size = max(min(fitting, MIN_STACK_SIZE), int(fitting * rng.uniform(0.45, 1))) // 2 * 2
        step = min(size * rng.uniform(1.2, 1.45), height / len(lines))
        masks = [self.mask(line, font, size) for line in lines]
        if rng.random() < 0.25:  # a wide picture squeezed into the square
            factor = rng.uniform(0.6, 1)
            masks = [_squeeze(mask, factor) for mask in masks]
        block = max(mask.shape[1] for mask in masks)
        left = box[0] + rng.uniform(0, max(0, width - block))
        top = box[1] + rng.uniform(0, max(0, height - step * len(lines)))
        centered = rng.random() < 0.5
        angle = rng.uniform(-9, 9) if tilt and len(lines) == 1 and rng.random() < 0.3 else 0
        placed = []
        for i, mask in enumerate(masks):
            x = left + (block - mask.shape[1]) / 2 if centered else left
            y = top + i * step + (step - mask.shape[0]) / 2
            placed.append(_rotated(mask, x, y, angle) if angle else PlacedLine(mask, x, y))
        return placed

    def _fitting_size(self, lines: list[str], width: float, height: float, font: str, max_size: int) -> int:
        """The largest size at which the longest line and all lines together fit, 10 at least."""
        longest = max(lines, key=lambda line: len(line) + sum(ord(char) > 255 for char in line))
        size = max_size
        for _ in range(2):  # the second pass corrects what hinting changed
            measured = max(self.width(longest, font, size), 1)
            size = int(max(10, min(size, size * width / measured, height / len(lines) / 1.25)))
        return size

    def _font(self, path: str, size: int) -> ImageFont.FreeTypeFont:
        key = (path, size)
        if key not in self._fonts:
            self._fonts[key] = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        return self._fonts[key]


def _squeeze(mask: np.ndarray, factor: float) -> np.ndarray:
    width = max(1, int(mask.shape[1] * factor))
    return cv2.resize(mask, (width, mask.shape[0]), interpolation=cv2.INTER_AREA)


def _rotated(mask: np.ndarray, x: float, y: float, degrees: float) -> PlacedLine:
    """The line turned around its middle."""
    height, width = mask.shape
    sin = abs(math.sin(math.radians(degrees)))
    out_width, out_height = int(width + height * sin) + 2, int(height + width * sin) + 2
    dx, dy = (out_width - width) / 2, (out_height - height) / 2
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    matrix[:, 2] += (dx, dy)
    return PlacedLine(cv2.warpAffine(mask, matrix, (out_width, out_height)), x - dx, y - dy)
