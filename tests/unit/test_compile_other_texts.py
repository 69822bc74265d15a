"""Real texts of other authors and years: never misread, nothing lost, whatever becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runbook.compile import Compiled, compile_tutorial
from runbook.compile.text import render
from runbook.compile.values import plain_json
from runbook.errors import TutorialError
from runbook.lexicon import Lexicon, load_lexicon
from runbook.tutorial import read_tutorial

TEXTS = Path(__file__).resolve().parents[3] / "shared" / "tutorials"
pytestmark = pytest.mark.skipif(not TEXTS.exists(), reason="the collection of texts is not beside this checkout")
ALL = sorted(path for path in TEXTS.rglob("*.md*") if path.name != "README.md") if TEXTS.exists() else []
NO_TUTORIAL = {"dispositions-2024.md", "egress-ips-2024.md"}
NO_RESOURCE = {
    "unsupported-cisco-as-mx-2024.md", "manual-office365-graph-api-2024.md", "domains-2024.md",
    "uc2-2023-mermaid.md",
    "configure-the-connection-filter-policy-2019.md",
    "use-rules-to-bypass-clutter.md", "use-rules-to-set-scl.md",
}  # fmt: skip


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


def compiled_of(name: str, lexicon: Lexicon) -> Compiled:
    (path,) = [path for path in ALL if str(path).endswith(name)]
    return compile_tutorial(read_tutorial(path), lexicon)


@pytest.mark.parametrize("path", ALL, ids=lambda path: "/".join(path.parts[-2:]))
def test_no_text_is_lost(path: Path, lexicon: Lexicon) -> None:
    if path.name in NO_TUTORIAL:
        with pytest.raises(TutorialError, match="no numbered step"):
            read_tutorial(path)
        return
    compiled = compile_tutorial(read_tutorial(path), lexicon)
    assert compiled.ledger["closed"]
    lines = [reading.first for reading in compiled.readings]
    assert len(lines) == len(set(lines)), "each item is read once"
    assert {step.first for step in compiled.tutorial.walk()} <= set(lines)
    told = {line for item in (*compiled.diagnostics, *compiled.manual) for line in item.lines}
    unread = {reading.first for reading in compiled.readings if reading.read_as == "unknown"}
    by_hand = {reading.first for reading in compiled.readings if reading.read_as == "manual"}
    assert by_hand <= told
    assert unread <= told | {line for draft in compiled.resources for line in _blocked_lines(draft)}
    assert render(compiled).startswith(compiled.tutorial.title)
    if path.name in NO_RESOURCE:
        assert compiled.resources == ()


def _blocked_lines(draft: Any) -> set[int]:
    return {int(reason.split(":")[0].removeprefix("line ")) for reason in draft.blocked_by}


def settings(compiled: Compiled, key: str) -> dict[str, Any]:
    return {item.parameter: plain_json(item.value) for item in compiled.resource(key).settings}


def codes(compiled: Compiled) -> set[str]:
    return {item.code for item in compiled.diagnostics}


def test_use_case_one_is_a_whole_tutorial(lexicon: Lexicon) -> None:
    compiled = compiled_of("uc1-2022.md", lexicon)
    assert [draft.type for draft in compiled.resources] == [
        "EmailSecurityDomain",
        "QuarantinePolicy",
        "GlobalQuarantinePolicy",
        "HostedContentFilterPolicy",
        "TransportRule",
    ]
    domain = settings(compiled, "EmailSecurityDomain:{domains}")
    assert domain["drop_dispositions"] == ["MALICIOUS", "SPAM", "SPOOF"]
    assert settings(compiled, "QuarantinePolicy:UserNotifyAdminRelease") == {
        "EndUserQuarantinePermissionsValue": 11, "ESNEnabled": True,
    }  # fmt: skip
    assert not any(draft.blocked_by for draft in compiled.resources) and not compiled.manual


def test_second_rule_of_2022_waits_for_a_word_that_never_comes(lexicon: Lexicon) -> None:
    compiled = compiled_of("uc2-2022-with-second-rule.md", lexicon)
    second = settings(compiled, "TransportRule:Area 1 User Quarantine Message")
    assert second["SetSCL"] == 9 and second["HeaderContainsWords"]["as_written"] == ["SPAM, SPOOF"]
    assert "header-token-mismatch" in codes(compiled)


def test_rendered_page_of_2026(lexicon: Lexicon) -> None:
    compiled = compiled_of("uc2-2026-rendered.md", lexicon)
    rules = [draft for draft in compiled.resources if draft.type == "TransportRule"]
    values = [settings(compiled, draft.key) for draft in rules]
    assert [(value["HeaderContainsWords"], value["SetSCL"]) for value in values] == [
        (["BULK"], 5), (["UCE", "SPOOF"], 9),
    ]  # fmt: skip
    assert {draft.identity for draft in rules} == {
        "Email security Deliver to Junk Email folder", "Email security User Quarantine Message",
    }  # fmt: skip
    policy = settings(compiled, "HostedContentFilterPolicy:Default")
    assert policy["HighConfidenceSpamQuarantineTag"] == "UserNotifyUserRelease"
    assert policy["PhishQuarantineTag"] == policy["HighConfidencePhishQuarantineTag"] == "UserNotifyAdminRelease"
    assert {"markup-broken", "alt-text-as-bullet"} <= codes(compiled)
    assert not any(draft.blocked_by for draft in compiled.resources)


def test_unfinished_texts_say_so(lexicon: Lexicon) -> None:
    assert "document-inconsistent" in codes(compiled_of("uc1-2022-unfinished.md", lexicon))
    fifth = compiled_of("uc5-2022-unfinished.md", lexicon)
    assert settings(fifth, "TransportRule:Area 1 User Quarantine Message")["Quarantine"] is True
    assert {"missing-commit", "enable-not-stated", "header-token-mismatch"} <= codes(fifth)
    assert "promise-not-covered" in codes(compiled_of("uc4-2022-unfinished.md", lexicon))


def test_includes_are_missed(lexicon: Lexicon) -> None:
    compiled = compiled_of("uc1-2025-mdx/one-junk-admin-quarantine.mdx", lexicon)
    assert [draft.type for draft in compiled.resources] == ["TransportRule"]
    assert sum(item.code == "unresolved-include" for item in compiled.diagnostics) == 3


def test_template_parameters_block(lexicon: Lexicon) -> None:
    compiled = compiled_of("_o365-use-cases-antispam.md", lexicon)
    (policy,) = compiled.resources
    assert policy.blocked_by and not any("Tag" in setting.parameter for setting in policy.settings)


def test_parent_text(lexicon: Lexicon) -> None:
    compiled = compiled_of("parent-2024-office-365-area1-mx.md", lexicon)
    assert settings(compiled, "HostedConnectionFilterPolicy:Default") == {"IPAllowList": {"ref": "egress_ips"}}
    allow = compiled.resource("HostedConnectionFilterPolicy:Default").setting("IPAllowList")
    assert allow is not None and allow.op == "add", "an allow list is added to, never replaced"
    assert settings(compiled, "HostedContentFilterPolicy:Default") == {"MarkAsSpamSpfRecordHardFail": "Off"}
    domain = compiled.resource("EmailSecurityDomain:{domains}")
    assert domain.optional and not domain.blocked_by, "it stands in a section that is only recommended"
    assert domain.setting("drop_dispositions") is None, "the text leaves them open"
    made, changed, locked = [draft for draft in compiled.resources if draft.type == "InboundConnector"]
    assert {item.parameter: plain_json(item.value) for item in made.settings} == {
        "ConnectorType": "Partner", "Comment": "Inbound connector for Enhanced Filtering", "SenderDomains": ["*"],
        "SenderIPAddresses": {"ref": "egress_ips"}, "RequireTls": True,
    }  # fmt: skip
    assert (changed.action, changed.identity) == ("modify", made.identity)
    assert {item.parameter: plain_json(item.value) for item in changed.settings} == {
        "EFSkipLastIP": True,
        "EFUsers": [],
    }
    assert locked.optional and not locked.blocked_by
    assert {item.parameter: plain_json(item.value) for item in locked.settings} == {
        "ConnectorType": "Partner", "SenderDomains": ["*"], "RequireTls": True, "RestrictDomainsToIPAddresses": True,
        "Comment": "Only accept inbound email from Cloud Email Security (formerly Area 1)",
        "SenderIPAddresses": {"ref": "egress_ips"},
    }  # fmt: skip


def test_the_names_of_portals_tell_a_texts_age(lexicon: Lexicon) -> None:
    assert compiled_of("uc1-2022.md", lexicon).generation == (2022, 2024)
    assert compiled_of("uc2-2026-rendered.md", lexicon).generation == (2022, 2026)


def test_excerpts_of_other_authors(lexicon: Lexicon) -> None:
    bypass = compiled_of("mailprotector-scl-minus-1-excerpt.md", lexicon)
    assert settings(bypass, "TransportRule:Mailprotector bypass") == {
        "SenderIpRanges": ["52.0.70.91", "52.0.31.31", "52.0.74.211"], "SetSCL": -1, "Enabled": True,
    }  # fmt: skip
    simulation = compiled_of("cyberguru-transport-rule-excerpt.md", lexicon)
    assert settings(simulation, "TransportRule:Cyber Guru") == {"SenderIpRanges": ["85.235.135.191"]}
    assert simulation.resources[0].blocked_by, "the header and its words are not given"


def test_baselines(lexicon: Lexicon) -> None:
    for name in ("scubagear-ms-exo-12-2.md", "maester-antispam-safelist.md"):
        compiled = compiled_of(name, lexicon)
        assert settings(compiled, "HostedConnectionFilterPolicy:Default") == {"EnableSafeList": False}
        assert not compiled.resources[0].blocked_by


def test_platform_that_is_not_supported(lexicon: Lexicon) -> None:
    compiled = compiled_of("unsupported-cisco-as-mx-2024.md", lexicon)
    assert "platform-unsupported" in codes(compiled)
    walked = [step.first for step in compiled.tutorial.walk() if step.number is not None]
    assert set(walked) <= {item.lines[0] for item in compiled.manual}
