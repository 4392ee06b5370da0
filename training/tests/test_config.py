"""The sizes of the recipe are those of the published checkpoint."""

import json
import unittest

from nano.config import CONFIG, GENERATION_CONFIG, N_RANKS, N_SPECIAL, PUBLISHED_MODEL, TOKENIZER_CONFIG, TOKENIZER_FILE


class ConfigTest(unittest.TestCase):
    def test_equals_the_published_configuration(self):
        for name, value in (
            ("config", CONFIG),
            ("generation_config", GENERATION_CONFIG),
            ("tokenizer_config", TOKENIZER_CONFIG),
        ):
            with self.subTest(name):
                self.assertEqual(json.loads((PUBLISHED_MODEL / f"{name}.json").read_text()), value)

    def test_vocabulary_holds_all_ranks_and_special_tokens(self):
        self.assertEqual(len(TOKENIZER_FILE.read_bytes().splitlines()), N_RANKS)
        self.assertGreaterEqual(CONFIG["vocab_size"], N_RANKS + N_SPECIAL)
        self.assertEqual(CONFIG["visual"]["image_start_id"], 4310)
