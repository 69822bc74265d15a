"""The README's first screen is true: its output is what the command prints today."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import Kit

README = Path(__file__).resolve().parents[2] / "README.md"


def shown() -> list[str]:
    """Lines of output in the README's first console block, without commands, gaps and what differs each time."""
    block = README.read_text(encoding="utf-8").split("```console\n")[1].split("```")[0]
    return [line for line in block.splitlines() if line.strip() not in ("", "…") and not line.startswith("$")]


def test_the_commands_stand_within_the_first_fifteen_lines() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert any("make demo" in line for line in lines[:15])
    assert len(shown()) >= 8


def test_the_demo_prints_what_the_readme_shows(kit: Kit) -> None:
    done = kit("demo", "-q")
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    position = 0
    for line in shown():
        pattern = re.escape(line).replace("…", ".*")
        pattern = pattern.replace(re.escape("runs/"), ".*runs/")
        matching = [n for n in range(position, len(printed)) if re.fullmatch(pattern, printed[n])]
        assert matching, f"the README shows {line!r}, the demo does not print it (any more)"
        position = matching[0] + 1


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (README.parent / target).exists(), target
