"""Scores a model on held-out questions: exact match per task and language, IoU for boxes."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .chatml import ChatEncoder
from .geometry import find_boxes, iou
from .model.qwen_vl import QwenVL, causal_mask
from .pixels import normalise
from .tasks.question import Question
from .tasks.sampler import TaskSampler
from .tokenizer import Tokenizer
from .vocabulary import Concept

SHARES = {"single": 0.78, "album": 0.2, "talk": 0.02}  # of the questions
LONGEST_ALBUM_ANSWER = 200  # characters
ENCODER_BATCH = 256
_GROUNDING = {"ground", "ground_all", "ground_caption", "ground_text"}


class Item(NamedTuple):
    question: Question
    images: list[np.ndarray]  # [224, 224, 3], uint8


def held_out_items(concepts: list[Concept], seed: int, n: int) -> list[Item]:
    """n questions with unseen words, phrasings, layouts and now and then artwork; a * marks tasks with such art."""
    tasks = TaskSampler(concepts, seed, held_out=True)
    items = []
    for _ in range(int(n * SHARES["single"])):
        pic = tasks.scenes.picture()
        question = tasks.question(pic)
        if pic.held_out_art and not question.task.endswith("_unseen") and not all(t.is_shape for t in pic.things):
            question.task += "*"
        items.append(Item(question, [pic.image]))
    with_albums = len(items) + int(n * SHARES["album"])
    while len(items) < with_albums:
        pics = tasks.scenes.album(2 if tasks.rng.random() < 0.85 else 3)
        question = tasks.album_question(pics)
        if question and len(question.answer) < LONGEST_ALBUM_ANSWER:
            items.append(Item(question, [pic.image for pic in pics]))
    return items + [Item(tasks.talk(), []) for _ in range(int(n * SHARES["talk"]))]


@torch.no_grad()
def generate(
    model: QwenVL, tokenizer: Tokenizer, items: Sequence[Item], device: str, limit: int = 96, batch_size: int = 192
) -> list[str]:
    """Greedy answers, in batches of like length and without a cache."""
    encoder = ChatEncoder(tokenizer)
    prompts = [encoder.prompt(item.question.question, len(item.images)) for item in items]
    order = sorted(range(len(items)), key=lambda i: (len(items[i].images), len(prompts[i])))
    answers = [""] * len(items)
    for at in range(0, len(order), batch_size):
        batch = order[at : at + batch_size]
        images = [image for i in batch for image in items[i].images]
        ids = _generate_batch(model, tokenizer, [prompts[i] for i in batch], images, device, limit)
        for i, answer in zip(batch, ids, strict=True):
            answers[i] = tokenizer.decode(answer)
    return answers


def _generate_batch(
    model: QwenVL, tokenizer: Tokenizer, prompts: list[list[int]], images: list[np.ndarray], device: str, limit: int
) -> list[list[int]]:
    n, total = len(prompts), max(map(len, prompts)) + limit
    ids = torch.full((n, total), tokenizer.end_of_text)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = torch.tensor(prompt)
    ids, rows = ids.to(device), torch.arange(n, device=device)
    length = torch.tensor([len(prompt) for prompt in prompts], device=device)
    features, slots = _image_features(model, images, device), None
    stop = torch.tensor(tokenizer.stop_ids, device=device)
    done = torch.zeros(n, dtype=torch.bool, device=device)
    for _ in range(limit):
        width = int(length.max())
        seen = ids[:, :width]
        if features is not None:
            slots = (seen.reshape(-1) == tokenizer.img_pad).nonzero().squeeze(1)
        positions = torch.arange(width, device=device).expand(n, width)
        hidden = model.hidden(model.embed(seen, features, slots), positions, causal_mask(width, device))
        token = model.lm_head(hidden[rows, length - 1]).argmax(-1)
        done |= (token[:, None] == stop).any(1)
        if bool(done.all()):
            break
        ids[rows[~done], length[~done]] = token[~done]
        length = length + (~done).long()
    ends = length.tolist()
    return [ids[row, len(prompt) : ends[row]].tolist() for row, prompt in enumerate(prompts)]


def _image_features(model: QwenVL, images: list[np.ndarray], device: str) -> Tensor | None:
    if not images:
        return None
    pixels = normalise(torch.from_numpy(np.stack(images)).to(device))
    return torch.cat([model.visual(part) for part in pixels.split(ENCODER_BATCH)])


def same(a: str, b: str) -> bool:
    """Equal up to white space and a final full stop."""
    return _normal(a) == _normal(b)


def _normal(text: str) -> str:
    return re.sub(r"\s+", " ", text.strip().rstrip(".。"))


def match_boxes(wanted: str, got: str) -> list[float]:
    """The IoU of each box of the wanted answer with the box in the same place of the other; 0 where there is none."""
    want, found = find_boxes(wanted), find_boxes(got)
    return [iou(box, found[i]) if i < len(found) else 0.0 for i, box in enumerate(want)]


@dataclass
class TaskScore:
    n: Counter = field(default_factory=Counter)  # by language
    exact: Counter = field(default_factory=Counter)
    iou: list[float] = field(default_factory=list)  # mean per answer with boxes
    iou_half: list[float] = field(default_factory=list)  # share of its boxes with an IoU of at least 0.5

    def add(self, question: Question, answer: str) -> None:
        self.n[question.lang] += 1
        self.exact[question.lang] += same(question.answer, answer)
        values = match_boxes(question.answer, answer)
        if values:
            self.iou.append(sum(values) / len(values))
            self.iou_half.append(sum(value >= 0.5 for value in values) / len(values))


def score(questions: Sequence[Question], answers: Sequence[str]) -> dict[str, TaskScore]:
    table: defaultdict[str, TaskScore] = defaultdict(TaskScore)
    for question, answer in zip(questions, answers, strict=True):
        table[question.task].add(question, answer)
    return dict(table)


def report(table: dict[str, TaskScore]) -> str:
    """The scores as a Markdown table."""
    lines = ["| task | en n | en exact | zh n | zh exact | mean IoU | IoU >= 0.5 |", "|---|---|---|---|---|---|---|"]
    for task, found in sorted(table.items()):
        cells = [task]
        for lang in ("en", "zh"):
            cells += [str(found.n[lang]), _percent(found.exact[lang], found.n[lang])]
        if task.rstrip("*") in _GROUNDING:
            n = len(found.iou)
            cells += [f"{sum(found.iou) / n:.3f}", _percent(sum(found.iou_half), n)]
        else:
            cells += ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    n = sum(found.n.total() for found in table.values())
    exact = sum(found.exact.total() for found in table.values())
    return "\n".join([*lines, f"| all | {n} | {_percent(exact, n)} | | | | |"])


def _percent(part: float, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"
