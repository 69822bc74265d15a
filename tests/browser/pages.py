"""Pages of the kit that are opened as files: which there are, their text, and what axe-core says of one."""

from __future__ import annotations

import contextlib
import json
import re
import unicodedata
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import Kit
from fleet import made
from playwright.sync_api import Page

from runbook import simulated
from runbook.fleet import changes
from runbook.fleet import page as fleet_page

RECORDS = ("plan", "apply", "verify", "rollback-apply", "failed")
COMMANDS = {"index": ("records", "index"), "sheet": ("sheet", "junk-and-user-quarantine")}
FLEET = "fleet"
PAGES = (*RECORDS, *COMMANDS, FLEET)


@dataclass(frozen=True)
class Written:
    """The pages that one set of runs has left, by name."""

    kit: Kit
    found: dict[str, Path]

    def of(self, name: str) -> Path:
        """The file of a page. Index and sheet are made by a command of their own, which fails here if it fails."""
        if name == FLEET and name not in self.found:
            self.found[name] = _fleet(self.kit)
        if name not in self.found:
            made = self.kit.folder / f"{name}.html"
            done = self.kit(*COMMANDS[name], "-o", str(made))
            assert done.returncode == 0, f"the command for the {name} failed:\n{done.stdout}{done.stderr}"
            self.found[name] = made
        return self.found[name]


def written(kit: Kit) -> Written:
    """Run a plan, an apply that fails, one that does not, a verification that finds drift, and a rollback."""
    found: dict[str, Path] = {}

    def keep(name: str, mode: str) -> None:
        found[name] = kit.newest(mode) / "record.html"

    with simulated.serving(kit.state) as url:
        _call(kit, 3, "plan")
        keep("plan", "plan")
        approved = kit.result("plan")["plan_hash"]
        with _faulty(url, {"match": {"cmdlet": "Set-HostedContentFilterPolicy"}, "kind": "status", "status": 400}):
            _call(kit, 1, "apply", "--approve", approved)
        keep("failed", "apply")
        _call(kit, 3, "plan")
        _call(kit, 0, "apply", "--approve", kit.result("plan")["plan_hash"])
        keep("apply", "apply")
        run = kit.newest("apply").name
        simulated.set_property(kit.state, "HostedContentFilterPolicy", "Default", "QuarantineRetentionPeriod", 3)
        _call(kit, 3, "verify")
        keep("verify", "verify")
        simulated.set_property(kit.state, "HostedContentFilterPolicy", "Default", "QuarantineRetentionPeriod", 15)
        assert kit("rollback", run).returncode == 3
        done = kit("rollback", run, "--approve", kit.result("rollback-plan")["plan_hash"])
        assert done.returncode == 0, done.stdout + done.stderr
        keep("rollback-apply", "rollback-apply")
    return Written(kit, found)


def _fleet(kit: Kit) -> Path:
    """Write the page over a made-up fleet, with every way in which a tenant ends and a night before."""
    tonight, before = (made.summary(120, worse=0.4, night=night, part="a ring failed.") for night in (27, 26))
    path = kit.folder / "fleet.html"
    path.write_text(fleet_page.page(tonight, changes.since(before, tonight)), encoding="utf-8")
    return path


def _call(kit: Kit, code: int, command: str, *more: str) -> None:
    done = kit(command, "--tenant", "demo", *more)
    assert done.returncode == code, f"{command}: {done.stdout}{done.stderr}"


@contextlib.contextmanager
def _faulty(url: str, fault: Mapping[str, Any]) -> Iterator[None]:
    """Let a served tenant misbehave for the length of a ``with`` block."""

    def send(method: str, body: bytes | None) -> None:
        asked = urllib.request.Request(f"{url}/_sim/faults", body, method=method)
        urllib.request.urlopen(asked, timeout=10).close()

    send("POST", json.dumps([fault]).encode())
    yield
    send("DELETE", None)


def squeezed(text: str) -> str:
    """A text without what printing may change in it: white space, case, ligatures, marks that are not shown."""
    plain = unicodedata.normalize("NFKC", text)
    return re.sub(r"[\s\u00ad\u200b\u2060\ufeff]+", "", plain).casefold()


def unfold(page: Page) -> None:
    """Open every folded part."""
    page.evaluate("() => document.querySelectorAll('details').forEach(part => { part.open = true; })")


def violations(page: Page, axe: str, include: str | None = None, without: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds wrong with a page or a part of it: the rule, and where."""
    page.evaluate(axe)
    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in without}}
    found = page.evaluate(
        "([include, options]) => axe.run(include ? {include: [[include]]} : document, options)", [include, options]
    )
    return [
        f"{item['id']}: {item['help']}: {node['target']}: {node['html'][:160]}: {node['failureSummary']}"
        for item in found["violations"]
        for node in item["nodes"]
    ]


def requested(page: Page) -> list[str]:
    """From now on, the addresses that a page asks for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    return asked
