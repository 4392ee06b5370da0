"""The drawing processes and the pool they fill."""

import unittest

from nano.config import TOKENIZER_FILE
from nano.schedule import Stage

from . import needs


@needs("torch", "numpy", "PIL", "cv2", "regex")
class PoolTest(unittest.TestCase):
    def pool(self, concepts):
        from nano.pool import CHUNK_IMAGES, MIX, Pool, RowStream
        from nano.tokenizer import Tokenizer

        stream = RowStream(concepts, Tokenizer(TOKENIZER_FILE), workers=1, seed=1, reading=False)
        self.addCleanup(stream.close)
        return Pool(stream, dict.fromkeys(MIX, CHUNK_IMAGES), "cpu")

    def test_batches_have_the_wanted_composition(self):
        from nano.draw.artwork import load_concepts

        pool = self.pool(load_concepts())
        pool.switch(Stage.ALIGN, {1: 48})
        self.assertGreaterEqual(pool.drawn, 48)
        batch = pool.sample({1: 5})
        self.assertEqual((len(batch.ids), len(batch.images)), (5, 5))
        self.assertTrue(batch.labels.any(1).all())

    def test_a_failure_in_a_drawing_process_stops_the_training(self):
        pool = self.pool([])
        with self.assertRaisesRegex(RuntimeError, "a drawing process failed:\nTraceback"):
            pool.switch(Stage.ALIGN, {1: 48})
