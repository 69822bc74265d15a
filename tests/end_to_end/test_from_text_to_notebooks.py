"""A text becomes notebooks that plan, apply and verify against the simulated tenant at once; no Python is edited."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Kit

from runbook.notebooks import START

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "tutorials"
OWN = ROOT / "tests" / "cases" / "texts" / "own"
EVERY = ("notification_frequency=1 day", "retention_days=20", "egress_region=us")


@dataclass(frozen=True)
class Text:
    """A text, the answers that it wants, and what its run must have made or found as it should be."""

    path: Path
    answers: tuple[str, ...]
    resources: int


TEXTS = {
    "uc1-2022": Text(SHARED / "uc1-2022.md", (*EVERY, "split_literal=advised"), 6),
    "uc2-2022-with-second-rule": Text(
        SHARED / "uc2-2022-with-second-rule.md", (*EVERY, "split_literal=advised", "use_uce=advised"), 8
    ),
    "uc2-2024-hugo": Text(SHARED / "uc2-2024-hugo" / "two-junk-user-quarantine.md", EVERY, 8),
    "uc2-2026-rendered": Text(SHARED / "uc2-2026-rendered.md", EVERY, 6),
    "parent": Text(
        SHARED / "parent-2024-office-365-area1-mx.md",
        (
            "egress_region=us",
            "section_secure_office_365_from_mx_records_bypass_recommended=true",
            "enable_organization_customization=true",
        ),
        7,
    ),
    "own exception-except-if": Text(OWN / "exception-except-if.md", (), 1),
    "own connector-and-skipping": Text(OWN / "connector-and-skipping.md", (), 1),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_is_planned_applied_and_verified(name: str, kit: Kit) -> None:
    text = TEXTS[name]
    if not text.path.exists():
        pytest.skip("the given texts are not beside this checkout")
    nb = kit.folder / "nb"
    made = kit("compile", str(text.path), "-o", str(nb))
    assert made.returncode == 0, made.stderr
    answers = [part for answer in text.answers for part in ("-p", answer)]
    words = ("--tenant", "demo", "--tutorial", str(text.path), *answers)
    planned = kit("plan", *words)
    assert planned.returncode == 3, f"{name}: {planned.stdout[-3000:]}{planned.stderr}"
    assert kit.writes() == []
    applied = kit("apply", *words, "--approve", kit.result("plan")["plan_hash"])
    assert applied.returncode == 0, f"{name}: {applied.stdout[-3000:]}{applied.stderr}"
    verified = kit("verify", *words)
    assert verified.returncode == 0, f"{name}: {verified.stdout[-3000:]}{verified.stderr}"
    sections = kit.result("verify")["sections"]
    checks = [check for item in sections for check in (item["verification"] or {"checks": []})["checks"]]
    assert checks and all(check["ok"] for check in checks), name
    assert len({(check["kind"], check["identity"]) for check in checks}) == text.resources, name
    written = _of_sections(nb)
    assert len(written) == len(sections), name
    setting = [path for path, item in zip(written, sections, strict=True) if item["verification"]]
    _headless(kit, setting[-1], text)  # each of them: `make slow`


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TEXTS)
def test_every_notebook_runs_headless(name: str, kit: Kit) -> None:
    text = TEXTS[name]
    if not text.path.exists():
        pytest.skip("the given texts are not beside this checkout")
    answers = [part for answer in text.answers for part in ("-p", answer)]
    words = ("--tenant", "demo", "--tutorial", str(text.path), *answers)
    assert kit("compile", str(text.path), "-o", str(kit.folder / "nb")).returncode == 0
    assert kit("plan", *words).returncode == 3
    assert kit("apply", *words, "--approve", kit.result("plan")["plan_hash"]).returncode == 0
    for path in _of_sections(kit.folder / "nb"):
        _headless(kit, path, text)


def _of_sections(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.ipynb") if path.name != START)


def _headless(kit: Kit, path: Path, text: Text) -> None:
    """Run a written notebook by papermill itself; it must end by itself and say that it is as the text asks."""
    cells = {cell["metadata"]["runbook"]["part"]: cell for cell in json.loads(path.read_text())["cells"]}
    parameters = "".join(cells["parameters"]["source"])
    known = {line.split(":")[0] for line in parameters.splitlines()}
    given = [answer.split("=", 1) for answer in text.answers if answer.split("=")[0] in known]
    words = [part for pair in (*given, ("mode", "verify")) for part in ("-p", *pair)]
    out = kit.folder / f"out-{path.name}"
    done = kit.python("-m", "papermill", "--engine", "runbook", str(path), str(out), *words)
    assert done.returncode == 0, f"{path.name}: {done.stderr[-2000:]}"
    shown = json.dumps([cell.get("outputs") for cell in json.loads(out.read_text())["cells"]])
    assert "as the tutorial asks" in shown or "sets nothing" in shown, path.name
