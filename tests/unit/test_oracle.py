"""The PowerShell half of a page, held against its portal steps; it never sets anything."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from runbook.compile import Compiled, ResourceDraft, Setting, compile_tutorial
from runbook.compile.findings import Findings
from runbook.compile.oracle import compare
from runbook.compile.powershell_text import Call, read_calls
from runbook.compile.result import Action
from runbook.compile.text import render
from runbook.compile.values import Literal
from runbook.lexicon import Lexicon, load_lexicon
from runbook.tutorial import parse_tutorial, read_tutorial

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases" / "oracle"
NAMES = sorted(path.stem for path in CASES.glob("*.md"))
STATEMENTS: dict[str, Any] = yaml.safe_load((CASES / "statements.yaml").read_text(encoding="utf-8"))
MICROSOFT = ROOT.parent / "shared" / "tutorials" / "microsoft"
CODES = ("contradicts-reference", "unknown-step")


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


def of_powershell(compiled: Compiled) -> list[dict[str, Any]]:
    code = {at for at, kind in enumerate(compiled.tutorial.ledger, start=1) if kind == "code"}
    return [
        {"code": item.code, "severity": item.severity, "lines": list(item.lines), "message": item.message}
        for item in compiled.diagnostics
        if item.code in CODES and code & set(item.lines)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, lexicon: Lexicon) -> None:
    wanted = yaml.safe_load((CASES / f"{name}.expected.yaml").read_text(encoding="utf-8"))
    compiled = compile_tutorial(read_tutorial(CASES / f"{name}.md"), lexicon)
    assert (compiled.oracle.as_json() if compiled.oracle else None) == wanted["oracle"], name
    assert of_powershell(compiled) == wanted["diagnostics"], name
    assert compiled.as_json().get("oracle") == wanted["oracle"], name


@pytest.mark.parametrize("name", NAMES)
def test_powershell_sets_nothing(name: str, lexicon: Lexicon) -> None:
    """Without its code the text gives the same resources, inputs and steps for a person, to the letter."""
    whole = read_tutorial(CASES / f"{name}.md")
    fence, kept = False, []
    for line in (CASES / f"{name}.md").read_text(encoding="utf-8").split("\n"):
        marks = line.strip().startswith("```")
        kept.append("" if marks or fence else line)
        fence ^= marks
    bare = compile_tutorial(parse_tutorial("\n".join(kept).encode(), path=whole.path), lexicon)
    found = compile_tutorial(whole, lexicon)
    for part in ("resources", "inputs", "references", "order", "manual", "readings", "promises"):
        assert getattr(found, part) == getattr(bare, part), f"{name}: {part}"


def test_the_text_of_a_compile_counts_and_lists(lexicon: Lexicon) -> None:
    shown = render(compile_tutorial(read_tutorial(CASES / "another-object.md"), lexicon))
    assert "PowerShell beside the steps\n  2 calls read, 0 compared;" in shown
    assert "not compared: Remove-TransportRule Even  [line 17; no portal step of this text is about it]" in shown
    assert "PowerShell beside" not in render(compile_tutorial(read_tutorial(CASES / "no-powershell.md"), lexicon))


@pytest.mark.parametrize("text", STATEMENTS)
def test_statement(text: str) -> None:
    found = []
    for item in read_calls(text.removesuffix("\n").split("\n"), 1):
        if isinstance(item, Call):
            row: dict[str, Any] = {"call": item.cmdlet, "line": item.line}
            row |= {"identity": item.identity.value} if item.identity else {}
            row |= {"open": True} if item.identity and item.identity.open else {}
            for parameter in item.parameters:
                row[f"-{parameter.name}"] = [_plain(written) for written in parameter.written]
            found.append(row)
        else:
            found.append({"unread": item.why, "line": item.line})
    assert found == STATEMENTS[text], text


def _plain(written: Any) -> Any:
    value = list(written.value) if isinstance(written.value, tuple) else written.value
    value = {written.op: value} if written.op != "set" else value
    return {"open": value} if written.open else value


@pytest.mark.parametrize("odd", ["'", '"', "<#", "@{", "@(", "`\n", "-a ", ",", "$x ", "| ", "“’"])
def test_a_heap_of_marks_ends(odd: str) -> None:
    """100,000 characters of anything are read in a moment, to a call or to a reason."""
    for text in (odd * (100_000 // len(odd)), "Set-X -A " + odd * 20_000, f"{odd}\n" * 20_000):
        for item in read_calls(text.split("\n"), 1):
            assert isinstance(item, Call) or item.why


def draft(type_: str, identity: str, action: Action, line: int, **values: Literal) -> ResourceDraft:
    settings = tuple(
        Setting(parameter=name, value=value, lines=(line,), label="", words="", certainty="exact label",
                op="add" if name.startswith("IP") else "set")
        for name, value in values.items()
    )  # fmt: skip
    return ResourceDraft(type=type_, action=action, identity=identity, settings=settings, section="one", lines=(),
                         opened_at=line, committed_at=None)  # fmt: skip


@pytest.mark.parametrize(
    ("drafts", "powershell", "counts"),
    [
        ([("OrganizationConfig", "Organization", "modify", {"IsDehydrated": False})],
         "Enable-OrganizationCustomization", {"calls": 1, "compared": 1, "agreeing": 1}),
        ([("InboundConnector", "In", "create", {"SenderDomains": ("*",), "RequireTls": True, "Enabled": True}),
          ("InboundConnector", "In", "modify", {"EFSkipLastIP": True, "EFUsers": ()})],
         "New-InboundConnector -Name In -SenderDomains * -RequireTls $true\n"
         "Set-InboundConnector -Identity in -EFSkipLastIP $true -EFUsers $null",
         {"calls": 2, "compared": 2, "agreeing": 5}),
        ([("InboundConnector", "In", "create", {"SenderDomains": ("*",), "RequireTls": True})],
         "New-InboundConnector -Name In -SenderDomains example.com -RequireTls $true",
         {"calls": 1, "compared": 1, "agreeing": 1, "differing": 1}),
        ([("GlobalQuarantinePolicy", "DefaultGlobalTag", "modify", {"EndUserSpamNotificationFrequency": "1.00:00:00"})],
         "Set-QuarantinePolicy -Identity DefaultGlobalTag -EndUserSpamNotificationFrequency 1.00:00:00",
         {"calls": 1, "compared": 1, "agreeing": 1}),
        ([("QuarantinePolicy", "Held", "ensure-absent", {})], "Remove-QuarantinePolicy -Identity Held",
         {"calls": 1, "compared": 1, "agreeing": 1}),
        ([("QuarantinePolicy", "Held", "ensure-absent", {})], "Set-QuarantinePolicy -Identity Held -ESNEnabled $true",
         {"calls": 1, "compared": 1, "one_sided": 1}),
    ],
    ids=["organisation", "created and then changed", "another domain", "global", "taken away", "changed instead"],
)  # fmt: skip
def test_drafts_of_kinds_that_no_case_has(
    drafts: list[tuple[str, str, Action, dict[str, Literal]]], powershell: str, counts: dict[str, int], lexicon: Lexicon
) -> None:
    """Connectors and the organisation, whichever the lexicon has by now: only their types are asked of it."""
    first, places = lexicon.places_file.places[0], lexicon.places_file
    more = tuple(
        first.model_copy(update={"id": f"test.{name}", "resource": name, "console": ("exchange",)})
        for name in ("InboundConnector", "OrganizationConfig")
    )
    wider = dataclasses.replace(lexicon, places_file=places.model_copy(update={"places": (*places.places, *more)}))
    made = [
        draft(name, identity, action, at, **values) for at, (name, identity, action, values) in enumerate(drafts, 1)
    ]
    text = parse_tutorial(f"## A\n\n1. Go.\n\n```PowerShell\n{powershell}\n```\n".encode())
    oracle = compare(text, made, wider, Findings())
    assert oracle is not None
    found = {name: count for name, count in oracle.as_json().items() if name != "unread" and count}
    assert found == counts, oracle
    assert oracle.unread == ()


@pytest.mark.skipif(not MICROSOFT.exists(), reason="the pages of the vendor are not beside this checkout")
def test_pages_of_the_vendor(lexicon: Lexicon) -> None:
    """Every call of the given pages is read; what the steps gave no resource for is told of, with its line."""
    calls = 0
    for path in sorted(MICROSOFT.glob("*.md")):
        compiled = compile_tutorial(read_tutorial(path), lexicon)
        oracle = compiled.oracle
        fences = len(re.findall(r"^\s*```PowerShell", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert (oracle.calls if oracle else 0) == fences, f"{path.name}: each fence holds one call"
        if oracle is None:
            continue
        calls += oracle.calls
        told = {line for item in of_powershell(compiled) for line in item["lines"]}
        assert {row.line for row in oracle.unread} <= told, f"{path.name}: nothing is lost silently"
        assert oracle.compared + len(oracle.unread) == oracle.calls, path.name
        bare = dataclasses.replace(compiled, oracle=None)
        assert [draft.key for draft in bare.resources] == [draft.key for draft in compiled.resources]
    assert calls == 5
