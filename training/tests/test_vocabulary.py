"""Concepts, artwork archives, word lists and the names that are made of them."""

import unittest
import zipfile

from nano.config import ASSETS
from nano.vocabulary import COLORS, GROUPS, HANZI, MASS, PAIRS, TEST_WORDS, TRAIN_WORDS, Thing, read_concepts
from nano.wording import Names, article, join, plural


class VocabularyTest(unittest.TestCase):
    def test_concepts_are_unique_and_numbered(self):
        concepts = list(read_concepts())
        self.assertEqual([concept.index for concept in concepts], list(range(len(concepts))))
        self.assertEqual(len({concept.en for concept in concepts}), len(concepts))
        self.assertTrue(all(concept.zh and concept.measure and concept.code_points for concept in concepts))

    def test_exceptions_name_concepts(self):
        self.assertLessEqual(PAIRS | set(GROUPS) | MASS, {concept.en for concept in read_concepts()})

    def test_every_family_draws_every_concept(self):
        expected = {f"{c.en}/{i}.webp" for c in read_concepts() for i in range(len(c.code_points))}
        for family in ("twemoji", "noto", "fluent"):
            with self.subTest(family), zipfile.ZipFile(ASSETS / f"sprites-{family}.zip") as archive:
                self.assertEqual(set(archive.namelist()), expected)

    def test_words_for_evaluation_are_held_out(self):
        self.assertTrue(set(TRAIN_WORDS).isdisjoint(TEST_WORDS))
        self.assertGreater(len(TEST_WORDS), 1000)
        self.assertEqual(len(HANZI), len(set(HANZI)))


class WordingTest(unittest.TestCase):
    def setUp(self):
        self.dog, self.skis, self.rice = (
            Thing.pictogram(next(c for c in read_concepts() if c.en == name)) for name in ("dog", "skis", "rice")
        )

    def test_english_names(self):
        names = Names([self.dog], "en")
        self.assertEqual(
            [names.a(t) for t in (self.dog, self.skis, self.rice)], ["a dog", "a pair of skis", "a bowl of rice"]
        )
        self.assertEqual((names.the(self.dog), names.many(self.dog)), ("the dog", "dogs"))
        self.assertEqual(
            [plural(w) for w in ("fox", "fly", "key", "knife", "sheep", "tomato", "computer mouse")],
            ["foxes", "flies", "keys", "knives", "sheep", "tomatoes", "computer mice"],
        )
        self.assertEqual([article(w) for w in ("owl", "unicorn", "ukulele")], ["an owl", "a unicorn", "a ukulele"])

    def test_chinese_names(self):
        names = Names([self.dog], "zh")
        self.assertEqual((names.a(self.dog), names.the(self.dog)), ("一只狗", "狗"))
        self.assertEqual(join(["一", "二", "三"], "zh"), "一、二和三")

    def test_a_shape_is_named_with_its_colour_where_two_differ(self):
        red, blue, star = Thing.shape("circle", "red"), Thing.shape("circle", "blue"), Thing.shape("star", "red")
        names = Names([red, blue, star], "en")
        self.assertEqual([names.the(t) for t in (red, star)], ["the red circle", "the star"])
        self.assertEqual(names.the(star, full=True), "the red star")
        self.assertEqual(Names([red], "zh").a(red), f"一个{COLORS['red'].zh}的圆形")

    def test_listing_counts_equal_things_from_left_to_right(self):
        things = [self.dog.another(), Thing.shape("star", "red"), self.dog.another()]
        for thing, x in zip(things, (100, 0, 50), strict=True):
            thing.box = (x, 0, x + 20, 20)
        self.assertEqual(Names(things, "en").listing(things), "a red star and two dogs")
        self.assertEqual(Names(things, "zh").listing(things), "一个红色的五角星和两只狗")
