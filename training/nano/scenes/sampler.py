"""Draws random pictures of every kind, and albums of related ones."""

import random
from collections.abc import Callable
from functools import partial

from ..draw.painter import Painter
from ..vocabulary import Concept
from .chart import chart
from .objects import counted, distinct_things, multi, single
from .picture import Picture
from .printed import Printer

# Share of each kind of picture.
BALANCED = {"single": 0.23, "multi": 0.25, "counted": 0.12, "text": 0.20, "label": 0.04, "receipt": 0.05, "chart": 0.11}
READING = {"single": 0.14, "multi": 0.19, "counted": 0.08, "text": 0.35, "label": 0.06, "receipt": 0.06, "chart": 0.12}


class SceneSampler:
    """held_out: words, and now and then artwork, that training never shows; reading: more printed text."""

    def __init__(self, concepts: list[Concept], rng: random.Random, held_out: bool = False, reading: bool = False):
        self.painter = Painter(concepts, rng)
        self._rng, self._held_out = rng, held_out
        self._shares = READING if reading else BALANCED
        printer = Printer(self.painter, concepts, held_out, reading)
        self._draw: dict[str, Callable[[], Picture]] = {
            "single": partial(single, self.painter),
            "multi": partial(multi, self.painter),
            "counted": partial(counted, self.painter),
            "text": printer.text,
            "label": printer.label,
            "receipt": printer.receipt,
            "chart": partial(chart, self.painter),
        }

    def picture(self) -> Picture:
        self.painter.held_out_art = self._held_out and self._rng.random() < 0.15
        kind = self._rng.choices(list(self._shares), self._shares.values())[0]
        return self._draw[kind]()

    def objects(self) -> Picture:
        """A picture of one thing, or less often of several."""
        return self._draw["single" if self._rng.random() < 0.6 else "multi"]()

    def album(self, n: int) -> list[Picture]:
        """n pictures; of two, some show the same thing, or different numbers of it."""
        rng, painter = self._rng, self.painter
        painter.held_out_art = False
        kind = rng.random()
        if n == 2 and kind < 0.15:
            thing = painter.random_thing(p_shape=0.3)
            return [single(painter, thing.another()) for _ in range(2)]
        if n == 2 and kind < 0.4:
            thing = distinct_things(painter, 1, 0.4, countable=True)[0]
            return [counted(painter, thing.another(), count) for count in rng.sample(range(1, 7), 2)]
        kinds = ["single", "single", "multi", "counted", "text"]
        return [self._draw[rng.choice(kinds)]() for _ in range(n)]
