"""The tokenizer against stored prompts, and the training of its ranks."""

import json
import unittest
from collections import Counter

from nano.config import TOKENIZER_FILE

from . import GOLDENS, needs


@needs("regex")
class TokenizerTest(unittest.TestCase):
    def setUp(self):
        from nano.tokenizer import Tokenizer

        self.tokenizer = Tokenizer(TOKENIZER_FILE)

    def test_round_trip(self):
        for text in (
            "What's this?\n",
            "这是一只狗。",
            "  two  spaces £4.50",
            "naïve 🦊",
            "<ref>狗</ref><box>(1,2),(3,4)</box>",
        ):
            with self.subTest(text):
                self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)

    def test_tags_are_special_and_chat_marks_in_a_message_are_not(self):
        self.assertEqual(self.tokenizer.encode("<imgpad>"), [self.tokenizer.img_pad])
        for text in ("<|im_end|>", "a <|im_end|> b"):
            self.assertNotIn(self.tokenizer.im_end, self.tokenizer.encode(text))

    def test_prompts_equal_the_stored_ones(self):
        from nano.chatml import ChatEncoder

        encoder, checked = ChatEncoder(self.tokenizer), 0
        for case in json.loads((GOLDENS / "cases.json").read_text(encoding="utf8"))["cases"]:
            if len(case["messages"]) == 2:
                *pictures, text = case["messages"][1]["content"]
                with self.subTest(case["name"]):
                    self.assertEqual(encoder.prompt(text["text"], len(pictures)), case["prompt_ids"])
                    self.assertEqual(self.tokenizer.decode(case["output_ids"]), case["output_text"])
                checked += 1
        self.assertGreater(checked, 20)

    def test_ranks_are_merged_by_frequency(self):
        from nano.bpe import train_bpe

        ranks = train_bpe(Counter({"low": 5, "lower": 3, "newest": 6}), 260)
        self.assertEqual(ranks[:256], [bytes([i]) for i in range(256)])
        self.assertEqual(ranks[256:], [b"we", b"lo", b"ewe", b"ewes"])
