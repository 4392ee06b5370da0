"""Places in a picture as the model says them: boxes on Qwen-VL's 1000-grid, areas, directions."""

import re

from .config import IMAGE_SIZE
from .vocabulary import Thing

Box = tuple[float, float, float, float]

AREAS = {  # (column, row) of a 3 x 3 grid: wording
    (0, 0): {"en": "in the top left", "zh": "左上角"},
    (1, 0): {"en": "at the top", "zh": "上方"},
    (2, 0): {"en": "in the top right", "zh": "右上角"},
    (0, 1): {"en": "on the left", "zh": "左侧"},
    (1, 1): {"en": "in the center", "zh": "中间"},
    (2, 1): {"en": "on the right", "zh": "右侧"},
    (0, 2): {"en": "in the bottom left", "zh": "左下角"},
    (1, 2): {"en": "at the bottom", "zh": "下方"},
    (2, 2): {"en": "in the bottom right", "zh": "右下角"},
}
RELATIONS = {
    "left": {"en": "to the left of", "zh": "左边"},
    "right": {"en": "to the right of", "zh": "右边"},
    "above": {"en": "above", "zh": "上面"},
    "below": {"en": "below", "zh": "下面"},
}
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
_CLEAR_OF_EDGE = 0.035  # of the picture's side


def box_tag(box: Box) -> str:
    """A pixel box as <box>(x0,y0),(x1,y1)</box> on the 1000-grid."""
    x0, y0, x1, y1 = (min(999, max(0, int(v / IMAGE_SIZE * 1000))) for v in box)
    return f"<box>({x0},{y0}),({x1},{y1})</box>"


def find_boxes(text: str) -> list[tuple[int, ...]]:
    """The boxes a text names, on the 1000-grid."""
    return [tuple(map(int, found)) for found in re.findall(r"\((\d+),(\d+)\),\((\d+),(\d+)\)", text)]


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def area(thing: Thing) -> dict[str, str]:
    """The ninth of the picture that holds the thing's center."""
    column, row = (min(2, int(c / IMAGE_SIZE * 3)) for c in thing.center)
    return AREAS[column, row]


def area_is_clear(thing: Thing) -> bool:
    """Whether the center is well away from the edges between the ninths."""
    return all(abs(c / IMAGE_SIZE - edge) > _CLEAR_OF_EDGE for c in thing.center for edge in (1 / 3, 2 / 3))


def relation(a: Thing, b: Thing) -> str | None:
    """How a lies to b: left, right, above or below; None when no direction is clear."""
    dx, dy = a.center[0] - b.center[0], a.center[1] - b.center[1]
    if abs(dx) > 1.4 * abs(dy) and abs(dx) > 25:
        return "left" if dx < 0 else "right"
    if abs(dy) > 1.4 * abs(dx) and abs(dy) > 25:
        return "above" if dy < 0 else "below"
    return None
