"""The story of the main job, step by step, on real virtual machines: ./demo tells it, tests/scenario/test_story.py
asserts it.

Each module step*.py is one step: TITLE, and its pieces in order (functions marked with @piece). A piece acts on the
stage, raises AssertionError or LabError when what it saw is not what it should be, and returns the sentence with the
figures that a reader wants to see.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "lab"))
