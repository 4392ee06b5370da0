"""The phrase tables of assets/phrases.json: question templates per intent and language, small talk, printed words.

QUESTIONS    intent -> language -> templates. The last ones of every list are kept for evaluation: two of a list
             longer than six, else one.
OPEN_QUESTIONS    the same without held-out templates.
TALK         small talk: several questions and one answer per language.
LABELS, TITLES, GOODS    what stands on charts and receipts, as {"en": .., "zh": ..}.
"""

import json

from .config import ASSETS

_TABLES = json.loads((ASSETS / "phrases.json").read_text(encoding="utf8"))

QUESTIONS: dict[str, dict[str, list[str]]] = _TABLES["questions"]
OPEN_QUESTIONS: dict[str, dict[str, list[str]]] = _TABLES["open_questions"]
PREFIXES: dict[str, list[str]] = _TABLES["prefixes"]
SUFFIXES: dict[str, list[str]] = _TABLES["suffixes"]
ANSWER_IN: dict[str, list[str]] = _TABLES["answer_in"]
TALK: list[dict] = _TABLES["talk"]
NO_IMAGE: dict[str, str] = _TABLES["no_image"]
SYSTEM_PROMPTS: list[str] = _TABLES["system_prompts"]
SIGNS: dict[str, list[str]] = _TABLES["signs"]
LABELS: list[dict[str, str]] = _TABLES["labels"]
TITLES: list[dict[str, str]] = _TABLES["titles"]
GOODS: list[dict[str, str]] = _TABLES["goods"]


def split_held_out(templates: list[str]) -> tuple[list[str], list[str]]:
    """The templates for training and those kept for evaluation."""
    kept = 2 if len(templates) > 6 else 1
    return templates[:-kept], templates[-kept:]


def say(lang: str, en: str, zh: str) -> str:
    """The wording of the wanted language, "en" or "zh"."""
    return en if lang == "en" else zh
