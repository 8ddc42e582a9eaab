"""The stages of ./check: each one counts its cases in the report. They build in build/gcc and build/clang."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tidy as tidying
from tools import BUILD, JOBS, ROOT, Report, count_meson, run, running, start

SCRIPTS = ROOT / "scripts"
LOGS = BUILD / "logs"
GCC, CLANG, THREADS = BUILD / "gcc", BUILD / "clang", BUILD / "threads"
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "30"))
# Coverage counters go into every object of the clang build, so that one build serves the tests and the fuzz targets.
CLANG_OPTIONS = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dfuzz=true",
                 "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined"]
MORE_SEEDS = {"ovf": ("tests/vapp/malformed", "examples/shop", "examples/bank"), "rules": ("packaging",)}
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "LSAN_OPTIONS": f"suppressions={SCRIPTS}/checks/leaks.supp:print_suppressions=0",
}
THREADS_SUITE = os.environ.get("THREADS_SUITE", "threads")
RACES = LOGS / "races"  # a file for each process that had one
THREADS_ENV = {
    "G_SLICE": "always-malloc",  # what malloc() gives and takes back is known to ThreadSanitizer
    "TSAN_OPTIONS": f"ignore_noninstrumented_modules=1:second_deadlock_stack=1:log_path={RACES}/race"
                    f":suppressions={SCRIPTS}/checks/races.supp",
}
SETUPS: dict[Path, tuple[dict[str, str], list[str]]] = {
    GCC: ({"CC": "gcc"}, []), CLANG: ({"CC": "clang"}, CLANG_OPTIONS),
    THREADS: ({"CC": "clang"}, ["-Db_sanitize=thread", "-Db_lundef=false", "-Db_asneeded=false"]),
}
outcome: dict[Path, bool] = {}  # which build directories this run has built, and whether they stand


def static(report: Report) -> None:
    """Each of these is one case."""
    for name in ("check-format", "check-layers", "check-banned", "test-checks"):
        code, words = run([SCRIPTS / name], LOGS / f"{name}.log")
        report.verdict(name, code == 0, words)
    report.say("formatting, layers and banned calls looked at")


def set_up(report: Report, build: Path) -> bool:
    """Makes a build directory if it is new."""
    if (build / "build.ninja").exists():
        return True
    shutil.rmtree(build, ignore_errors=True)
    env, options = SETUPS[build]
    code, words = run(["meson", "setup", "--werror", *options, build, ROOT], LOGS / f"{build.name}-setup.log", env)
    return code == 0 or report.verdict(f"meson setup {build.name}", False, words)


def make(report: Report, build: Path) -> bool:
    """Builds all of it; one case."""
    begin = time.monotonic()
    if not set_up(report, build):
        return False
    code, words = run(["ninja", "-C", build, "-k0", "-j", str(JOBS)], LOGS / f"{build.name}-build.log")
    if code != 0:
        words = "\n".join(line for line in words.splitlines() if not re.match(r"\[\d+/\d+\] ", line))
    report.say(f"{build.name}: built in {time.monotonic() - begin:.0f} s")
    return report.verdict(f"build by {build.name}", code == 0, words)


def built(report: Report, build: Path) -> bool:
    """Builds it if that was not done in this run; says so if the stage cannot run without it."""
    if build not in outcome:
        outcome[build] = make(report, build)
    elif not outcome[build]:
        report.say(f"not run: {build.name} has not built")
    return outcome[build]


def suites(report: Report, build: Path, env: dict[str, str], slower: int, *which: str) -> None:
    begin, before = time.monotonic(), dict(report.count)
    (build / "meson-logs" / "testlog.json").unlink(missing_ok=True)
    _, words = run(["meson", "test", "-C", build, "-t", str(slower), *which], LOGS / f"{build.name}-test.log", env)
    count_meson(report, build, words)
    what = ", ".join(f"{report.count[k] - before[k]} {k}" for k in before)
    report.say(f"test suites in {time.monotonic() - begin:.0f} s: {what}")


def test(report: Report) -> None:
    if built(report, GCC):
        suites(report, GCC, {}, 2, "--no-rebuild")


def asan(report: Report) -> None:
    if built(report, CLANG):
        suites(report, CLANG, SANITIZER_ENV, 6, "--no-rebuild")


def threads(report: Report) -> None:
    """Builds only what these tests need. Each process that had a race is a case that failed, whatever its test says."""
    if not set_up(report, THREADS):
        return
    shutil.rmtree(RACES, ignore_errors=True)
    RACES.mkdir(parents=True)
    suites(report, THREADS, THREADS_ENV, 6, "--suite", THREADS_SUITE)
    for file in sorted(RACES.iterdir()):
        report.failed(file.name, file.read_text(errors="replace"))


def fuzz_one(report: Report, target: Path, tmp: Path) -> Callable[[], None]:
    """Starts one target on its corpus, which stays as it is; the result waits for it and counts it."""
    name = target.name.removeprefix("fuzz-")
    found, log = tmp / name, LOGS / f"{target.name}.log"
    found.mkdir()
    seeds = [ROOT / "fuzz" / "corpus" / name, *(ROOT / folder for folder in MORE_SEEDS.get(name, ()))]
    words = ROOT / "fuzz" / f"{name}.dict"
    argv: list[str | Path] = [target, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
                              "-print_final_stats=1", f"-artifact_prefix={BUILD}/{target.name}-", found]
    argv += [folder for folder in seeds if folder.is_dir()]
    argv += [f"-dict={words}"] if words.is_file() else []
    with open(log, "wb") as out:
        child = start(argv, out.fileno(), SANITIZER_ENV)

    def finish() -> None:
        code = child.wait()
        running.discard(child)
        said = log.read_text(errors="replace")
        units = re.search(r"number_of_executed_units:\s*(\d+)", said)
        done = int(units[1]) if units else 0
        if report.verdict(target.name, code == 0 and done > 0, said):
            report.say(f"{target.name}: {done} inputs, {len(list(found.iterdir()))} of them new")

    return finish


def fuzz(report: Report) -> None:
    if not built(report, CLANG):
        return
    targets = sorted(p for p in (CLANG / "fuzz").glob("fuzz-*") if p.is_file() and os.access(p, os.X_OK))
    if len(targets) != len(list((ROOT / "fuzz").glob("fuzz-*.c"))):
        report.failed("fuzz targets", "not every fuzz/fuzz-*.c was built: is it in fuzz/meson.build?")
    with tempfile.TemporaryDirectory(prefix="drover-fuzz-") as tmp:
        for i in range(0, len(targets), JOBS):
            for finish in [fuzz_one(report, t, Path(tmp)) for t in targets[i:i + JOBS]]:
                finish()


def tidy(report: Report) -> None:
    """All of src/ is one case when it is clean. It needs the way files are compiled, not that they have been."""
    if not set_up(report, CLANG):
        return
    begin = time.monotonic()
    looked, known, found = tidying.look(CLANG)
    report.say(f"clang-tidy: {looked} files in {time.monotonic() - begin:.0f} s, {known} known to be clean")
    for file, words in found.items():
        report.failed(file, words)
    if not found:
        report.verdict("clang-tidy", looked + known > 0, "no file of src/ was looked at")


def scenario(report: Report, file: Path, tmp: Path) -> None:
    result = tmp / (file.stem + ".json")
    begin = time.monotonic()
    env = {"DROVER_BUILD": str(GCC), "PYTHONDONTWRITEBYTECODE": "1"}
    code, words = run(["/usr/bin/python3", "-B", SCRIPTS / "checks" / "scenario.py", file, result],
                      LOGS / f"{file.stem}.log", env, timeout=1200)
    cases = json.loads(result.read_text()) if result.exists() else []
    for name, what, why in cases:
        if what == "passed":
            report.passed()
        elif what == "skipped":
            report.skipped(name, why)
        else:
            report.failed(name, why)
    if not cases or (code != 0 and not any(c[1] == "failed" for c in cases)):
        report.failed(f"{file.name}: exit {code}, {len(cases)} cases", words)
    elif code != 0:
        print("\n".join("    " + line for line in words.strip().splitlines()[-120:]), flush=True)
    good = sum(c[1] == "passed" for c in cases)
    report.say(f"{file.name}: {good} of {len(cases)} cases passed in {time.monotonic() - begin:.0f} s")


def lab(report: Report) -> None:
    if not built(report, GCC):
        return
    files = sorted((ROOT / "tests" / "scenario").glob("test_*.py"))
    if not files:
        report.failed("tests/scenario", "no test_*.py there")
    with tempfile.TemporaryDirectory(prefix="drover-check-") as tmp:
        for file in files:
            scenario(report, file, Path(tmp))


def build_stage(report: Report) -> None:
    built(report, GCC)


STAGES: dict[str, Callable[[Report], None]] = {
    "static": static, "build": build_stage, "test": test, "asan": asan, "threads": threads, "fuzz": fuzz, "tidy": tidy, "lab": lab,
}
QUICK = ["static", "build", "test"]
