"""A step that is not understood leaves its own object to a person; all others are planned, applied and verified."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Kit

from runbook import simulated

TEXT = Path(__file__).resolve().parents[1] / "cases" / "left" / "two-rules.md"
WORDS = ("--tenant", "demo", "--tutorial", "two-rules.md")


@pytest.fixture
def text(kit: Kit) -> Kit:
    shutil.copy(TEXT, kit.folder)
    return kit


def test_the_understood_rule_is_made_and_the_other_is_left(text: Kit) -> None:
    planned = text("plan", *WORDS)
    assert planned.returncode == 3, planned.stderr
    assert "? Transport rule Two: left to a person: line 19: " in planned.stdout
    assert "Left to a person:\n  Two: line 19: " in planned.stdout and "Undecided:" not in planned.stdout
    assert "To carry out exactly this plan" in planned.stdout
    applied = text("apply", *WORDS, "--approve", text.result("plan")["plan_hash"])
    assert applied.returncode == 3, applied.stdout + applied.stderr
    assert "1 changed, 7 of 7 properties are as the tutorial asks, the rest is left to a person" in applied.stdout
    written = {row["cmdlet"] for row in text.writes() if row.get("cmdlet")}
    assert written == {"New-TransportRule", "Enable-TransportRule"}
    result = text.result("apply")
    assert (result["status"], result["exit_code"]) == ("left to a person", 3)
    assert result["sections"][0]["verification"]["ok"] is False, "what a person does is never verified by this kit"
    page = (text.newest("apply") / "record.html").read_text(encoding="utf-8")
    assert "A part is left to a person." in page and "0 of 1 sections verified" in page
    assert "<h3>What is left to a person</h3>" in page and "What is undecided" not in page
    assert "TransportRule Two, as a whole: line 19" in page


def test_nothing_more_is_pending_then_and_it_can_be_taken_back(text: Kit) -> None:
    assert text("plan", *WORDS).returncode == 3
    assert text("apply", *WORDS, "--approve", text.result("plan")["plan_hash"]).returncode == 3
    before = len(text.writes())
    again = text("plan", *WORDS)
    assert again.returncode == 3 and "To carry out exactly this plan" not in again.stdout
    assert text.result("plan")["status"] == "left to a person"
    verified = text("verify", *WORDS)
    assert verified.returncode == 3 and "NOT verified" in verified.stdout
    assert len(text.writes()) == before
    run = text.newest("apply").name
    assert text("rollback", run).returncode == 3
    back = text("rollback", run, "--approve", text.result("rollback")["plan_hash"])
    assert back.returncode == 0, back.stdout + back.stderr


NOTHING_UNDERSTOOD = """# Spam

## Spam settings

1. Open the [Microsoft 365 Defender console](https://security.microsoft.com/).
2. Go to **Threat policies** > **Anti-spam**.
3. Select **Anti-spam inbound policy (Default)**.
4. Select **Edit actions**.
5. Think of what you want:
    - **Spam**: _Quarantine message_
6. Select **Save**.
"""


def test_a_section_of_which_nothing_is_understood_never_passes_for_done(kit: Kit) -> None:
    (kit.folder / "text.md").write_text(NOTHING_UNDERSTOOD, encoding="utf-8")
    words = ("--tenant", "demo", "--tutorial", "text.md")
    planned = kit("plan", *words)
    assert planned.returncode == 3 and "Anti-spam policy Default: left to a person: " in planned.stdout
    verified = kit("verify", *words)
    assert verified.returncode == 3, verified.stdout
    assert kit.result("verify")["status"] == "left to a person"
    page = (kit.newest("verify") / "record.html").read_text(encoding="utf-8")
    assert "already as the tutorial asks" not in page and "A part is left to a person." in page


def test_what_all_else_waits_for_is_done_first_wherever_it_stands(kit: Kit) -> None:
    shutil.copy(TEXT.with_name("organisation-last.md"), kit.folder)
    simulated.reset(kit.state, profile="dehydrated")
    words = ("--tenant", "demo", "--tutorial", "organisation-last.md", "-p", "enable_organization_customization=true")
    assert kit("plan", *words).returncode == 3
    done = kit("apply", *words, "--approve", kit.result("plan")["plan_hash"])
    assert done.returncode == 0, done.stdout + done.stderr
    written = [row["cmdlet"] for row in kit.writes() if row.get("cmdlet")]
    assert written == ["Enable-OrganizationCustomization", "Set-HostedConnectionFilterPolicy"]
