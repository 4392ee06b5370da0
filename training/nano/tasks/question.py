"""A question with its answer, and how questions are phrased."""

import random
from dataclasses import dataclass

from ..phrases import OPEN_QUESTIONS, PREFIXES, QUESTIONS, SUFFIXES, split_held_out
from ..wording import capital


@dataclass
class Question:
    task: str
    lang: str
    question: str
    answer: str


class Phrasing:
    """Words questions at random; with `held_out`, half of them by templates that training never shows."""

    def __init__(self, rng: random.Random, held_out: bool):
        self._rng, self._held_out = rng, held_out

    def ask(self, intent: str, lang: str, **slots) -> str:
        """A question with its slots filled; {The} stands for the slot `the` with a capital."""
        usual, kept = split_held_out(QUESTIONS[intent][lang])
        template = self._rng.choice(kept if self._held_out and self._rng.random() < 0.5 else usual)
        capitals = {capital(key): capital(str(value)) for key, value in slots.items()}
        return self.decorate(template.format(**slots, **capitals), lang)

    def ask_open(self, intent: str, lang: str, **slots) -> str:
        """The same from the templates of which none is held out."""
        return self.decorate(self._rng.choice(OPEN_QUESTIONS[intent][lang]).format(**slots), lang)

    def decorate(self, text: str, lang: str) -> str:
        """The question as people type it: a greeting, lower case, a slip of the finger, no question mark."""
        rng = self._rng
        if rng.random() < 0.25:
            text = self._with_prefix(text, lang)
        if rng.random() < 0.1:
            text += rng.choice(SUFFIXES[lang])
        if lang == "en" and "<" not in text:
            text = self._typed(text)
        if rng.random() < 0.25:
            text = text.rstrip("?.!？。！:：")
        return text

    def _with_prefix(self, text: str, lang: str) -> str:
        prefix = self._rng.choice(PREFIXES[lang])
        if lang == "zh":
            return prefix + text.removeprefix("请问")
        if prefix.endswith((", ", "So ")) and not text.startswith(("I ", "I'")):
            text = text[:1].lower() + text[1:]
        return prefix + text

    def _typed(self, text: str) -> str:
        rng = self._rng
        if rng.random() < 0.25:
            text = text.lower()
        elif rng.random() < 0.03:
            text = text.upper()
        if rng.random() < 0.06 and len(text) > 8:
            i = rng.randrange(1, len(text) - 2)
            a, b = text[i], text[i + 1]
            if a.isalpha() and b.isalpha():
                text = text[:i] + rng.choice([b + a, a + a + b, b]) + text[i + 2 :]
        return text
