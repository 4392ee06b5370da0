"""A stored set of held-out questions with pictures, for score.py --questions and for other implementations.

python3 make_questions.py OUT --n 400 --seed 7
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from nano.draw.artwork import load_concepts
from nano.tasks.sampler import TaskSampler

LARGEST_PNG_BYTES = 40_000
LONGEST_ANSWER = 180  # characters


def write_image(path: Path, image: np.ndarray) -> Path:
    """A PNG, or a JPEG where that would be large; returns the path with the suffix taken."""
    path = path.with_suffix(".png")
    Image.fromarray(image).save(path, optimize=True)
    if path.stat().st_size > LARGEST_PNG_BYTES:
        path.unlink()
        path = path.with_suffix(".jpg")
        Image.fromarray(image).save(path, quality=90)
    return path


def make_questions(out: Path, n: int, seed: int) -> list[dict]:
    """Questions about one picture, two or three; the pictures go to OUT/images."""
    tasks, entries = TaskSampler(load_concepts(), seed, held_out=True), []
    while len(entries) < n:
        if tasks.rng.random() < 0.8:
            pics = [tasks.scenes.picture()]
            question = tasks.question(pics[0])
        else:
            pics = tasks.scenes.album(2 if tasks.rng.random() < 0.85 else 3)
            question = tasks.album_question(pics)
        if question is None or len(question.answer) > LONGEST_ANSWER:
            continue
        names = [out / "images" / f"{len(entries):03d}-{j + 1}" for j in range(len(pics))]
        files = [write_image(name, pic.image) for name, pic in zip(names, pics, strict=True)]
        entry = {
            "task": question.task,
            "language": question.lang,
            "images": [str(file.relative_to(out)) for file in files],
            "question": question.question,
            "answer": question.answer,
            "unseen_artwork": any(pic.held_out_art for pic in pics),
        }
        entries.append(entry)
    return entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    (args.out / "images").mkdir(parents=True, exist_ok=True)
    entries = make_questions(args.out, args.n, args.seed)
    (args.out / "questions.json").write_text(json.dumps(entries, ensure_ascii=False, indent=1) + "\n")
    print(len(entries), "questions")


if __name__ == "__main__":
    main()
