"""Stages by the clock, their learning rate and what they train."""

import unittest

from nano.schedule import Stage, is_trained, rate, stage_at

VISION = "transformer.visual.transformer.resblocks.0.ln_1.weight"
ADAPTER = "transformer.visual.attn_pool.query"
LANGUAGE = "transformer.h.0.attn.c_attn.weight"


class ScheduleTest(unittest.TestCase):
    def test_stages_follow_their_shares(self):
        shares = (0.1, 0, 0.5, 0.4)
        self.assertEqual(stage_at(0, 100, shares), (Stage.TEXT, 0))
        self.assertEqual(stage_at(35, 100, shares), (Stage.JOINT, 0.5))
        self.assertEqual(stage_at(99, 100, shares)[0], Stage.CHAT)
        self.assertEqual(stage_at(100, 100, shares), (None, 1))

    def test_rate_warms_up_and_the_chat_stage_goes_on_where_the_joint_stage_ends(self):
        self.assertLess(rate(Stage.TEXT, 0, 0), 0.01)
        self.assertEqual(rate(Stage.JOINT, 0, 1000), 1)
        self.assertAlmostEqual(rate(Stage.JOINT, 1, 1000), rate(Stage.CHAT, 0, 1000), delta=0.003)
        self.assertLess(rate(Stage.CHAT, 1, 1000), 0.01)

    def test_each_stage_trains_its_parts(self):
        trained = {stage: [is_trained(n, stage) for n in (VISION, ADAPTER, LANGUAGE)] for stage in Stage}
        self.assertEqual(trained[Stage.TEXT], [False, False, True])
        self.assertEqual(trained[Stage.ALIGN], [True, True, False])
        self.assertEqual(trained[Stage.JOINT], [True, True, True])
        self.assertEqual(trained[Stage.CHAT], [False, True, True])
        self.assertFalse(any(is_trained("transformer.visual.attn_pool.pos_embed", stage) for stage in Stage))
