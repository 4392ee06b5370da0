"""Train the model in four stages, each given a share of a time budget, and score the result.

    python3 train.py --seconds 1200 --out runs/nano
    python3 train.py --seconds 445 --shares 0 0 .86 .14 --reading --init runs/first/export --out runs/second

The state is saved regularly; the same command continues from it.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from nano import checkpoint, evaluation
from nano.config import CONFIG, TOKENIZER_FILE
from nano.draw.artwork import load_concepts
from nano.model.qwen_vl import QwenVL
from nano.pool import CAPACITY, Pool, RowStream
from nano.schedule import SHARES
from nano.tokenizer import Tokenizer
from nano.trainer import Say, Trainer, TrainingPlan, smoke_capacity
from nano.vocabulary import Concept

EVALUATION_SEED = 987654
SMOKE_SHARES = (0.2, 0.2, 0.4, 0.2)
MISTAKES_KEPT = 1500


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--seconds", type=float, default=1200)
    parser.add_argument("--shares", type=float, nargs=4, default=SHARES, help="of the seconds, per stage")
    parser.add_argument("--init", type=Path, help="exported checkpoint to start from")
    parser.add_argument("--reading", action="store_true", help="more printed text in the pictures")
    parser.add_argument("--batch", type=int, default=512, help="rows of a batch")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="drawing processes")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--questions", type=int, default=6000, help="of the evaluation at the end; 0 for none")
    parser.add_argument("--smoke", action="store_true", help="small pool and even stages, to try the code")
    return parser.parse_args(argv)


def logger(path: Path) -> Say:
    """Prints lines and keeps them in a file."""

    def say(line: str) -> None:
        print(line, flush=True)
        with path.open("a", encoding="utf8") as log:
            log.write(line + "\n")

    return say


def evaluate(export: Path, out: Path, concepts: list[Concept], n: int, device: str, say: Say) -> None:
    """Score the exported weights on fresh held-out questions; writes evaluation.md and mistakes.json."""
    start = time.time()
    model, tokenizer = checkpoint.load(export).to(device), Tokenizer(export / "qwen.tiktoken")
    items = evaluation.held_out_items(concepts, EVALUATION_SEED, n)
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        answers = evaluation.generate(model, tokenizer, items, device)
    questions = [item.question for item in items]
    table = evaluation.report(evaluation.score(questions, answers))
    say(table)
    (out / "evaluation.md").write_text(table + "\n")
    mistakes = [
        vars(question) | {"got": answer}
        for question, answer in zip(questions, answers, strict=True)
        if not evaluation.same(question.answer, answer)
    ]
    (out / "mistakes.json").write_text(json.dumps(mistakes[:MISTAKES_KEPT], ensure_ascii=False, indent=0))
    say(f"evaluated in {time.time() - start:.0f} s")


def main() -> None:
    args = parse()
    args.out.mkdir(parents=True, exist_ok=True)
    say = logger(args.out / "train.log")
    concepts, tokenizer = load_concepts(), Tokenizer(TOKENIZER_FILE)
    capacity = smoke_capacity(CAPACITY) if args.smoke else CAPACITY
    stream = RowStream(concepts, tokenizer, args.workers, seed=int(time.time()) % 100_000, reading=args.reading)
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    model = (checkpoint.load(args.init) if args.init else QwenVL(CONFIG)).to(args.device).train()
    plan = TrainingPlan(
        out=args.out,
        seconds=args.seconds,
        shares=SMOKE_SHARES if args.smoke else tuple(args.shares),
        batch_rows=args.batch,
        learning_rate=args.lr,
        device=args.device,
        smoke=args.smoke,
    )
    pool = Pool(stream, capacity, args.device)
    trainer = Trainer(model, pool, capacity, tokenizer.img_pad, plan, say)
    trainer.run()
    stream.close()
    say(f"done: {trainer.step} steps, {trainer.rows} rows, {pool.drawn} rows drawn, {trainer.elapsed:.0f} s")
    if args.questions:
        evaluate(trainer.export, args.out, concepts, args.questions, args.device, say)


if __name__ == "__main__":
    main()
