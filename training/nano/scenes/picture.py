"""A finished picture and what is known about it."""

from dataclasses import dataclass, field

import numpy as np

from ..draw.painter import Painter
from ..geometry import Box
from ..vocabulary import Thing


@dataclass
class Chart:
    kind: str  # bar, line or pie
    labels: list[str]
    values: list[int]
    unit: str
    colors: list[str] | None  # of the items, where they tell them apart
    title: str | None


@dataclass
class Goods:
    """A line of a receipt; prices as printed."""

    name: str
    price: str


@dataclass
class Picture:
    image: np.ndarray  # [224, 224, 3], uint8
    kind: str  # single, multi, count, text, label, receipt or chart
    background: str | None = None
    held_out_art: bool = False
    things: list[Thing] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)  # printed lines
    text_boxes: list[Box] = field(default_factory=list)
    lang: str = "en"  # of the printed text
    goods: list[Goods] = field(default_factory=list)
    total: str | None = None  # of a receipt
    chart: Chart | None = None


def develop(painter: Painter, kind: str, **facts) -> Picture:
    """The painter's canvas as a picture."""
    return Picture(painter.developed(), kind, painter.background, painter.held_out_art, **facts)
