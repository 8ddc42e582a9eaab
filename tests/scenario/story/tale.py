"""The steps in order."""

from __future__ import annotations

from . import step1, step2, step3, step4, step5, step6, step7, step8

STEPS = [step1, step2, step3, step4, step5, step6, step7, step8]
