"""Reference cases of a checkpoint: prompts, greedy outputs, logits and image features in float32.

python3 make_goldens.py MODEL OUT --seed 1
"""

import argparse
import io
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nano import checkpoint
from nano.chatml import SYSTEM_PROMPT, ChatEncoder
from nano.config import CLIP_MEAN, CLIP_STD, IMAGE_SIZE
from nano.draw.artwork import load_concepts
from nano.evaluation import match_boxes, same
from nano.model.qwen_vl import QwenVL
from nano.pixels import preprocess
from nano.scenes.picture import Picture
from nano.tasks.question import Question
from nano.tasks.sampler import TaskSampler
from nano.tokenizer import Tokenizer

PLAN = [  # (task or kind of dialog, language)
    *(("name", "en"), ("name", "zh"), ("shape", "en"), ("caption", "en"), ("caption", "zh"), ("detail", "en")),
    *(("color", "zh"), ("count", "en"), ("exist", "zh"), ("relation", "en"), ("where", "en"), ("size", "en")),
    *(("ocr_word", "en"), ("ocr_zh", "zh"), ("price", "en"), ("chart_value", "en"), ("chart_describe", "zh")),
    *(("ground", "en"), ("ground", "zh"), ("ground_caption", "en"), ("region", "en"), ("refusal", "en")),
    *(("album", "en"), ("album", "zh"), ("turns", "en"), ("turns", "zh"), ("later_picture", "en"), ("three", "en")),
    *(("talk", "en"), ("no_image", "zh")),
]
LARGEST_PNG_BYTES = 59_000
ANSWER_LIMIT = 64  # tokens
SAFE_MARGIN = 0.02  # between the best two logits: rounding must not turn the greedy path
TRIES, TRIES_FOR_A_RIGHT_ANSWER = 12, 6
FEATURES_KEPT, PIXELS_KEPT = 4, 2  # cases with these arrays

ABOUT = (
    "Greedy, float32, float16-rounded weights. prompt_ids hold the image pad ids in place; their embeddings are "
    "replaced by the image features."
)
PREPROCESSING = (
    "RGB; bicubic resize (Pillow, antialiased) to 224 x 224 without keeping the aspect ratio; divide by 255; "
    "subtract the CLIP mean, divide by the CLIP std; channels first."
)


class Turn(NamedTuple):
    pics: list[Picture]
    question: str
    reference: str  # the right answer


@dataclass
class Answer:
    ids: list[int] = field(default_factory=list)  # without the stop token
    first_logits: Tensor | None = None
    margin: float = math.inf  # smallest distance between the best two logits


class Chat:
    """Messages as a chat service gets them, and the prompt ids they become."""

    def __init__(self, encoder: ChatEncoder):
        self._encoder = encoder
        self.messages: list[dict] = [{"role": "system", "content": SYSTEM_PROMPT}]
        self.ids = encoder.system()
        self.images: dict[str, np.ndarray] = {}  # file name -> picture

    def ask(self, text: str, images: dict[str, np.ndarray]) -> None:
        e = self._encoder
        parts = [{"type": "image", "image": name} for name in images]
        self.messages.append({"role": "user", "content": [*parts, {"type": "text", "text": text}]})
        pictures = e.pictures(len(self.images) + 1, len(images))
        self.images |= images
        self.ids = self.ids + pictures + e.tokenizer.encode(("\n" if images else "") + text) + e.assistant_start

    def reply(self, text: str) -> None:
        e = self._encoder
        self.messages.append({"role": "assistant", "content": text})
        self.ids = self.ids + e.tokenizer.encode(text) + [e.tokenizer.im_end] + e.newline + e.user_start


def make_dialog(tasks: TaskSampler, kind: str, lang: str) -> list[Turn]:
    """Random turns of the wanted kind whose pictures are small as PNG."""
    while True:
        turns = _try_dialog(tasks, kind, lang)
        if turns and all(len(png(pic.image)) <= LARGEST_PNG_BYTES for turn in turns for pic in turn.pics):
            return turns


def _try_dialog(tasks: TaskSampler, kind: str, lang: str) -> list[Turn] | None:
    def turn(pics: list[Picture], question: Question) -> Turn:
        return Turn(pics, question.question, question.answer)

    if kind in ("talk", "no_image"):
        question = tasks.talk()
        return [turn([], question)] if (question.task, question.lang) == (kind, lang) else None
    if kind in ("album", "three"):
        pics = tasks.scenes.album(3 if kind == "three" else 2)
        question = tasks.album_question(pics, lang)
        return [turn(pics, question)] if question and question.task != "multi_any" else None
    if kind == "later_picture":
        pics = tasks.scenes.album(2)
        first, second = tasks.question(pics[0], lang), tasks.album_question(pics, lang)
        return [turn(pics[:1], first), turn(pics[1:], second)] if second else None
    if kind == "turns":
        pic = tasks.scenes.objects()
        questions = [tasks.question(pic, lang) for _ in range(3)]
        distinct = len({question.task for question in questions}) == 3
        return [turn([] if i else [pic], question) for i, question in enumerate(questions)] if distinct else None
    pic = tasks.scenes.picture()
    question = tasks.question(pic, lang)
    return [turn([pic], question)] if question.task == kind else None


def png(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG", optimize=True)
    return out.getvalue()


def make_chat(encoder: ChatEncoder, turns: list[Turn], name: str) -> Chat:
    """The turns as a chat, right answers in between, ready for the answer to the last one."""
    chat = Chat(encoder)
    for i, turn in enumerate(turns):
        first = len(chat.images) + 1
        chat.ask(turn.question, {f"images/{name}-{first + j}.png": pic.image for j, pic in enumerate(turn.pics)})
        if i + 1 < len(turns):
            chat.reply(turn.reference)
    return chat


def greedy(model: QwenVL, tokenizer: Tokenizer, ids: list[int], features: Tensor | None) -> Answer:
    answer = Answer()
    for token, logits in model.greedy(ids, features, tokenizer.img_pad, tokenizer.stop_ids, ANSWER_LIMIT):
        if answer.first_logits is None:
            answer.first_logits = logits
        best, second = logits.topk(2).values.tolist()
        answer.margin = min(answer.margin, best - second)
        if token not in tokenizer.stop_ids:
            answer.ids.append(token)
    return answer


def is_right(text: str, reference: str, kind: str) -> bool:
    """The same answer; for grounding, boxes that overlap well."""
    if same(text, reference):
        return True
    return kind.startswith("ground") and min(match_boxes(reference, text), default=0) > 0.6


class GoldenMaker:
    def __init__(self, model_folder: Path, out: Path, seed: int):
        self._model = checkpoint.load(model_folder)
        self._tokenizer = Tokenizer(model_folder / "qwen.tiktoken")
        self._encoder = ChatEncoder(self._tokenizer)
        self._tasks = TaskSampler(load_concepts(), seed, held_out=True)
        self._out = out
        self._features_kept = self._pixels_kept = 0

    @torch.no_grad()
    def case(self, number: int, kind: str, lang: str) -> dict:
        """A case whose greedy path cannot turn on rounding; mostly one that the model gets right."""
        for attempt in range(TRIES):
            turns = make_dialog(self._tasks, kind, lang)
            chat = make_chat(self._encoder, turns, f"{number:02d}-{kind}")
            pixels = [preprocess(Image.fromarray(image)) for image in chat.images.values()]
            features = torch.cat([self._model.visual(x) for x in pixels]) if pixels else None
            answer = greedy(self._model, self._tokenizer, chat.ids, features)
            text, reference = self._tokenizer.decode(answer.ids), turns[-1].reference
            right = is_right(text, reference, kind)
            safe = answer.margin > SAFE_MARGIN and len(answer.ids) < ANSWER_LIMIT
            if safe and (right or attempt >= TRIES_FOR_A_RIGHT_ANSWER):
                break
        for name, image in chat.images.items():
            (self._out / name).write_bytes(png(image))
        top = answer.first_logits.topk(5)
        top5 = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        case = {
            "name": f"{number:02d}-{kind}-{lang}",
            "messages": chat.messages,
            "prompt_ids": chat.ids,
            "output_ids": answer.ids,
            "output_text": text,
            "reference_answer": reference,
            "correct": right,
            "min_top1_margin": round(answer.margin, 5),
            "first_step_top5": [{"id": i, "logit": round(value, 5)} for i, value in top5],
        }
        if pixels:
            self._keep_arrays(case, number, next(iter(chat.images)), features[0], pixels[0][0])
        return case

    def wide_example(self) -> dict:
        """A picture that is not square, to pin the resize."""
        pair = [self._tasks.scenes.objects().image for _ in range(2)]
        image = np.concatenate(pair, 1)[: IMAGE_SIZE - 24, : 2 * IMAGE_SIZE - 28]
        (self._out / "images" / "wide.png").write_bytes(png(image))
        return self._array("pixels-wide.npy", "images/wide.png", preprocess(Image.fromarray(image))[0])

    def _keep_arrays(self, case: dict, number: int, image: str, features: Tensor, pixels: Tensor) -> None:
        if self._features_kept < FEATURES_KEPT:
            self._features_kept += 1
            case["image_features"] = self._array(f"features-{number:02d}.npy", image, features)
        if self._pixels_kept < PIXELS_KEPT:
            self._pixels_kept += 1
            case["pixel_values"] = self._array(f"pixels-{number:02d}.npy", image, pixels)

    def _array(self, file: str, image: str, values: Tensor) -> dict:
        np.save(self._out / file, values.numpy())
        return {"image": image, "file": file, "shape": list(values.shape)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    (args.out / "images").mkdir(parents=True, exist_ok=True)
    maker = GoldenMaker(args.model, args.out, args.seed)
    cases = []
    for number, (kind, lang) in enumerate(PLAN):
        case = maker.case(number, kind, lang)
        cases.append(case)
        print(case["name"], "ok" if case["correct"] else "WRONG", case["min_top1_margin"], repr(case["output_text"]))
    tokenizer = Tokenizer(args.model / "qwen.tiktoken")
    goldens = {
        "about": ABOUT,
        "preprocessing": PREPROCESSING,
        "mean": CLIP_MEAN,
        "std": CLIP_STD,
        "resize_example": maker.wide_example(),
        "stop_ids": tokenizer.stop_ids,
        "cases": cases,
    }
    (args.out / "cases.json").write_text(json.dumps(goldens, ensure_ascii=False, indent=1) + "\n")
    print(len(cases), "cases,", sum(case["correct"] for case in cases), "right")


if __name__ == "__main__":
    main()
