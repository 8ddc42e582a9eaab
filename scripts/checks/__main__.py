"""What ./check runs after it has made sure that the packages are there: see `./check --help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from stages import STAGES, QUICK  # noqa: E402
from tools import ROOT, Interrupted, Report, interrupt, only_one_here  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="check")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", choices=list(STAGES), metavar="STAGE")
    args = parser.parse_args()
    names = args.only or (QUICK if args.quick else list(STAGES))
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, interrupt)
    os.chdir(ROOT)
    report = Report()
    try:
        with only_one_here():
            for name in [n for n in STAGES if n in names]:
                report.stage = name
                STAGES[name](report)
    except Interrupted:
        report.failed("interrupted", "check was interrupted: what follows was not tested")
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
