"""The phrase tables are well-formed."""

import string
import unittest

from nano import phrases

SLOTS = {  # intent: what its questions may ask for; every template uses all but the optional ones
    "color": "the",
    "count": "many measure?",
    "exist": "a? noun?",
    "category": "cat",
    "yesno_rel": "the the2 rel",
    "what_rel": "the2 rel",
    "how_rel": "the the2",
    "where": "the",
    "bigger": "the the2",
    "smaller": "the the2",
    "ground": "the",
    "region": "box",
    "chart_value": "x",
    "chart_compare": "x y",
    "chart_color": "x",
    "price": "x",
    "which_pic": "a? noun?",
    "which_color_pic": "color",
    "pic_what": "number? ordinal? zh_number?",
    "pic_count": "many measure? number? ordinal? zh_number?",
    "pic_more": "many",
    "line": "place",
    "region_text": "box",
    "about_pic": "question number? ordinal? zh_number?",
}


def slots(template: str) -> set[str]:
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}
    return {name[:1].lower() + name[1:] for name in names}


class PhrasesTest(unittest.TestCase):
    def test_every_template_uses_the_slots_of_its_intent(self):
        for intent, languages in (phrases.QUESTIONS | phrases.OPEN_QUESTIONS).items():
            known = SLOTS.get(intent, "").split()
            required = {name for name in known if not name.endswith("?")}
            self.assertEqual(set(languages), {"en", "zh"})
            for template in languages["en"] + languages["zh"]:
                with self.subTest(intent=intent, template=template):
                    self.assertLessEqual(required, slots(template))
                    self.assertLessEqual(slots(template), {name.rstrip("?") for name in known})

    def test_held_out_templates_are_not_trained_on(self):
        for intent, languages in phrases.QUESTIONS.items():
            for lang, templates in languages.items():
                with self.subTest(intent=intent, lang=lang):
                    usual, kept = phrases.split_held_out(templates)
                    self.assertGreaterEqual(len(usual), 3)
                    self.assertEqual(len(kept), 2 if len(templates) > 6 else 1)
                    self.assertTrue(set(usual).isdisjoint(kept))

    def test_pairs_have_both_languages(self):
        pairs = [*phrases.LABELS, *phrases.TITLES, *phrases.GOODS, phrases.NO_IMAGE]
        pairs += [topic["answer"] for topic in phrases.TALK]
        for pair in pairs:
            self.assertEqual(set(pair), {"en", "zh"})
            self.assertTrue(all(pair.values()))
