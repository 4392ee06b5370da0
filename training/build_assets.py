"""Collect the raw material of the training data into assets/.

    python3 build_assets.py NODE_MODULES [--fonts /usr/share/fonts]

Needs the npm packages and Debian packages that README.md lists, rsvg-convert and the optional
dependencies of pyproject.toml.
"""

import argparse
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image

from nano.config import ASSETS
from nano.vocabulary import read_concepts

SPRITE_SIZE = 128
WORD_LIST = Path("/usr/share/dict/american-english-small")
ASCII = "".join(map(chr, range(32, 127)))
SYMBOLS = "£€¥°×÷"
ZH_PUNCTUATION = "，。！？：、“”（）"


class Font(NamedTuple):
    path: str
    number: int = 0  # inside a collection
    rename: str | None = None  # family name of the subset, where the licence reserves the font's own

    @property
    def cjk(self) -> bool:
        return self.path.endswith(".ttc")


FONTS = {
    "Arimo": Font("truetype/croscore/Arimo-Regular.ttf"),
    "Arimo-Bold": Font("truetype/croscore/Arimo-Bold.ttf"),
    "Arimo-Italic": Font("truetype/croscore/Arimo-Italic.ttf"),
    "Cousine": Font("truetype/croscore/Cousine-Regular.ttf"),
    "Cousine-Bold": Font("truetype/croscore/Cousine-Bold.ttf"),
    "DejaVuSans": Font("truetype/dejavu/DejaVuSans.ttf"),
    "DejaVuSans-Bold": Font("truetype/dejavu/DejaVuSans-Bold.ttf"),
    "DejaVuSansMono": Font("truetype/dejavu/DejaVuSansMono.ttf"),
    "DejaVuSerif": Font("truetype/dejavu/DejaVuSerif.ttf"),
    "DejaVuSerif-Bold": Font("truetype/dejavu/DejaVuSerif-Bold.ttf"),
    "NanoHumanist": Font("truetype/lato/Lato-Regular.ttf", rename="Nano Humanist"),
    "NanoHumanist-Bold": Font("truetype/lato/Lato-Bold.ttf", rename="Nano Humanist"),
    "NotoSans": Font("truetype/noto/NotoSans-Regular.ttf"),
    "NotoSansCJK": Font("opentype/noto/NotoSansCJK-Regular.ttc", number=2),
    "NotoSansCJK-Bold": Font("opentype/noto/NotoSansCJK-Bold.ttc", number=2),
    "NotoSerifCJK": Font("opentype/noto/NotoSerifCJK-Regular.ttc", number=2),
    "OpenSans": Font("truetype/open-sans/OpenSans-Regular.ttf"),
    "OpenSans-Bold": Font("truetype/open-sans/OpenSans-Bold.ttf"),
    "Tinos": Font("truetype/croscore/Tinos-Regular.ttf"),
    "Tinos-Bold": Font("truetype/croscore/Tinos-Bold.ttf"),
    "WenQuanYiMicroHei": Font("truetype/wqy/wqy-microhei.ttc"),
}

Loader = Callable[[str], Image.Image | None]


def build_words() -> None:
    words = [word for word in WORD_LIST.read_text().split() if re.fullmatch("[a-z]{2,9}", word)]
    (ASSETS / "words.txt").write_text("\n".join(words) + "\n")
    print(len(words), "words")


def build_fonts(root: Path) -> None:
    """Cut every font down to the characters that are ever printed."""
    hanzi = "".join(sorted(set((ASSETS / "hanzi.txt").read_text(encoding="utf8")) - {"\n", " "}))
    (ASSETS / "fonts").mkdir(exist_ok=True)
    for name, font in FONTS.items():
        text = ASCII + SYMBOLS + (hanzi + ZH_PUNCTUATION if font.cjk else "")
        build_font(root / font.path, font, text, ASSETS / "fonts" / name)
    print(len(FONTS), "fonts")


def build_font(source: Path, font: Font, text: str, target: Path) -> None:
    options = subset.Options(layout_features=["kern"], hinting=False, desubroutinize=True, name_IDs=["*"])
    face = TTFont(source, fontNumber=font.number)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text)
    subsetter.subset(face)
    if font.rename:
        rename(face, font.rename)
    face.save(target.with_suffix(".otf" if "CFF " in face else ".ttf"))


def rename(face: TTFont, family: str) -> None:
    """Give the font another name everywhere; copyright and licence stay."""
    style = face["name"].getDebugName(2)
    names = {1: family, 3: f"{family} {style}", 4: f"{family} {style}", 6: f"{family}-{style}".replace(" ", "")}
    kept = [record for record in face["name"].names if record.nameID in (0, 2, 5, 13, 14)]
    face["name"].names = kept
    for name_id, value in names.items():
        face["name"].setName(value, name_id, 3, 1, 0x409)
    if "CFF " in face:
        face["CFF "].cff.fontNames = [names[6]]


def build_sprites(modules: Path) -> None:
    """One archive per artwork family, CONCEPT/NUMBER.webp in it."""
    jobs = [(f"{c.en}/{i}.webp", code) for c in read_concepts() for i, code in enumerate(c.code_points)]
    for family, load in loaders(modules).items():
        with ThreadPoolExecutor() as workers, zipfile.ZipFile(ASSETS / f"sprites-{family}.zip", "w") as archive:
            images = workers.map(lambda job, load=load: load(job[1]), jobs)
            found = [(name, image) for (name, _), image in zip(jobs, images, strict=True) if image]
            for name, image in found:
                archive.writestr(zipfile.ZipInfo(name), square_webp(image))  # without a date
        print(family, len(found), "sprites,", len(jobs) - len(found), "missing")


def square_webp(image: Image.Image) -> bytes:
    """The visible part, centered in a square."""
    image = image.crop(image.getchannel("A").getbbox())
    side = max(image.size)
    square = Image.new("RGBA", (side, side))
    square.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    out = io.BytesIO()
    square.resize((SPRITE_SIZE, SPRITE_SIZE), Image.LANCZOS).save(out, "WEBP", quality=88)
    return out.getvalue()


def loaders(modules: Path) -> dict[str, Loader]:
    """How each family finds the drawing of a code point."""
    noto = modules / "@iconify-json/noto"
    icons, names = (json.loads((noto / file).read_text()) for file in ("icons.json", "chars.json"))

    def twemoji(code: str) -> Image.Image | None:
        path = existing(modules / "@twemoji/svg", code, ".svg")
        return rasterize(path.read_bytes()) if path else None

    def noto_emoji(code: str) -> Image.Image | None:
        icon = icons["icons"].get(names.get(code) or names.get(f"{code}-fe0f"))
        if not icon:
            return None
        width, height = (icon.get(side, icons.get(side, SPRITE_SIZE)) for side in ("width", "height"))
        head = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        return rasterize(f'<svg {head} viewBox="0 0 {width} {height}">{icon["body"]}</svg>'.encode())

    def fluent(code: str) -> Image.Image | None:
        path = existing(modules / "@lobehub/fluent-emoji-3d/assets", code, ".webp")
        return Image.open(path).convert("RGBA") if path else None

    return {"twemoji": twemoji, "noto": noto_emoji, "fluent": fluent}


def existing(folder: Path, code: str, suffix: str) -> Path | None:
    """The file of a code point, with or without the emoji variation selector."""
    candidates = (folder / f"{name}{suffix}" for name in (code, f"{code}-fe0f"))
    return next((path for path in candidates if path.exists()), None)


def rasterize(svg: bytes) -> Image.Image:
    size = str(SPRITE_SIZE)
    command = ["rsvg-convert", "-w", size, "-h", size, "-a"]
    png = subprocess.run(command, input=svg, check=True, capture_output=True).stdout
    return Image.open(io.BytesIO(png)).convert("RGBA")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("node_modules", type=Path)
    parser.add_argument("--fonts", type=Path, default=Path("/usr/share/fonts"))
    args = parser.parse_args()
    build_words()
    build_fonts(args.fonts)
    build_sprites(args.node_modules)


if __name__ == "__main__":
    main()
