"""scenario.py FILE RESULT.json: run a file of unittest cases and write what became of each, for check.

RESULT is a list of [name, "passed" | "failed" | "skipped", words]. An interrupt lets the running test clean up.
"""

from __future__ import annotations

import importlib.util
import json
import signal
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True


class Record(unittest.TextTestResult):
    """Remembers every case; one with failed subtests counts as one failure."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.outcome: dict[str, tuple[str, str]] = {}

    def _note(self, test: unittest.TestCase, what: str, words: str = "") -> None:
        if self.outcome.get(test.id(), ("", ""))[0] != "failed":
            self.outcome[test.id()] = (what, words)

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self._note(test, "passed")

    def addFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addFailure(test, err)  # type: ignore[arg-type]
        self._note(test, "failed", str(err[1]))  # type: ignore[index]

    def addError(self, test: unittest.TestCase, err: object) -> None:
        super().addError(test, err)  # type: ignore[arg-type]
        self._note(test, "failed", str(err[1]))  # type: ignore[index]

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: object) -> None:
        super().addExpectedFailure(test, err)  # type: ignore[arg-type]
        self._note(test, "passed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self._note(test, "failed", "passed although it was expected to fail")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: object) -> None:
        super().addSubTest(test, subtest, err)  # type: ignore[arg-type]
        if err is not None:
            self._note(test, "failed", str(err[1]))  # type: ignore[index]


def main() -> int:
    file, result = Path(sys.argv[1]), Path(sys.argv[2])
    sys.argv = [str(file)]
    sys.path.insert(0, str(file.parent))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    except unittest.SkipTest as e:
        result.write_text(json.dumps([[file.stem, "skipped", str(e)]]))
        return 0
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Record)
    try:
        done = runner.run(suite)
    except KeyboardInterrupt:
        # a lab that the class raised is taken down by its own cleanup
        unittest.case.doModuleCleanups()
        for case in {type(t) for group in suite for t in group}:  # type: ignore[union-attr]
            case.doClassCleanups()
        return 130
    assert isinstance(done, Record)
    result.write_text(json.dumps([[name, what, words] for name, (what, words) in done.outcome.items()]))
    return 0 if done.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
