"""Pictures, questions and rows: well-formed, repeatable, and with the held-out material held out."""

import unittest

from nano.schedule import Stage
from nano.vocabulary import TEST_WORDS

from . import needs

DRAWING = ("numpy", "cv2", "PIL")


@needs(*DRAWING)
class DrawingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from nano.draw.artwork import load_concepts

        cls.concepts = load_concepts()

    def tasks(self, seed: int, **options):
        from nano.tasks.sampler import TaskSampler

        return TaskSampler(self.concepts, seed, **options)

    def test_things_lie_in_the_picture_and_do_not_overlap(self):
        from nano.geometry import iou

        tasks = self.tasks(1)
        for _ in range(150):
            pic = tasks.scenes.picture()
            self.assertEqual((pic.image.shape, str(pic.image.dtype)), ((224, 224, 3), "uint8"))
            for i, thing in enumerate(pic.things):
                self.assertTrue(all(-1 <= v <= 225 for v in thing.box), thing)
                self.assertTrue(all(iou(thing.box, other.box) < 0.1 for other in pic.things[:i]))

    def test_a_seed_gives_the_same_pictures_and_questions(self):
        def draw():
            tasks = self.tasks(2)
            pics = [tasks.scenes.picture() for _ in range(40)]
            return [(pic.image.tobytes(), vars(tasks.question(pic))) for pic in pics]

        self.assertEqual(draw(), draw())

    def test_words_for_evaluation_are_printed_in_evaluation_only(self):
        names = {word for concept in self.concepts for word in concept.en.split()}  # may be printed in training
        held_out = {word for word in TEST_WORDS if len(word) > 5} - names

        def printed(**options) -> set[str]:
            tasks = self.tasks(3, **options)
            pics = [tasks.scenes.picture() for _ in range(250)]
            return {word.lower() for pic in pics for line in pic.texts for word in line.split()}

        self.assertTrue(held_out.isdisjoint(printed(reading=True)))
        self.assertFalse(held_out.isdisjoint(printed(held_out=True)))

    def test_artwork_for_evaluation_is_drawn_in_evaluation_only(self):
        import random

        from nano.draw.artwork import HELD_OUT_FAMILY, choose_sprite

        concept = next(c for c in self.concepts if c.art_held_out)
        kept = {id(sprite) for sprite in concept.sprites[HELD_OUT_FAMILY]}
        rng = random.Random(4)
        for held_out_art in (False, True):
            chosen = {id(choose_sprite(rng, concept, held_out_art)) for _ in range(40)}
            self.assertEqual(chosen <= kept, held_out_art)
            self.assertEqual(chosen.isdisjoint(kept), not held_out_art)

    @needs("regex")
    def test_rows_hold_their_pictures_and_mark_only_answers(self):
        from nano.config import ROW_LENGTH, TOKENIZER_FILE, VISUAL
        from nano.rows import PAD_SEGMENT, RowSampler
        from nano.tokenizer import Tokenizer

        tokenizer = Tokenizer(TOKENIZER_FILE)
        rows = RowSampler(self.tasks(5), tokenizer)
        for stage in Stage:
            for n_pictures in range(4):
                row, images = rows.row(n_pictures, stage)
                with self.subTest(stage=stage.name, n_pictures=n_pictures):
                    self.assertEqual({len(values) for values in row}, {ROW_LENGTH})
                    self.assertEqual(len(images), n_pictures)
                    self.assertEqual((row.ids == tokenizer.img_pad).sum(), n_pictures * VISUAL["n_queries"])
                    self.assertTrue(row.labels.any())
                    self.assertFalse(row.labels[row.segments == PAD_SEGMENT].any())
                    ends = row.ids[1:][row.labels[:-1] & ~row.labels[1:]]
                    self.assertTrue(all(end in tokenizer.stop_ids for end in ends))
