"""What every kind of question needs: the random stream, the phrasing, and things that are not in the picture."""

import random
from collections.abc import Iterable

from ..draw.painter import Painter
from ..scenes.picture import Picture
from ..vocabulary import COLORS, Thing
from ..wording import Names
from .question import Phrasing


class Context:
    def __init__(self, painter: Painter, held_out: bool):
        self.rng: random.Random = painter.rng
        self.phrasing = Phrasing(self.rng, held_out)
        self.ask = self.phrasing.ask
        self._painter = painter

    def the(self, thing: Thing, names: Names) -> str:
        """The thing's name, half of the time with a colour it could go without."""
        return names.the(thing, full=self.rng.random() < 0.5)

    def absent(self, things: Iterable[Thing], countable: bool = False) -> Thing:
        """Something that is not among the things; rarely a shape of theirs in another colour."""
        things = list(things)
        keys, shapes = {thing.key for thing in things}, {thing.en for thing in things}
        p_shape = 0.5 if any(thing.is_shape for thing in things) else 0.25
        while True:
            thing = self._painter.random_thing(p_shape)
            if thing.is_shape:
                thing.color = self.rng.choice(list(COLORS))
            if countable and not thing.countable:
                continue
            if thing.key in keys:
                continue
            if not thing.is_shape or thing.en not in shapes or self.rng.random() < 0.3:
                return thing


def count(things: Iterable[Thing], wanted: Thing) -> int:
    return sum(thing.key == wanted.key for thing in things)


def only_ones(pic: Picture) -> list[Thing]:
    """The things that "the .." names without doubt."""
    return [thing for thing in pic.things if count(pic.things, thing) == 1]
