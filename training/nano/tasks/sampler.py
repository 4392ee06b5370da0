"""The task mixture: random pictures, and random questions that fit them."""

import random
from collections.abc import Callable

from ..phrases import ANSWER_IN, NO_IMAGE, OPEN_QUESTIONS, QUESTIONS, TALK
from ..scenes.picture import Picture
from ..scenes.sampler import SceneSampler
from ..vocabulary import Concept
from . import albums, charts, grounding, objects, reading, relations
from .context import Context
from .question import Question

Ask = Callable[[Context, Picture, str], Question | None]
_TRIES = 20  # questions that do not fit the picture, before a caption is asked for
_RETOLD = {"caption", "name", "detail", "total", "largest", "background"}  # tasks that are their own intent


class TaskSampler:
    """Everything random about the data, from one seed.

    held_out: words, phrasings and artwork that training never shows; reading: more printed text.
    """

    def __init__(self, concepts: list[Concept], seed: int, held_out: bool = False, reading: bool = False):
        self.rng = random.Random(seed)
        self.scenes = SceneSampler(concepts, self.rng, held_out, reading)
        self._context = Context(self.scenes.painter, held_out)

    def question(self, pic: Picture, lang: str | None = None) -> Question:
        """A question about one picture, in a random language unless one is wanted."""
        asks, weights = zip(*question_mix(pic), strict=True)
        for _ in range(_TRIES):
            ask = self.rng.choices(asks, weights)[0]
            asked_in = lang or self._language()
            question = ask(self._context, pic, asked_in)
            if question:
                break
        else:
            return objects.ask_caption(self._context, pic, lang or self._language())
        if lang is None and self.rng.random() < 0.035 and "<box>" not in question.question:
            return self._retold(question, ask, pic) or question
        return question

    def album_question(self, pics: list[Picture], lang: str | None = None) -> Question | None:
        """A question about several pictures; None when the chosen kind does not fit them."""
        mix = (
            (albums.ask_which, 3),
            (albums.ask_what, 2.5),
            (albums.ask_count, 1.5),
            (albums.ask_more, 2),
            (albums.ask_difference, 2),
            (albums.ask_same, 1),
            (self._ask_about_one, 2.5),
            (albums.ask_background, 0.7),
        )
        lang = lang or self._language()
        asks, weights = zip(*mix, strict=True)
        return self.rng.choices(asks, weights)[0](self._context, pics, lang)

    def talk(self, with_image: bool = False) -> Question:
        """Small talk; without a picture also questions that need one."""
        lang = self._language()
        if not with_image and self.rng.random() < 0.3:
            intent = self.rng.choice(["name", "caption", "ocr", "detail", "total"])
            return Question("no_image", lang, self._context.ask(intent, lang), NO_IMAGE[lang])
        topic = self.rng.choice(TALK)
        text = self.rng.choice(topic["questions"][lang])
        if self.rng.random() < 0.3:
            text = text.lower().rstrip("?.!？。！")
        return Question("talk", lang, text, topic["answer"][lang])

    def _language(self) -> str:
        return "en" if self.rng.random() < 0.55 else "zh"

    def _retold(self, question: Question, ask: Ask, pic: Picture) -> Question | None:
        """The same kind of question with its answer in the other language, asked for where a note can say so."""
        state = self.rng.getstate()
        lang = "zh" if question.lang == "en" else "en"
        other = ask(self._context, pic, lang)
        if not other or other.task != question.task:
            self.rng.setstate(state)
            return None
        note = self.rng.choice(ANSWER_IN[lang])
        if other.task not in _RETOLD:
            return other
        templates = QUESTIONS[other.task][question.lang][:-2]
        templates = [text for text in templates if "English" not in text and "中文" not in text]
        return Question(f"{other.task}_translated", lang, self.rng.choice(templates) + note, other.answer)

    def _ask_about_one(self, c: Context, pics: list[Picture], lang: str) -> Question | None:
        """An ordinary question about one named picture."""
        i = self.rng.randrange(len(pics))
        question = self.question(pics[i], lang)
        if "<box>" in question.question or "<box>" in question.answer:
            return None
        template = self.rng.choice(OPEN_QUESTIONS["about_pic"][lang])
        text = template.format(question=question.question, **albums.number_slots(i))
        return Question("multi_any", lang, text, question.answer)


def question_mix(pic: Picture) -> list[tuple[Ask, float]]:
    """The kinds of questions that may fit the picture, with their weights."""
    mix: list[tuple[Ask, float]] = []
    if pic.things:
        mix += _about_things(pic)
    if pic.texts:
        mix += _about_text(pic)
    if pic.goods:
        mix += [(reading.ask_price, 4), (reading.ask_total_price, 1.5), (objects.ask_caption, 0.7)]
    if pic.chart:
        mix += _about_chart(pic)
    return mix


def _about_things(pic: Picture) -> list[tuple[Ask, float]]:
    n, mix = len(pic.things), []
    if pic.kind in ("single", "label"):
        mix += [(objects.ask_name, 4), (objects.ask_is_category, 1), (objects.ask_category, 0.7)]
    if pic.kind != "label":
        mix += [
            (objects.ask_caption, 1.2 if pic.kind == "single" else 3),
            (objects.ask_detail, 1.6 if n > 1 else 0.8),
            (grounding.ask_grounded_caption, 0.5 if n == 1 else 1.8 if n < 5 else 0),
            (objects.ask_total, 1),
            (objects.ask_count, 2.5 if n > 1 else 0.3),
        ]
    mix += [
        (objects.ask_exists, 2.2),
        (objects.ask_color, 1.6),
        (grounding.ask_box, 2),
        (grounding.ask_region, 1.1),
        (relations.ask_where, 1.2),
        (objects.ask_about_absent, 0.5),
    ]
    if pic.background:
        mix.append((objects.ask_background, 0.6))
    if n > 1:
        mix += [
            (relations.ask_if_related, 1.6),
            (relations.ask_what_is_there, 1.1),
            (relations.ask_how_related, 1.1),
            (relations.ask_size, 1.2),
            (relations.ask_largest, 0.6),
        ]
    return mix


def _about_text(pic: Picture) -> list[tuple[Ask, float]]:
    mix: list[tuple[Ask, float]] = [(reading.ask_text, 6 if pic.kind == "text" else 2.5)]
    if pic.kind != "receipt":
        mix += [(objects.ask_caption, 1.2), (grounding.ask_text_box, 1.2), (grounding.ask_region_text, 0.7)]
    if len(pic.texts) > 1 and pic.kind == "text":
        mix.append((reading.ask_line, 1.5))
    return mix


def _about_chart(pic: Picture) -> list[tuple[Ask, float]]:
    mix: list[tuple[Ask, float]] = [
        (charts.ask_type, 1),
        (charts.ask_value, 4),
        (charts.ask_highest, 1.5),
        (charts.ask_lowest, 1.2),
        (charts.ask_number_of_items, 1),
        (charts.ask_compare, 1),
        (charts.ask_description, 2),
    ]
    if pic.chart.colors:
        mix.append((charts.ask_item_color, 1))
    if pic.chart.title:
        mix.append((charts.ask_title, 0.5))
    return mix
