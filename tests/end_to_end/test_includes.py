"""A text with included files, from plan to verify on the simulated tenant; its approval covers every file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import ROOT, Kit

HUGO = ROOT.parent / "shared" / "tutorials" / "uc2-2024-hugo"
OWN = yaml.safe_load((ROOT / "tests" / "cases" / "includes" / "cases.yaml").read_text(encoding="utf-8"))
INPUTS = ("-p", "notification_frequency=1 day", "-p", "retention_days=30", "-p", "egress_region=us")


def run(kit: Kit, mode: str, path: Path, *more: str) -> int:
    return kit(mode, "--tenant", "demo", "--tutorial", str(path), *more).returncode


def copied(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_changed_include_voids_the_approval(kit: Kit) -> None:
    folder = copied(OWN["parameters inside and around markup"]["files"], kit.folder / "own")
    path, included = folder / "text.md", folder / "_partials" / "a" / "policy.md"
    assert run(kit, "plan", path) == 3
    approved = ("--approve", kit.result("plan")["plan_hash"])
    before = included.read_text(encoding="utf-8")
    included.write_text(before.replace("Open the", "Go to the"), encoding="utf-8")
    assert run(kit, "apply", path, *approved) == 4
    assert kit.writes() == []
    included.write_text(before, encoding="utf-8")
    assert run(kit, "apply", path, *approved) == 0
    assert run(kit, "verify", path) == 0
    (section,) = kit.result("verify")["sections"]
    (check,) = section["verification"]["checks"]
    assert check["ok"] and check["lines"] == [f"policy.md line {line}, via line 5" for line in (8, 9)]
    assert "policy.md lines 8, 9, via line 5" in (kit.newest("apply") / "record.html").read_text(encoding="utf-8")


@pytest.mark.skipif(not HUGO.exists(), reason="the collection of texts is not beside this checkout")
def test_the_edition_of_2024_is_carried_out(kit: Kit) -> None:
    path = HUGO / "two-junk-user-quarantine.md"
    assert run(kit, "plan", path, *INPUTS) == 3
    assert run(kit, "apply", path, *INPUTS, "--approve", kit.result("plan")["plan_hash"]) == 0
    assert run(kit, "verify", path, *INPUTS) == 0
    sections = kit.result("verify")["sections"]
    assert len(sections) == 5 and all(section["status"] == "unchanged" for section in sections)


def test_compile_takes_the_folder_of_included_files(kit: Kit) -> None:
    files = OWN["parameters inside and around markup"]["files"]
    copied({"text.md": files["text.md"], "parts/a/policy.md": files["_partials/a/policy.md"]}, kit.folder)
    alone = kit("compile", "text.md")
    assert alone.returncode == 0 and "there is no file a/policy.md" in alone.stdout
    given = kit("compile", "text.md", "--includes", "parts", "-o", "made")
    assert "[policy.md lines 8, 9, via line 5]" in given.stdout and "RUNBOOK_INCLUDES=" in given.stderr
    named = kit("compile", "text.md", RUNBOOK_INCLUDES=str(kit.folder / "parts"))
    assert named.stdout == given.stdout
