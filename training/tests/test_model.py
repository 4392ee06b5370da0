"""The architecture against the published checkpoint, and one training step of every stage."""

import json
import tempfile
import unittest
from pathlib import Path

from nano.config import CONFIG, PUBLISHED_MODEL, ROW_LENGTH, TOKENIZER_FILE, VISUAL
from nano.schedule import Stage, is_trained

from . import GOLDENS, needs


@needs("torch", "numpy", "PIL", "regex")
class PublishedModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from nano import checkpoint

        cls.model = checkpoint.load(PUBLISHED_MODEL)

    def test_parameters_are_those_of_the_index(self):
        index = json.loads((PUBLISHED_MODEL / "model.safetensors.index.json").read_text())
        state = self.model.state_dict()
        self.assertEqual(list(state), list(index["weight_map"]))
        self.assertEqual(sum(2 * tensor.numel() for tensor in state.values()), index["metadata"]["total_size"])

    def test_forward_shapes(self):
        import torch

        from nano.model.qwen_vl import causal_mask

        features = self.model.visual(torch.zeros(2, 3, 224, 224))
        self.assertEqual(tuple(features.shape), (2, VISUAL["n_queries"], CONFIG["hidden_size"]))
        positions = torch.arange(5).expand(2, 5)
        hidden = self.model.hidden(self.model.embed(positions), positions, causal_mask(5))
        self.assertEqual(tuple(self.model.lm_head(hidden).shape), (2, 5, CONFIG["vocab_size"]))

    def test_answers_a_stored_case_with_the_same_tokens(self):
        import numpy as np
        import torch
        from PIL import Image

        from nano.pixels import preprocess
        from nano.tokenizer import Tokenizer

        tokenizer = Tokenizer(TOKENIZER_FILE)
        case = json.loads((GOLDENS / "cases.json").read_text(encoding="utf8"))["cases"][0]
        pixels = preprocess(Image.open(GOLDENS / case["image_features"]["image"]))
        with torch.no_grad():
            features = self.model.visual(pixels)
        stored = np.load(GOLDENS / case["image_features"]["file"])
        self.assertLess(np.abs(features[0].numpy() - stored).max(), 1e-3)
        steps = self.model.greedy(case["prompt_ids"], features, tokenizer.img_pad, tokenizer.stop_ids, 64)
        tokens = [token for token, _ in steps]
        self.assertEqual(tokens[:-1], case["output_ids"])
        self.assertEqual(tokens[-1], tokenizer.im_end)

    def test_saving_gives_the_published_files(self):
        from nano import checkpoint

        with tempfile.TemporaryDirectory() as folder:
            checkpoint.save(self.model, Path(folder))
            for path in Path(folder).iterdir():
                with self.subTest(path.name):
                    self.assertEqual(path.read_bytes(), (PUBLISHED_MODEL / path.name).read_bytes())


@needs("torch")
class LongContextTest(unittest.TestCase):
    """Constants of Qwen-VL-Chat: trained on 2048 positions, heads of 128, rotary base 10000."""

    def test_the_rotary_base_rises_with_the_prompt(self):
        from nano.model.language import ntk_base

        expected = {1: 10000, 2048: 10000, 2049: 30527.737, 4096: 30527.737, 4097: 72195.86, 8192: 72195.86}
        for length, base in expected.items():
            with self.subTest(length):
                self.assertAlmostEqual(ntk_base(10000, 128, length, 2048), base, places=2)

    def test_queries_grow_with_the_logarithm_of_their_length(self):
        import torch

        from nano.model.language import logn_factor

        lengths = torch.tensor([[1, 2048, 3000, 4096, 8192]])
        factor = logn_factor(lengths - 1, 2048).flatten()
        torch.testing.assert_close(factor, torch.tensor([1, 1, 1.050068, 12 / 11, 13 / 11]))


@needs("torch", "numpy", "PIL", "cv2", "regex")
class TrainingStepTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from nano.draw.artwork import load_concepts
        from nano.rows import RowSampler
        from nano.tasks.sampler import TaskSampler
        from nano.tokenizer import Tokenizer

        cls.tokenizer = Tokenizer(TOKENIZER_FILE)
        cls.rows = RowSampler(TaskSampler(load_concepts(), 6), cls.tokenizer)

    def batch(self, stage: Stage):
        """One row with a picture and one without."""
        import numpy as np
        import torch

        from nano.pool import Batch

        drawn = [self.rows.row(n, stage) for n in (1, 0)]
        arrays = (torch.from_numpy(np.stack(values)) for values in zip(*(row for row, _ in drawn), strict=True))
        return Batch(*arrays, torch.from_numpy(np.stack(drawn[0][1])))

    def test_every_stage_lowers_the_loss_of_a_batch_with_the_parameters_it_trains(self):
        import torch

        from nano.model.qwen_vl import QwenVL
        from nano.muon import Muon
        from nano.objective import objective

        shallow = CONFIG | {"num_hidden_layers": 1, "visual": VISUAL | {"layers": 1}}
        for stage in Stage:
            with self.subTest(stage.name):
                torch.manual_seed(0)
                model, batch = QwenVL(shallow), self.batch(stage)
                for name, parameter in model.named_parameters():
                    parameter.requires_grad_(is_trained(name, stage))
                before = objective(model, batch, stage, self.tokenizer.img_pad).loss
                before.backward()
                matrices = [p for p in model.parameters() if p.dim() == 2 and p.grad is not None]
                self.assertTrue(all((p.grad is not None) <= p.requires_grad for p in model.parameters()))
                Muon(matrices, lr=2e-3).step()
                with torch.no_grad():
                    after = objective(model, batch, stage, self.tokenizer.img_pad).loss
                self.assertLess(after.item(), before.item())

    def test_a_segment_sees_the_prefix_and_itself_only(self):
        import torch

        from nano.objective import segment_mask

        mask = segment_mask(torch.tensor([[0, 0, 1, 1, 2]], dtype=torch.int8))[0, 0] == 0
        expected = [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 0, 0, 1]]
        self.assertEqual(mask.int().tolist(), expected)
        self.assertLessEqual(mask.shape[0], ROW_LENGTH)
