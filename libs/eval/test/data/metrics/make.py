"""Makes the samples of this folder and has the reference implementations score them. The tests read the committed files.

    python make.py QWEN_VL MME

QWEN_VL  a checkout of https://github.com/QwenLM/Qwen-VL (aa00ed04091eea5fcdd32985e7915f1c53e7d599)
MME      calculation.py of MME's eval_tool (as in https://github.com/TideDra/VL-RLHF, eval/mme,
         4c1300071f9c22b42cd4ac930694f5bd19cf52ab)

It needs pycocoevalcap 1.2 with Java (OpenJDK 17, LC_ALL=C.UTF-8), lmms-eval 0.7.3, scikit-learn 1.9 and torch (2.15 was used).
The code of the references is run from where it is; nothing of it is kept here.
"""

import argparse
import ast
import contextlib
import importlib.util
import io
import itertools
import json
import random
import re
import sys
import tempfile
import typing
from pathlib import Path
from types import ModuleType, SimpleNamespace

from captions import NASTY, made_captions, reworded

FOLDER = Path(__file__).parent
rng = random.Random(20230824)

TEXTS = ["", " ", ".", "yes", "Yes", "YES.", "no", "red", "Red ", " red", "red.", "dark red", "the red", "a red one", "red and white", "red, white", "red-white",
         "red/white", "red & white", "2", "two", "Two", "2.0", "2.5", "none", "0", "zero", "10", "ten", "eleven", "1,000", "1000", "1, 000", "$1,000", "50%", "50 %",
         "0.5", ".5", "dont know", "don't know", "dont", "couldn'tve", "youre", "you're", "its", "it's", "oclock", "3 o'clock", "3:30", "3.30", "3:30 p.m.", "p.m.",
         "u.s.", "U.S.A.", "st. john's", "mr. t", "t.v.", "tv", "the", "a", "an", "the a an", "a dog", "dog", "dogs", "hot dog", "hot-dog", "hotdog", "t-shirt",
         "tshirt", "t shirt", "what?", "what !", "stop!", "(left)", "left (side)", "[x]", "x_y", "a@b", "c++", "#1", "'90s", '"quoted"', "`", "\\", "a\nb", "a\tb",
         "  two  words ", "ÉCOLE", "école", "straße", "STRASSE", "中文", "一个男人", "男人，女人", "ja nein", "none of the above", "one two three", "somebody'd", "Im", "i'm"]


def load(path: Path, name: str) -> ModuleType:
    """A module by its file."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def lmms_task(name: str) -> Path:
    """What lmms-eval scores a task with. The package itself is not imported: it would need far more than is used here."""
    return Path(importlib.util.find_spec("lmms_eval").submodule_search_locations[0], "tasks", name, "utils.py")


def functions(path: Path, **globals_: object) -> SimpleNamespace:
    """The functions of a script that cannot be imported, because its imports need what is not here."""
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    exec(compile(tree, str(path), "exec"), globals_)
    return SimpleNamespace(**globals_)


def loop(path: Path, containing: str):
    """The innermost `for` statement of a script that has this text in it, as a function of its variables."""
    tree = ast.parse(path.read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.For) and containing in ast.unparse(node)]
    code = compile(ast.Module(body=[found[-1]], type_ignores=[]), str(path), "exec")
    return lambda variables: exec(code, variables)


def write(name: str, made_with: str, items: list, per_item: list, score: float, **more: object) -> None:
    """Writes one item a line, with its value beside it."""
    rows = [json.dumps({**item, "value": value}, ensure_ascii=False) for item, value in zip(items, per_item, strict=True)]
    head = {"madeWith": made_with, "score": score, **more}
    text = json.dumps(head, ensure_ascii=False)[:-1] + ', "items": [\n' + ",\n".join(rows) + "\n]}\n"
    (FOLDER / f"{name}.json").write_text(text)
    print(f"{name}: {len(items)} items, {score}")


def text_items(count: int, answers: list[str]) -> list[dict]:
    pairs = [{"output": text, "wanted": [text]} for text in answers]
    while len(pairs) < count:
        pairs.append({"output": rng.choice(answers), "wanted": rng.sample(answers, rng.randint(1, 3))})
    return pairs


def make_vqa(qwen: Path) -> None:
    vqa_eval = load(qwen / "eval_mm/vqa_eval.py", "vqa_eval").VQAEval
    items = []
    for text in TEXTS:
        items.append({"output": text, "wanted": [text] * 10})
        items.append({"output": text, "wanted": [text] * 9 + ["other"]})
    while len(items) < 500:
        pool = rng.sample(TEXTS, rng.randint(1, 4))
        humans = rng.choice([10, 10, 10, 10, 9, 3, 1])
        items.append({"output": rng.choice(pool), "wanted": [rng.choice(pool) for _ in range(humans)]})
    asked = {
        index: {"answers": [{"answer": answer, "answer_id": n} for n, answer in enumerate(item["wanted"])], "question_type": "", "answer_type": ""}
        for index, item in enumerate(items)
    }
    vqa = SimpleNamespace(qa=asked, getQuesIds=lambda: list(asked))
    results = SimpleNamespace(qa={index: {"answer": item["output"]} for index, item in enumerate(items)})
    evaluation = vqa_eval(vqa, results, n=10)
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.evaluate()
    values = [evaluation.evalQA[index] / 100 for index in asked]
    write("vqa-accuracy", "Qwen-VL eval_mm/vqa_eval.py", items, values, evaluation.accuracy["overall"] / 100)


def make_anls(qwen: Path) -> None:
    module = load(qwen / "eval_mm/infographicsvqa_eval.py", "infographicsvqa_eval")
    answers = [*TEXTS, "New York City", "new york", "NEW  YORK", "New Yrok", "kitten", "sitting", "12/05/1998", "12/5/98", "ab", "ac", "abc", "abd", "a  b", "$ 1,250.00", "1250"]
    items = text_items(400, answers)
    with tempfile.TemporaryDirectory() as folder:
        wanted, given = Path(folder, "wanted.json"), Path(folder, "given.json")
        data = [{"questionId": i, "question": "", "answers": item["wanted"]} for i, item in enumerate(items)]
        wanted.write_text(json.dumps({"dataset_name": "made", "data": data}))
        given.write_text(json.dumps([{"questionId": i, "answer": item["output"]} for i, item in enumerate(items)]))
        found = module.evaluate_method(wanted, given, SimpleNamespace(anls_threshold=0.5, answer_types=False))
    values = [found["per_sample_result"][str(index)]["score"] for index in range(len(items))]
    write("anls", "Qwen-VL eval_mm/infographicsvqa_eval.py", items, values, found["result"]["score"])


def make_exact(script: SimpleNamespace) -> None:
    items = text_items(300, TEXTS)
    score = lambda some: script.evaluate_exact_match_accuracy([{"answer": item["output"], "annotation": item["wanted"]} for item in some])
    write("exact-match", "Qwen-VL eval_mm/evaluate_vqa.py", items, [score([item]) for item in items], score(items))


def make_gqa(qwen: Path, script: SimpleNamespace) -> None:
    sentences = ["It is a dog.", "The man is on the left of the car.", "Yes, it is.", "No, the cat is not.", "They are birds!", "There are a lot of the birds", "an apple",
                 "the color of the car is blue", "this is the sofa", "A banana. It is an orange.", "left", "Right.", "is it a an the", "area", "dad", "panda bear", "", "island"]
    wanted = ["dog", "left", "yes", "no", "birds", "apple", "blue", "sofa", "banana", "right", "Yes", "lot", "", "nda bear", "bear"]
    items = [{"output": output, "wanted": [answer]} for output in sentences for answer in wanted]
    entries = [{"answer": item["output"], "annotation": item["wanted"]} for item in items]
    loop(qwen / "eval_mm/evaluate_vqa.py", "response.split('is ')")({"merged_outputs": entries})
    values = [script.evaluate_exact_match_accuracy([entry]) for entry in entries]
    write("gqa-accuracy", "Qwen-VL eval_mm/evaluate_vqa.py", items, values, script.evaluate_exact_match_accuracy(entries))


def make_relaxed() -> None:
    script = load(lmms_task("chartqa"), "chartqa")
    numbers = ["0", "0.0", "-0", "1", "1.0", "1.05", "1.051", "0.95", "0.949", "100", "105", "105.1", "95", "94.9", "-100", "-105", "100%", "1", "105%", "50%", "0.5", "0.52",
               "50", "5%", "%", "%%", "5%%", "1e2", "1E2", "1e", ".5", "5.", "+5", "1_000", "1__0", "1000", "1,000", " 7 ", "7", "inf", "-inf", "nan", "infinity", "0x10", "16",
               "２", "12 years", "Yes", "yes", "yes.", "No", "Blue", "blue ", "", "2012", "2013", "1912", "$5", "5", "3.14", "3.2", "中文"]
    items = [{"output": output, "wanted": [answer]} for output, answer in itertools.product(numbers, numbers) if rng.random() < 0.15 or output == answer]
    values = [float(script.relaxed_correctness(item["output"].strip(), item["wanted"][0])) for item in items]
    write("relaxed-accuracy", "lmms-eval 0.7.3, tasks/chartqa", items, values, sum(values) / len(values))


def make_boxes(qwen: Path) -> None:
    import torch

    items = []
    formats = ["<ref>it</ref><box>({},{}),({},{})</box>", "({},{}),({},{})", "({:.1f},{:.1f}),({:.1f},{:.1f})", "({}, {}),({}, {})", "<box>({},{}),({},{})</box><box>(0,0),(999,999)</box>"]
    broken = ["", "no box", "(1,2)", "(1,2),(3)", "(1,2,3),(4,5)", "(1,2),(3,4,5)", "(a,2),(3,4)", "(,),(,)", "(1,2) ,(3,4)", "(1,2),(3,4", "((1,2),(3,4))", "()", "(1 2),(3 4)"]
    for index in range(400):
        width, height = rng.randint(50, 2000), rng.randint(50, 2000)
        x1, y1 = rng.randint(0, 900), rng.randint(0, 900)
        x2, y2 = rng.randint(x1 + 1, 999), rng.randint(y1 + 1, 999)
        shifted = [value + rng.randint(-90, 90) for value in (x1, y1, x2, y2)]
        box = [round(max(0, value) / 999 * size, 2) for value, size in zip(shifted, (width, height, width, height))]
        output = broken[index] if index < len(broken) else rng.choice(formats).format(x1, y1, x2, y2)
        items.append({"output": output, "wanted": {"box": box, "width": width, "height": height}})
    script = functions(qwen / "eval_mm/evaluate_grounding.py", torch=torch, box_area=lambda boxes: (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
    count = loop(qwen / "eval_mm/evaluate_grounding.py", "predict_bbox")

    def correct(some: list[dict]) -> float:
        outputs = [{"answer": item["output"], "gt_bbox": item["wanted"]["box"], "hw": (item["wanted"]["height"], item["wanted"]["width"])} for item in some]
        variables = {"merged_outputs": outputs, "PATTERN": re.compile(r"\((.*?)\),\((.*?)\)"), "re": re, "torch": torch, "box_iou": script.box_iou, "correct": 0, "total_cnt": 0}
        count(variables)
        return variables["correct"] / variables["total_cnt"]

    write("box-accuracy", "Qwen-VL eval_mm/evaluate_grounding.py", items, [correct([item]) for item in items], correct(items))


def make_choices() -> None:
    script = load(lmms_task("seedbench"), "seedbench")
    outputs = ["A", "b", " C", "D.", "A. a dog", "(B)", "The answer is C", "Answer: D", "", " ", "bcd", "Ä", "中", "c)", "\nB\n", "a", "1", "🐶"]
    items = [{"output": output, "wanted": letter} for output in outputs for letter in "ABCD"]
    processed = [script.seed_process_result({"answer": item["wanted"], "data_type": "image", "question_id": 0}, [item["output"]])["seed_all"] for item in items]
    values = [script.seed_aggregation_result([result]) for result in processed]
    write("multiple-choice", "lmms-eval 0.7.3, tasks/seedbench", items, values, script.seed_aggregation_result(processed))


def make_mme(path: Path) -> None:
    sys.argv = ["calculation.py"]
    script = load(path, "calculation")
    outputs = ["yes", "Yes", "YES.", "Yes, it is", "no", "No.", "Not at all", "Nope", "I think yes", "  yes", " no", "maybe", "", "y", "n", "...no", "是", "know", "It does not", "yesno", "noyes"]
    items = []
    values = []
    with tempfile.TemporaryDirectory() as folder:
        for subtask in itertools.chain(*script.eval_type_dict.values()):
            lines = []
            for image, answer in itertools.product(range(rng.randint(5, 12)), ("yes", "no")):
                output = rng.choice(outputs) if rng.random() < 0.6 else rng.choice(["Yes", "No"]) if rng.random() < 0.2 else answer
                items.append({"output": output, "wanted": {"subtask": subtask, "image": f"{image}.jpg", "answer": answer}})
                values.append(int(script.calculate_metrics().parse_pred_ans(output.lower()) == answer))
                lines.append(f"{image}.jpg\tIs it?\t{answer.capitalize()}\t{output}\n")
            Path(folder, f"{subtask}.txt").write_text("".join(lines))
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            script.calculate_metrics().process_result(folder)
    totals = [float(value) for value in re.findall(r"total score: (\S+)", printed.getvalue())]
    parts = {name: float(value) for name, value in re.findall(r"(\S+)\s+score: (\S+)", printed.getvalue()) if name != "total"}
    write("mme-score", "MME eval_tool/calculation.py", items, values, sum(totals), parts={**parts, "perception": totals[0], "cognition": totals[1]})


def make_cider() -> None:
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    def tokenise(captions: list[str]) -> list[str]:
        # A first letter of the next caption can change the last token of one before it: hence the line between.
        asked = {index: [{"caption": caption}, {"caption": "xyz"}] for index, caption in enumerate(captions)}
        return [tokens[0] for tokens in PTBTokenizer().tokenize(asked).values()]

    captions = [*NASTY, *made_captions(rng, 900)]
    tokens = [text.split() for text in tokenise(captions)]
    rows = ",\n".join(json.dumps([caption, words], ensure_ascii=False) for caption, words in zip(captions, tokens, strict=True))
    (FOLDER / "ptb-tokens.json").write_text('{"madeWith": "pycocoevalcap 1.2, Stanford CoreNLP 3.4.1", "captions": [\n' + rows + "\n]}\n")
    print(f"ptb-tokens: {len(captions)} captions")

    def score(items: list[dict], tokenised: typing.Callable[[list[str]], list[str]]) -> tuple[float, list[float]]:
        wanted = dict(enumerate([tokenised(item["wanted"]) for item in items]))
        given = dict(enumerate([[text] for text in tokenised([item["output"] for item in items])]))
        total, per_item = Cider().compute_score(wanted, given)
        return total * 100, [value * 100 for value in per_item]

    items = []
    for caption in rng.sample(captions, 150):
        references = [reworded(rng, caption) for _ in range(rng.choice([1, 2, 3, 5]))]
        output = rng.choice([caption, reworded(rng, caption), references[0], rng.choice(captions), ""])
        items.append({"output": output, "wanted": references})
    cache = {text: tokens for texts in [[item["output"] for item in items] + [text for item in items for text in item["wanted"]]] for text, tokens in zip(texts, tokenise(texts))}
    total, per_item = score(items, lambda texts: [cache[text] for text in texts])
    write("cider", "pycocoevalcap 1.2", items, per_item, total)

    words = list("一二三只个男人女狗猫在的街上骑马车红白")
    sentences = ["".join(rng.choice(words) for _ in range(rng.randint(4, 15))) + rng.choice(["", "。"]) for _ in range(40)]
    items = [{"output": rng.choice([sentence, sentence[:-2], rng.choice(sentences)]), "wanted": [sentence[1:] + "人", sentence, sentence[::-1]]} for sentence in sentences]
    total, per_item = score(items, lambda texts: [" ".join(text) for text in texts])
    write("cider-characters", "pycocoevalcap 1.2 over single characters", items, per_item, total)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("qwen", type=Path)
    parser.add_argument("mme", type=Path)
    arguments = parser.parse_args()
    vqa_script = functions(arguments.qwen / "eval_mm/evaluate_vqa.py", Optional=typing.Optional)
    make_vqa(arguments.qwen)
    make_anls(arguments.qwen)
    make_exact(vqa_script)
    make_gqa(arguments.qwen, vqa_script)
    make_relaxed()
    make_boxes(arguments.qwen)
    make_choices()
    make_mme(arguments.mme)
    make_cider()
