"""Questions about printed text and receipts."""

from ..phrases import say
from ..scenes.picture import Picture
from ..wording import ORDINALS, ZH_DIGITS
from .caption import says
from .context import Context
from .question import Question


def ask_text(c: Context, pic: Picture, lang: str) -> Question:
    text = "\n".join(pic.texts)
    answer = text if pic.kind == "receipt" else says(text, lang)
    return Question(_reading_task(pic, text), lang, c.ask("ocr", lang), answer)


def _reading_task(pic: Picture, text: str) -> str:
    if pic.kind == "receipt":
        return "ocr_receipt"
    if pic.lang == "zh":
        return "ocr_zh" if len(text) <= 4 else "ocr_zh_long"
    return "ocr_word" if len(pic.texts) == 1 and " " not in text else "ocr_multi"


def ask_line(c: Context, pic: Picture, lang: str) -> Question:
    i = c.rng.randrange(len(pic.texts))
    if i == len(pic.texts) - 1 and c.rng.random() < 0.5:
        place = say(lang, "last", "最后一")
    else:
        place = say(lang, ORDINALS[i], f"第{ZH_DIGITS[i]}")
    return Question("ocr_line", lang, c.phrasing.ask_open("line", lang, place=place), says(pic.texts[i], lang))


def ask_price(c: Context, pic: Picture, lang: str) -> Question:
    item = c.rng.choice(pic.goods)
    asked = item.name.lower() if pic.lang == "en" and lang == "en" and c.rng.random() < 0.5 else item.name
    answer = say(lang, f"The {item.name} costs {item.price}.", f"{item.name}的价格是{item.price}。")
    return Question("price", lang, c.ask("price", lang, x=asked), answer)


def ask_total_price(c: Context, pic: Picture, lang: str) -> Question | None:
    if pic.total is None:
        return None
    answer = say(lang, f"The total is {pic.total}.", f"总价是{pic.total}。")
    return Question("price", lang, c.ask("total_price", lang), answer)
