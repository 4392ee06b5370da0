"""Pictures to read: text on a plain ground or a board, a pictogram with a label, a receipt."""

import cv2

from ..draw.painter import Painter
from ..geometry import Box
from ..phrases import GOODS, SIGNS, say
from ..vocabulary import COLORS, HANZI, TEST_WORDS, TRAIN_WORDS, Thing
from .picture import Goods, Picture, develop

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Printer:
    """Draws the pictures that are there to be read.

    held_out: print only words never seen in training. reading: mostly one rarer word a line.
    """

    def __init__(self, painter: Painter, concepts: list, held_out: bool, reading: bool):
        self._painter, self._rng = painter, painter.rng
        self._concepts = concepts
        self._held_out, self._reading = held_out, reading

    def text(self) -> Picture:
        painter, rng = self._painter, self._rng
        painter.new_canvas(plain=rng.random() < 0.6)
        lang = "en" if rng.random() < 0.58 else "zh"
        lines = self._lines(lang)
        font = painter.lettering.pick(lang)
        if rng.random() < 0.35:
            box, color = self._board()
        else:
            box, color = (6, 6, 218, 218), painter.shade(painter.contrast_color(far=190))
        boxes = painter.write_lines(lines, box, color, font, rng.choice([34, 48, 64, 84]))
        return develop(painter, "text", texts=lines, text_boxes=boxes, lang=lang)

    def label(self) -> Picture:
        """A pictogram with a printed word, not always its own name."""
        painter, rng = self._painter, self._rng
        painter.new_canvas(plain=True)
        lang = "en" if rng.random() < 0.6 else "zh"
        thing = Thing.pictogram(painter.random_concept())
        word = say(lang, thing.en, thing.zh) if rng.random() < 0.4 else self._word(lang)
        below = rng.random() < 0.7
        painter.draw(thing, rng.uniform(80, 130), near=(112, 82 if below else 146))
        box = (10, 150, 214, 218) if below else (10, 6, 214, 72)
        color = painter.shade(painter.contrast_color(far=190))
        boxes = painter.write_lines([word], box, color, painter.lettering.pick(lang), 40, tilt=False)
        return develop(painter, "label", things=[thing], texts=[word], text_boxes=boxes, lang=lang)

    def receipt(self) -> Picture:
        painter, rng = self._painter, self._rng
        painter.new_canvas()
        lang = rng.choice(["en", "zh"])
        goods, total = self._purchase(lang)
        rows = [(item.name, item.price) for item in goods]
        if rng.random() < 0.65:
            rows.append((say(lang, "Total", "合计"), total))
        else:
            total = None
        self._print_receipt(rows, lang, rng.choice([14, 16, 18, 20] if len(goods) < 4 else [14, 16, 18]))
        texts = [f"{name} {price}" for name, price in rows]
        return develop(painter, "receipt", texts=texts, lang=lang, goods=goods, total=total)

    def _lines(self, lang: str) -> list[str]:
        rng, reading = self._rng, self._reading
        n = rng.choice([1, 1, 1, 1, 1, 1, 1, 2, 2, 3] if reading else [1, 1, 1, 1, 2, 2, 3, 4])
        if lang == "zh":
            return [self._word("zh") for _ in range(n)]
        if n == 1 and rng.random() < (0.06 if reading else 0.18) and not self._held_out:
            return [rng.choice(SIGNS["en"])]
        words_a_line = [1] if n == 4 else [1, 1, 1, 1, 2] if reading else [1, 1, 2]
        return [" ".join(self._word("en") for _ in range(rng.choice(words_a_line))) for _ in range(n)]

    def _word(self, lang: str) -> str:
        return self._en_word() if lang == "en" else self._zh_word()

    def _zh_word(self) -> str:
        rng = self._rng
        if rng.random() < (0.12 if self._reading else 0.45):
            return rng.choice(SIGNS["zh"])
        if rng.random() < 0.2:
            return self._painter.random_concept().zh
        return "".join(rng.choice(HANZI) for _ in range(rng.choice([1, 1, 2, 2, 2, 3, 4])))

    def _en_word(self) -> str:
        rng = self._rng
        kind = rng.random()
        if self._held_out:
            word = rng.choice(TEST_WORDS) if kind < 0.7 else None
        elif kind < 0.42:
            word = rng.choice(TRAIN_WORDS)
        elif kind < 0.6:
            word = "".join(rng.choice(_LETTERS) for _ in range(rng.randint(1, 7)))
        elif kind < 0.7:
            word = rng.choice(self._concepts).en
        else:
            word = None
        if word is None:
            return self._number()
        return rng.choice([word, word, word.upper(), word.capitalize()])

    def _number(self) -> str:
        """A number, price, time, share or short code."""
        rng = self._rng
        kind = rng.random()
        if kind < 0.5:
            return str(rng.randrange(10 ** rng.randint(1, 5)))
        if kind < 0.65:
            price = f"{rng.choice('$€£')}{rng.randrange(1, 100)}"
            return price + (f".{rng.randrange(100):02d}" if rng.random() < 0.5 else "")
        if kind < 0.75:
            return f"{rng.randrange(24):02d}:{rng.randrange(60):02d}"
        if kind < 0.85:
            return f"{rng.randrange(101)}%"
        return rng.choice("ABCDEFGHKMPRST") + rng.choice(["", "-", " "]) + str(rng.randrange(1000))

    def _board(self) -> tuple[Box, tuple[int, ...]]:
        """A coloured ellipse or rectangle; returns the room for text in it and a colour that shows."""
        painter, rng = self._painter, self._rng
        color = rng.choice(list(COLORS))
        w, h = rng.uniform(120, 212), rng.uniform(60, 190)
        x, y = rng.uniform(4, 220 - w), rng.uniform(4, 220 - h)
        fill = painter.shade(color)
        if rng.random() < 0.3:
            center, axes = (int(x + w / 2), int(y + h / 2)), (int(w / 2), int(h / 2))
            cv2.ellipse(painter.image, center, axes, 0, 0, 360, fill, -1, cv2.LINE_AA)
            box = (x + w * 0.14, y + h * 0.2, x + w * 0.86, y + h * 0.8)
        else:
            x0, y0, x1, y1 = int(x), int(y), int(x + w), int(y + h)
            cv2.rectangle(painter.image, (x0, y0), (x1, y1), fill, -1)
            if rng.random() < 0.4:
                rim = painter.shade(painter.contrast_color(fill))
                cv2.rectangle(painter.image, (x0 + 3, y0 + 3), (x1 - 3, y1 - 3), rim, 2)
            box = (x + 8, y + 6, x + w - 8, y + h - 6)
        return box, painter.shade(painter.contrast_color(fill, far=160))

    def _purchase(self, lang: str) -> tuple[list[Goods], str]:
        """Two to four goods with prices in one style, and the total."""
        rng = self._rng
        n = rng.randint(2, 4)
        sign = rng.choice(["$", "$", "€", "£", ""] if lang == "en" else ["", "", "¥", "元"])
        cents = rng.random() < 0.4
        before, after = ("", "元") if sign == "元" else (sign, "")

        def shown(price: int) -> str:
            return before + (f"{price / 100:.2f}" if cents else str(price // 100)) + after

        names = [item[lang] for item in rng.sample(GOODS, n)]
        prices = [rng.randrange(100, 3000) if cents else rng.randrange(1, 60) * 100 for _ in names]
        return [Goods(name, shown(p)) for name, p in zip(names, prices, strict=True)], shown(sum(prices))

    def _print_receipt(self, rows: list[tuple[str, str]], lang: str, size: int) -> None:
        painter, rng = self._painter, self._rng
        step = size * rng.uniform(1.35, 1.7)
        w, h = rng.uniform(150, 205), step * len(rows) + 20
        x, y = rng.uniform(5, 219 - w), rng.uniform(5, 219 - h)
        cv2.rectangle(painter.image, (int(x), int(y)), (int(x + w), int(y + h)), painter.shade("white", 8), -1)
        font = painter.lettering.pick(lang)
        ink = painter.shade("black", 20)
        for i, (name, price) in enumerate(rows):
            middle = y + 10 + (i + 0.5) * step
            painter.write(name, (x + 10, middle), size, ink, font, "left")
            painter.write(price, (x + w - 10, middle), size, ink, font, "right")
