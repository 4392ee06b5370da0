"""Questions about what is there: names, categories, colours, numbers, existence, descriptions."""

from ..geometry import area
from ..phrases import say
from ..scenes.picture import Picture
from ..vocabulary import CATEGORIES, COLORS
from ..wording import Names, article, capital, join, left_to_right
from .caption import caption
from .context import Context, count, only_ones
from .question import Question

_CATEGORY_PHRASES = {
    "food": "a kind of food",
    "clothing": "a piece of clothing",
    "device": "an electronic device",
    "music": "a music item",
    "sport": "a sports item",
}
_UNCLEAR_CATEGORIES = (  # pairs of which one does not rule out the other
    {"food", "fruit"},
    {"food", "vegetable"},
    {"fruit", "vegetable"},
    {"food", "drink"},
    {"plant", "fruit"},
    {"plant", "vegetable"},
)


def ask_name(c: Context, pic: Picture, lang: str) -> Question:
    thing = pic.things[0]
    name = Names(pic.things, lang).a(thing)
    task = "shape" if thing.is_shape else "name_unseen" if pic.held_out_art else "name"
    return Question(task, lang, c.ask("name", lang), say(lang, f"It is {name}.", f"这是{name}。"))


def _category(name: str, lang: str) -> str:
    return say(lang, _CATEGORY_PHRASES.get(name) or article(name), CATEGORIES[name])


def ask_is_category(c: Context, pic: Picture, lang: str) -> Question | None:
    thing = pic.things[0]
    if thing.is_shape or thing.concept.category not in CATEGORIES:
        return None
    true = thing.concept.category
    said = true if c.rng.random() < 0.5 else c.rng.choice(list(CATEGORIES))
    if {said, true} in _UNCLEAR_CATEGORIES:
        return None
    verdict = say(lang, "Yes", "是的") if said == true else say(lang, "No", "不是")
    shown = _category(true, lang)
    answer = say(lang, f"{verdict}, it is {shown}.", f"{verdict}，这是{shown}。")
    return Question("category", lang, c.ask("category", lang, cat=_category(said, lang)), answer)


def ask_category(c: Context, pic: Picture, lang: str) -> Question | None:
    thing = pic.things[0]
    if thing.is_shape or thing.concept.category not in CATEGORIES:
        return None
    shown = _category(thing.concept.category, lang)
    return Question("category", lang, c.ask("kind", lang), say(lang, f"It is {shown}.", f"这是{shown}。"))


def ask_color(c: Context, pic: Picture, lang: str) -> Question | None:
    names = Names(pic.things, lang)
    options = [t for t in only_ones(pic) if t.color and (not t.is_shape or names.known_by_shape(t))]
    if not options:
        return None
    thing = c.rng.choice(options)
    subject = names.the(thing)
    the = say(lang, "it", "它") if pic.kind == "single" and c.rng.random() < 0.5 else subject
    color = COLORS[thing.color].zh
    answer = say(lang, f"{capital(subject)} {thing.verb} {thing.color}.", f"{subject}是{color}的。")
    return Question("color", lang, c.ask("color", lang, the=the), answer)


def ask_background(c: Context, pic: Picture, lang: str) -> Question:
    answer = _background(pic, lang)
    return Question("background", lang, c.ask("background", lang), answer)


def _background(pic: Picture, lang: str) -> str:
    return say(lang, f"The background is {pic.background}.", f"背景是{COLORS[pic.background].zh}的。")


def ask_count(c: Context, pic: Picture, lang: str) -> Question | None:
    """How many of a thing; now and then of one that is absent."""
    rng, names = c.rng, Names(pic.things, lang)
    options = [thing for thing in pic.things if thing.countable]
    if not options:
        return None
    thing = rng.choice(options)
    full = not (thing.is_shape and names.known_by_shape(thing) and rng.random() < 0.5)
    n = count(pic.things, thing)
    if rng.random() < 0.07:
        thing, n, full = c.absent(pic.things, countable=True), 0, True
    many = names.many(thing, full)
    if n == 0:
        answer = say(lang, f"There are no {many}.", f"图中没有{many}。")
    else:
        counted = f"is 1 {names.noun(thing, full)}" if n == 1 else f"are {n} {many}"
        answer = say(lang, f"There {counted}.", f"图中有{n}{thing.measure}{many}。")
    task = "count" if n <= 5 else "count_6_8"
    return Question(task, lang, c.ask("count", lang, many=many, measure=thing.measure), answer)


def ask_total(c: Context, pic: Picture, lang: str) -> Question:
    n = len(pic.things)
    answer = say(lang, "There is 1 object." if n == 1 else f"There are {n} objects.", f"图中有{n}个物体。")
    return Question("total", lang, c.ask("total", lang), answer)


def ask_exists(c: Context, pic: Picture, lang: str) -> Question:
    rng, names = c.rng, Names(pic.things, lang)
    there = rng.random() < 0.5
    thing = rng.choice(pic.things) if there else c.absent(pic.things)
    others = {other.en for other in pic.things if other.key != thing.key}
    by_shape = thing.is_shape and thing.en not in others and rng.random() < 0.4  # "a circle" without its colour
    noun = say(lang, thing.en, thing.zh) if by_shape else names.noun(thing, full=True)
    a = article(thing.en) if by_shape else names.a(thing)
    if there:
        answer = say(lang, f"Yes, there is {a}.", f"有，图中有{noun}。")
    else:
        answer = say(lang, f"No, there is no {noun}.", f"没有，图中没有{noun}。")
    return Question("exist", lang, c.ask("exist", lang, a=a, noun=noun), answer)


def ask_about_absent(c: Context, pic: Picture, lang: str) -> Question | None:
    """A question that takes something absent for granted."""
    thing, names = c.absent(pic.things), Names([], lang)
    intent = c.rng.choice(["color", "where", "ground"])
    if thing.is_shape and intent == "color":
        return None
    the = names.the(thing, full=True)
    answer = say(lang, f"I don't see {names.a(thing)} in the picture.", f"图中没有看到{the}。")
    return Question("refusal", lang, c.ask(intent, lang, the=the), answer)


def ask_caption(c: Context, pic: Picture, lang: str) -> Question:
    task = {"text": "ocr_caption", "receipt": "ocr_caption", "chart": "chart_describe"}.get(pic.kind, "caption")
    return Question(task, lang, c.ask("caption", lang), caption(pic, lang))


def ask_detail(c: Context, pic: Picture, lang: str) -> Question | None:
    """A description with the place of everything."""
    n, names = len(pic.things), Names(pic.things, lang)
    if n > 5:
        return None
    things = left_to_right(pic.things)
    if lang == "en":
        parts = [f"{names.a(thing)} {area(thing)[lang]}" for thing in things]
        text = f"The picture shows {n} object{'s' if n > 1 else ''}: {join(parts, lang)}."
    else:
        text = f"图中有{n}个物体：" + "，".join(f"{area(thing)[lang]}有{names.a(thing)}" for thing in things) + "。"
    if pic.background:
        text += say(lang, " ", "") + _background(pic, lang)
    return Question("detail", lang, c.ask("detail", lang), text)
