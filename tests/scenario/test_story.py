#!/usr/bin/python3
"""The story of the main job on real virtual machines, and what comes after it, one test per piece, in order, on one lab.

Run as root: tests/scenario/test_story.py [-v]; the programs are taken from $DROVER_BUILD (default build/gcc). A piece
that fails where nothing after it makes sense lets the rest fail at once, with that as the reason.
"""

from __future__ import annotations

import os
import sys
import unittest
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "scenario"))

from story import after  # noqa: E402
from story.stage import Piece, Stage, pieces_of  # noqa: E402
from story.tale import STEPS  # noqa: E402

from drover_lab import preflight  # noqa: E402

BUILD = Path(os.environ.get("DROVER_BUILD", ROOT / "build" / "gcc"))


@unittest.skipIf(preflight.missing(), "no lab here: " + "; ".join(preflight.missing()))
class StoryTest(unittest.TestCase):
    stage: Stage

    @classmethod
    def setUpClass(cls) -> None:
        cls.stage = Stage(BUILD)
        cls.addClassCleanup(cls.stage.close)


def test_of(part: Piece) -> Callable[[StoryTest], None]:
    def test(self: StoryTest) -> None:
        outcome = self.stage.run(part)
        print(f"# {outcome.said} [{outcome.seconds:.1f} s]", file=sys.stderr)
        self.assertTrue(outcome.ok, outcome.said)
    test.__doc__ = part.title
    return test


for step in (*STEPS, after):
    for number, part in enumerate(pieces_of(step)):  # unittest goes by the alphabet
        setattr(StoryTest, f"test_{part.step}{chr(ord('a') + number)}_{part.name}", test_of(part))


if __name__ == "__main__":
    unittest.main()
