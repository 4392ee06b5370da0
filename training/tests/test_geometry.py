"""Boxes, areas and directions."""

import unittest

from nano.geometry import area, area_is_clear, box_tag, find_boxes, iou, relation
from nano.vocabulary import Thing


def star_at(x: float, y: float) -> Thing:
    thing = Thing.shape("star", "red")
    thing.box = (x - 10, y - 10, x + 10, y + 10)
    return thing


class GeometryTest(unittest.TestCase):
    def test_boxes_are_written_on_the_1000_grid_and_read_back(self):
        tag = box_tag((0, 56, 112, 230))
        self.assertEqual(tag, "<box>(0,250),(500,999)</box>")
        self.assertEqual(find_boxes(f"<ref>a</ref>{tag}"), [(0, 250, 500, 999)])

    def test_iou(self):
        self.assertEqual(iou((0, 0, 2, 2), (0, 0, 2, 2)), 1)
        self.assertEqual(iou((0, 0, 2, 2), (2, 0, 4, 2)), 0)
        self.assertAlmostEqual(iou((0, 0, 2, 2), (1, 0, 3, 2)), 1 / 3)

    def test_directions_need_a_clear_lead(self):
        middle = star_at(112, 112)
        self.assertEqual(relation(star_at(40, 120), middle), "left")
        self.assertEqual(relation(star_at(112, 200), middle), "below")
        self.assertIsNone(relation(star_at(60, 60), middle))
        self.assertIsNone(relation(star_at(100, 112), middle))

    def test_areas(self):
        self.assertEqual(area(star_at(20, 210))["en"], "in the bottom left")
        self.assertTrue(area_is_clear(star_at(112, 112)))
        self.assertFalse(area_is_clear(star_at(75, 112)))
