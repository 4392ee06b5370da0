"""Training rows: dialogs around pictures as fixed-length arrays.

Several questions about the same pictures share one row: each is a segment that sees the common
prefix and itself, with positions that continue from the prefix.
"""

from typing import NamedTuple

import numpy as np

from .chatml import ChatEncoder
from .config import ROW_LENGTH
from .phrases import SYSTEM_PROMPTS, say
from .scenes.picture import Picture
from .schedule import Stage
from .tasks.caption import caption
from .tasks.question import Question
from .tasks.sampler import TaskSampler
from .tokenizer import Tokenizer

PREFIX_SEGMENT = 0  # seen by all
PAD_SEGMENT = 127
LONGEST_ALBUM_ANSWER = 170  # characters

Ids = list[int]


class Row(NamedTuple):
    """Arrays of ROW_LENGTH. labels marks a position when its next token is trained."""

    ids: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    labels: np.ndarray


ROW_TYPES = Row(np.int16, np.int8, np.int16, np.bool_)


class _RowBuilder:
    def __init__(self, prefix: Ids):
        self._ids = list(prefix)
        self._segments = [PREFIX_SEGMENT] * len(prefix)
        self._positions = list(range(len(prefix)))
        self._labels = [False] * len(prefix)

    def add(self, question: Ids, answer: Ids, segment: int, position: int) -> bool:
        """Append a question and its trained answer, if they fit."""
        n = len(question) + len(answer)
        if len(self._ids) + n > ROW_LENGTH:
            return False
        self._ids += question + answer
        self._segments += [segment] * n
        self._positions += range(position, position + n)
        self._labels += [False] * (len(question) - 1) + [True] * len(answer) + [False]
        return True

    def row(self, pad: int) -> Row:
        n = ROW_LENGTH - len(self._ids)
        padded = Row(
            self._ids + [pad] * n,
            self._segments + [PAD_SEGMENT] * n,
            self._positions + [0] * n,
            self._labels + [False] * n,
        )
        return Row(*(np.array(values, dtype) for values, dtype in zip(padded, ROW_TYPES, strict=True)))


class RowSampler:
    """Random rows of one TaskSampler, each with its pictures."""

    def __init__(self, tasks: TaskSampler, tokenizer: Tokenizer):
        self._tasks, self._rng = tasks, tasks.rng
        self._tokenizer, self._encoder = tokenizer, ChatEncoder(tokenizer)

    def row(self, n_pictures: int, stage: Stage) -> tuple[Row, list[np.ndarray]]:
        """A row with 0 to 3 pictures for a training stage."""
        if n_pictures == 0:
            return self._talk(), []
        chat = stage == Stage.CHAT
        if n_pictures > 1:
            return self._album(n_pictures, chat)
        captions = stage == Stage.ALIGN or (stage == Stage.TEXT and self._rng.random() < 0.4)
        pic = self._tasks.scenes.picture()
        return self._captions(pic) if captions else self._one_picture(pic, chat), [pic.image]

    def _captions(self, pic: Picture) -> Row:
        """The format of pre-training: picture, prompt, answer, end of text."""
        t, segments = self._tokenizer, []
        for i, lang in enumerate(("en", "zh", "en", "zh")):
            if i < 2:
                prompt, answer = say(lang, "Generate the caption in English:", "用中文描述图片："), caption(pic, lang)
            else:
                question = self._tasks.question(pic, lang)
                prompt, answer = question.question, question.answer
            segments.append((t.encode(prompt), [*t.encode(say(lang, " ", "") + answer), t.end_of_text]))
        return self._segmented(self._encoder.image, segments)

    def _talk(self) -> Row:
        questions = [self._tasks.talk() for _ in range(12)]
        if self._rng.random() < 0.5:
            return self._segmented(self._system(), [self._segment(q) for q in questions])
        start, n = self._system(), self._rng.randint(2, 5)
        return self._dialog(start, [self._turn(q) for q in questions[:n]])

    def _one_picture(self, pic: Picture, chat: bool) -> Row:
        rng, kind = self._rng, self._rng.random()
        if kind < 0.05:
            return self._question_before_picture(pic)
        start = self._system() + self._encoder.pictures(1, 1)
        distinct: dict[tuple[str, str], Question] = {}
        for question in [self._tasks.question(pic) for _ in range(9)]:
            distinct.setdefault((question.task, question.answer), question)
        questions = list(distinct.values())
        if kind < (0.6 if chat else 0.78):
            return self._segmented(start, [self._segment(q, "\n") for q in questions])
        turns = [self._turn(questions[0], "\n")]
        for question in questions[1 : rng.randint(2, 6)]:
            if rng.random() < 0.06:
                turns.append(self._turn(self._tasks.talk(with_image=True)))
            turns.append(self._turn(question))
        return self._dialog(start, turns)

    def _question_before_picture(self, pic: Picture) -> Row:
        rng, e = self._rng, self._encoder
        question = self._tasks.question(pic)
        after = rng.choice([[], e.newline])
        system = self._system()
        text = self._tokenizer.encode(question.question + rng.choice(["", "\n", "\n"]))
        prompt = system + text + e.pictures(1, 1) + after + e.assistant_start
        return self._segmented(prompt[:-1], [(prompt[-1:], self._answer(question.answer))])

    def _album(self, n: int, chat: bool) -> tuple[Row, list[np.ndarray]]:
        rng, e = self._rng, self._encoder
        pics = self._tasks.scenes.album(n)
        images = [pic.image for pic in pics]
        questions: list[Question] = []
        while len(questions) < (6 if n == 2 else 3):
            question = self._tasks.album_question(pics)
            if question and len(question.answer) < LONGEST_ALBUM_ANSWER:
                questions.append(question)
        if n == 2 and rng.random() < (0.35 if chat else 0.2):
            row = self._later_picture(pics, questions)
            if (row.ids == self._tokenizer.img_start).sum() == 2:
                return row, images
        start = self._system() + e.pictures(1, n)
        if n == 2 and rng.random() < (0.4 if chat else 0.2):
            turns = [self._turn(q, "" if i else "\n") for i, q in enumerate(questions)]
            return self._dialog(start, turns), images
        return self._segmented(start, [self._segment(q, "\n") for q in questions]), images

    def _later_picture(self, pics: list[Picture], questions: list[Question]) -> Row:
        """A dialog whose second picture arrives in the second turn, if there is room for it."""
        e = self._encoder
        first = self._turn(self._tasks.question(pics[0]), "\n")
        ids, answer = self._turn(questions[0])
        second = (e.pictures(2, 1) + e.newline + ids, answer)
        return self._dialog(self._system() + e.pictures(1, 1), [first, second, self._turn(questions[1])])

    def _system(self) -> Ids:
        if self._rng.random() < 0.12:
            return self._encoder.system(self._rng.choice(SYSTEM_PROMPTS))
        return self._encoder.system()

    def _answer(self, text: str) -> Ids:
        return [*self._tokenizer.encode(text), self._tokenizer.im_end]

    def _turn(self, question: Question, lead: str = "") -> tuple[Ids, Ids]:
        """The text of a user turn and the answer to it."""
        return self._tokenizer.encode(lead + question.question), self._answer(question.answer)

    def _segment(self, question: Question, lead: str = "") -> tuple[Ids, Ids]:
        text, answer = self._turn(question, lead)
        return text + self._encoder.assistant_start, answer

    def _segmented(self, prefix: Ids, segments: list[tuple[Ids, Ids]]) -> Row:
        """Independent questions behind a common prefix; those after the first that does not fit are left out."""
        builder = _RowBuilder(prefix)
        for number, (question, answer) in enumerate(segments, 1):
            if not builder.add(question, answer, number, len(prefix)):
                break
        return builder.row(self._tokenizer.end_of_text)

    def _dialog(self, start: Ids, turns: list[tuple[Ids, Ids]]) -> Row:
        """One plain causal conversation; start ends right before the first question."""
        e, builder, position = self._encoder, _RowBuilder(start), len(start)
        for i, (text, answer) in enumerate(turns):
            question = (e.newline + e.user_start if i else []) + text + e.assistant_start
            if not builder.add(question, answer, PREFIX_SEGMENT, position):
                break
            position += len(question) + len(answer)
        return builder.row(self._tokenizer.end_of_text)
