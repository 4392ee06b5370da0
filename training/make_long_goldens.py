"""Reference cases of long prompts: greedy tokens and their logits in float32, with dynamic NTK and log-n attention.

python3 make_long_goldens.py MODEL GOLDENS

GOLDENS is the folder that make_goldens.py wrote: its texts, one after the other, are the prompts.
Writes GOLDENS/long.json.
"""

import argparse
import json
from itertools import cycle, islice
from pathlib import Path

from nano import checkpoint
from nano.model.qwen_vl import QwenVL

PLAN = {  # length of a prompt -> steps of its answer
    1500: 8,
    2040: 20,  # the answer passes 2,048, where log-n begins
    2048: 4,  # the last with the trained rotary base
    2049: 4,
    2500: 8,
    4090: 12,  # the answer passes 4,096: the base stays that of the prompt
    5000: 12,
    8180: 12,  # the answer ends with the last position
}
TOP = 8  # likeliest tokens kept of each step
SAFE_MARGIN = 0.005  # between the best two logits: rounding must not turn the greedy path

ABOUT = (
    "Greedy, float32, float16-rounded weights. The prompt of a case is the first `length` of prompt_ids. Each step has "
    "its likeliest tokens, of which the first is the next input."
)


def read_text_ids(goldens: Path, first_special: int, length: int) -> list[int]:
    """The ids of the texts of all cases in order, from the beginning again at the end."""
    cases = json.loads((goldens / "cases.json").read_text(encoding="utf8"))["cases"]
    ids = [i for case in cases for i in case["prompt_ids"] + case["output_ids"] if i < first_special]
    return list(islice(cycle(ids), length))


def make_case(model: QwenVL, prompt: list[int], steps: int) -> dict:
    tops = []
    for _, logits in model.greedy(prompt, None, img_pad=-1, stop=(), limit=steps):
        top = logits.topk(TOP)
        tops.append([[i, round(x, 5)] for i, x in zip(top.indices.tolist(), top.values.tolist(), strict=True)])
    margin = min(top[0][1] - top[1][1] for top in tops)
    if margin < SAFE_MARGIN:
        raise SystemExit(
            f"The answer to {len(prompt)} tokens is nearly another one ({margin:.5f}): take another length."
        )
    print(len(prompt), "tokens, smallest margin", round(margin, 4))
    return {"length": len(prompt), "steps": tops}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("goldens", type=Path)
    args = parser.parse_args()
    model = checkpoint.load(args.model)
    prompt = read_text_ids(args.goldens, model.cfg["visual"]["image_start_id"], max(PLAN))
    cases = [make_case(model, prompt[:length], steps) for length, steps in PLAN.items()]
    lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
    ids = json.dumps(prompt, separators=(",", ":"))
    text = f'{{\n "about": {json.dumps(ABOUT)},\n "prompt_ids": {ids},\n "cases": [\n{lines}\n ]\n}}\n'
    (args.goldens / "long.json").write_text(text)


if __name__ == "__main__":
    main()
