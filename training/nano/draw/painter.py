"""The painter: one canvas, one random stream, and everything that can be put on the canvas."""

import random
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from ..config import IMAGE_SIZE
from ..geometry import Box
from ..vocabulary import COLORS, SHAPES, Concept, Thing
from .artwork import HELD_OUT_FAMILY, choose_sprite, warp
from .lettering import Lettering
from .shape import outline
from .texture import random_color, texture

_TEXTURES_KEPT = 120
_PLACING_TRIES = 24
_SUBPIXEL_BITS = 4  # OpenCV's fixed-point coordinates
_INK = (20, 20, 20)


class Painter:
    """Draws into `image`, a [224, 224, 3] RGB array that `new_canvas` replaces.

    `background` names the colour of a plain background, `mean` is its RGB value or average.
    While `held_out_art` is set, only concepts and artwork kept for evaluation are drawn.
    """

    def __init__(self, concepts: list[Concept], rng: random.Random):
        self.rng = rng
        self.lettering = Lettering(rng)
        self.held_out_art = False
        self.image: np.ndarray = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
        self.background: str | None = None
        self.mean: np.ndarray = np.zeros(3)
        self._concepts = concepts
        self._held_out = [c for c in concepts if c.art_held_out and HELD_OUT_FAMILY in c.sprites]
        self._noise = np.random.default_rng(rng.getrandbits(32))
        self._textures: list[np.ndarray] = []

    # Canvas and colours

    def new_canvas(self, plain: bool = False) -> None:
        """White, a named colour, any colour or, unless `plain`, a texture."""
        rng = self.rng
        kind = rng.random()
        self.background = None
        if kind < (0.5 if plain else 0.33):
            color, self.background = [252 - rng.randint(0, 6)] * 3, "white"
        elif kind < (0.7 if plain else 0.52):
            self.background = rng.choice(list(COLORS))
            color = self.shade(self.background, 12)
        elif kind < 0.68 or plain:
            color = random_color(rng)
        else:
            self.image = self._texture()
            self.mean = self.image[::16, ::16].reshape(-1, 3).mean(0)
            return
        self.image = np.empty((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
        self.image[:] = color
        self.mean = np.array(color, float)

    def _texture(self) -> np.ndarray:
        """One of a stock of textures, mirrored at random; the stock is renewed now and then."""
        rng = self.rng
        if len(self._textures) < _TEXTURES_KEPT:
            self._textures.append(texture(rng, self._noise))
        elif rng.random() < 0.02:
            fresh = texture(rng, self._noise)
            self._textures[rng.randrange(_TEXTURES_KEPT)] = fresh
        return rng.choice(self._textures)[:: rng.choice([1, -1]), :: rng.choice([1, -1])].copy()

    def contrast_color(self, against: Sequence[float] | None = None, far: float = 95) -> str:
        """A colour name well away from an RGB value, by default from the background."""
        against = self.mean if against is None else against
        names = [name for name in COLORS if color_distance(name, against) > far * 1.3]
        return self.rng.choice(names or ["black", "white"])

    def shade(self, name: str, spread: int = 14) -> tuple[int, ...]:
        """An RGB value near that of the named colour."""
        return tuple(min(255, max(0, v + self.rng.randint(-spread, spread))) for v in COLORS[name].rgb)

    # Things

    def random_concept(self) -> Concept:
        return self.rng.choice(self._held_out if self.held_out_art else self._concepts)

    def random_thing(self, p_shape: float) -> Thing:
        """A shape in a colour that shows on the background, or else a pictogram."""
        if self.rng.random() < p_shape:
            return Thing.shape(self.rng.choice(list(SHAPES)), self.contrast_color())
        return Thing.pictogram(self.random_concept())

    def recolor_if_hidden(self, thing: Thing) -> None:
        """Give a shape another colour when its own is close to the background."""
        if thing.is_shape and color_distance(thing.color, self.mean) < 140:
            thing.color = self.contrast_color()

    def draw(
        self, thing: Thing, size: float, taken: Iterable[Box] = (), near: tuple[float, float] | None = None
    ) -> Thing | None:
        """Draw a thing of about `size` pixels clear of the taken boxes; returns it with its box, or None."""
        box = (self._draw_shape if thing.is_shape else self._draw_pictogram)(thing, size, taken, near)
        if box is None:
            return None
        thing.box = tuple(float(v) for v in box)
        thing.size = (thing.box[2] - thing.box[0]) * (thing.box[3] - thing.box[1])
        return thing

    def _draw_shape(self, thing: Thing, size: float, taken, near) -> tuple | None:
        points = outline(self.rng, thing.en, size)
        low, high = points.min(0), points.max(0)
        spot = self._free_spot(*(high - low), taken, near)
        if spot is None:
            return None
        points = points - low + spot
        color = self.shade(thing.color)
        if thing.en == "ring":
            self._draw_ring(points.mean(0), (high - low)[0] / 2, color)
        else:
            corners = [np.round(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)]
            cv2.fillPoly(self.image, corners, color, cv2.LINE_AA, _SUBPIXEL_BITS)
            if self.rng.random() < 0.15:
                thickness = self.rng.randint(1, 2)
                cv2.polylines(self.image, corners, True, _INK, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
        return (*points.min(0), *points.max(0))

    def _draw_ring(self, center: np.ndarray, radius: float, color: tuple[int, ...]) -> None:
        width = max(4, radius * self.rng.uniform(0.25, 0.4))
        middle = tuple(np.round(center * (1 << _SUBPIXEL_BITS)).astype(int).tolist())
        fixed_radius = int((radius - width / 2) * (1 << _SUBPIXEL_BITS))
        cv2.circle(self.image, middle, fixed_radius, color, int(width), cv2.LINE_AA, _SUBPIXEL_BITS)

    def _draw_pictogram(self, thing: Thing, size: float, taken, near) -> tuple | None:
        sprite = choose_sprite(self.rng, thing.concept, self.held_out_art)
        thing.color = sprite.color
        patch = warp(self.rng, sprite, size)
        visible = patch[..., 3] > 40
        columns, rows = np.flatnonzero(visible.any(0)), np.flatnonzero(visible.any(1))
        x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
        spot = self._free_spot(x1 - x0, y1 - y0, taken, near)
        if spot is None:
            return None
        x, y = int(spot[0]) - int(x0), int(spot[1]) - int(y0)
        self._blend(patch, x, y)
        return x + x0, y + y0, x + x1, y + y1

    def _free_spot(self, width: float, height: float, taken, near) -> tuple[float, float] | None:
        """A top-left corner for a box that keeps clear of the taken ones, or None."""
        rng, right, bottom = self.rng, IMAGE_SIZE - 2 - width, IMAGE_SIZE - 2 - height
        for _ in range(_PLACING_TRIES):
            if near is None:
                x, y = rng.uniform(2, max(2.1, right)), rng.uniform(2, max(2.1, bottom))
            else:
                x = min(max(2, near[0] - width / 2 + rng.gauss(0, 6)), right)
                y = min(max(2, near[1] - height / 2 + rng.gauss(0, 6)), bottom)
            if all(x + width < b[0] + 1 or x > b[2] - 1 or y + height < b[1] + 1 or y > b[3] - 1 for b in taken):
                return x, y
        return None

    def _blend(self, patch: np.ndarray, x: int, y: int) -> None:
        """Premultiplied RGBA over the canvas."""
        found = self._overlap(patch, x, y)
        if found:
            patch, region = found
            behind = (region.astype(np.uint16) * (255 - patch[..., 3:]) // 255).astype(np.uint8)
            region[:] = patch[..., :3] + behind

    def _overlap(self, patch: np.ndarray, x: int, y: int) -> tuple[np.ndarray, np.ndarray] | None:
        """The part of a patch that lies on the canvas, and the part of the canvas under it."""
        height, width = patch.shape[:2]
        x0, y0, x1, y1 = max(0, x), max(0, y), min(IMAGE_SIZE, x + width), min(IMAGE_SIZE, y + height)
        if x1 <= x0 or y1 <= y0:
            return None
        return patch[y0 - y : y1 - y, x0 - x : x1 - x], self.image[y0:y1, x0:x1]

    # Text

    def write(self, text: str, at: tuple[float, float], size: int, color, font: str, align: str = "center") -> None:
        """One line, vertically centered on a point; `align` says which end of it stands there."""
        mask = self.lettering.mask(text, font, size)
        height, width = mask.shape
        x = at[0] - {"left": 0, "center": width / 2, "right": width}[align]
        self._ink(mask, x, at[1] - height / 2, color)

    def write_lines(self, lines: list[str], box: Box, color, font: str, max_size: int, tilt: bool = True) -> list[Box]:
        """Stacked lines as large as a random share of the box allows; returns the box of each."""
        boxes = []
        for mask, x, y in self.lettering.stack(lines, box, font, max_size, tilt):
            self._ink(mask, x, y, color)
            height, width = mask.shape
            boxes.append((max(0, x), max(0, y), min(IMAGE_SIZE, x + width), min(IMAGE_SIZE, y + height)))
        return boxes

    def _ink(self, mask: np.ndarray, x: float, y: float, color) -> None:
        found = self._overlap(mask[..., None], int(x), int(y))
        if found:
            alpha, region = found[0].astype(np.uint16), found[1]
            region[:] = ((region * (255 - alpha) + np.array(color, np.uint16) * alpha) // 255).astype(np.uint8)

    # The finished picture

    def developed(self) -> np.ndarray:
        """The canvas with camera-like blemishes now and then: blur, noise, JPEG, a small original scaled up."""
        rng, image = self.rng, self.image
        if rng.random() < 0.12:
            image = cv2.GaussianBlur(image, (3, 3), rng.uniform(0.4, 1))
        if rng.random() < 0.1:
            grain = self._noise.integers(-12, 13, image.shape, dtype=np.int16)
            image = np.clip(image.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        if rng.random() < 0.2:
            _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, rng.randint(45, 92)])
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        if rng.random() < 0.1:
            side = rng.randint(120, 200)
            small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_CUBIC)
        return image


def color_distance(name: str, rgb: Sequence[float]) -> float:
    """Sum of the channel differences between a named colour and an RGB value."""
    return np.abs(np.subtract(COLORS[name].rgb, rgb)).sum()
