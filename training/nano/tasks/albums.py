"""Questions about two or three pictures at once. Pictures are named by their number, as in the prompt."""

from collections.abc import Iterator

from ..phrases import say
from ..scenes.picture import Picture
from ..vocabulary import COLORS, Thing
from ..wording import ORDINALS, ZH_DIGITS, Names
from .caption import caption
from .context import Context, count
from .question import Question


def number_slots(i: int) -> dict:
    """The ways a question can name the picture with index i."""
    return {"number": i + 1, "ordinal": ORDINALS[i], "zh_number": ZH_DIGITS[i]}


def _things(pics: list[Picture]) -> Iterator[Thing]:
    return (thing for pic in pics for thing in pic.things)


def ask_which(c: Context, pics: list[Picture], lang: str) -> Question | None:
    """Which picture has a thing; one question in five is about an absent one."""
    if c.rng.random() < 0.8:
        pic = pics[c.rng.randrange(len(pics))]
        if not pic.things:
            return None
        thing = c.rng.choice(pic.things)
    else:
        thing = c.absent(_things(pics))
    names = Names([], lang)
    a, noun = names.a(thing), names.noun(thing, full=True)
    question = c.ask("which_pic", lang, a=a, noun=noun)
    have = [i + 1 for i, pic in enumerate(pics) if count(pic.things, thing)]
    if not have:
        answer = say(lang, f"None of the pictures has {a}.", f"图中都没有{noun}。")
    elif len(have) == 1:
        answer = say(lang, f"Picture {have[0]} has {a}.", f"图{have[0]}里有{noun}。")
    elif len(have) == len(pics):
        answer = say(lang, f"All pictures have {a}.", f"每张图里都有{noun}。")
    else:
        answer = say(lang, f"Pictures {have[0]} and {have[1]} have {a}.", f"图{have[0]}和图{have[1]}里有{noun}。")
    return Question("multi_which", lang, question, answer)


def ask_background(c: Context, pics: list[Picture], lang: str) -> Question | None:
    """Which picture has a background colour that no other one has."""
    backgrounds = [pic.background for pic in pics]
    i = c.rng.randrange(len(pics))
    if not all(backgrounds) or backgrounds.count(backgrounds[i]) > 1:
        return None
    color = say(lang, backgrounds[i], COLORS[backgrounds[i]].zh)
    answer = say(lang, f"Picture {i + 1} has a {color} background.", f"图{i + 1}的背景是{color}的。")
    return Question("multi_background", lang, c.ask("which_color_pic", lang, color=color), answer)


def ask_what(c: Context, pics: list[Picture], lang: str) -> Question:
    i = c.rng.randrange(len(pics))
    return Question("multi_what", lang, c.ask("pic_what", lang, **number_slots(i)), caption(pics[i], lang))


def ask_count(c: Context, pics: list[Picture], lang: str) -> Question | None:
    """How many of a thing there are in one of the pictures, none included."""
    i = c.rng.randrange(len(pics))
    options = [thing for thing in _things(pics) if thing.countable]
    if not options:
        return None
    thing, names = c.rng.choice(options), Names([], lang)
    n, many, k = count(pics[i].things, thing), names.many(thing), i + 1
    question = c.ask("pic_count", lang, many=many, measure=thing.measure, **number_slots(i))
    if n == 0:
        answer = say(lang, f"There are no {many} in Picture {k}.", f"图{k}中没有{many}。")
    else:
        counted = f"is 1 {names.noun(thing, full=True)}" if n == 1 else f"are {n} {many}"
        answer = say(lang, f"There {counted} in Picture {k}.", f"图{k}中有{n}{thing.measure}{many}。")
    return Question("multi_count", lang, question, answer)


def ask_more(c: Context, pics: list[Picture], lang: str) -> Question | None:
    options = [thing for thing in _things(pics) if thing.countable]
    if len(pics) != 2 or not options:
        return None
    thing = c.rng.choice(options)
    first, second = (count(pic.things, thing) for pic in pics)
    if first == second:
        return None
    k, many = 1 if first > second else 2, Names([], lang).many(thing)
    answer = say(lang, f"Picture {k} has more {many}.", f"图{k}的{many}更多。")
    return Question("multi_more", lang, c.ask("pic_more", lang, many=many), answer)


def ask_difference(c: Context, pics: list[Picture], lang: str) -> Question | None:
    if len(pics) != 2 or any(len(pic.texts) > 2 for pic in pics):
        return None
    first, second = (caption(pic, lang) for pic in pics)
    if first == second:
        answer = say(lang, f"Both pictures show the same: {first}", f"两张图相同：{first}")
    else:
        answer = say(lang, f"Picture 1: {first} Picture 2: {second}", f"图1：{first}图2：{second}")
    return Question("multi_difference", lang, c.ask("difference", lang), answer)


def ask_same(c: Context, pics: list[Picture], lang: str) -> Question | None:
    if len(pics) != 2 or any(pic.kind != "single" for pic in pics):
        return None
    first, second = (pic.things[0] for pic in pics)
    names = Names([], lang)
    a, b = names.a(first), names.a(second)
    if first.key == second.key:
        answer = say(lang, f"Yes, both pictures show {a}.", f"是的，两张图都是{a}。")
    else:
        answer = say(lang, f"No, Picture 1 shows {a} and Picture 2 shows {b}.", f"不是，图1是{a}，图2是{b}。")
    return Question("multi_same", lang, c.ask("same", lang), answer)
