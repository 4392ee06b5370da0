"""Checks of the recipe. Most need only the standard library; the others say what they miss and are skipped."""

import unittest
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

TRAINING = Path(__file__).parents[1]
GOLDENS = TRAINING.parent / "test" / "data" / "goldens"


def needs(*modules: str) -> Callable:
    """Skip a test case when a module is not installed."""
    missing = [module for module in modules if find_spec(module) is None]
    return unittest.skipIf(missing, f"needs {', '.join(missing)}")
