"""Questions that are answered with boxes, or asked with one."""

from ..geometry import Box, box_tag
from ..phrases import say
from ..scenes.picture import Picture
from ..wording import Names, join, left_to_right
from .caption import says
from .context import Context, only_ones
from .question import Question


def _ref(text: str, *boxes: Box) -> str:
    return f"<ref>{text}</ref>" + "".join(map(box_tag, boxes))


def _jittered(c: Context, box: Box) -> Box:
    """A box as a user would drag it."""
    width, height = box[2] - box[0], box[3] - box[1]
    return tuple(v + c.rng.gauss(0, 0.04) * extent for v, extent in zip(box, (width, height) * 2, strict=True))


def ask_box(c: Context, pic: Picture, lang: str) -> Question | None:
    """The box of one thing, or all boxes where every thing is there several times."""
    options, names = only_ones(pic), Names(pic.things, lang)
    if not options:
        return _ask_all_boxes(c, pic, lang, names)
    thing = c.rng.choice(options)
    the = ref = c.the(thing, names)
    if pic.kind == "single" and c.rng.random() < 0.25:
        the, ref = say(lang, "it", "它"), names.the(thing)
    return Question("ground", lang, c.ask("ground", lang, the=the), _ref(ref, thing.box))


def _ask_all_boxes(c: Context, pic: Picture, lang: str, names: Names) -> Question | None:
    thing = c.rng.choice(pic.things)
    same = left_to_right(other for other in pic.things if other.key == thing.key)
    if len(same) > 4:
        return None
    the = say(lang, "all ", "所有") + names.many(thing)
    answer = _ref(the, *(other.box for other in same))
    return Question("ground_all", lang, c.ask("ground", lang, the=the), answer)


def ask_region(c: Context, pic: Picture, lang: str) -> Question:
    thing = c.rng.choice(pic.things)
    name = Names(pic.things, lang).a(thing)
    question = c.ask("region", lang, box=box_tag(_jittered(c, thing.box)))
    return Question("region", lang, question, say(lang, f"It is {name}.", f"这是{name}。"))


def ask_grounded_caption(c: Context, pic: Picture, lang: str) -> Question | None:
    if len(pic.things) > 4:
        return None
    names = Names(pic.things, lang)
    parts = [_ref(names.a(thing), thing.box) for thing in left_to_right(pic.things)]
    return Question("ground_caption", lang, c.ask("ground_caption", lang), join(parts, lang))


def ask_text_box(c: Context, pic: Picture, lang: str) -> Question | None:
    i = c.rng.randrange(len(pic.texts))
    text = pic.texts[i]
    if pic.texts.count(text) > 1:
        return None
    question = c.ask("ground", lang, the=say(lang, f'the text "{text}"', f"文字“{text}”"))
    return Question("ground_text", lang, question, _ref(text, pic.text_boxes[i]))


def ask_region_text(c: Context, pic: Picture, lang: str) -> Question:
    i = c.rng.randrange(len(pic.texts))
    question = c.phrasing.ask_open("region_text", lang, box=box_tag(_jittered(c, pic.text_boxes[i])))
    return Question("region_text", lang, question, says(pic.texts[i], lang))
