"""Questions about where things are and how they compare."""

from ..geometry import OPPOSITE, RELATIONS, area, area_is_clear, relation
from ..phrases import say
from ..scenes.picture import Picture
from ..vocabulary import Thing
from ..wording import Names, capital
from .context import Context, only_ones
from .question import Question


def ask_where(c: Context, pic: Picture, lang: str) -> Question | None:
    options = [thing for thing in only_ones(pic) if area_is_clear(thing)]
    if not options:
        return None
    thing, names = c.rng.choice(options), Names(pic.things, lang)
    subject = names.the(thing)
    the = (say(lang, "it", "它") if c.rng.random() < 0.5 else subject) if pic.kind == "single" else c.the(thing, names)
    place = area(thing)[lang]
    answer = say(lang, f"{capital(subject)} {thing.verb} {place}.", f"{subject}在图片的{place}。")
    return Question("where", lang, c.ask("where", lang, the=the), answer)


def _pair(c: Context, pic: Picture) -> list[Thing] | None:
    options = only_ones(pic)
    return c.rng.sample(options, 2) if len(options) >= 2 else None


def ask_if_related(c: Context, pic: Picture, lang: str) -> Question | None:
    pair = _pair(c, pic)
    true = pair and relation(*pair)
    if not true:
        return None
    rng, names = c.rng, Names(pic.things, lang)
    said = true if rng.random() < 0.5 else OPPOSITE[true] if rng.random() < 0.7 else rng.choice(list(RELATIONS))
    the, the2 = (names.the(thing) for thing in pair)
    verdict = say(lang, "Yes", "是的") if said == true else say(lang, "No", "不是")
    statement = _statement(the, pair[0].verb, true, the2, lang)
    question = c.ask("yesno_rel", lang, the=the, the2=the2, rel=RELATIONS[said][lang])
    return Question("relation", lang, question, verdict + say(lang, ", ", "，") + statement)


def ask_how_related(c: Context, pic: Picture, lang: str) -> Question | None:
    pair = _pair(c, pic)
    true = pair and relation(*pair)
    if not true:
        return None
    names = Names(pic.things, lang)
    the, the2 = (names.the(thing) for thing in pair)
    answer = capital(_statement(the, pair[0].verb, true, the2, lang))
    return Question("relation", lang, c.ask("how_rel", lang, the=the, the2=the2), answer)


def _statement(the: str, verb: str, rel: str, the2: str, lang: str) -> str:
    shown = RELATIONS[rel][lang]
    return say(lang, f"{the} {verb} {shown} {the2}.", f"{the}在{the2}的{shown}。")


def ask_what_is_there(c: Context, pic: Picture, lang: str) -> Question | None:
    """What lies left of something; only where every thing has a clear direction from it."""
    if len(pic.things) > 3 or len(only_ones(pic)) < len(pic.things):
        return None
    anchor = c.rng.choice(pic.things)
    by_relation: dict[str, list[Thing]] = {}
    for thing in pic.things:
        if thing is not anchor:
            rel = relation(thing, anchor)
            if rel is None:
                return None
            by_relation.setdefault(rel, []).append(thing)
    clear = [rel for rel, things in by_relation.items() if len(things) == 1]
    if not clear:
        return None
    rel = c.rng.choice(clear)
    names = Names(pic.things, lang)
    the2, a, shown = names.the(anchor), names.a(by_relation[rel][0]), RELATIONS[rel][lang]
    answer = say(lang, f"{capital(a)} is {shown} {the2}.", f"{the2}的{shown}是{a}。")
    return Question("relation", lang, c.ask("what_rel", lang, the2=the2, rel=shown), answer)


def ask_size(c: Context, pic: Picture, lang: str) -> Question | None:
    pair = _pair(c, pic)
    if not pair or max(thing.size for thing in pair) < 1.6 * min(thing.size for thing in pair):
        return None
    names, bigger = Names(pic.things, lang), c.rng.random() < 0.6
    the, the2 = (names.the(thing) for thing in pair)
    thing = (max if bigger else min)(pair, key=lambda thing: thing.size)
    subject = names.the(thing)
    if lang == "en":
        answer = f"{capital(subject)} {thing.verb} {'bigger' if bigger else 'smaller'}."
    else:
        answer = f"{subject}更{'大' if bigger else '小'}。"
    return Question("size", lang, c.ask("bigger" if bigger else "smaller", lang, the=the, the2=the2), answer)


def ask_largest(c: Context, pic: Picture, lang: str) -> Question | None:
    first, second = sorted(pic.things, key=lambda thing: -thing.size)[:2]
    if first.size < 1.4 * second.size:
        return None
    the = Names(pic.things, lang).the(first, full=True)
    answer = say(lang, f"The largest object is {the}.", f"最大的物体是{the}。")
    return Question("largest", lang, c.ask("largest", lang), answer)
