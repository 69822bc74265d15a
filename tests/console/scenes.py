"""What the commands print where there is no terminal: scenes on one tenant, and the golden text of each.

``PYTHONPATH=tests python -m console.scenes --write`` writes the golden files anew, to be read before they are kept. A
test compares; it makes none.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from conftest import ROOT, Kit

from runbook import simulated

CASES = ROOT / "tests" / "cases" / "console"
_DEMO = ("--tenant", "demo")
_WAITS = (*_DEMO, "--tutorial", str(CASES / "waits.md"))

# What is different in every run; what stands beside it is not.
_MOVING = (
    (r"\d{8}T\d{6}Z-([a-z-]+)-[0-9a-f]{6}", r"<run \1>"),
    (r"journal of \d+ entries", "journal of <some> entries"),
    (r"(manifest|journal of <some> entries, last hash|journal) [0-9a-f]{64}", r"\1 <hash>"),
    (r"(?<!\S)(plan|--approve) [0-9a-f]{12,64}\b", r"\1 <hash>"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<id>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "<time>"),
    (r"until \d\d:\d\d UTC", "until <time>"),
)


def _approve(kit: Kit) -> tuple[str, ...]:
    return ("apply", *_DEMO, "--approve", kit.result("plan")["plan_hash"])


def _drift(kit: Kit) -> tuple[str, ...]:
    set_one = ("sim", "set", "HostedContentFilterPolicy", "Default", "SpamAction", "Quarantine")
    assert kit(*set_one).returncode == 0
    return ("verify", *_DEMO)


def _diff(kit: Kit) -> tuple[str, ...]:
    return ("records", "diff", kit.newest("plan").name, kit.newest("verify").name)


SCENES: dict[str, Callable[[Kit], tuple[str, ...]]] = {
    "preflight": lambda kit: ("preflight", *_DEMO),
    "plan-waits": lambda kit: ("plan", *_WAITS, "-p", "section_another_rule_optional=true"),
    "plan-first": lambda kit: ("plan", *_DEMO),
    "plan-quiet": lambda kit: ("plan", "-q", *_DEMO),
    "apply-nobody-asked": lambda kit: ("apply", *_DEMO),
    "apply": _approve,
    "plan-nothing-left": lambda kit: ("plan", *_DEMO),
    "verify": lambda kit: ("verify", *_DEMO),
    "verify-drift": _drift,
    "rollback": lambda kit: ("rollback", kit.newest("apply").name),
    "rollback-rest": lambda kit: ("rollback", "--rest", kit.newest("apply").name),
    "records-list": lambda kit: ("records", "list"),
    "records-check": lambda kit: ("records", "check", kit.newest("apply").name),
    "records-diff": _diff,
    "tick": lambda kit: ("tick", *_WAITS),
    "lint": lambda kit: ("lint", str(CASES / "waits.md")),
    "diff-tutorial": lambda kit: ("diff-tutorial", str(CASES / "waits.md"), str(CASES / "waits.md")),
    "compile": lambda kit: ("compile", str(CASES / "waits.md")),
    "demo": lambda kit: ("demo",),
}
"""The scenes, in the order in which they are played on one tenant; each gives the words of its command."""


def play(kit: Kit) -> Iterator[tuple[str, str]]:
    """Run every scene, and yield its name with what it printed, the two streams apart."""
    for name, words_of in SCENES.items():
        words = words_of(kit)
        yield name, _scene(words, kit(*words), kit)


def golden(name: str) -> Path:
    """Where a scene's text is kept."""
    return CASES / f"{name}.txt"


def _scene(words: tuple[str, ...], done: subprocess.CompletedProcess[str], kit: Kit) -> str:
    parts = (f"$ runbook {' '.join(words)}", done.stdout, "--- standard error", done.stderr, f"--- {done.returncode}")
    return still("\n".join(parts), kit) + "\n"


def still(text: str, kit: Kit) -> str:
    """Put names in the place of all that is different in every run."""
    text = text.replace(str(kit.folder), "<folder>").replace(str(ROOT), "<project>")
    for pattern, name in _MOVING:
        text = re.sub(pattern, name, text)
    return text


def main() -> int:
    """Write the golden files, when asked to in words."""
    if sys.argv[1:] != ["--write"]:
        print(__doc__)
        return 2
    folder = Path(tempfile.mkdtemp())
    try:
        kit = Kit(folder)
        simulated.reset(kit.state)
        for name, text in play(kit):
            golden(name).write_text(text, encoding="utf-8")
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
