"""The record: one small page that opens anywhere and says only what is true."""

from __future__ import annotations

import html.parser
import json
import re
from typing import Any

import pytest
from conftest import Kit

from runbook import simulated

KIB = 1000


class Page(html.parser.HTMLParser):
    """Collect what a browser would fetch or run, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.handlers: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "srcset", "data", "action", "background") or (
                name == "href" and not (value or "").startswith("#")
            ):
                self.outside.append(f"{tag} {name}={value}")
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(kit: Kit, mode: str) -> tuple[str, Page]:
    text = (kit.newest(mode) / "record.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    return text, page


def test_it_is_self_contained_and_small(applied: Kit) -> None:
    text, page = read(applied, "apply")
    assert len(text.encode()) < 64 * KIB
    assert page.outside == []
    assert page.handlers == []
    assert page.tags.count("svg") == 1
    assert not {"script", "link", "iframe", "img", "object", "embed", "base"} & set(page.tags)
    assert not re.search(r"@import|url\(", text)
    assert "default-src 'none'" in text


def test_five_sections_all_verified_with_lines_and_words(applied: Kit) -> None:
    text, page = read(applied, "apply")
    words = " ".join(" ".join(page.text).split())
    assert "7 changes made. 5 of 5 sections verified by fresh reads." in words
    assert text.count('class="badge good">verified<') == 10  # once in the overview, once at the section
    for needed in (
        "UserNotifyUserRelease",
        "example-com.mail.protection.outlook.com",
        "Undecided: SPAM and SPOOF",
        "is inferred",
        "New-TransportRule",
        "Simulated tenant:",
        "Where messages of each class were seen to land",
        "Promises: 2 of 4 kept by prediction, 2 of 4 observed to be kept.",
        "Where mail lands",
        "predicted not kept, observed not kept",
        "is in force for 8 of 8 recipients",
    ):
        assert needed in words, needed


def test_the_run_folder_holds_all_that_the_page_speaks_of(applied: Kit) -> None:
    folder = applied.newest("apply")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"record.html", "plan.json", "result.json", "journal.jsonl", "approval.json"} <= names
    assert len([name for name in names if name.startswith("notebooks/")]) == 5
    result = json.loads((folder / "result.json").read_text())
    last = (folder / "journal.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["hash"] == result["journal"]["head"]
    assert result["journal"]["head"] in (folder / "record.html").read_text()


def test_no_credential_is_in_any_file_of_any_run(applied: Kit) -> None:
    applied("verify", "--tenant", "demo")
    made = simulated.credentials(applied.state)
    secrets = [made["client_secret"], made["cloudflare_api_token"]]
    for path in applied.runs.rglob("*"):
        if path.is_file():
            content = path.read_text(encoding="utf-8")
            assert not [secret for secret in secrets if secret in content], path
            assert "Bearer ey" not in content, path


def test_a_plan_claims_no_verification(kit: Kit) -> None:
    kit("plan", "--tenant", "demo")
    text, page = read(kit, "plan")
    words = " ".join(" ".join(page.text).split())
    assert "Changes are pending; nothing was written. 0 of 5 sections are as wanted already" in words
    assert 'class="badge good"' not in text
    assert "Promises: 2 of 4 kept by prediction, none observed." in words
    assert "observed kept" not in words


HOSTILE = '<script>alert(1)</script>"\'\u202e=HYPERLINK("x")'


def test_text_from_the_tenant_is_inert(kit: Kit) -> None:
    simulated.set_property(kit.state, "EmailSecurityDomain", "example.com", "transport", HOSTILE)
    kit("plan", "--tenant", "demo")
    text, page = read(kit, "plan")
    assert "script" not in page.tags
    assert "&lt;script&gt;" in text
    for path in (kit.newest("plan") / "notebooks").glob("01-*.ipynb"):
        shown = json.loads(path.read_text())
        markup = [
            "".join(output["data"].get("text/html", ""))
            for cell in shown["cells"]
            for output in cell.get("outputs", [])
            if "data" in output
        ]
        assert not any("<script" in item for item in markup)


@pytest.fixture
def faulty(kit: Kit) -> Any:
    """A kit whose tenant is served, and told to misbehave by a list of faults."""
    import urllib.request

    with simulated.serving(kit.state) as url:

        def set_faults(*faults: dict[str, Any]) -> Kit:
            request = urllib.request.Request(f"{url}/_sim/faults", json.dumps(faults).encode(), method="POST")
            request.add_header("Content-Type", "application/json")
            urllib.request.urlopen(request).close()
            return kit

        yield set_faults


def test_a_failed_write_is_recorded_as_failed_and_later_sections_as_not_run(faulty: Any, kit: Kit) -> None:
    kit("plan", "--tenant", "demo")
    plan_hash = kit.result("plan")["plan_hash"]
    faulty({"match": {"cmdlet": "Set-HostedContentFilterPolicy"}, "kind": "status", "status": 400, "times": 9})
    done = kit("apply", "--tenant", "demo", "--approve", plan_hash)
    assert done.returncode == 1, done.stdout + done.stderr
    result = kit.result("apply")
    assert [item["status"] for item in result["sections"]] == ["changed", "changed", "changed", "failed", "not-run"]
    _, page = read(kit, "apply")
    words = " ".join(" ".join(page.text).split())
    assert "Failed. 5 changes made. 3 of 5 sections verified" in words
    assert "never ran" in words
    assert "Traceback" not in done.stderr


LOST = ["New-QuarantinePolicy", "New-TransportRule", "Set-HostedContentFilterPolicy", "Enable-TransportRule"]


@pytest.mark.parametrize("cmdlet", LOST)
def test_a_lost_answer_is_settled_by_reading_not_by_writing_again(faulty: Any, kit: Kit, cmdlet: str) -> None:
    kit("plan", "--tenant", "demo")
    plan_hash = kit.result("plan")["plan_hash"]
    faulty({"match": {"cmdlet": cmdlet}, "kind": "drop-after", "times": 1})
    done = kit("apply", "--tenant", "demo", "--approve", plan_hash)
    assert done.returncode == 0, done.stdout + done.stderr
    sent = [row["cmdlet"] for row in kit.writes()]
    expected = {"New-QuarantinePolicy": 3}
    assert sent.count(cmdlet) == expected.get(cmdlet, 1)
    assert "settled-by-reading" in (kit.newest("apply") / "journal.jsonl").read_text()
    assert kit("verify", "--tenant", "demo").returncode == 0


def test_a_write_that_never_arrived_is_not_repeated_blindly(faulty: Any, kit: Kit) -> None:
    kit("plan", "--tenant", "demo")
    plan_hash = kit.result("plan")["plan_hash"]
    faulty({"match": {"cmdlet": "Set-HostedContentFilterPolicy"}, "kind": "drop-before", "times": 1})
    done = kit("apply", "--tenant", "demo", "--approve", plan_hash, RUNBOOK_WAIT_SECONDS="1")
    assert done.returncode == 1
    assert "Whether the change took effect is not known" in done.stderr
    assert [row["cmdlet"] for row in kit.writes()].count("Set-HostedContentFilterPolicy") <= 1


def test_what_cannot_be_read_is_unknown_and_nothing_is_written(faulty: Any, kit: Kit) -> None:
    kit("plan", "--tenant", "demo")
    plan_hash = kit.result("plan")["plan_hash"]
    faulty({"match": {"cmdlet": "Get-TransportRule"}, "kind": "html", "status": 503, "retry_after": 0, "times": 99})
    planned = kit("plan", "--tenant", "demo")
    assert planned.returncode == 5
    assert kit.result("plan")["sections"][4]["status"] == "unknown"
    done = kit("apply", "--tenant", "demo", "--approve", plan_hash)
    assert done.returncode == 5
    assert kit.writes() == []
    _, page = read(kit, "apply")
    assert "0 of 5 sections verified" in " ".join(" ".join(page.text).split())
