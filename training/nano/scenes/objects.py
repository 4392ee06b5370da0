"""Pictures of one thing, of several, and of many of the same kind."""

from ..config import IMAGE_SIZE
from ..draw.painter import Painter
from ..vocabulary import Thing
from .picture import Picture, develop

_CENTER = (IMAGE_SIZE / 2, IMAGE_SIZE / 2)
_SMALLEST = 26  # pixels, for a thing that found no room at its own size
_MULTI_SIZE = {1: 170, 2: 112, 3: 95, 4: 85, 5: 76}  # largest size by number of things; 70 from six on
_COUNT_SIZE = {1: 130, 2: 92, 3: 80, 4: 72, 5: 66, 6: 58, 7: 52}  # 46 from eight on


def distinct_things(painter: Painter, n: int, p_shape: float, countable: bool = False) -> list[Thing]:
    """n random things, no two the same."""
    found: dict = {}
    while len(found) < n:
        thing = painter.random_thing(p_shape)
        if thing.countable or not countable:
            found.setdefault(thing.key, thing)
    return list(found.values())


def single(painter: Painter, thing: Thing | None = None) -> Picture:
    rng = painter.rng
    painter.new_canvas()
    thing = thing or painter.random_thing(p_shape=0.22)
    if thing.is_shape:
        thing.color = painter.contrast_color()
    size = rng.uniform(110, 212) if rng.random() < 0.55 else rng.uniform(48, 130)
    near = _CENTER if rng.random() < 0.45 else None
    return develop(painter, "single", things=[painter.draw(thing, size, near=near)])


def multi(painter: Painter) -> Picture:
    """Two to six different things; only shapes, only pictograms, or both."""
    rng = painter.rng
    painter.new_canvas()
    n, kind = rng.choice([2, 2, 2, 3, 3, 3, 4, 4, 5, 6]), rng.random()
    things = distinct_things(painter, n, p_shape=1 if kind < 0.25 else 0 if kind < 0.5 else 0.35)
    for thing in things:
        painter.recolor_if_hidden(thing)
    unique: dict = {}
    for thing in things:
        unique.setdefault(thing.key, thing)  # a new colour may have made two shapes equal
    largest = _MULTI_SIZE.get(n, 70)
    sizes = [rng.uniform(34, largest) for _ in unique]
    return develop(painter, "multi", things=_scatter(painter, list(unique.values()), sizes))


def counted(painter: Painter, thing: Thing | None = None, n: int | None = None) -> Picture:
    """One to eight of a thing, often with a few others beside."""
    rng = painter.rng
    painter.new_canvas()
    thing = thing or distinct_things(painter, 1, 0.4, countable=True)[0]
    n = n or rng.choice([1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8])
    painter.recolor_if_hidden(thing)
    others = []
    if rng.random() < 0.5 and n < 7:
        others = [o for o in distinct_things(painter, rng.randint(1, 3), 0.3, countable=True) if o.en != thing.en]
        for other in others:
            if other.is_shape:
                other.color = painter.contrast_color()
    things = [thing.another() for _ in range(n)] + others
    rng.shuffle(things)
    base = rng.uniform(0.72, 1.0) * _COUNT_SIZE.get(len(things), 46)
    return develop(painter, "count", things=_scatter(painter, things, [base * rng.uniform(0.85, 1.1) for _ in things]))


def _scatter(painter: Painter, things: list[Thing], sizes: list[float]) -> list[Thing]:
    """Draw things in a line, in a grid or anywhere, without overlap; leaves out what finds no room."""
    taken, done = [], []
    spots, cell = _spots(painter, len(things))
    for thing, size, spot in zip(things, sizes, spots, strict=True):
        size = min(size, cell * 0.95)
        drawn = (
            painter.draw(thing, size, taken, spot)
            or painter.draw(thing, size * 0.7, taken)
            or painter.draw(thing, _SMALLEST, taken)
        )
        if drawn:
            done.append(drawn)
            taken.append(drawn.box)
    return done


def _spots(painter: Painter, n: int) -> tuple[list, float]:
    """A place for each of n things (None: anywhere) and the room that each has."""
    rng = painter.rng
    layout = rng.random()
    if layout < 0.3 and n <= 5:
        step, line = IMAGE_SIZE / n, rng.uniform(60, 164)
        spots = [((i + 0.5) * step, line) for i in range(n)]
        return ([(y, x) for x, y in spots] if rng.random() < 0.4 else spots), step
    if layout < 0.45:
        columns = 2 if n <= 4 else 3
        rows = -(-n // columns)
        cells = [(x, y) for y in range(rows) for x in range(columns)]
        rng.shuffle(cells)
        spots = [((x + 0.5) * IMAGE_SIZE / columns, (y + 0.5) * IMAGE_SIZE / rows) for x, y in cells[:n]]
        return spots, IMAGE_SIZE / max(columns, rows)
    return [None] * n, float("inf")
