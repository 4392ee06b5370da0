"""Exact match and IoU of a checkpoint on generated or stored questions, on the CPU in float32.

python3 score.py MODEL --n 600 --seed 4242
python3 score.py MODEL --questions FOLDER
"""

import argparse
import json
from pathlib import Path

import torch
from PIL import Image

from nano import checkpoint, evaluation
from nano.chatml import ChatEncoder
from nano.draw.artwork import load_concepts
from nano.model.qwen_vl import QwenVL
from nano.pixels import preprocess
from nano.tasks.question import Question
from nano.tokenizer import Tokenizer

ANSWER_LIMIT = 120  # tokens

Item = tuple[Question, list[Image.Image]]


def stored_items(folder: Path) -> list[Item]:
    """A folder of make_questions.py; a * marks tasks with held-out artwork, as in the evaluation."""
    items = []
    for entry in json.loads((folder / "questions.json").read_text()):
        starred = entry["unseen_artwork"] and "unseen" not in entry["task"]
        task = entry["task"] + ("*" if starred else "")
        question = Question(task, entry["language"], entry["question"], entry["answer"])
        items.append((question, [Image.open(folder / name) for name in entry["images"]]))
    return items


def generated_items(seed: int, n: int) -> list[Item]:
    items = evaluation.held_out_items(load_concepts(), seed, n)
    return [(item.question, [Image.fromarray(image) for image in item.images]) for item in items]


@torch.no_grad()
def answer(model: QwenVL, tokenizer: Tokenizer, question: str, images: list[Image.Image]) -> str:
    features = torch.cat([model.visual(preprocess(image)) for image in images]) if images else None
    prompt = ChatEncoder(tokenizer).prompt(question, len(images))
    steps = model.greedy(prompt, features, tokenizer.img_pad, tokenizer.stop_ids, ANSWER_LIMIT)
    return tokenizer.decode([token for token, _ in steps if token not in tokenizer.stop_ids])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--n", type=int, default=600, help="questions to generate")
    parser.add_argument("--seed", type=int, default=4242)
    parser.add_argument("--questions", type=Path, help="stored questions instead")
    args = parser.parse_args()
    model, tokenizer = checkpoint.load(args.model), Tokenizer(args.model / "qwen.tiktoken")
    items = stored_items(args.questions) if args.questions else generated_items(args.seed, args.n)
    answers = [answer(model, tokenizer, question.question, images) for question, images in items]
    print(evaluation.report(evaluation.score([question for question, _ in items], answers)))


if __name__ == "__main__":
    main()
