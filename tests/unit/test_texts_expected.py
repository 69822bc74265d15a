"""The statements of what each text means hold together: among themselves, and with the texts they speak of.

They were written by reading (`tests/cases/texts/README.md` has the shape). Nothing here compiles anything. The texts
of the shared folder are beside the checkout or not; what needs them is skipped where they are not.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ROOT / "tests" / "cases" / "texts"
SHARED = ROOT.parent / "shared" / "tutorials"
GIVEN_SEED = ROOT.parent / "shared" / "expected" / "seed.json"

NAMES = sorted(path.relative_to(TEXTS).with_suffix("").as_posix() for path in TEXTS.rglob("*.json"))
CASES: dict[str, dict[str, Any]] = {
    name: json.loads((TEXTS / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES
}

KEYS = {
    "text": set("text sha256 resources inputs references items manual diagnostics must_not notes".split()),
    "resource": {"type", "action", "settings", "lines"},
    "setting": {"line", "is", "of", "parameter"},
    "input": {"line", "is", "name"},
    "listed": {"line", "is", "why"},
    "diagnostic": {"code"},
}
MORE = {
    "text": {"includes", "unsupported"},
    "resource": {"identity", "for_each", "ops", "optional", "blocked", "untouched"},
    "setting": {"identity", "also", "to"},
    "input": {"to"},
    "listed": {"to", "weak"},
    "diagnostic": {"line", "to", "section", "about", "or", "weak"},
}
CODES = set(
    """encoding-repaired placeholder-text missing-commit promise-not-covered literal-holds-list stale-control
    range-without-value free-choice choice-required header-token-mismatch markup-broken unbalanced-markup
    alt-text-as-bullet unresolved-include unresolved-reference external-procedure duplicate-identity
    alternative-section gated-section branch platform-unsupported place-unknown portal-generation document-inconsistent
    contradicts-reference conflicts-with-baseline destructive-clear enable-not-stated spoofable-condition
    quarantine-policy-not-applicable guard-failed unknown-step""".split()
)
# Every type and parameter that a text may set; a misspelt one would otherwise never be missed.
VOCABULARY = {
    "EmailSecurityDomain": "allowed_delivery_modes transport ip_restrictions require_tls_outbound drop_dispositions",
    "QuarantinePolicy": "EndUserQuarantinePermissionsValue ESNEnabled",
    "GlobalQuarantinePolicy": "EndUserSpamNotificationFrequency",
    "HostedContentFilterPolicy": """SpamAction HighConfidenceSpamAction HighConfidenceSpamQuarantineTag PhishSpamAction
        PhishQuarantineTag HighConfidencePhishAction HighConfidencePhishQuarantineTag QuarantineRetentionPeriod
        MarkAsSpamSpfRecordHardFail BulkThreshold""",
    "HostedConnectionFilterPolicy": "IPAllowList IPBlockList EnableSafeList",
    "InboundConnector": """ConnectorType Comment SenderDomains SenderIPAddresses RequireTls
        RestrictDomainsToIPAddresses Enabled EFSkipLastIP EFSkipIPs EFUsers""",
    "OutboundConnector": "ConnectorType Comment RecipientDomains UseMXRecord SmartHosts TlsSettings Enabled",
    "OrganizationConfig": "IsDehydrated",
    "TransportRule": """HeaderContainsMessageHeader HeaderContainsWords SenderIpRanges SetSCL Enabled From FromScope
        SenderDomainIs SubjectContainsWords ExceptIfSenderDomainIs SetHeaderName SetHeaderValue Quarantine
        StopRuleProcessing Mode""",
}


def text_of(case: dict[str, Any]) -> Path:
    return (TEXTS if case["text"].startswith("own/") else SHARED) / case["text"]


def here(case: dict[str, Any]) -> Path:
    """Give the text; skip the test where it is not beside this checkout."""
    path = text_of(case)
    if path.is_relative_to(SHARED) and not SHARED.is_dir():
        pytest.skip(f"the collection of texts is not beside this checkout: {case['text']} is not looked at")
    return path


def as_list(lines: Any) -> list[Any]:
    return lines if isinstance(lines, list) else [lines]


def parameters(item: dict[str, Any]) -> list[str]:
    return [item["parameter"], *item.get("also", [])]


def named_lines(case: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every line that a statement names, with where it names it."""
    for resource in case["resources"]:
        for parameter, lines in resource["lines"].items():
            yield from ((f"lines of {resource['type']} {parameter}", line) for line in as_list(lines))
    for part in ("inputs", "references"):
        yield from ((f"{part} {row['name']}", line) for row in case[part] for line in row["lines"])
    for part in ("items", "diagnostics"):
        yield from ((part, row[key]) for row in case[part] for key in ("line", "to") if key in row)
    yield from (("manual", line) for line in case["manual"])


def spoken(case: dict[str, Any]) -> Iterator[str]:
    """The sentences of the statement itself, which are its own words and not the text's."""
    yield from (item["why"] for item in case["items"] if item["is"] == "listed")
    yield from (resource["blocked"] for resource in case["resources"] if "blocked" in resource)
    yield from (row["about"] for row in case["diagnostics"] if "about" in row)
    yield from case["must_not"]
    yield from as_list(case["notes"])


def misplaced(row: dict[str, Any], shape: str) -> set[str]:
    """Keys that are missing from a row or not known in it."""
    return (KEYS[shape] - row.keys()) | (row.keys() - KEYS[shape] - MORE[shape])


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_has_its_shape(name: str) -> None:
    case = CASES[name]
    assert not misplaced(case, "text")
    for resource in case["resources"]:
        assert not misplaced(resource, "resource"), resource
        assert ("identity" in resource) != ("for_each" in resource), resource
        assert resource["action"] in ("create", "modify", "ensure-absent"), resource
        assert resource.get("identity", "") is not None or "blocked" in resource, f"neither name nor block: {resource}"
        known = VOCABULARY[resource["type"]].split()
        assert not resource["settings"].keys() - known, resource
        assert resource.get("ops", {}).keys() <= resource["settings"].keys(), resource
        assert set(resource.get("ops", {}).values()) <= {"add", "remove"}, resource
    for item in case["items"]:
        assert not misplaced(item, item["is"]), item
    for row in case["diagnostics"]:
        assert not misplaced(row, "diagnostic"), row
        assert {row["code"], *row.get("or", [])} <= CODES, row


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_of_a_resource_has_a_line_and_an_item_there(name: str) -> None:
    case = CASES[name]
    items = {
        (item["line"], item["of"], item.get("identity"), parameter)
        for item in case["items"]
        if item["is"] == "setting"
        for parameter in parameters(item)
    }
    asked = {(item["line"], item["name"]) for item in case["items"] if item["is"] == "input"}
    backed = set()
    for resource in case["resources"]:
        settings, lines = resource["settings"], resource["lines"]
        assert settings.keys() == lines.keys() - {"identity"}, f"settings and lines differ in {resource}"
        for parameter, at in lines.items():
            value = settings.get(parameter)
            wanted = {(line, resource["type"], resource.get("identity"), parameter) for line in as_list(at)}
            inputs = {(line, value["input"]) for line in as_list(at)} if is_input(value) else set()
            assert wanted & items or inputs & asked, f"no item says {resource['type']} {parameter} at {at}"
            backed |= wanted
    assert not items - backed, "items that set what no resource has at that line"


def is_input(value: Any) -> bool:
    return isinstance(value, dict) and "input" in value


@pytest.mark.parametrize("name", NAMES)
def test_an_item_stands_once_and_manual_steps_are_listed(name: str) -> None:
    case = CASES[name]
    what = Counter((i["line"], i.get("identity"), i.get("parameter") or i.get("why")) for i in case["items"])
    twice = [item for item, times in what.items() if times > 1]  # a line may ask for several things, each once
    assert not twice
    listed = {item["line"] for item in case["items"] if item["is"] == "listed"}
    assert not set(case["manual"]) - listed
    assert not (case.get("unsupported") and case["resources"]), "nothing may be made on a platform that is refused"


@pytest.mark.parametrize("name", NAMES)
def test_inputs_and_references_that_are_used_are_declared(name: str) -> None:
    case = CASES[name]
    values = [value for resource in case["resources"] for value in resource["settings"].values()]
    values += [{"input": resource["for_each"]} for resource in case["resources"] if "for_each" in resource]
    for part, key in (("inputs", "input"), ("references", "ref")):
        used = {value[key] for value in values if isinstance(value, dict) and key in value}
        assert used == {row["name"] for row in case[part]}, part
    inputs = {row["name"]: row["lines"] for row in case["inputs"]}
    for item in case["items"]:
        assert item["is"] != "input" or item["line"] in inputs[item["name"]], item


@pytest.mark.parametrize("name", NAMES)
def test_a_text_and_its_parts_are_those_that_were_read(name: str) -> None:
    case = CASES[name]
    path = here(case)
    found = {
        part["path"]: hashlib.sha256((path.parent / part["path"]).read_bytes()).hexdigest()
        for part in case.get("includes", [])
    }
    assert found == {part["path"]: part["sha256"] for part in case.get("includes", [])}
    assert hashlib.sha256(path.read_bytes()).hexdigest() == case["sha256"]


@pytest.mark.parametrize("name", NAMES)
def test_every_line_that_is_named_is_in_its_file_and_holds_words(name: str) -> None:
    case = CASES[name]
    path = here(case)
    files = {"": path} | {part["path"]: path.parent / part["path"] for part in case.get("includes", [])}
    lines = {part: file.read_text(encoding="utf-8").splitlines() for part, file in files.items()}
    for where, line in named_lines(case):
        part, number = ("", line) if isinstance(line, int) else (line.rpartition(":")[0], int(line.rpartition(":")[2]))
        assert part in lines, f"{where}: {part} is not among the includes"
        assert 1 <= number <= len(lines[part]), f"{where}: there is no line {line}"
        assert lines[part][number - 1].strip(), f"{where}: line {line} is empty"


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_speaks_in_its_own_words(name: str) -> None:
    case = CASES[name]
    text = " ".join(here(case).read_text(encoding="utf-8").split())
    assert not [sentence for sentence in spoken(case) if len(sentence) > 40 and sentence in text]


def test_every_text_of_our_own_and_every_part_of_one_has_a_statement() -> None:
    own = {path for path in (TEXTS / "own").rglob("*.md*")}
    stated = {text_of(case) for case in CASES.values() if case["text"].startswith("own/")}
    parts = {text_of(case).parent / part["path"] for case in CASES.values() for part in case.get("includes", [])}
    assert {path.relative_to(TEXTS).as_posix() for path in own - stated - parts} == set()


def test_every_text_of_the_shared_folder_has_a_statement() -> None:
    if not SHARED.is_dir():
        pytest.skip("the collection of texts is not beside this checkout: whether all are stated is not looked at")
    stated = {text_of(case) for case in CASES.values()}
    parts = {text_of(case).parent / part["path"] for case in CASES.values() for part in case.get("includes", [])}
    given = {path for path in SHARED.rglob("*.md*")} - {SHARED / "README.md"}
    assert {path.relative_to(SHARED).as_posix() for path in given - stated - parts} == set()


def test_the_statement_of_the_seed_says_all_that_the_given_one_says() -> None:
    if not GIVEN_SEED.is_file():
        pytest.skip("the given statement of the seed is not beside this checkout")
    given, ours = json.loads(GIVEN_SEED.read_text(encoding="utf-8")), CASES["seed"]
    assert ours["inputs"] == [
        {key: row[key] for key in ("name", "kind", "lines", "domain", "recommended") if key in row}
        for row in given["inputs"]
    ]
    assert [(row["name"], row["lines"]) for row in ours["references"]] == [
        (row["name"], row["lines"]) for row in given["references"]
    ]
    assert len(ours["resources"]) == len(given["resources"])
    for row, mine in zip(given["resources"], ours["resources"], strict=True):
        same = row.keys() - {"lines"}
        assert {key: mine.get(key) for key in same} == {key: row[key] for key in same}
        assert row.get("lines", {}).items() <= mine["lines"].items(), row["type"]
    assert all(row in ours["diagnostics"] for row in given["diagnostics"])
    assert ours["manual"] == given["manual"]
