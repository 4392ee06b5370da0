"""English and Chinese names of drawn things: articles, plurals, measure words, lists."""

from collections.abc import Iterable

from .phrases import say
from .vocabulary import COLORS, GROUPS, MASS, PAIRS, Thing

ORDINALS = ("first", "second", "third", "fourth")
EN_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ZH_DIGITS = "一二三四五六七八九十"
_SAME_PLURAL = {"sheep", "fish", "deer", "shrimp", "squid", "dice", "blowfish"}
_TAKES_ES = {"tomato", "potato", "mango", "volcano", "tornado", "mosquito", "flamingo"}
_IRREGULAR_PLURALS = {
    "wolf": "wolves",
    "knife": "knives",
    "scarf": "scarves",
    "goose": "geese",
    "cherry": "cherries",
    "leaf": "leaves",
    "maple leaf": "maple leaves",
    "mouse": "mice",
    "computer mouse": "computer mice",
}


def capital(text: str) -> str:
    """The text with its first letter in upper case, the others as they are."""
    return text[:1].upper() + text[1:]


def article(word: str) -> str:
    """The word after "a" or "an"."""
    vowel = word[0].lower() in "aeiou" and not word.startswith(("uni", "one", "uk"))
    return ("an " if vowel else "a ") + word


def plural(word: str) -> str:
    if word in _SAME_PLURAL:
        return word
    if word in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[word]
    if word in _TAKES_ES or word.endswith(("s", "x", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def zh_number(n: int) -> str:
    """A number before a measure word: two is 两 there."""
    return "两" if n == 2 else ZH_DIGITS[n - 1]


def join(parts: list[str], lang: str) -> str:
    if len(parts) == 1:
        return parts[0]
    return say(lang, ", ".join(parts[:-1]) + " and " + parts[-1], "、".join(parts[:-1]) + "和" + parts[-1])


class Names:
    """How the things of one picture are called in one language.

    Colours are named only where shapes need them: a shape that is alone of its kind may go without,
    unless `full` asks for it or the name introduces the thing.
    """

    def __init__(self, things: Iterable[Thing], lang: str):
        shapes = [thing for thing in things if thing.is_shape]
        self.lang = lang
        self._bare = {s.key for s in shapes if all(o.color == s.color for o in shapes if o.en == s.en)}

    def known_by_shape(self, thing: Thing) -> bool:
        """Whether a shape is told from the others without its colour."""
        return thing.key in self._bare

    def noun(self, thing: Thing, full: bool = False) -> str:
        """dog, red circle; 狗, 红色的圆形."""
        name = say(self.lang, thing.en, thing.zh)
        if thing.is_shape and (full or thing.key not in self._bare):
            return say(self.lang, f"{thing.color} {name}", f"{COLORS[thing.color].zh}的{name}")
        return name

    def a(self, thing: Thing) -> str:
        """a dog, a pair of skis; 一只狗."""
        if self.lang == "zh":
            return f"一{thing.measure}{self.noun(thing, full=True)}"
        if thing.en in PAIRS:
            return f"a pair of {thing.en}"
        if thing.en in GROUPS:
            return GROUPS[thing.en]
        if thing.en in MASS:
            return thing.en
        return article(self.noun(thing, full=True))

    def the(self, thing: Thing, full: bool = False) -> str:
        """the dog; 狗."""
        return say(self.lang, "the ", "") + self.noun(thing, full)

    def many(self, thing: Thing, full: bool = True) -> str:
        """dogs, red circles; 狗."""
        if self.lang == "zh":
            return self.noun(thing, full)
        color = f"{thing.color} " if thing.is_shape and (full or thing.key not in self._bare) else ""
        return color + plural(thing.en)

    def listing(self, things: Iterable[Thing]) -> str:
        """All things from left to right, equal ones counted together."""
        groups: dict = {}
        for thing in left_to_right(things):
            groups.setdefault(thing.key, []).append(thing)
        return join([self._group(group[0], len(group)) for group in groups.values()], self.lang)

    def _group(self, thing: Thing, n: int) -> str:
        if n == 1:
            return self.a(thing)
        counted = say(self.lang, f"{EN_NUMBERS[n]} ", f"{zh_number(n)}{thing.measure}")
        return counted + self.many(thing)


def left_to_right(things: Iterable[Thing]) -> list[Thing]:
    return sorted(things, key=lambda thing: thing.box[0] + thing.box[2])
