"""All files compile and say what they are."""

import ast
import unittest

from . import TRAINING


class SourcesTest(unittest.TestCase):
    def test_every_file_parses_and_has_a_docstring(self):
        files = [path for path in TRAINING.rglob("*.py") if ".venv" not in path.parts]
        self.assertGreater(len(files), 40)
        for path in files:
            with self.subTest(path.relative_to(TRAINING)):
                self.assertTrue(ast.get_docstring(ast.parse(path.read_text(encoding="utf8"), str(path))))
