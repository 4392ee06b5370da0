"""Train the byte-level BPE on a sample of the generated dialogs.

    python3 build_tokenizer.py qwen.tiktoken

Weights work with the tokenizer they were trained with: a new one asks for a new training.
"""

import argparse
from collections import Counter
from pathlib import Path

from nano.bpe import train_bpe, write_tiktoken
from nano.config import N_RANKS
from nano.draw.artwork import load_concepts
from nano.phrases import GOODS, LABELS, NO_IMAGE, QUESTIONS, SIGNS, SYSTEM_PROMPTS, TALK, TITLES
from nano.tasks.sampler import TaskSampler
from nano.tokenizer import Tokenizer
from nano.vocabulary import HANZI, TRAIN_WORDS, Concept

SEED = 12345
N_PICTURES, QUESTIONS_PER_PICTURE = 6000, 4
SPELLED_TASKS = ("ocr", "ground_text", "region_text")  # their answers are arbitrary printed text
ROLES = ("system", "user", "assistant", "Picture 1: ", "Picture 2: ", "Picture 3: ")


def add_dialogs(texts: Counter[str], concepts: list[Concept]) -> None:
    tasks = TaskSampler(concepts, SEED)
    for _ in range(N_PICTURES):
        pic = tasks.scenes.picture()
        for _ in range(QUESTIONS_PER_PICTURE):
            question = tasks.question(pic)
            texts[question.question] += 1
            if not question.task.startswith(SPELLED_TASKS):
                texts[question.answer] += 1


def add_tables(texts: Counter[str], concepts: list[Concept]) -> None:
    for concept in concepts:
        for form in (concept.en, f" {concept.en}", f" {concept.en}s", concept.zh, f"一{concept.measure}{concept.zh}"):
            texts[form] += 40
    for table in (LABELS, TITLES, GOODS):
        for entry in table:
            add_with_space(texts, entry.values(), 20)
    add_with_space(texts, SIGNS["zh"], 20)
    add_with_space(texts, SIGNS["en"], 10)
    add_with_space(texts, SYSTEM_PROMPTS, 20)
    add_with_space(texts, NO_IMAGE.values(), 50)
    for topic in TALK:
        for lang, answer in topic["answer"].items():
            for text in (*topic["questions"][lang], answer):
                texts[text] += 20
    for languages in QUESTIONS.values():
        for templates in languages.values():
            for text in templates:
                texts[text] += 2


def add_with_space(texts: Counter[str], pool, n: int) -> None:
    for text in pool:
        texts[text] += n
        texts[f" {text}"] += n


def corpus(concepts: list[Concept]) -> Counter[str]:
    """Texts with their weights."""
    texts: Counter[str] = Counter()
    add_dialogs(texts, concepts)
    add_tables(texts, concepts)
    for char in HANZI:
        texts[char] += 3000  # every printed character becomes one token
    for word in TRAIN_WORDS:  # printed words are spelled in short common pieces
        texts[word] += 1
        texts[f'"{word}'] += 1
    for text in ROLES:
        texts[text] += 1000
    return texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    write_tiktoken(train_bpe(corpus(load_concepts()), N_RANKS), args.out)
    tokenizer = Tokenizer(args.out)
    single = sum(len(tokenizer.encode(char)) == 1 for char in HANZI)
    print(f"{args.out}: {N_RANKS} ranks; {single} of {len(HANZI)} characters are one token")


if __name__ == "__main__":
    main()
