"""clang-tidy on all of src/, as many at a time as there are processors.

A file that was clean is not looked at again until it, a header it includes, its command or the rules change.
"""

from __future__ import annotations

import concurrent.futures
import hashlib
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tools import BUILD, JOBS, LOGS_OF_TIDY, ROOT, running, start

KNOWN = BUILD / "tidy-clean"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)
EXTRA = ["--quiet", "--extra-arg=-Wno-unknown-warning-option"]


def closure(file: Path, found: dict[Path, str]) -> None:
    """The file and every header of ours that it includes, with their text."""
    todo = [file]
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found[path] = path.read_text(errors="replace")
        for name in INCLUDE.findall(found[path]):
            todo += [p for p in (ROOT / "src" / name, ROOT / "include" / name, path.parent / name) if p.is_file()]


def fingerprint(file: Path, command: str, rules: str) -> str:
    found: dict[Path, str] = {}
    closure(file, found)
    digest = hashlib.sha256(f"{rules}\0{command}\0".encode())
    for path in sorted(found):
        digest.update(f"{path.relative_to(ROOT)}\0{found[path]}\0".encode())
    return digest.hexdigest()


def commands(build: Path) -> dict[Path, str]:
    """Each file of src/ and how it is compiled."""
    entries = json.loads((build / "compile_commands.json").read_text())
    files = {(Path(e["directory"]) / e["file"]).resolve(): e["command"] for e in entries}
    return {f: shlex.join(shlex.split(c)) for f, c in files.items() if f.is_relative_to(ROOT / "src")}


def look_at(build: Path, file: Path, key: str) -> str:
    """What clang-tidy finds in a file, without its notes; nothing if it is clean, which is remembered."""
    log = LOGS_OF_TIDY / (str(file.relative_to(ROOT)).replace("/", "-") + ".log")
    with open(log, "wb") as out:
        child = start(["clang-tidy", "-p", build, *EXTRA, file], out.fileno())
        code = child.wait()
        running.discard(child)
    if code == 0:
        (KNOWN / key).touch()
        return ""
    words = log.read_text(errors="replace").replace(f"{ROOT}/", "")
    found = [line for line in words.splitlines() if ": error: " in line]
    return "\n".join([*found, f"in full: {log}"] if found else [words])


def look(build: Path) -> tuple[int, int, dict[str, str]]:
    """How many files were looked at, how many were known to be clean, and what was found in which file."""
    shutil.rmtree(LOGS_OF_TIDY, ignore_errors=True)
    for folder in (KNOWN, LOGS_OF_TIDY):
        folder.mkdir(parents=True, exist_ok=True)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
    rules = version + (ROOT / ".clang-tidy").read_text()
    keys = {file: fingerprint(file, command, rules) for file, command in commands(build).items()}
    todo = [file for file, key in keys.items() if not (KNOWN / key).exists()]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        words = list(pool.map(lambda file: look_at(build, file, keys[file]), todo))
    found = {str(file.relative_to(ROOT)): w for file, w in zip(todo, words, strict=True) if w}
    return len(todo), len(keys) - len(todo), found
